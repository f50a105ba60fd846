package rescue

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDo(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	if err := Do(func() error { return plain }); err != plain || Of(err) != nil {
		t.Errorf("Do = %v, want the function's own error", err)
	}
	first := Do(func() error { panic("boom") })
	p := Of(fmt.Errorf("deep: %w", first))
	if p == nil || p.Value != "boom" || !strings.Contains(string(p.Stack), "TestDo") || first.Error() != "panic: boom" {
		t.Fatalf("Do of a panic = %#v, want value and stack", first)
	}
	if again := Do(func() error { panic(p) }); again != error(p) {
		t.Errorf("a panic raised again became %#v, want the first", again)
	}
}
