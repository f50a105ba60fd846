package demo

// The people of the demo: a small company that trades in tea, its customers
// and partners, and some who are neither.
const (
	ada    = "Ada Byron <ada@kestrel.example>"
	tomas  = "Tomas Berg <tomas@kestrel.example>"
	mitali = "Mitali Sen <mitali@kestrel.example>"

	jonas  = "Jonas Weber <jonas.weber@lindenhof.example>"
	petra  = "Petra Klein <petra.klein@lindenhof.example>"
	grace  = "Grace Okafor <grace@harbourbooks.example>"
	nusrat = "নুসরাত জাহান <nusrat@padmastores.example>"
	rahim  = "Rahim Uddin <rahim@padmastores.example>"
	oona   = "Oona Lahti <oona.lahti@post.example>"
	devika = "Devika Rao <devika@hillcrest.example>"
	marek  = "Marek Novák <marek@swiftship.example>"
	yuki   = "Yuki Tanaka <yuki@bluekettle.example>"

	teaWorld = "Tea World Weekly <letter@teaworld.example>"
	rocket   = "Chad from Rocket Rank <chad@rocketrank.example>"
	dentist  = "Dr. Molar's Practice <reception@molar.example>"
	lena     = "Lena Fuchs <lena.fuchs@jobs.example>"
	spammer  = "Prize Office <winner@lottery.example>"
)

// contactsCSV is what the demo imports: four customers, two partners and one
// company that is both. Everything else about them comes from the mail.
const contactsCSV = `name,email,organisation,domain,kind,role,language,owner,tags,consent
,,Café Lindenhof,lindenhof.example,customer,,de,tomas@kestrel.example,café,
,,Harbour Books & Tea,harbourbooks.example,customer,,en,ada@kestrel.example,shop,
,,Padma Stores,padmastores.example,customer,,bn,mitali@kestrel.example,wholesale,
,,Hillcrest Estates,hillcrest.example,partner,supplier,en,ada@kestrel.example,,
,,Swiftship Logistics,swiftship.example,partner,service provider,en,tomas@kestrel.example,,
,,Blue Kettle Traders,bluekettle.example,both,reseller,ja,mitali@kestrel.example,,
Jonas Weber,jonas.weber@lindenhof.example,Café Lindenhof,,,,de,,,
Petra Klein,petra.klein@lindenhof.example,Café Lindenhof,,,,de,,,
Grace Okafor,grace@harbourbooks.example,Harbour Books & Tea,,,,en,,vip,
নুসরাত জাহান,nusrat@padmastores.example,Padma Stores,,,,bn,,,
Oona Lahti,oona.lahti@post.example,,,customer,,fi,ada@kestrel.example,,newsletter=withdrawn
Devika Rao,devika@hillcrest.example,Hillcrest Estates,,,,en,,,
Marek Novák,marek@swiftship.example,Swiftship Logistics,,,,cs,,,
Yuki Tanaka,yuki@bluekettle.example,Blue Kettle Traders,,,,ja,,,
`

// mail is one sample message. It lies in the sender's Sent folder and the
// recipients' Inboxes, as far as they are ours.
type mail struct {
	key      string // names it for answers and is its Message-ID's local part
	days     int    // ago
	at       string // time of day, 15:04
	from     string
	to, cc   []string
	subject  string
	answers  string // key of the message it answers
	headers  []string
	body     string
	html     string // beside body
	attached []file
	junk     bool // lies in Junk instead of Inbox
}

type file struct {
	name, kind string
	data       func() []byte
}

func people(p ...string) []string { return p }

