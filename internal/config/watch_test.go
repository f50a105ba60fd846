package config

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// told lets the bubble's own clock run and reports whether a change was told.
func told(changes <-chan struct{}) bool {
	time.Sleep(3500 * time.Millisecond)
	synctest.Wait()
	select {
	case _, open := <-changes:
		return open
	default:
		return false
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changes := Watch(ctx, path, time.Second)
		expect := func(step string, want bool) {
			t.Helper()
			if got := told(changes); got != want {
				t.Errorf("%s: told %v, want %v", step, got, want)
			}
		}
		expect("nothing happens", false)
		put("b")
		expect("written", true)
		expect("told once", false)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		expect("touched only", false)
		put("c")
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		expect("same time and size, other content", true)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		expect("gone", false)
		put("c")
		expect("back as it was", false)
		if err := os.WriteFile(path+".new", []byte("d"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		expect("replaced", true)
		put("e")
		time.Sleep(5 * time.Second)
		put("f")
		expect("two changes unread", true)
		expect("are one", false)
		cancel()
		if _, open := <-changes; open {
			t.Error("the channel is open after the end")
		}
	})
}
