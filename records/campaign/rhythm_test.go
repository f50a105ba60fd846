package campaign

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ window, now, want string }{
		{"mon-fri 09:00-17:00", "2026-03-06 12:00", "2026-03-06 12:00"},
		{"mon-fri 09:00-17:00", "2026-03-06 17:00", "2026-03-09 09:00"}, // a Friday
		{"mon-fri 09:00-17:00", "2026-03-06 08:59", "2026-03-06 09:00"},
		{"09:00-24:00", "2026-03-07 23:59", "2026-03-07 23:59"},
		{"sat-mon 10:00-11:00", "2026-03-07 11:00", "2026-03-08 10:00"},
		{"tue,thu 10:00-12:30", "2026-03-06 10:00", "2026-03-10 10:00"},
		{"09:00-10:00", "2026-03-28 12:00", "2026-03-29 09:00"}, // the night in which the clocks are put forward
		{"02:00-03:00", "2026-03-28 12:00", "2026-03-30 02:00"}, // an hour that this night does not have
		{"sun 09:00-10:00", "2026-10-25 10:00", "2026-11-01 09:00"},
	} {
		w, err := ParseWindow(tt.window)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.ParseInLocation("2006-01-02 15:04", tt.now, berlin)
		if got := w.Next(now.UTC(), berlin).In(berlin).Format("2006-01-02 15:04"); got != tt.want {
			t.Errorf("%s at %s: next %s, want %s", tt.window, tt.now, got, tt.want)
		}
	}
	if now := time.Now(); !(Window{}).Next(now, berlin).Equal(now) {
		t.Error("without a window a mail waits")
	}
	for _, bad := range []string{"", "mon", "mon-fri", "09:00", "17:00-09:00", "xyz 09:00-17:00", "mon-fri 09:00-25:00", "9-17", "mon fri 09:00-17:00"} {
		if _, err := ParseWindow(bad); err == nil {
			t.Errorf("%q is read as a window", bad)
		}
	}
}

func TestRhythm(t *testing.T) {
	launch := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		backfill, later, from int // days from the launch
	}{{0, 0, 0}, {0, 3, 0}, {0, 400, 393}, {30, 0, -30}, {30, 10, -27}} {
		from, until := Rhythm{Backfill: tt.backfill}.Span(launch, launch.AddDate(0, 0, tt.later))
		if !from.Equal(launch.AddDate(0, 0, tt.from)) || !until.Equal(launch.AddDate(0, 0, tt.later)) {
			t.Errorf("%d days after the launch with a backfill of %d: from %v until %v", tt.later, tt.backfill, from, until)
		}
	}
	for _, bad := range []Rhythm{{}, {Trigger: "moon"}, {Trigger: "custom."}, {Trigger: OnSale, Days: -1}, {Trigger: OnSale, Days: 4000},
		{Trigger: OnSale, Backfill: -1}, {Trigger: OnSale, Stop: []string{"rain"}}} {
		if bad.Check() == nil {
			t.Errorf("%+v is a rhythm", bad)
		}
	}
	good := Rhythm{Trigger: "custom.renewal", Days: -14, Stop: []string{StopReplied}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if _, stopped := good.Stopped(launch, launch, time.Time{}); stopped {
		t.Error("a mail of before stops it")
	}
	if what, stopped := good.Stopped(launch, launch.Add(1), launch.Add(2)); !stopped || what != StopReplied {
		t.Error("an answer does not stop it")
	}
}

func TestWindowSaysItself(t *testing.T) {
	for text, want := range map[string]string{
		"mon-fri 09:00-17:00": "", "tue,thu 10:00-12:30": "", "sun-sat 09:00-17:00": "09:00-17:00", "sat-sun 00:00-24:00": "", "sun,mon 08:00-09:00": "mon,sun 08:00-09:00",
		"mon,tue,thu,fri,sun 07:05-08:00": "mon-tue,thu-fri,sun 07:05-08:00",
	} {
		w, err := ParseWindow(text)
		if want == "" {
			want = text
		}
		if again, err2 := ParseWindow(w.String()); err != nil || err2 != nil || w.String() != want || again != w {
			t.Errorf("%s says itself as %q, want %q (%v, %v)", text, w, want, err, err2)
		}
	}
	if got := (Window{}).String(); got != "" {
		t.Errorf("always: %q", got)
	}
}
