package mailtest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Accounts returns the server accounts the world's mail belongs to.
func (w *World) Accounts() []User {
	folders := map[string]map[string]bool{}
	for _, m := range w.Mails {
		if folders[m.Mailbox] == nil {
			folders[m.Mailbox] = map[string]bool{}
		}
		folders[m.Mailbox][m.Folder] = true
	}
	var users []User
	for _, m := range w.Members {
		if m.Mailbox == "" {
			continue
		}
		u := User{Name: m.Mailbox, Password: "secret of " + m.Mailbox}
		for _, f := range sortedKeys(folders[m.Mailbox]) {
			if f != "INBOX" && !special(f) {
				u.Folders = append(u.Folders, f)
			}
		}
		users = append(users, u)
	}
	return users
}

func special(folder string) bool {
	for _, s := range SpecialUse {
		if s.Name == folder {
			return true
		}
	}
	return false
}

// DeliverTo writes all mail into the server's maildirs: 10,000 of them within
// a few seconds. The server needs the accounts of [World.Accounts].
func (w *World) DeliverTo(d *Dovecot) error { return d.DeliverAll(w.Mails) }

// DeliverAll writes mails straight into the maildirs, in their order.
func (d *Dovecot) DeliverAll(mails []Mail) error {
	type job struct {
		mail Mail
		n    uint64
		info string
		path string
	}
	jobs, errs := make(chan job), make([]error, 4)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			for j := range jobs {
				if _, err := writeMaildir(j.path, j.n, j.mail.Raw(), j.mail.InternalDate, j.info); err != nil && errs[i] == nil {
					errs[i] = fmt.Errorf("deliver to %s of %s: %w", j.mail.Folder, j.mail.Mailbox, err)
				}
			}
		})
	}
	var failed error
	for _, m := range mails {
		path := d.MaildirPath(m.Mailbox, m.Folder)
		d.mu.Lock()
		info, err := maildirFlags(path, m.Flags)
		d.mu.Unlock()
		if failed = err; failed != nil {
			break
		}
		jobs <- job{m, d.seq.next(), info, path}
	}
	close(jobs)
	workers.Wait()
	return errors.Join(append(errs, failed)...)
}

// AppendTo puts all mail into an in-process server.
func (w *World) AppendTo(s *IMAP) error {
	for _, m := range w.Mails {
		if err := s.Append(m.Mailbox, m.Folder, m.Raw(), m.InternalDate, m.Flags...); err != nil {
			return err
		}
	}
	return nil
}

// ContactsCSV renders organisations and contacts as a file to import.
func (w *World) ContactsCSV() []byte { return w.ContactsCSVOf(w.Contacts) }

// ContactsCSVOf is [World.ContactsCSV] with these contacts only.
func (w *World) ContactsCSVOf(contacts []Contact) []byte {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	rows := [][]string{{"name", "email", "organisation", "domain", "kind", "role", "language", "tags"}}
	for _, o := range w.Organisations {
		if len(o.Domains) > 0 {
			rows = append(rows, []string{"", "", o.Name, o.domains(), o.Kind, o.Role, "", ""})
		}
	}
	for _, p := range contacts {
		rows = append(rows, []string{p.Name, strings.Join(p.Addresses, ";"), p.Organisation, "", p.Kind, p.Role, p.Language, strings.Join(p.Tags, ";")})
	}
	_ = c.WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}

// domains is the cell of a CSV: an exclamation mark says that a domain is shared.
func (o Organisation) domains() string {
	mark := ";"
	if o.Shared {
		mark = "!;"
	}
	return strings.TrimSuffix(strings.Join(append(slices.Clone(o.Domains), ""), mark), ";")
}

// ContactsJSON renders the same as JSON Lines: an object a line with a
// contact, an organisation or both.
func (w *World) ContactsJSON() []byte {
	type domain struct {
		Name   string `json:"name"`
		Shared bool   `json:"shared,omitempty"`
	}
	type organisation struct {
		Name    string   `json:"name"`
		Domains []domain `json:"domains,omitempty"`
		Kind    string   `json:"kind,omitempty"`
		Role    string   `json:"role,omitempty"`
	}
	type contact struct {
		Name      string   `json:"name"`
		Addresses []string `json:"addresses"`
		Kind      string   `json:"kind,omitempty"`
		Role      string   `json:"role,omitempty"`
		Language  string   `json:"language,omitempty"`
		Tags      []string `json:"tags,omitempty"`
	}
	type row struct {
		Contact      *contact      `json:"contact,omitempty"`
		Organisation *organisation `json:"organisation,omitempty"`
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, o := range w.Organisations {
		firm := organisation{Name: o.Name, Kind: o.Kind, Role: o.Role}
		for _, d := range o.Domains {
			firm.Domains = append(firm.Domains, domain{d, o.Shared})
		}
		_ = lines.Encode(row{Organisation: &firm}) // a buffer takes everything
	}
	for _, p := range w.Contacts {
		r := row{Contact: &contact{p.Name, p.Addresses, p.Kind, p.Role, p.Language, p.Tags}}
		if p.Organisation != "" {
			r.Organisation = &organisation{Name: p.Organisation}
		}
		_ = lines.Encode(r)
	}
	return b.Bytes()
}

// Server says how a configuration reaches the accounts.
type Server struct {
	Addr   string
	TLS    string // implicit | starttls | none
	CAFile string
	// Passwords is a directory in which each account has a file of its name.
	Passwords string
}

// Config renders a configuration file for the world's mailboxes on a server.
// Mailboxes bear the [ShortName] of their accounts.
func (w *World) Config(dataDir string, s Server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %q\nteam:\n  name: %q\n  domains: [%s]\n  members:\n", dataDir, w.TeamName, strings.Join(w.TeamDomains, ", "))
	for _, m := range w.Members {
		fmt.Fprintf(&b, "    - {name: %q, addresses: [%s]}\n", m.Name, strings.Join(m.Addresses, ", "))
	}
	fmt.Fprintf(&b, "log_address: [%s]\nweb: {listen: \"off\"}\npolicy:\n  exclude:\n", w.LogAddress)
	for _, x := range w.Blocked {
		key := "domain"
		if strings.Contains(x, "@") {
			key = "address"
		}
		fmt.Fprintf(&b, "    - {%s: %q, mode: blocked}\n", key, x)
	}
	b.WriteString("mailboxes:\n")
	for _, u := range w.Accounts() {
		fmt.Fprintf(&b, "  - name: %q\n    host: %q\n    tls: %s\n    user: %q\n    password_file: %q\n    since: %s\n",
			ShortName(u.Name), s.Addr, s.TLS, u.Name, filepath.Join(s.Passwords, u.Name), w.Since.Format("2006-01-02"))
		if s.CAFile != "" {
			fmt.Fprintf(&b, "    ca_file: %q\n", s.CAFile)
		}
	}
	return b.String()
}
