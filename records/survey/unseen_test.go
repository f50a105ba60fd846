package survey

import "testing"

// unseen were written after the reader had been mended by the others: what a
// reader that only knows its samples would take for a score.
var unseen = []reply{
	{NPS, "3. Mahnung!", review, ""}, {NPS, "8. März bin ich wieder da", review, ""}, {NPS, "Thanks\nTom\n10, Downing Street", review, ""}, {NPS, "Vielen Dank\nOtto", review, ""},
	{NPS, "Otto,\n\nthis is for you to answer.", review, ""}, {NPS, "5!!! weeks I have waited", review, ""}, {NPS, "2 (two) weeks late", review, ""}, {NPS, "9 all together were broken", review, ""},
	{NPS, "3 very rude employees served me", review, ""}, {NPS, "It is 8 and you still have not called", review, ""}, {NPS, "8/10/2026", review, ""}, {NPS, "9 out of 10 people would complain", review, ""},
	{NPS, "24/7", review, ""}, {NPS, "9 to 5", review, ""}, {NPS, "8 mit Tendenz zu 9", review, ""}, {NPS, "8, Tendenz 9", review, ""}, {NPS, "Nul !", review, ""}, {NPS, "On", review, ""},
	{NPS, "10 - 4", review, ""}, {NPS, "Number 1!", review, ""}, {NPS, "No. 5", review, ""}, {NPS, "I have 2 children", review, ""}, {NPS, "I say 5, he says 3", review, ""}, {NPS, "10 x danke", review, ""},
	{NPS, "0 1 2 3 4 5 6 7 8 9 10", review, ""}, {NPS, "007", review, ""}, {NPS, "Seven of nine", review, ""}, {NPS, "Two thumbs up", review, ""}, {NPS, "I'd give it zero if I could", review, ""},
	{NPS, "9 - or was it 8?", review, ""}, {NPS, "十分满意", review, ""}, {NPS, "一般", review, ""}, {NPS, "Null Problem", review, ""}, {NPS, "zero complaints", review, ""}, {NPS, "0 complaints", review, ""},
	{NPS, "10 Jahre Kunde und jetzt das", review, ""}, {NPS, "5 ans d'attente", review, ""}, {NPS, "3 semanas sin respuesta", review, ""}, {NPS, "৩ দিন দেরি", review, ""}, {NPS, "2 недели жду", review, ""},
	{NPS, "1st", review, ""}, {NPS, "2nd time this happens", review, ""}, {NPS, "Room 8", review, ""}, {NPS, "8 > 7", review, ""}, {NPS, "7 = bad", review, ""}, {NPS, "10 €", review, ""}, {NPS, "$10", review, ""},
	{NPS, "1/2", review, ""}, {NPS, "٨ أو ٩", review, ""}, {NPS, "sieben bis acht", review, ""}, {NPS, "entre 8 et 9", review, ""}, {NPS, "6 ... 7", review, ""}, {NPS, "8\r\n\r\nP.S. change that to 4", review, ""},
	{NPS, "Was sollen diese 10 Fragen?", review, ""}, {NPS, "Unsubscribe me, this is mail number 9", review, ""}, {NPS, "Meeting 9", review, ""}, {NPS, "see you at 10", review, ""}, {NPS, "10:00", review, ""},
	{CSAT, "unsatisfied", review, ""}, {CSAT, "satisfied?", review, ""}, {CSAT, "not satisfied", review, ""}, {CSAT, "3.5", review, ""}, {CSAT, "★★★★★★★", review, ""}, {CSAT, "2 stars for a 5 star price", review, ""},
	{CES, "7 out of 10", review, ""}, {CES, "0", review, ""},
	// What is plain stays so.
	{NPS, "Dear team,\n\n10 — thank you so much!\n\nKind regards\nMaria", 10, ""}, {NPS, "9!\n\nViele Grüße\nOtto", 9, ""}, {NPS, "8 - would be 10 if you opened on Saturdays", 8, ""}, {NPS, "7\n\nAnna Example\n10, Downing Street\nLondon", 7, ""},
	{NPS, "Liebes Team,\n\nich gebe euch eine 9!\n\nLG Eva", 9, ""}, {NPS, "5 weil der Preis zu hoch ist", 5, ""}, {NPS, "Un 9", 9, ""}, {NPS, "Je vous mets 10/10 !", 10, ""}, {NPS, "Nossa nota é 8", 8, ""},
	{NPS, "আমি ৮ দিলাম। খুব ভালো।", 8, ""}, {NPS, "9, всё отлично", 9, ""}, {NPS, "seven", 7, ""}, {NPS, "sieben", 7, ""}, {NPS, "siete", 7, ""}, {NPS, "семь", 7, ""}, {NPS, "সাত", 7, ""}, {NPS, "yedi", 7, ""}, {NPS, "sette", 7, ""},
	{CES, "7 — very easy", 7, ""}, {CSAT, "5/5!", 5, ""}, {CSAT, "Muy satisfecho.", 5, ""}, {NPS, "<b>9</b>", review, ""},
}

func TestUnseenReplies(t *testing.T) {
	right := 0
	for _, r := range unseen {
		v, text := received(t, r)
		got, why := nothing, "automatic"
		if !v.Auto {
			read := Read(Question{ID: "q", Kind: r.kind}, text)
			if got, why = review, string(read.Why); read.Sure {
				got = read.Score
			}
		}
		switch {
		case got == r.want:
			right++
		case got >= 0:
			t.Errorf("%s %q: read as %d, a person reads %s", r.kind, r.body, got, shown(r.want))
		default:
			t.Logf("%s %q: %s (%s), a person reads %s", r.kind, r.body, shown(got), why, shown(r.want))
		}
	}
	t.Logf("%d of %d read as a person would", right, len(unseen))
	if right*100 < 97*len(unseen) {
		t.Errorf("%d of %d read as a person would, want 97 %%", right, len(unseen))
	}
}

// A reader of what strangers send takes every text, and keeps to the scale.
func FuzzRead(f *testing.F) {
	for _, r := range replies {
		f.Add(string(r.kind), r.body)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		k := Kind(kind)
		if got := Read(Question{Kind: k}, text); got.Sure && got.Score != 0 && !k.Fits(got.Score) {
			t.Errorf("Read(%q) = %d, which is not of the scale", text, got.Score)
		}
	})
}
