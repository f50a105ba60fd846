package app

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rapport/internal/rescue"
	"rapport/records/contact"
	"rapport/records/sale"
	"rapport/store"
	"rapport/web"
)

const (
	saleHeadings = "number,email,date,amount,currency\n"
	goodSales    = saleHeadings + "RE-1,carl@press.example,2026-01-02,10.50,EUR\nRE-2,carl@press.example,2026-01-03,20.00,EUR\n"
	brokenSales  = saleHeadings + "RE-8,carl@press.example,2026-01-02,10.50,EUR\nRE-9,carl@press.example,2026-13-03,20.00,EUR\n"
)

// watchedSales is a directory of sales with a system of its own.
type watchedSales struct {
	*world
	s    *system
	dir  string
	step func(string)
}

func newWatchedSales(t *testing.T) *watchedSales {
	t.Helper()
	w := &watchedSales{world: newWorld(t)}
	w.extra = "sales: {watch: incoming}\n"
	w.configure()
	var stop func()
	w.s, stop = w.built(RunOptions{Version: "test"})
	t.Cleanup(stop)
	w.dir = filepath.Join(w.world.dir, "incoming")
	w.s.step = func(name string) {
		if w.step != nil {
			w.step(name)
		}
	}
	if _, err := w.s.intake.AddContact(t.Context(), "eve", contact.Contact{Name: "Carl", Addresses: []contact.Address{"carl@press.example"}}); err != nil {
		t.Fatal(err)
	}
	w.looks()
	return w
}

// begins is a watch that takes a file when it is as it was at the look before.
func (w *watchedSales) begins() *saleFolder {
	f := w.s.saleFolder(sale.Sold)
	f.still = 0
	return f
}

