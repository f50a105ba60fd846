package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
)

// stateFault is where the store remembers the last fault of a mailbox, by its
// name, for a status that is asked for when nobody watches it.
const stateFault = "mailbox fault "

// remembered is a fault as it outlives the process that had it.
type remembered struct {
	Error string        `json:"error"`
	Said  phrase.Phrase `json:"said,omitzero"`
	At    time.Time     `json:"at"`
}

// remember keeps a mailbox's fault, or forgets the one it had where err is nil.
// That is for people to read: where it cannot be written, the log says so.
func (s *system) remember(ctx context.Context, mailbox string, err error) {
	var raw []byte
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "mailbox "+mailbox+": ")                           // said beside the name
		raw, _ = json.Marshal(remembered{escape(text), phrase.Of(err).Map(escape), s.now().UTC()}) // texts and a time
	}
	key := stateFault + mailbox
	if err == nil && !s.faulty(ctx, key) {
		return
	}
	write := s.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(key, raw) })
	if write != nil && ctx.Err() == nil {
		s.log.Warn("fault of a mailbox not kept for a later status", "mailbox", mailbox, "err", write)
	}
}

// faulty reports whether a fault is kept.
func (s *system) faulty(ctx context.Context, key string) bool {
	var raw []byte
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(key)
		return err
	})
	return err != nil || len(raw) > 0
}

// recall adds the fault an earlier process had with a mailbox, where this one
// has not tried it.
func (s *system) recall(ctx context.Context, m *message.MailboxStatus) error {
	if m.Error != "" || m.State != message.StateIdle || !m.LastPass.IsZero() {
		return nil
	}
	var raw []byte
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(stateFault + m.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the last fault of %s: %w", m.Name, err)
	}
	var r remembered
	if len(raw) == 0 || json.Unmarshal(raw, &r) != nil {
		return nil // nothing, or nothing this version wrote
	}
	m.Error, m.Said, m.ErrorAt = r.Error, r.Said, r.At
	return nil
}
