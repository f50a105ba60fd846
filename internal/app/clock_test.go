package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"rapport/store/boltstore"
	"rapport/web"
)

const year = 365 * 24 * time.Hour

// TestM79_Leaps tells a clock that was set from one that runs, also between two
// processes, and trusts it again once it was set right or has run on.
func TestM79_Leaps(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type step struct {
		shows, elapsed time.Duration // since t0; since the last step
		first, doubted bool
	}
	for name, steps := range map[string][]step{
		"runs":                      {{0, 0, true, false}, {time.Hour, time.Hour, false, false}, {11 * time.Hour, 10 * time.Hour, false, false}},
		"is corrected a little":     {{0, 0, true, false}, {time.Hour, time.Minute, false, false}, {0, time.Minute, false, false}},
		"the machine was off":       {{0, 0, true, false}, {6 * 24 * time.Hour, 0, true, false}, {6*24*time.Hour + time.Hour, time.Hour, false, false}},
		"the machine was off long":  {{0, 0, true, false}, {60 * 24 * time.Hour, 0, true, true}, {61 * 24 * time.Hour, 24 * time.Hour, false, false}},
		"a year ahead while it ran": {{0, 0, true, false}, {year, time.Minute, false, true}, {year + 23*time.Hour, 23 * time.Hour, false, true}, {year + 25*time.Hour, 2 * time.Hour, false, false}},
		"a year back while it ran":  {{0, 0, true, false}, {-year, time.Minute, false, true}, {-year + 25*time.Hour, 25 * time.Hour, false, false}},
		"ahead and set right":       {{0, 0, true, false}, {year, time.Hour, false, true}, {2 * time.Hour, time.Hour, false, false}},
		"back and set right":        {{0, 0, true, false}, {-year, time.Hour, false, true}, {2 * time.Hour, time.Hour, false, false}},
		"back between runs":         {{0, 0, true, false}, {-year, 0, true, true}, {-year + 30*time.Hour, 30 * time.Hour, false, false}},
		"ahead over a restart":      {{0, 0, true, false}, {year, 0, true, true}, {year + time.Hour, 0, true, true}, {year + 12*time.Hour, 11 * time.Hour, false, true}, {year + 30*time.Hour, 18 * time.Hour, false, false}},
		"ahead, in short runs":      {{0, 0, true, false}, {year, 0, true, true}, {year + 10*time.Hour, 0, true, true}, {year + 20*time.Hour, 0, true, true}, {year + 30*time.Hour, 0, true, false}},
		"off long, then by day":     {{0, 0, true, false}, {60 * 24 * time.Hour, 0, true, true}, {60*24*time.Hour + 8*time.Hour, 8 * time.Hour, false, true}, {61 * 24 * time.Hour, 0, true, false}},
		"to and fro":                {{0, 0, true, false}, {year, time.Hour, false, true}, {-year, time.Hour, false, true}, {3 * time.Hour, time.Hour, false, false}},
	} {
		var b clockBook
		for i, s := range steps {
			b.look(t0.Add(s.shows), s.elapsed, s.first)
			if b.doubted() != s.doubted {
				t.Errorf("%s, step %d: doubted %v: %+v", name, i, b.doubted(), b)
			}
			if (b.err() != nil) != s.doubted {
				t.Errorf("%s, step %d: says %v", name, i, b.err())
			}
		}
	}
	t.Attr("tries", "13")
}

