package survey

const (
	review  = -1 // a person would ask, or has to look
	nothing = -2 // no answer at all: nobody wrote it
)

// reply is a mail that answers a question, and what a person reads out of it.
type reply struct {
	kind Kind
	body string
	want int
	head string // further header lines
}

// quoted is the invitation as mail programs quote it below an answer.
const quoted = "\n\nOn Mon, 2 Mar 2026 at 09:15, Example Team <team@example.com> wrote:\n> How likely are you to recommend us?\n>\n> 0 1 2 3 4 5 6 7 8 9 10\n> 0 = not at all likely, 10 = extremely likely\n>\n> Example Ltd, 5 High Street\n"

// replies were written before the reader was.
var replies = []reply{
	// Numbers alone.
	{NPS, "8", 8, ""}, {NPS, "0", 0, ""}, {NPS, "10", 10, ""}, {NPS, "9.", 9, ""}, {NPS, "7!", 7, ""}, {NPS, " 6 ", 6, ""}, {NPS, "**9**", 9, ""},
	{NPS, "\"8\"", 8, ""}, {NPS, "(7)", 7, ""}, {NPS, "8\r\n\r\nThanks,\r\nAnna", 8, ""}, {NPS, "10!!!", 10, ""}, {NPS, "09", review, ""}, {NPS, "#9", review, ""},
	{NPS, "৯", 9, ""}, {NPS, "১০", 10, ""}, {NPS, "٨", 8, ""}, {NPS, "۷", 7, ""}, {NPS, "९", 9, ""}, {NPS, "８", 8, ""}, {NPS, "8️⃣", 8, ""}, {NPS, "🔟", 10, ""},
	{NPS, "⑨", 9, ""}, {NPS, "๙", 9, ""}, {NPS, "𝟵", 9, ""},
	// With what they are out of.
	{NPS, "8/10", 8, ""}, {NPS, "10/10", 10, ""}, {NPS, "8 / 10", 8, ""}, {NPS, "9 out of 10", 9, ""}, {NPS, "9 von 10", 9, ""}, {NPS, "8 sur 10", 8, ""},
	{NPS, "7 de 10", 7, ""}, {NPS, "9 su 10", 9, ""}, {NPS, "8 av 10", 8, ""}, {NPS, "১০ এর মধ্যে ৮", 8, ""}, {NPS, "8 из 10", 8, ""}, {NPS, "9 na 10", 9, ""},
	{NPS, "4/5", review, ""}, {NPS, "8/100", review, ""}, {NPS, "8 of 9", review, ""}, {NPS, "10/10!! Would buy again", 10, ""}, {NPS, "10 op 10", 10, ""},
	{CSAT, "4/5", 4, ""}, {CSAT, "8/10", review, ""}, {CSAT, "5 von 5", 5, ""}, {CES, "6/7", 6, ""}, {CES, "7", 7, ""}, {CES, "8", review, ""},
	// With words behind.
	{NPS, "8 — great service", 8, ""}, {NPS, "8 - great service", 8, ""}, {NPS, "9, because Tom answered within 2 hours", 9, ""}, {NPS, "9 because it works", 9, ""},
	{NPS, "7: the manual is hard to read", 7, ""}, {NPS, "10. Everything was perfect.", 10, ""}, {NPS, "8 (would be 10 if delivery were faster)", 8, ""}, {NPS, "9 thanks", 9, ""},
	{NPS, "9\nThe 2 boxes arrived in 3 days.", 9, ""}, {NPS, "6\n\nThe driver left 1 parcel at no. 7.", 6, ""}, {NPS, "8 points", 8, ""}, {NPS, "8 Punkte", 8, ""},
	{NPS, "10 great!", 10, ""}, {NPS, "9 - sehr zufrieden, nur die 3 Tage Lieferzeit störten", 9, ""}, {NPS, "3 - order 4711 came 10 days late", 3, ""},
	{NPS, "8;)", 8, ""}, {NPS, "10 👍", 10, ""}, {NPS, "9 😀 thank you", 9, ""}, {NPS, "2 ☹", 2, ""}, {NPS, "8 merci beaucoup", 8, ""}, {NPS, "9 gracias", 9, ""},
	// With words before.
	{NPS, "Hi Anna,\n\n9\n\nBest,\nTom", 9, ""}, {NPS, "Hello,\n\nmy answer is 8.\n\nRegards\nTom", 8, ""}, {NPS, "I'd give you a 9", 9, ""}, {NPS, "I would say 8.", 8, ""},
	{NPS, "Score: 7", 7, ""}, {NPS, "My score is 10", 10, ""}, {NPS, "Note: 8", 8, ""}, {NPS, "Ich gebe eine 9.", 9, ""}, {NPS, "Ich würde 8 sagen", 8, ""}, {NPS, "Je dirais 8", 8, ""},
	{NPS, "Le doy un 9", 9, ""}, {NPS, "Do un 7", 7, ""}, {NPS, "Dou nota 9", 9, ""}, {NPS, "Ik geef een 8", 8, ""}, {NPS, "Jag ger 9", 9, ""}, {NPS, "Daję 8", 8, ""},
	{NPS, "আমি ৯ দেব", 9, ""}, {NPS, "আমার উত্তর: ৮", 8, ""}, {NPS, "Моя оценка: 9", 9, ""}, {NPS, "Puanım 8", 8, ""}, {NPS, "Guten Tag,\n\n8\n\nMit freundlichen Grüßen\nEva Muster", 8, ""},
	{NPS, "Bonjour,\n\nje vous donne 9.\n\nCordialement\nLuc", 9, ""}, {NPS, "It's a 10 from me", 10, ""}, {NPS, "a solid 8", 8, ""}, {NPS, "Rating 9/10", 9, ""},
	// Words.
	{NPS, "nine", 9, ""}, {NPS, "Ten!", 10, ""}, {NPS, "zero", 0, ""}, {NPS, "Eight, thanks", 8, ""}, {NPS, "nine out of ten", 9, ""}, {NPS, "neun", 9, ""}, {NPS, "Zehn.", 10, ""},
	{NPS, "acht von zehn", 8, ""}, {NPS, "fünf", 5, ""}, {NPS, "Fuenf", 5, ""}, {NPS, "huit", 8, ""}, {NPS, "Dix sur dix", 10, ""}, {NPS, "neuf", 9, ""}, {NPS, "ocho", 8, ""}, {NPS, "Nueve", 9, ""},
	{NPS, "diez", 10, ""}, {NPS, "nove", 9, ""}, {NPS, "otto", 8, ""}, {NPS, "dieci", 10, ""}, {NPS, "oito", 8, ""}, {NPS, "dez", 10, ""}, {NPS, "negen", 9, ""}, {NPS, "tien", 10, ""},
	{NPS, "osiem", 8, ""}, {NPS, "dziewięć", 9, ""}, {NPS, "åtta", 8, ""}, {NPS, "nio", 9, ""}, {NPS, "নয়", 9, ""}, {NPS, "আট", 8, ""}, {NPS, "দশ", 10, ""}, {NPS, "नौ", 9, ""}, {NPS, "दस", 10, ""},
	{NPS, "девять", 9, ""}, {NPS, "восемь", 8, ""}, {NPS, "sekiz", 8, ""}, {NPS, "dokuz", 9, ""}, {NPS, "八", 8, ""}, {NPS, "九", 9, ""}, {NPS, "تسعة", 9, ""}, {NPS, "十", 10, ""},
	{NPS, "nine (9)", 9, ""}, {NPS, "9 (nine)", 9, ""}, {NPS, "ten/ten", 10, ""}, {NPS, "Nine - you are great", 9, ""},
	// Stars and faces.
	{CSAT, "★★★★☆", 4, ""}, {CSAT, "⭐⭐⭐⭐⭐", 5, ""}, {CSAT, "4 stars", 4, ""}, {CSAT, "5 Sterne", 5, ""}, {CSAT, "⭐️⭐️⭐️", 3, ""}, {CSAT, "4★", 4, ""}, {NPS, "⭐⭐⭐⭐⭐", review, ""},
	{NPS, "5 stars", review, ""}, {NPS, "👍", review, ""}, {NPS, "😀😀", review, ""}, {CSAT, "👎", review, ""}, {CSAT, "★★★★★ perfect!", 5, ""},
	// The words of the scale.
	{CSAT, "very satisfied", 5, ""}, {CSAT, "Sehr zufrieden", 5, ""}, {CSAT, "dissatisfied", 2, ""}, {CSAT, "nicht zufrieden", review, ""}, {CSAT, "not very satisfied", review, ""},
	{CSAT, "très satisfait", 5, ""}, {CSAT, "muy insatisfecho", 1, ""}, {CSAT, "খুব সন্তুষ্ট", 5, ""}, {NPS, "very satisfied", review, ""},
	// Ambiguous.
	{NPS, "8 or 9", review, ""}, {NPS, "8-9", review, ""}, {NPS, "8/9", review, ""}, {NPS, "8 oder 9", review, ""}, {NPS, "8 ou 9", review, ""}, {NPS, "8 bis 9", review, ""}, {NPS, "8 – 9", review, ""},
	{NPS, "between 7 and 8", review, ""}, {NPS, "zwischen 7 und 8", review, ""}, {NPS, "8, maybe 9", review, ""}, {NPS, "8, 9", review, ""}, {NPS, "8 9", review, ""}, {NPS, "8,5", review, ""},
	{NPS, "8.5", review, ""}, {NPS, "8½", review, ""}, {NPS, "seven or eight", review, ""}, {NPS, "৮ বা ৯", review, ""}, {NPS, "8 o 9", review, ""}, {NPS, "8?", review, ""}, {NPS, "8+", review, ""},
	{NPS, "less than 5", review, ""}, {NPS, "mindestens 8", review, ""}, {NPS, "> 8", review, ""}, {NPS, "8\n\nSorry, I meant 3.", review, ""}, {NPS, "9\n7", review, ""},
	{NPS, "8 for the product, 3 for the delivery", review, ""}, {NPS, "Product 9, support 4", review, ""}, {NPS, "It was a 9 but now rather a 5", review, ""}, {NPS, "9 - no, make it 6", review, ""},
	{NPS, "1. Delivery was late\n2. The box was broken", review, ""}, {NPS, "1) too expensive", review, ""}, {NPS, "8 8 8", review, ""}, {NPS, "8 eight 9", review, ""},
	// Corrections within.
	{NPS, "not 9, 7", 7, ""}, {NPS, "nicht 9, sondern 7", 7, ""}, {NPS, "pas 9 mais 7", 7, ""}, {NPS, "no 9 sino 7", 7, ""}, {NPS, "৯ নয়, ৭", 7, ""}, {NPS, "not 9", review, ""}, {NPS, "not a 10", review, ""},
	{NPS, "7, not 9", 7, ""}, {NPS, "7, nicht 9", 7, ""},
	// Out of the scale.
	{NPS, "11", review, ""}, {NPS, "100", review, ""}, {NPS, "-3", review, ""}, {NPS, "80%", review, ""}, {CSAT, "6", review, ""}, {CSAT, "0", review, ""}, {NPS, "10000", review, ""}, {NPS, "9999999999999999999999", review, ""},
	{NPS, "eleven", review, ""}, {NPS, "−8", review, ""},
	// Numbers that are no answer.
	{NPS, "Thanks for asking!", review, ""}, {NPS, "Please call me back at 5", review, ""}, {NPS, "2 of the 3 boxes were broken", review, ""}, {NPS, "3 weeks and still waiting", review, ""},
	{NPS, "5 days late", review, ""}, {NPS, "Who are you?", review, ""}, {NPS, "One thing: where is my parcel?", review, ""}, {NPS, "Order 7 has not arrived", review, ""}, {NPS, "8 Uhr passt", review, ""},
	{NPS, "8:30 is fine", review, ""}, {NPS, "8.3.2026", review, ""}, {NPS, "03/04", review, ""}, {NPS, "€8", review, ""}, {NPS, "8 € zu viel", review, ""}, {NPS, "8pm", review, ""}, {NPS, "Fire!", review, ""},
	{NPS, "3 people asked me already", review, ""}, {NPS, "1 of your drivers was rude", review, ""}, {NPS, "Anna\n+49 30 5 6 7 8", review, ""}, {NPS, "Version 9 crashes", review, ""}, {NPS, "I waited for 7", review, ""},
	{NPS, "neun Tage Verspätung", review, ""}, {NPS, "2x late", review, ""}, {NPS, "7-day delay", review, ""}, {NPS, "I'd give a 9 to Anna and a 2 to the driver", review, ""}, {NPS, "I would never give you 10", review, ""},
	{NPS, "If I could I'd say 0 but I say nothing", review, ""}, {NPS, "10 is too much", review, ""}, {NPS, "9 was the last one, this time it is worse", review, ""},
	// Quotes and signatures.
	{NPS, "8" + quoted, 8, ""}, {NPS, "nine, as always" + quoted, 9, ""}, {NPS, "Thank you for asking" + quoted, review, ""}, {NPS, quoted[2:] + "\n7\n", 7, ""},
	{NPS, "9\n\n-- \nTom Tester\nTel. +49 30 1234567\nMusterstr. 8\n10115 Berlin", 9, ""}, {NPS, "8\n\nMit freundlichen Grüßen\n\nEva Muster\nTelefon 030 / 12 34 56 7\nFax: 8", 8, ""},
	{NPS, "7\n\nSent from my iPhone 8", 7, ""}, {NPS, "10\n\nVon meinem iPhone gesendet", 10, ""}, {NPS, "Thanks\n\n-- \nTom\n9", review, ""},
	{NPS, "6\n\n________________________________\nFrom: Example Team <team@example.com>\nSent: Monday, March 2, 2026 9:15 AM\nTo: Tom\nSubject: How likely are you to recommend us?\n\n0 1 2 3 4 5 6 7 8 9 10\n", 6, ""},
	{NPS, "> How likely are you to recommend us?\n> 0 1 2 3 4 5 6 7 8 9 10\n8\n", 8, ""}, {NPS, "9\n\nAm 02.03.2026 um 09:15 schrieb Example Team:\n> 0 1 2 3 4 5 6 7 8 9 10\n", 9, ""},
	{NPS, "5\n\nLe lun. 2 mars 2026 à 09:15, Example <team@example.com> a écrit :\n> 0 1 2 3 4 5 6 7 8 9 10\n", 5, ""},
	// Nobody wrote these.
	{NPS, "I am out of the office until 9 March.", nothing, "Auto-Submitted: auto-replied\r\n"}, {NPS, "8", nothing, "Auto-Submitted: auto-replied\r\n"},
	{NPS, "Ich bin bis 8. März nicht im Büro.", nothing, "X-Autoreply: yes\r\n"}, {NPS, "Je suis absent jusqu'au 9 mars.", nothing, "Auto-Submitted: auto-replied\r\n"},
	{NPS, "Ticket 9 was opened.", nothing, "Auto-Submitted: auto-generated\r\n"}, {NPS, "I am away until the 9th.", review, ""},
	// Empty.
	{NPS, "", review, ""}, {NPS, quoted[2:], review, ""},
}
