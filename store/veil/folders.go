package veil

import (
	"slices"
	"time"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
)

// folders are those of the mailboxes of which anything is seen.
type folders struct{ v *Tx }

func (c folders) of() store.Folders { return c.v.tx.Folders() }

func (c folders) sees(mailbox string) bool { return c.v.eyes.Mailbox(mailbox).Shows(access.Metadata) }

func (c folders) Progress(f message.Folder) (message.Progress, error) {
	if !c.sees(f.Mailbox) {
		return message.Progress{}, nil // as of a folder never seen
	}
	return c.of().Progress(f)
}

func (c folders) Mark(f message.Folder) (message.Mark, error) {
	if !c.sees(f.Mailbox) {
		return message.Mark{}, nil
	}
	return c.of().Mark(f)
}

func (c folders) Quarantined(f message.Folder, s store.Slice) (store.Page[store.Quarantine], error) {
	if !c.sees(f.Mailbox) {
		return store.Page[store.Quarantine]{}, nil
	}
	return c.of().Quarantined(f, s)
}

func (c folders) List(mailbox string) ([]message.Folder, error) {
	all, err := c.of().List(mailbox)
	return slices.DeleteFunc(all, func(f message.Folder) bool { return !c.sees(f.Mailbox) }), err
}

func (c folders) Status(mailbox string) ([]message.FolderStatus, error) {
	if !c.sees(mailbox) {
		return nil, nil
	}
	return c.of().Status(mailbox)
}

func (c folders) Hinted(d store.Digest) ([]store.Skipped, error) {
	all, err := c.of().Hinted(d)
	return slices.DeleteFunc(all, func(s store.Skipped) bool { return !c.sees(s.Folder.Mailbox) }), err
}

func (folders) Settle(message.Folder, store.Settlement) error { return readOnly("folder") }
func (folders) Unsettle(message.Folder, message.UIDSet) error { return readOnly("folder") }
func (folders) SetScanned(message.Folder, time.Time) error    { return readOnly("folder") }
func (folders) SetFingerprints(message.Folder, []message.Fingerprint) error {
	return readOnly("folder")
}
func (folders) SetMark(message.Folder, message.Mark) error        { return readOnly("folder") }
func (folders) Forget(message.Folder) error                       { return readOnly("folder") }
func (folders) SetStatus(string, message.FolderStatus) error      { return readOnly("folder") }
func (folders) Hint(message.Folder, uint32, []store.Digest) error { return readOnly("folder") }
