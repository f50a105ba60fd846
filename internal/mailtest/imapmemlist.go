package mailtest

import (
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// List answers LIST with the special-use attributes and the statuses asked for.
func (s *memSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 {
		return s.UserSession.List(w, ref, patterns, options)
	}
	s.user.mu.Lock()
	folders := maps.Clone(s.user.folders)
	s.user.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if options.SelectSpecialUse && folders[name] == "" || !matchesAny(name, ref, patterns) {
			continue
		}
		data := imap.ListData{Mailbox: name, Delim: '/'}
		if folders[name] != "" { // also unasked, as most servers do
			data.Attrs = []imap.MailboxAttr{imap.MailboxAttr(folders[name])}
		}
		if options.ReturnStatus != nil {
			status, err := s.user.Status(name, options.ReturnStatus)
			if err != nil {
				continue // deleted meanwhile
			}
			data.Status = status
		}
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

func matchesAny(name, ref string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(name, '/', ref, p) })
}
