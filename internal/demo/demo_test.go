package demo

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	began := time.Now()
	if err := Run(ctx, Options{Once: true, Out: &out, Dir: t.TempDir()}); err != nil {
		t.Fatalf("Run: %v\n%s", err, out.String())
	}
	t.Logf("took %v\n%s", time.Since(began), out.String())
	got := out.String()
	for _, want := range []string{
		"CUSTOMERS", "PARTNERS", "Café Lindenhof", "Padma Stores", "Hillcrest Estates", "Oona Lahti",
		"শীতের চালান", "新茶", "Abwesenheit", "(automatic)", "[attachment]",
		"a newsletter, a sales pitch from a stranger, a dentist's reminder, a job application, a mail among colleagues, spam.",
		live.subject,
		"5 people; not Oona Lahti: consent withdrawn", "Of 6 it was sent to 5; 1 bounced, 1 replied, 1 unsubscribed by mail",
		"4 were asked.", "3 answers, an NPS of 33, which is between -51 and 85 at 95 %", "মশলা চা অসাধারণ!", "Der letzte Assam war bitter.",
		`"Jonas Weber is unhappy: 3 in after-a-sale" to tomas@kestrel.example`, "complaint of Jonas Weber, for tomas@kestrel.example",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary lacks %q", want)
		}
	}
}
