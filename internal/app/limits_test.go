package app

import (
	"strings"
	"testing"
)

// TestM84_FilesAreShared leaves files for the store and for who asks, however
// many mailboxes there are, and every mailbox one connection.
func TestM84_FilesAreShared(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ files, boxes, want int }{
		{64, 20, 1}, {64, 5, 4}, {1024, 20, 37}, {1024, 1000, 1}, {65536, 1000, 65}, {unlimited, 3, (unlimited - ownFiles - mostAskers) / 3}, {16, 3, 1}, {64, 0, 24},
	} {
		got := connections(tt.files, tt.boxes)
		if got != tt.want {
			t.Errorf("connections(%d, %d) = %d, want %d", tt.files, tt.boxes, got, tt.want)
		}
		if got > 1 && got*tt.boxes+ownFiles+askers(tt.files) > tt.files {
			t.Errorf("connections(%d, %d) = %d take more files than there are", tt.files, tt.boxes, got)
		}
		if text := fewFiles(tt.files, tt.boxes); (text != "") != (got < connsWanted) || text != "" && !strings.Contains(text, "LimitNOFILE") {
			t.Errorf("fewFiles(%d, %d) = %q", tt.files, tt.boxes, text)
		}
	}
	t.Attr("tries", "8")
}
