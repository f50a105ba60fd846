package app

import (
	"testing"

	"rapport/internal/config"
	"rapport/internal/rescue"
)

// TestReloadThatPanics is a reload that failed.
func TestReloadThatPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.configure()
	s, stop := w.built(RunOptions{})
	defer stop()
	s.reroute = func(*config.Config) (func(), error) { panic("no route") }
	var reloaded error
	if err := rescue.Do(func() error { reloaded = s.Reload(t.Context()); return nil }); err != nil {
		t.Errorf("the panic came through Reload: %v", err)
	}
	if rescue.Of(reloaded) == nil {
		t.Errorf("Reload = %v, want the panic as its error", reloaded)
	}
}
