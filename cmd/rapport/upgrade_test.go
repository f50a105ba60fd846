package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"rapport/internal/mailtest"
	"rapport/store/boltstore"
)

// A version adds the store it writes with
//
//	go test ./cmd/rapport -run TestM82 -fixture NAME
//
// where NAME is the commit or version; testdata/upgrade/README.md says when.
var fixture = flag.String("fixture", "", "write a store of this version as testdata/upgrade/NAME.tar.zst")

// fixtureLimit bounds a fixture: they stay in the repository for good.
const fixtureLimit = 300 << 10

// atHome stands in a fixture's files for the directory they lie in.
const atHome = "@DIR@"

// TestM82_StoresOfEarlierCommits opens every store that an earlier commit
// wrote, in each state a kill during its upgrade leaves it in, restores the
// backup it made, and wants the content it exported.
func TestM82_StoresOfEarlierCommits(t *testing.T) {
	if *fixture != "" {
		writeFixture(t, *fixture)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "upgrade", "*.tar.zst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	tries := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".tar.zst"), func(t *testing.T) {
			s := siteOf(t, file)
			states := upgradeStates(t, s.dataDir)
			for n, state := range states {
				if n%everyState != 0 && n < len(states)-1 {
					continue
				}
				s.must(os.RemoveAll(s.dataDir))
				s.must(os.CopyFS(s.dataDir, os.DirFS(state)))
				s.must(os.Chmod(filepath.Join(s.dataDir, "key"), 0o600))
				s.sameAsExported(t, "state "+strconv.Itoa(n))
				tries++
			}
			s.newerIsRefused(t)
			s.restores(t, strings.TrimSuffix(file, ".tar.zst")+".backup")
			tries += 2
		})
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// upgradeStates opens a store as an upgrade does and keeps its files as they
// are before, at every durable step, and after: what a kill there leaves.
func upgradeStates(t *testing.T, dir string) []string {
	t.Helper()
	base := t.TempDir()
	var states []string
	keep := func(string) {
		to := filepath.Join(base, strconv.Itoa(len(states)))
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		states = append(states, to)
	}
	keep("before")
	s, err := boltstore.Open(dir, boltstore.Options{NoMerge: true, Step: keep})
	if err != nil {
		t.Fatalf("Open of an earlier store: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	keep("after")
	return states
}

// sameAsExported compares an export of today with that of the fixture.
func (s *site) sameAsExported(t *testing.T, what string) {
	t.Helper()
	if out := s.run("store", "check"); out != "the store is sound\n" {
		t.Errorf("%s: store check: %s", what, out)
	}
	out := filepath.Join(s.dir, "now")
	s.must(os.RemoveAll(out))
	s.run("export", out)
	want := filepath.Join(s.dir, "export")
	names, err := filepath.Glob(filepath.Join(want, "*"))
	if err != nil || len(names) < 6 {
		t.Fatalf("the fixture holds %d exported files, %v", len(names), err)
	}
	for _, name := range names {
		base := filepath.Base(name)
		was, err := os.ReadFile(name)
		s.must(err)
		if base == mailSums {
			if got := sumsOf(t, out); got != string(was) {
				t.Errorf("%s: other mail than before:\n%s", what, firstDifference(string(was), got))
			}
			continue
		}
		is, err := os.ReadFile(filepath.Join(out, base))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := linesMissing(was, is); diff != "" {
			t.Errorf("%s: %s: %s", what, base, diff)
		}
	}
}

// linesMissing compares JSON Lines: the same objects in the same order, to
// which a later version may have added fields.
func linesMissing(was, is []byte) string {
	old, now := strings.Split(string(was), "\n"), strings.Split(string(is), "\n")
	if len(old) != len(now) {
		return fmt.Sprintf("%d lines, before %d", len(now), len(old))
	}
	for n := range old {
		var a, b any
		if old[n] == "" && now[n] == "" {
			continue
		}
		if err := errors.Join(json.Unmarshal([]byte(old[n]), &a), json.Unmarshal([]byte(now[n]), &b)); err != nil {
			return err.Error()
		}
		if !within(a, b) {
			return fmt.Sprintf("line %d was\n%s\nand is\n%s", n+1, old[n], now[n])
		}
	}
	return ""
}

// within reports whether b says everything a says.
func within(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		for k, v := range a {
			ok = ok && within(v, b[k])
		}
		return ok
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for n := range a {
			if !within(a[n], b[n]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// newerIsRefused gives the store the format of a version to come: one sentence
// must say so, and the file must stay as it is.
func (s *site) newerIsRefused(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.dataDir, "rapport.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	s.must(err)
	s.must(errors.Join(db.Update(func(b *bolt.Tx) error {
		return b.Bucket([]byte("meta")).Put([]byte("schema"), []byte{0, 0, 3, 231})
	}), db.Close()))
	before, err := os.ReadFile(path)
	s.must(err)
	out, err := s.command("status").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "install the newer version again") {
		t.Errorf("status of a newer store: %v: %s", err, out)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("a newer store was changed")
	}
}

// restores lays out the backup that the earlier commit made.
func (s *site) restores(t *testing.T, file string) {
	t.Helper()
	file, err := filepath.Abs(file) // the program runs elsewhere
	s.must(err)
	s.replace(file)
	s.sameAsExported(t, "restored")
}

// replace has a backup take the place of the store, with the key that is there.
func (s *site) replace(file string) {
	s.t.Helper()
	moved := filepath.Join(s.dir, "moved away")
	s.must(os.Rename(s.dataDir, moved))
	s.run("store", "restore", file)
	for _, name := range []string{"key", "erasures"} {
		raw, err := os.ReadFile(filepath.Join(moved, name))
		if name == "erasures" && os.IsNotExist(err) {
			continue // nobody was erased
		}
		s.must(err)
		s.must(os.WriteFile(filepath.Join(s.dataDir, name), raw, 0o600))
	}
}

// siteOf lays a fixture out.
func siteOf(t *testing.T, file string) *site {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}
	f, err := os.Open(file)
	s.must(err)
	defer f.Close()
	z, err := zstd.NewReader(f)
	s.must(err)
	defer z.Close()
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return s
		}
		s.must(err)
		raw, err := io.ReadAll(in)
		s.must(err)
		if h.Name == "config.yaml" {
			raw = bytes.ReplaceAll(raw, []byte(atHome), []byte(dir))
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		s.must(os.MkdirAll(filepath.Dir(path), 0o700))
		s.must(os.WriteFile(path, raw, 0o600))
	}
}

// writeFixture fills a store through the program, as people do, and keeps it
// with what the program exports of it.
func writeFixture(t *testing.T, name string) {
	w := mailtest.NewWorld(mailtest.Options{Seed: 82, Messages: 24, Customers: 8, Companies: 5, Partners: 2, Scale: 0.01, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
	imap, err := mailtest.NewIMAP(nil, w.Accounts()...)
	if err != nil {
		t.Fatal(err)
	}
	defer imap.Close()
	if err := w.AppendTo(imap); err != nil {
		t.Fatal(err)
	}
	if err := imap.Append(w.Accounts()[0].Name, "INBOX", largeMail(w), w.Since.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	s := siteOn(t, w, mailtest.Server{Addr: imap.Addr, TLS: "none"})
	s.know(w)
	s.run("sync")
	s.decide(t)
	s.run("sync")
	s.run("store", "compact") // what deleted rows leave in free pages is of no use here
	s.run("export", filepath.Join(s.dir, "export"))
	s.must(os.WriteFile(filepath.Join(s.dir, "export", mailSums), []byte(sumsOf(t, filepath.Join(s.dir, "export"))), 0o600))
	to := filepath.Join("testdata", "upgrade", name)
	s.must(os.MkdirAll(filepath.Dir(to), 0o755))
	s.must(os.WriteFile(to+".tar.zst", s.pack(), 0o644))
	s.must(os.RemoveAll(to + ".backup"))
	abs, err := filepath.Abs(to + ".backup")
	s.must(err)
	s.run("store", "backup", abs)
	for _, file := range []string{to + ".tar.zst", to + ".backup"} {
		info, err := os.Stat(file)
		s.must(err)
		if info.Size() > fixtureLimit {
			t.Errorf("%s has %d bytes, at most %d are allowed", file, info.Size(), fixtureLimit)
		}
	}
}

// largeMail is one that the store keeps in a file of its own.
func largeMail(w *mailtest.World) []byte {
	noise := make([]byte, 97<<10)
	r := rand.New(rand.NewPCG(82, 82))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From: <%s>\r\nTo: <%s>\r\nSubject: the plans\r\nMessage-ID: <large.82@mail.example>\r\nDate: %s\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: application/octet-stream; name=plans.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		w.Contacts[0].Addresses[0], w.Members[0].Addresses[0], w.Since.AddDate(0, 1, 0).Format(time.RFC1123Z))
	for text := base64.StdEncoding.EncodeToString(noise); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return []byte(b.String())
}

// decide has people do by hand whatever leaves something in the store.
func (s *site) decide(t *testing.T) {
	t.Helper()
	people := ids(s.run("contact", "list", "--json"), "id")
	firms := ids(s.run("organisation", "list", "--json"), "id")
	mails := regexp.MustCompile(`"message":\{"id":"([^"]+)"`).FindAllStringSubmatch(s.run("search", "a OR e OR the", "--json", "--limit", "50"), -1)
	if len(people) < 6 || len(firms) < 2 || len(mails) < 6 {
		t.Fatalf("%d people, %d firms, %d mails", len(people), len(firms), len(mails))
	}
	strangers := ids(s.run("suggestion", "list", "--json"), "address")
	s.run("note", people[0], "Prefers mornings; চা, ভালো")
	s.run("call", people[1], "Wants an offer", "--at", "2026-03-02T12:00")
	s.run("file", mails[0][1], people[2])
	s.run("unfile", mails[0][1], people[2])
	s.run("file", mails[1][1], firms[0])
	s.run("withdraw", mails[2][1])
	s.run("private", mails[3][1])
	s.run("contact", "edit", people[3], "--set", "stage=active", "--set", "custom.vat=DE123", "--add-tag", "vip")
	s.run("contact", "merge", people[3], people[4])
	s.run("contact", "erase", people[5], "--yes")
	if len(strangers) > 1 {
		s.run("suggestion", "ignore", strangers[0])
		s.run("suggestion", "accept", strangers[1])
	}
	members := ids(s.run("member", "list", "--json"), "addresses")
	if len(members) > 1 {
		s.run("member", "away", members[0], "--until", "2030-01-31", "--deputy", members[1])
	}
}

// ids reads one field of JSON Lines, of a list its first.
func ids(lines, field string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		var v map[string]any
		if json.Unmarshal([]byte(line), &v) != nil {
			continue
		}
		switch x := v[field].(type) {
		case string:
			out = append(out, x)
		case []any:
			if len(x) > 0 {
				out = append(out, fmt.Sprint(x[0]))
			}
		}
	}
	return out
}

// mailSums holds the digests of the exported mail, instead of the mail.
const mailSums = "messages.sha256"

func sumsOf(t *testing.T, export string) string {
	t.Helper()
	var b strings.Builder
	names, err := filepath.Glob(filepath.Join(export, "messages", "*.eml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no mail was exported: %v", err)
	}
	for _, name := range names { // Glob sorts
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(raw), filepath.Base(name))
	}
	return b.String()
}

// pack makes the fixture of a site: configuration, data directory and export.
func (s *site) pack() []byte {
	s.t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20))
	s.must(err)
	out := tar.NewWriter(z)
	s.must(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		top, rest, _ := strings.Cut(filepath.ToSlash(name), "/")
		if top == "export" && (strings.HasSuffix(rest, ".eml") || strings.HasSuffix(rest, ".csv")) || name == "contacts.csv" {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name == "config.yaml" {
			raw = bytes.ReplaceAll(raw, []byte(s.dir), []byte(atHome))
		}
		return errors.Join(out.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(raw))}), second(out.Write(raw)))
	}))
	s.must(errors.Join(out.Close(), z.Close()))
	return b.Bytes()
}

func second(_ int, err error) error { return err }