// samples are the mails of the last weeks.
var samples = []mail{
	{key: "lindenhof-1", days: 41, at: "08:52", from: jonas, to: people(tomas), subject: "Bestellung Darjeeling First Flush",
		body: "Lieber Herr Berg,\n\nunsere Gäste fragen schon nach dem neuen First Flush. Könnten Sie uns 12 kg zurücklegen und sagen, was er dieses Jahr kostet? Die Blechdosen vom letzten Mal waren übrigens wunderschön.\n\nHerzliche Grüße aus der Lindenstraße\nJonas Weber\nCafé Lindenhof"},
	{key: "lindenhof-2", days: 41, at: "10:31", from: tomas, to: people(jonas), cc: people(petra), subject: "AW: Bestellung Darjeeling First Flush", answers: "lindenhof-1",
		body: "Lieber Herr Weber,\n\nsehr gern: 12 kg zu 68 € das Kilo, Dosen inbegriffen. Ich lege sie bis Monatsende zurück.\n\nViele Grüße\nTomas Berg\n\nAm Montag schrieb Jonas Weber:\n> unsere Gäste fragen schon nach dem neuen First Flush."},
	{key: "lindenhof-3", days: 40, at: "09:05", from: petra, to: people(tomas), cc: people(jonas), subject: "AW: AW: Bestellung Darjeeling First Flush", answers: "lindenhof-2",
		body: "Guten Morgen Herr Berg,\n\neinverstanden, bitte die Rechnung an mich. Können Sie bis zum 20. liefern? Da eröffnen wir den Garten.\n\nPetra Klein\nBuchhaltung, Café Lindenhof"},
	{key: "lindenhof-4", days: 38, at: "14:20", from: tomas, to: people(petra), cc: people(jonas, ada), subject: "Rechnung 2041 zu Ihrer Bestellung", answers: "lindenhof-3",
		body: "Liebe Frau Klein,\n\nanbei die Rechnung. Der Tee geht morgen auf die Reise und ist vor der Garteneröffnung da – versprochen.\n\nViele Grüße\nTomas Berg", attached: []file{{"Rechnung-2041.pdf", "application/pdf", pdf("Rechnung 2041 - 12 kg Darjeeling First Flush")}}},
	{key: "lindenhof-5", days: 38, at: "14:21", from: petra, to: people(tomas), subject: "Abwesenheit: Rechnung 2041 zu Ihrer Bestellung", answers: "lindenhof-4",
		headers: []string{"Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"},
		body:    "Ich bin bis Freitag nicht im Haus. In dringenden Fällen hilft Ihnen Jonas Weber.\n\nPetra Klein"},
	{key: "lindenhof-6", days: 12, at: "17:45", from: jonas, to: people(tomas, ada), subject: "Der Garten ist offen!",
		body: "Liebe Kestrels,\n\nder Tee kam pünktlich, und die erste Kanne gehörte dem Bürgermeister. Kommen Sie vorbei, wenn Sie in der Nähe sind!\n\nJonas", attached: []file{{"garten.png", "image/png", picture(0x5f, 0x8a, 0x4e)}}},

	{key: "harbour-1", days: 19, at: "11:03", from: grace, to: people(ada), subject: "Two dented tins",
		body: "Hi Ada,\n\nlovely delivery as always, but two of the Assam tins arrived with a proper dent – see the picture. The tea is fine, I just can't put them in the window.\n\nBest,\nGrace", attached: []file{{"tins.png", "image/png", picture(0x9c, 0x5b, 0x3f)}}},
	{key: "harbour-2", days: 19, at: "11:40", from: ada, to: people(grace), cc: people(tomas), subject: "Re: Two dented tins", answers: "harbour-1",
		body: "Oh no, Grace! Two fresh tins go out today, keep the others for the staff room. Tomas will ask the carrier what happened.\n\nAda\n\nOn Tuesday Grace Okafor wrote:\n> lovely delivery as always, but two of the Assam tins arrived with a proper dent"},
	{key: "harbour-3", days: 16, at: "09:27", from: grace, to: people(ada), subject: "Re: Two dented tins", answers: "harbour-2",
		body: "They're here and perfect. The staff room sends its regards.\n\nG."},
	{key: "harbour-4", days: 3, at: "15:12", from: grace, to: people(ada), subject: "Autumn order, and a reading on Thursday?",
		body: "Ada,\n\n40 tins of the Smoky Earl for autumn, please, same terms. And: we have a reading on Thursday week, would you bring something to taste?\n\nGrace",
		html: "<p>Ada,</p><p><b>40 tins of the Smoky Earl</b> for autumn, please, same terms. And: we have a reading on Thursday week, would you bring something to taste?</p><p>Grace</p>"},
	{key: "harbour-5", days: 2, at: "08:58", from: ada, to: people(grace), subject: "Re: Autumn order, and a reading on Thursday?", answers: "harbour-4",
		body: "Forty Smoky Earls it is, they leave on Monday. And yes to the reading – I'll bring the new oolong.\n\nAda"},

	{key: "padma-1", days: 26, at: "06:40", from: nusrat, to: people(mitali), subject: "শীতের চালান নিয়ে প্রশ্ন",
		body: "প্রিয় মিতালি,\n\nশীতের জন্য আমাদের ২০০ প্যাকেট মশলা চা দরকার। দাম কি গত বছরের মতোই আছে? ডিসেম্বরের প্রথম সপ্তাহে পেলে ভালো হয়।\n\nশুভেচ্ছা,\nনুসরাত জাহান\nপদ্মা স্টোর্স"},
	{key: "padma-2", days: 26, at: "07:15", from: mitali, to: people(nusrat), subject: "Re: শীতের চালান নিয়ে প্রশ্ন", answers: "padma-1",
		body: "প্রিয় নুসরাত,\n\nহ্যাঁ, দাম একই আছে, আর ২০০ প্যাকেটে আমরা ৫% ছাড় দিতে পারি। ডিসেম্বরের তিন তারিখে পৌঁছে যাবে।\n\nমিতালি"},
	{key: "padma-3", days: 25, at: "05:58", from: nusrat, to: people(mitali), cc: people(rahim), subject: "Re: শীতের চালান নিয়ে প্রশ্ন", answers: "padma-2",
		body: "চমৎকার, ধন্যবাদ! রহিম ভাই গুদামের ব্যবস্থা করবেন।\n\nনুসরাত"},
	{key: "padma-4", days: 9, at: "10:10", from: rahim, to: people(mitali), subject: "Warehouse hours in December",
		body: "Dear Mitali,\n\nour warehouse takes deliveries from 7 to 15 o'clock, Friday closed. Please ask the driver to call me on arrival.\n\nRahim Uddin"},

	{key: "oona-1", days: 7, at: "19:22", from: oona, to: people(ada), subject: "A birthday present for my mother",
		body: "Hello,\n\nI bought your jasmine at the market in Turku. Could you send 250 g as a present, with a card that says “Hyvää syntymäpäivää, äiti”?\n\nKind regards\nOona Lahti"},
	{key: "oona-2", days: 6, at: "09:14", from: ada, to: people(oona), subject: "Re: A birthday present for my mother", answers: "oona-1",
		body: "With pleasure, Oona. It is wrapped, the card is written by hand, and it leaves today.\n\nAda"},

	{key: "hillcrest-1", days: 33, at: "04:51", from: devika, to: people(ada), subject: "Harvest report and price list",
		body: "Dear Ada,\n\nthe rains came late and were kind. First lots are tasting bright, a little apricot. The list is attached; prices hold until the end of the month.\n\nWarmly,\nDevika Rao\nHillcrest Estates", attached: []file{{"prices.csv", "text/csv", text("lot,grade,kg,price per kg\nH-11,FTGFOP1,120,41.50\nH-12,TGFOP,300,29.80\n")}}},
	{key: "hillcrest-2", days: 32, at: "09:30", from: ada, to: people(devika), cc: people(mitali), subject: "Re: Harvest report and price list", answers: "hillcrest-1",
		body: "Devika, please reserve all of H-11 and 100 kg of H-12 for us. Mitali will arrange the payment.\n\nAda"},
	{key: "hillcrest-3", days: 31, at: "05:20", from: devika, to: people(ada, mitali), subject: "Re: Harvest report and price list", answers: "hillcrest-2",
		body: "Reserved and labelled. Shipping papers follow next week.\n\nDevika"},
	{key: "swiftship-1", days: 18, at: "08:04", from: marek, to: people(tomas), subject: "Claim 7731: damaged parcel Harbour Books",
		body: "Hello Tomas,\n\nwe found it: the parcel slid off belt 4. The value of two tins is credited to your account, sorry about that.\n\nMarek Novák\nSwiftship Logistics"},
	{key: "swiftship-2", days: 18, at: "08:40", from: tomas, to: people(marek), subject: "Re: Claim 7731: damaged parcel Harbour Books", answers: "swiftship-1",
		body: "Thanks for the quick answer, Marek. Two straps more per pallet from now on?\n\nTomas"},
	{key: "swiftship-3", days: 5, at: "16:33", from: marek, to: people(tomas), cc: people(mitali), subject: "Customs: papers missing for the Padma shipment",
		body: "Tomas, Mitali,\n\ncustoms wants form 12b for the Padma Stores pallets before Thursday, otherwise they miss the boat.\n\nMarek"},
	{key: "swiftship-4", days: 5, at: "17:02", from: mitali, to: people(marek), cc: people(tomas), subject: "Re: Customs: papers missing for the Padma shipment", answers: "swiftship-3",
		body: "Here it is, signed and stamped.\n\nMitali", attached: []file{{"form-12b.pdf", "application/pdf", pdf("Form 12b - Padma Stores, 4 pallets")}}},

	{key: "kettle-1", days: 14, at: "02:15", from: yuki, to: people(mitali), subject: "新茶のサンプルについて",
		body: "ミタリ様\n\nいつもお世話になっております。玉露のサンプルを三種類お送りしました。ご感想をお聞かせください。\n\n田中 由紀\nBlue Kettle Traders"},
	{key: "kettle-2", days: 13, at: "10:48", from: mitali, to: people(yuki), subject: "Re: 新茶のサンプルについて", answers: "kettle-1",
		body: "Dear Yuki,\n\nthe second gyokuro won by a mile. Could you take 30 kg of our First Flush in exchange, as last spring?\n\nMitali"},
	{key: "kettle-3", days: 12, at: "01:30", from: yuki, to: people(mitali), subject: "Re: 新茶のサンプルについて", answers: "kettle-2",
		body: "Dear Mitali,\n\na fair exchange! Agreed, 30 kg against 18 kg gyokuro.\n\nYuki"},

	// What Rapport must leave alone.
	{key: "newsletter", days: 4, at: "06:00", from: teaWorld, to: people(ada), subject: "Ten teas you must try before winter",
		headers: []string{"List-Id: Tea World Weekly <weekly.teaworld.example>", "List-Unsubscribe: <mailto:off@teaworld.example>", "Precedence: bulk"},
		body:    "This week: ten teas, three kettles, one opinion.\n\nUnsubscribe any time."},
	{key: "pitch", days: 8, at: "13:37", from: rocket, to: people(ada), subject: "Your website could rank #1",
		body: "Hey Ada, quick question – who handles SEO at your company? We took a client from zero to hero in nine days.\n\nChad"},
	{key: "dentist", days: 6, at: "09:00", from: dentist, to: people(tomas), subject: "Your appointment on Tuesday",
		body: "Dear Mr Berg,\n\nwe look forward to seeing you on Tuesday at 8.30. Please bring your card.\n\nThe practice"},
	{key: "applicant", days: 10, at: "20:11", from: lena, to: people(mitali), subject: "Application as a tea taster",
		body: "Dear Ms Sen,\n\nI can tell a second flush from across the street. May I send you my papers?\n\nLena Fuchs"},
	{key: "lunch", days: 1, at: "11:50", from: tomas, to: people(ada, mitali), subject: "Lunch?",
		body: "Soup place at half past twelve?\n\nT."},
	{key: "prize", days: 2, at: "03:03", from: spammer, to: people(mitali), subject: "You have WON", junk: true,
		body: "Claim your prize by sending a small fee."},
}

// live is the mail that arrives while the daemon watches.
var live = mail{key: "lindenhof-7", from: jonas, to: people(tomas), subject: "Nachbestellung: der Garten ist durstig",
	body: "Lieber Herr Berg,\n\nder First Flush geht zur Neige. Bitte noch einmal 8 kg, so schnell Sie können – die Terrasse ist jeden Abend voll.\n\nJonas Weber"}

// notFiled describes the samples that stay on the server, for the summary.
var notFiled = []struct{ what, key string }{
	{"a newsletter", "newsletter"}, {"a sales pitch from a stranger", "pitch"}, {"a dentist's reminder", "dentist"},
	{"a job application", "applicant"}, {"a mail among colleagues", "lunch"}, {"spam", "prize"},
}
