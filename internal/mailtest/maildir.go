package mailtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// Delivered names a message file on the server, for Remove.
type Delivered struct{ User, Folder, Path string }

// MaildirPath returns the directory of a folder, which holds cur, new and tmp.
func (d *Dovecot) MaildirPath(user, folder string) string {
	return maildirPath(filepath.Join(d.dir, "mail", user, "Maildir"), folder)
}

// maildirPath follows the Maildir++ layout: the Inbox is the root, every other
// folder a directory beside it with a dot in front and dots between levels.
func maildirPath(root, folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return root
	}
	return filepath.Join(root, "."+strings.ReplaceAll(folder, "/", "."))
}

// CreateFolder makes a folder; an existing one stays as it is. Its name must
// not hold a dot, which separates levels on disk.
func (d *Dovecot) CreateFolder(user, folder string) error {
	if !strings.EqualFold(folder, "INBOX") && (folder == "" || strings.Contains(folder, ".")) {
		return fmt.Errorf("create folder %q: Maildir++ allows no empty name and no dot", folder)
	}
	return makeMaildir(d.MaildirPath(user, folder))
}

func makeMaildir(path string) error {
	for _, sub := range []string{"", "cur", "new", "tmp"} {
		dir := filepath.Join(path, sub)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make maildir: %w", err)
		}
		if err := give(dir); err != nil {
			return err
		}
	}
	return nil
}

// Deliver puts a message into a folder, which is made if need be. The time
// becomes its INTERNALDATE; flags are IMAP's (\Seen …) or keywords. A message
// without flags lands in new, like mail just arrived, so a client that idles
// hears of it.
func (d *Dovecot) Deliver(user, folder string, raw []byte, at time.Time, flags ...string) (Delivered, error) {
	path := d.MaildirPath(user, folder)
	if _, err := os.Stat(filepath.Join(path, "cur")); errors.Is(err, fs.ErrNotExist) {
		if err := d.CreateFolder(user, folder); err != nil {
			return Delivered{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := maildirFlags(path, flags)
	if err != nil {
		return Delivered{}, err
	}
	file, err := writeMaildir(path, d.seq.next(), raw, at, info)
	if err != nil {
		return Delivered{}, fmt.Errorf("deliver to %s of %s: %w", folder, user, err)
	}
	return Delivered{User: user, Folder: folder, Path: file}, nil
}

// Remove expunges a delivered message by deleting its file, whatever its flags
// have become since.
func (d *Dovecot) Remove(m Delivered) error {
	base, _, _ := strings.Cut(filepath.Base(m.Path), ":")
	for _, sub := range []string{"cur", "new"} {
		found, err := filepath.Glob(filepath.Join(d.MaildirPath(m.User, m.Folder), sub, base+"*"))
		if err != nil {
			return fmt.Errorf("find message file: %w", err)
		}
		for _, f := range found {
			return os.Remove(f)
		}
	}
	return fmt.Errorf("remove message from %s of %s: %w", m.Folder, m.User, fs.ErrNotExist)
}

// writeMaildir writes one message file the Maildir way: complete in tmp first.
func writeMaildir(path string, n uint64, raw []byte, at time.Time, info string) (string, error) {
	// Dovecot numbers new files by the time in their names, then by name.
	name := fmt.Sprintf("%d.M%09dP%d.rapport,S=%d", max(at.Unix(), 1), n, os.Getpid(), len(raw))
	tmp, target := filepath.Join(path, "tmp", name), filepath.Join(path, "cur", name+":2,"+info)
	if info == "" {
		target = filepath.Join(path, "new", name)
	}
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return "", err
	}
	if err := give(tmp); err != nil {
		return "", err
	}
	if err := os.Chtimes(tmp, at, at); err != nil {
		return "", err
	}
	return target, os.Rename(tmp, target)
}

// maildirFlags returns the letters that stand for the flags in a file name.
// Keywords get a letter each in the folder's dovecot-keywords.
func maildirFlags(path string, flags []string) (string, error) {
	letters := map[string]string{`\draft`: "D", `\flagged`: "F", `\answered`: "R", `\seen`: "S", `\deleted`: "T", "$forwarded": "P"}
	var info []string
	var keywords []string
	for _, f := range flags {
		if l, ok := letters[strings.ToLower(f)]; ok {
			info = append(info, l)
		} else {
			keywords = append(keywords, f)
		}
	}
	if len(keywords) > 0 {
		more, err := keywordLetters(path, keywords)
		if err != nil {
			return "", err
		}
		info = append(info, more...)
	}
	sort.Strings(info)
	return strings.Join(info, ""), nil
}

func keywordLetters(path string, keywords []string) ([]string, error) {
	file := filepath.Join(path, "dovecot-keywords")
	have, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read keywords: %w", err)
	}
	index := map[string]int{}
	for line := range strings.Lines(string(have)) {
		var n int
		var name string
		if _, err := fmt.Sscanf(line, "%d %s", &n, &name); err == nil {
			index[name] = n
		}
	}
	var letters []string
	changed := false
	for _, k := range keywords {
		n, ok := index[k]
		if !ok {
			if n = len(index); n > 25 {
				return nil, fmt.Errorf("set keyword %s: a maildir holds 26", k)
			}
			index[k], changed = n, true
			have = fmt.Appendf(have, "%d %s\n", n, k)
		}
		letters = append(letters, string(rune('a'+n)))
	}
	if !changed {
		return letters, nil
	}
	if err := os.WriteFile(file, have, 0o600); err != nil {
		return nil, fmt.Errorf("write keywords: %w", err)
	}
	return letters, give(file)
}

// Rename renames a folder.
func (d *Dovecot) Rename(user, from, to string) error {
	_, err := d.Doveadm("mailbox", "rename", "-u", user, from, to)
	return err
}

// Delete deletes a folder with its mail.
func (d *Dovecot) Delete(user, folder string) error {
	_, err := d.Doveadm("mailbox", "delete", "-u", user, "-s", folder)
	return err
}

// Move moves what matches a doveadm search query ("ALL", "HEADER Message-ID
// x@y", "UID 1:5") into another folder.
func (d *Dovecot) Move(user, from, to string, query ...string) error {
	_, err := d.Doveadm(append([]string{"move", "-u", user, to, "mailbox", from}, query...)...)
	return err
}

// Expunge removes what matches a doveadm search query.
func (d *Dovecot) Expunge(user, folder string, query ...string) error {
	_, err := d.Doveadm(append([]string{"expunge", "-u", user, "mailbox", folder}, query...)...)
	return err
}

// ResetUIDValidity makes the server re-number a folder, as a restored or
// migrated one does. Sessions that have it open see it after they open it again.
func (d *Dovecot) ResetUIDValidity(user, folder string) error {
	path := d.MaildirPath(user, folder)
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("re-number %s of %s: %w", folder, user, err)
	}
	for _, e := range entries {
		if e.Name() != "dovecot-uidlist" && !strings.HasPrefix(e.Name(), "dovecot.index") {
			continue
		}
		if err := os.Remove(filepath.Join(path, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("re-number %s of %s: %w", folder, user, err)
		}
	}
	return nil
}

// Rawlog returns what the clients of a user sent after signing in, one string
// a session, oldest first. It needs DovecotOptions.Rawlog.
func (d *Dovecot) Rawlog(user string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(d.dir, "raw", user, "*.in"))
	if err != nil {
		return nil, fmt.Errorf("list raw logs of %s: %w", user, err)
	}
	sort.Strings(files)
	var sessions []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read raw log of %s: %w", user, err)
		}
		sessions = append(sessions, string(b))
	}
	return sessions, nil
}
