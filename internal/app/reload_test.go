package app

import (
	"context"
	"testing"

	"rapport/internal/config"
	"rapport/internal/rescue"
)

// TestReloadThatPanics is a reload that failed.
func TestReloadThatPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.configure()
	cfg := w.config()
	o, err := RunOptions{Log: w.log}.options(cfg)
	if err != nil {
		t.Fatal(err)
	}
	undo := &stops{log: o.log}
	defer func() {
		if err := undo.unwind(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	s, err := build(t.Context(), cfg, o, undo)
	if err != nil {
		t.Fatal(err)
	}
	s.reroute = func(*config.Config) (func(), error) { panic("no route") }
	s.rebind = func(config.Web) (func(), error) { return func() {}, nil }
	var reloaded error
	if err := rescue.Do(func() error { reloaded = s.Reload(t.Context()); return nil }); err != nil {
		t.Errorf("the panic came through Reload: %v", err)
	}
	if rescue.Of(reloaded) == nil {
		t.Errorf("Reload = %v, want the panic as its error", reloaded)
	}
}
