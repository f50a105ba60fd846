package intake_test

import (
	"encoding/base64"
	"math/rand/v2"
	"testing"

	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

// TestPackedBytesNobodyKeepsGo demands that the file of a large mail does not
// stay behind where another copy turns out to have the same text, or where the
// transaction fails.
func TestPackedBytesNobodyKeepsGo(t *testing.T) {
	var under *boltstore.Store
	w := newWorldWith(t, func(s store.Store) store.Store {
		under = s.(*boltstore.Store)
		return &switched{s}
	})
	files := func() int64 {
		size, err := under.Size()
		if err != nil {
			t.Fatal(err)
		}
		return size.Files
	}
	noise := make([]byte, 300<<10)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(noise)
	text := base64.StdEncoding.EncodeToString(noise)
	w.person("Cleo Client", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("big", cleo, ada, "Big", "X-Copy: 1")+text)
	w.sync()
	one := files()
	if one == 0 {
		t.Fatal("the mail lies in no file: the test tests nothing")
	}
	w.deliver("ada", "Archive", mail("big", cleo, ada, "Big", "X-Copy: 2")+text+"\r\n") // of another size: its body is read
	w.sync()
	if n := len(w.find("Big")); n != 1 {
		t.Fatalf("%d messages, want one", n)
	}
	if h := w.find("Big")[0].Holdings; len(h) != 2 {
		t.Errorf("holdings %+v; want two", h)
	}
	if files() != one {
		t.Errorf("a second copy of the same text leaves %d bytes in files, want %d", files(), one)
	}

	w.deliver("ada", "INBOX", mail("other", cleo, ada, "Other")+text+"other")
	was := files()
	store := w.store.(*switched)
	sound := store.Store
	for n := 1; ; n++ {
		store.Store = storetest.Failing(sound, n)
		failed := w.tryPass()
		store.Store = sound
		if !failed || len(w.find("Other")) > 0 {
			break
		}
		if files() != was {
			t.Errorf("call %d failed and leaves %d bytes in files, want %d", n, files(), was)
		}
	}
	w.sync()
	if len(w.find("Other")) != 1 || files() <= was {
		t.Errorf("in the end there are %d messages and %d bytes in files", len(w.find("Other")), files())
	}
}