// looks has a watch begin, and look three times.
func (w *watchedSales) looks() {
	w.t.Helper()
	f := w.begins()
	for range 3 {
		if err := f.look(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *watchedSales) put(name, text string) {
	w.t.Helper()
	w.write(filepath.Join(w.dir, name), text)
}

// told lists the files of the directory and the numbers of the sales there are.
func (w *watchedSales) told() string {
	w.t.Helper()
	var out []string
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(w.dir, path)
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(out)
	if err := w.s.store.View(w.t.Context(), func(tx store.Tx) error {
		page, err := tx.Sales().List(store.SaleFilter{}, store.Slice{})
		for _, s := range page.Items {
			out = append(out, s.Number)
		}
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func (w *watchedSales) wants(what, want string) {
	w.t.Helper()
	if got := w.told(); got != want {
		w.t.Errorf("%s: there is %q, want %q", what, got, want)
	}
}

func TestWatchedSales(t *testing.T) {
	t.Parallel()
	w := newWatchedSales(t)
	w.put("a.csv", goodSales)
	w.put("b.csv", brokenSales)
	w.put(".hidden.csv", goodSales)
	w.put("c.csv.part", goodSales)
	if err := os.Symlink(w.file(), filepath.Join(w.dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	w.looks()
	const left = ".hidden.csv c.csv.part "
	w.wants("a good file and a broken one", left+"done/a.csv failed/b.csv failed/b.csv.errors.txt link.csv RE-2 RE-1")
	said, err := os.ReadFile(filepath.Join(w.dir, "failed", "b.csv.errors.txt"))
	if err != nil || !strings.Contains(string(said), "line 3: ") || !strings.Contains(string(said), "nothing of it is stored") {
		t.Errorf("beside the broken file stands %q, %v", said, err)
	}
	states, err := w.s.saleFolders(t.Context())
	if err != nil || len(states) != 1 || states[0].Failed != 1 || states[0].Waiting != 0 || !states[0].Last.Failed || states[0].Last.File != "b.csv" {
		t.Errorf("the state is %+v, %v", states, err)
	}
	if tr := saleFolderTrouble(states); tr.state != wrong || !strings.Contains(tr.Text, "1 files") {
		t.Errorf("the trouble is %+v", tr)
	}
	w.put("a.csv", strings.Replace(goodSales, "20.00", "25.00", 1))
	w.put("b.csv", strings.Replace(brokenSales, "2026-13-03", "2026-01-04", 1))
	for _, name := range []string{"b.csv", "b.csv.errors.txt"} {
		if err := os.Remove(filepath.Join(w.dir, "failed", name)); err != nil {
			t.Fatal(err)
		}
	}
	w.looks()
	w.wants("both again", left+"done/a-2.csv done/a.csv done/b.csv link.csv RE-9 RE-2 RE-8 RE-1")
	states, err = w.s.saleFolders(t.Context())
	if err != nil || len(states) != 1 || states[0].Failed != 0 || states[0].Last.Added != 2 {
		t.Errorf("the state after mending is %+v, %v", states, err)
	}
	if tr := saleFolderTrouble(states); tr.state != well {
		t.Errorf("the trouble after mending is %+v", tr)
	}
}

// TestWatchedSalesGrow does not take a file that is still written to.
func TestWatchedSalesGrow(t *testing.T) {
	t.Parallel()
	w := newWatchedSales(t)
	f := w.begins()
	text := saleHeadings
	for n := range 5 {
		text += fmt.Sprintf("RE-%d,carl@press.example,2026-01-02,10.50,EUR\n", n)
		w.put("a.csv", text)
		if err := f.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wants("a file that grows", "a.csv")
	}
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wants("it is whole", "done/a.csv RE-4 RE-3 RE-2 RE-1 RE-0")
}

// TestWatchedSalesSurviveKills ends the watch at every step that stays, begins
// it anew, and wants what an undisturbed one leaves.
func TestWatchedSalesSurviveKills(t *testing.T) {
	t.Parallel()
	const want = "done/a.csv failed/b.csv failed/b.csv.errors.txt RE-2 RE-1"
	for at := 1; ; at++ {
		w := newWatchedSales(t)
		w.put("a.csv", goodSales)
		w.put("b.csv", brokenSales)
		steps := 0
		w.step = func(string) {
			if steps++; steps == at {
				panic("killed")
			}
		}
		f, killed := w.begins(), false
		for range 3 {
			if err := rescue.Do(func() error { return f.look(t.Context()) }); rescue.Of(err) != nil {
				killed = true
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		w.step = nil
		w.looks()
		w.wants(fmt.Sprintf("killed after step %d", at), want)
		var lines int
		if err := w.s.store.View(t.Context(), func(tx store.Tx) error {
			page, err := tx.Audit().List("", store.Slice{})
			for _, r := range page.Items {
				if r.Action == "sale.import" {
					lines++
				}
			}
			return err
		}); err != nil || lines != 1 {
			t.Errorf("killed after step %d: the trail tells of %d imports, want 1, %v", at, lines, err)
		}
		if !killed {
			if at < 8 {
				t.Errorf("an import of a good and of a broken file has %d steps, want 7 at least", at-1)
			}
			return
		}
	}
}

// TestWatchedSalesByThemselves has a daemon take a file that is put in.
func TestWatchedSalesByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extra = "sales: {watch: incoming, unknown: add}\n"
	w.configure()
	if err := os.Mkdir(filepath.Join(w.dir, "incoming"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(w.dir, "incoming", "a.csv"), goodSales)
	r := w.runs()
	eventually(t, "the file is imported", func() error {
		u, err := r.client.Upkeep(t.Context())
		if err == nil && (len(u.Sales) != 1 || u.Sales[0].Last.Added != 2) {
			err = fmt.Errorf("the directories are %+v", u.Sales)
		}
		return err
	})
	page, err := r.client.Sales(t.Context(), web.SaleFilter{}, web.Slice{})
	if err != nil || len(page.Items) != 2 || page.Items[0].By != byFolder {
		t.Errorf("the sales are %+v, %v", page.Items, err)
	}
}
