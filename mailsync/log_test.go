package mailsync

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestRepeatingFaultIsNotRepeatedInTheLog keeps a server down for an hour: the
// fault is told to Failed once, and each further try only to those who debug.
func TestRepeatingFaultIsNotRepeatedInTheLog(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, _ *mailtest.ScriptIMAP, _ *mailtest.ScriptFolder, _ *memSink, o Options) {
		var log bytes.Buffer
		told, tries := 0, 0
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Failed = func(_ string, err error) {
			if err != nil {
				told++
			}
		}
		o.Dial = func(context.Context, string) (net.Conn, error) {
			tries++
			return nil, errors.New("the line is down")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := syncer(t, o).Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if lines := strings.Count(log.String(), "\n"); tries < 10 || told != 1 || lines > 1 {
			t.Errorf("%d tries, told %d times, %d lines in the log; want many, once, and one at most:\n%s", tries, told, lines, log.String())
		}
	})
}
