package intake_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rapport/records/message"
)

// TestStatusAfterErasure erases a person and looks at the folders before any
// pass: what left the store is not counted as stored.
func TestStatusAfterErasure(t *testing.T) {
	w, c, _ := filled(t)
	if _, err := w.Erase(context.Background(), "test", c.ID); err != nil {
		t.Fatal(err)
	}
	got := w.counts()
	w.sync()
	want := w.counts()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(message.FolderStatus{}, "At", "InSync"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("folders after the erasure (-counted by the next pass +shown before it):\n%s", d)
	}
	if stored := want["ada/INBOX"].Stored; stored == got["ada/INBOX"].Exists {
		t.Errorf("%d messages of ada/INBOX are stored; the erasure took none away", stored)
	}
}

// TestStatusAfterErasureOfGoneMail erases where the server has lost some of
// the mail: which of it is counted only a pass can tell, so it is asked for.
func TestStatusAfterErasureOfGoneMail(t *testing.T) {
	w, c, _ := filled(t)
	ctx := context.Background()
	f := w.folder("ada", "INBOX")
	delete(f.mails, 1)
	left := message.UIDs(slices.Collect(maps.Keys(f.mails))...)
	if _, err := w.Report(ctx, message.Report{Folder: f.Folder, Listed: left, Mark: message.Mark{UIDNext: f.next}, At: w.now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "test", c.ID); err != nil {
		t.Fatal(err)
	}
	p, err := w.Resume(ctx, f.Folder)
	if err != nil {
		t.Fatal(err)
	}
	if p.Mark != (message.Mark{}) {
		t.Errorf("mark of %s/%s = %+v; want none, so that the next pass counts again", f.Mailbox, f.Name, p.Mark)
	}
}

// counts returns the status of every folder by its path.
func (w *world) counts() map[string]message.FolderStatus {
	w.t.Helper()
	out := map[string]message.FolderStatus{}
	for _, box := range []string{"ada", "bob"} {
		all, err := w.Status(context.Background(), box)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range all {
			out[box+"/"+s.Name] = s
		}
	}
	return out
}

// TestStatusOfFolderGoneBeforeItWasOpened: a folder is renamed between the list
// and the look into it. The failure must not stay when the folder is no more.
func TestStatusOfFolderGoneBeforeItWasOpened(t *testing.T) {
	w, _, _ := filled(t)
	ctx := context.Background()
	for _, validity := range []uint32{0, 7} {
		gone := message.Folder{Mailbox: "ada", Name: "Older", UIDValidity: validity}
		if _, err := w.Report(ctx, message.Report{Folder: gone, Err: "Mailbox doesn't exist", At: w.now()}); err != nil {
			t.Fatal(err)
		}
		if _, there := w.counts()["ada/Older"]; !there {
			t.Error("the failure is not shown while the folder is listed")
		}
		if err := w.Listed(ctx, "ada", []string{"INBOX", "Sent"}); err != nil {
			t.Fatal(err)
		}
		if st, there := w.counts()["ada/Older"]; there {
			t.Errorf("the folder is no more, and its status is still %+v", st)
		}
	}
}
