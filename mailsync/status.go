package mailsync

import (
	"maps"
	"slices"
	"time"

	"rapport/records/message"
	"rapport/records/phrase"
)

// Status returns what the mailbox is doing now.
func (s *Syncer) Status() message.MailboxStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Folders = []message.FolderStatus{}
	for _, name := range slices.Sorted(maps.Keys(s.folders)) {
		st.Folders = append(st.Folders, s.folders[name])
	}
	if s.work.Total > 0 {
		w := s.work
		if took := s.o.Now().Sub(s.began); took > 0 {
			w.Rate = float64(w.Done) / took.Seconds()
		}
		if w.Rate > 0 {
			w.ETA = time.Duration(float64(w.Total-w.Done) / w.Rate * float64(time.Second))
		}
		st.Backfill = &w
	}
	return st
}

// become changes the state that Status shows, and tells Options.Failed when a
// fault begins, changes or ends.
func (s *Syncer) become(state message.State, err error, next time.Time) {
	s.mu.Lock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if s.state.State != state {
		s.state.Since = s.o.Now()
	}
	s.state.State, s.state.NextTry = state, next
	changed := text != s.state.Error && (text != "" || state == message.StateWatching || state == message.StateIdle)
	if changed {
		s.state.Error, s.state.Said = text, phrase.Of(err)
	}
	s.mu.Unlock()
	if changed && s.o.Failed != nil && kindOf(err) != Spent { // which is as it was asked for
		s.o.Failed(s.o.Mailbox.Name, err)
	}
}

// progress counts what a pass has settled and what it is to settle.
func (s *Syncer) progress(folder string, done, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.work.Total == 0 {
		s.began = s.o.Now()
	}
	s.work.Folder = folder
	s.work.Done += done
	s.work.Total = max(s.work.Total+total, s.work.Done)
	s.settledCount += done
}

// rested ends the count.
func (s *Syncer) rested() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work = message.Backfill{}
}

// folderDone keeps a folder's status.
func (s *Syncer) folderDone(st message.FolderStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if said, ok := s.said[st.Name]; st.Error == "" && ok {
		st.Error, st.Said = said.String(), said
		delete(s.said, st.Name)
	}
	s.folders[st.Name] = st
}

// say keeps a warning about a folder for its next status.
func (s *Syncer) say(folder string, text phrase.Phrase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said[folder] = text
}

// listAgain is after how long a folder is listed in full even though the
// server's numbers have not changed: they may lie.
const listAgain = 6 * time.Hour

func (s *Syncer) listedNow(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[folder] = s.o.Now()
}

// listDue tells whether a folder was last listed too long ago. A process that
// has just begun takes the marks of the one before at their word.
func (s *Syncer) listDue(folder string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.lists[folder]
	if !ok {
		s.lists[folder] = s.o.Now()
		return false
	}
	return s.o.Now().Sub(at) >= listAgain
}

// settledStatus returns the status of a folder in which nothing has changed:
// the last one, or one that follows from the counts alone.
func (s *Syncer) settledStatus(f folder, mf message.Folder, prog message.Progress) (message.FolderStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.folders[f.name]; ok && st.InSync && st.UIDValidity == mf.UIDValidity && st.Exists == int(prog.Mark.Exists) {
		return st, true
	}
	st := message.FolderStatus{
		Name: f.name, UIDValidity: mf.UIDValidity, Exists: int(prog.Mark.Exists), InSync: true, At: s.o.Now(),
		Stored: prog.Stored.Len(), Quarantined: prog.Quarantined.Len(), Skipped: map[message.Reason]int{},
	}
	sum := st.Stored + st.Quarantined
	for reason, set := range prog.Skipped {
		st.Skipped[reason] = set.Len()
		sum += set.Len()
	}
	if sum != st.Exists { // some are gone; only a listing tells which
		return message.FolderStatus{}, false
	}
	s.folders[f.name] = st
	return st, true
}

// unsynced names the folders that are not in sync, as an error.
func (s *Syncer) unsynced() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []phrase.Phrase
	for _, name := range slices.Sorted(maps.Keys(s.folders)) {
		if st := s.folders[name]; !st.InSync {
			one := phrase.Verbatim(name)
			if st.Error != "" {
				one = phrase.New("{folder} ({why})", "folder", name, "why", st.Said)
			}
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return phrase.Errorf("not in sync: {folders}", "folders", all)
}