// TestM79_NotesOnlyWhatIsNew lets processes look at the clock for the first
// time: one that finds a recent note writes nothing, and one that finds an old
// note, a note of a doubt, or one from the future does.
func TestM79_NotesOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "data"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	kept := t0
	tries := 0
	for _, step := range []struct {
		after   time.Duration // what is shown, since t0
		written bool
		doubted bool
	}{
		{0, true, false}, {time.Minute, false, false}, {59 * time.Minute, false, false}, {time.Hour, true, false},
		{time.Hour + time.Second, false, false}, {59 * time.Minute, true, false}, {2 * time.Hour, true, false},
		{year, true, true}, {year + time.Second, true, true}, {2*time.Hour + time.Minute, true, false}, {2*time.Hour + 2*time.Minute, false, false},
	} {
		tries++
		shown := t0.Add(step.after)
		c := &wallClock{now: func() time.Time { return shown }}
		if _, err := c.look(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		book, err := upkeepBook[clockBook](t.Context(), s, stateClock)
		if err != nil {
			t.Fatal(err)
		}
		if step.written {
			kept = shown
		}
		if !book.Last.Equal(kept) || book.doubted() != step.doubted {
			t.Errorf("at %v the note is %+v, want one of %v, doubted %v", step.after, book, kept.Sub(t0), step.doubted)
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM79_Housekeeping sets the clock while the daemon runs and between two
// runs: no job is done in bursts or forgotten, and none removes anything for
// its age within a day of a leap.
func TestM79_Housekeeping(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, zone := range []string{"UTC", "Europe/Berlin", "Pacific/Apia"} {
		for _, leap := range []time.Duration{year, -year, 24 * time.Hour, -24 * time.Hour, time.Hour, -time.Hour, 40 * 24 * time.Hour, 5 * year, -5 * year} {
			for _, restart := range []bool{false, true} {
				tries++
				synctest.Test(t, func(t *testing.T) { leaping(t, zone, leap, restart) })
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// leaping keeps house for three days, sets the clock, and goes on for three.
func leaping(t *testing.T, zone string, leap time.Duration, restart bool) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "data"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var offset, leapt atomic.Int64 // nanoseconds; when it leapt, 0 before
	runs := map[string]int{}
	task := func(name string, every time.Duration, ages bool) job {
		return job{name: name, every: every, night: every >= 24*time.Hour, ages: ages, do: func(context.Context) error {
			runs[name]++
			since := time.Duration(time.Now().UnixNano() - leapt.Load())
			if ages && leapt.Load() != 0 && since < clockTrial && leap.Abs() > clockGap {
				t.Errorf("%s, leap of %v, restart %v: %s is done %v after it", zone, leap, restart, name, since)
			}
			return nil
		}}
	}
	keeper := func() (stop func()) {
		log := slog.New(slog.DiscardHandler)
		now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())).In(loc) }
		h := &housekeeper{store: s, now: now, log: log, faults: newFaults(log, time.Now), clock: &wallClock{now: now},
			count: func(string, string) {}, jobs: []job{task("hourly", time.Hour, false), task("ageing", 6*time.Hour, true), task("nightly", 24*time.Hour, false)}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); h.run(ctx) }()
		return func() { cancel(); <-done }
	}
	const days = 3
	stop := keeper()
	time.Sleep(days * 24 * time.Hour)
	if restart {
		stop()
	}
	synctest.Wait()
	offset.Store(int64(leap))
	leapt.Store(time.Now().UnixNano())
	if restart {
		stop = keeper()
	}
	time.Sleep(days * 24 * time.Hour)
	stop()
	what := fmt.Sprintf("%s, leap of %v, restart %v", zone, leap, restart)
	for name, want := range map[string][2]int{"hourly": {2*days*24 - 6, 2*days*24*10/9 + 3}, "ageing": {days*4 - 1, 2*days*4*10/9 + 3}, "nightly": {2*days - 2, 2*days + 2}} {
		if n := runs[name]; n < want[0] || n > want[1] {
			t.Errorf("%s: %s was done %d times in six days, want %d to %d", what, name, n, want[0], want[1])
		}
	}
}

// TestM79_DarkMailboxIsToldOf sets the clock back while a mailbox is dark: the
// hour after which that is told begins anew and ends.
func TestM79_DarkMailboxIsToldOf(t *testing.T) {
	t.Parallel()
	tries := 0
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, leap := range []time.Duration{-5 * year, -year, -time.Hour, 0, time.Hour, year} {
		tries++
		book := alertBook{Open: map[string]trouble{}}
		told := time.Duration(-1)
		for after := time.Duration(0); after < 4*time.Hour && told < 0; after += time.Minute {
			now := t0.Add(after)
			if after > 30*time.Minute {
				now = now.Add(leap)
			}
			begun, ended, _ := book.judge([]trouble{{Object: "mailbox ada", Since: t0, state: wrong}}, now)
			book.told(begun, ended, now)
			if len(begun) > 0 {
				told = after
			}
		}
		if told < 0 || told > 3*time.Hour {
			t.Errorf("leap of %v: told after %v", leap, told)
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM79_PasswordFiles tries a changed password once, whatever the clock says
// of when it changed.
func TestM79_PasswordFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "password")
	tries := 0
	for _, at := range []time.Duration{-year, 0, year} { // of the file, when it was refused at 0
		tries++
		refused := time.Now()
		write := func(text string, mtime time.Time) os.FileInfo {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, mtime, mtime); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			return info
		}
		p := passwordFiles{}
		n := 0
		for range 20 {
			if p.changed("ada", write("wrong", refused.Add(at)), refused) {
				n++
			}
		}
		if n > 1 {
			t.Errorf("a file of %v is tried %d times", at, n)
		}
		if !p.changed("ada", write("right!", refused.Add(at-time.Hour)), refused) {
			t.Errorf("a file of %v: the next version is not tried", at)
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM79_LeapIsNoticedAtOnce sets the clock between two looks at it: whoever
// asks is told before the next look.
func TestM79_LeapIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var offset time.Duration
		c := &wallClock{now: func() time.Time { return time.Now().Add(offset) }}
		if c.doubted() {
			t.Error("doubted before the first look")
		}
		c.looked(c.now(), false)
		for _, tt := range []struct {
			offset time.Duration
			want   bool
		}{{0, false}, {time.Hour, false}, {year, true}, {-year, true}, {0, false}} {
			time.Sleep(9 * time.Minute)
			if offset = tt.offset; c.doubted() != tt.want {
				t.Errorf("set by %v: doubted %v", offset, !tt.want)
			}
		}
		c.looked(c.now(), true)
		if !c.doubted() {
			t.Error("what the housekeeper doubts is not doubted")
		}
	})
	t.Attr("tries", "7")
}

// TestM79_LeapSkipsNoMailOfACommand syncs without a daemon, an hour later and
// then by a clock that shows years later: what comes then is filed all the same.
func TestM79_LeapSkipsNoMailOfACommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.extra = "retention: {personal: 365d}\n"
	w.configure()
	begun := time.Now()
	sync := func(filed int, since time.Duration) {
		t.Helper()
		conn, err := Connect(t.Context(), w.config(), ConnectOptions{Actor: "test", Now: func() time.Time { return begun.Add(since) }})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if since == 0 {
			knows(t, conn.Client, "Carl", "carl@press.example")
		}
		if _, err := conn.Client.Sync(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		page, err := conn.Client.Timeline(t.Context(), "Carl", web.Slice{})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != filed {
			t.Errorf("%v later: %d letters filed, want %d", since, len(page.Items), filed)
		}
	}
	for n, since := range []time.Duration{0, time.Hour, 5 * year, 5*year + time.Hour} {
		w.arrives("ada", "carl@press.example", since.String())
		sync(n+1, since)
	}
	t.Attr("tries", "4")
}

// TestM79_LeapSkipsNoMail sets the clock years ahead while the daemon runs:
// mail that comes then is filed, though by that clock it is too old.
func TestM79_LeapSkipsNoMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.extra = "retention: {personal: 365d}\n"
	w.configure()
	var offset atomic.Int64
	w.now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	r := w.runs()
	defer r.end()
	knows(t, r.client, "Carl", "carl@press.example")
	w.arrives("ada", "carl@press.example", "before")
	r.has("Carl", "before")
	offset.Store(int64(5 * year))
	w.arrives("ada", "carl@press.example", "after")
	r.has("Carl", "after")
	t.Attr("tries", "1")
}
