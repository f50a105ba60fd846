package sale_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
	"rapport/records/sale"
)

// told writes rows so that a test shows them.
func told(rows []sale.Row) string {
	var b strings.Builder
	for _, r := range rows {
		s := r.Sale
		fmt.Fprintf(&b, "%d %s %s %s", r.Line, s.Direction, s.Number, strings.Join(strings.Fields(fmt.Sprint(s.Customer, " ", r.Email, " ", r.Account)), "|"))
		fmt.Fprintf(&b, " %s due %s paid %s %s %s %s left %s", s.Date, s.Due, s.Paid, s.Status, s.Amount, s.Currency, s.Balance)
		for _, i := range s.Items {
			fmt.Fprintf(&b, " [%s*%s@%s]", i.Product, i.Quantity, i.Price)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func readAll(t *testing.T, text string, o sale.Options) string {
	t.Helper()
	rows, faults := sale.ReadCSV(strings.NewReader(text), o)
	if len(faults) > 0 {
		t.Fatalf("the file has errors: %v", faults)
	}
	return told(rows)
}

const (
	xero = "*ContactName,EmailAddress,POAddressLine1,*InvoiceNumber,Reference,*InvoiceDate,*DueDate,Total,TaxTotal,InvoiceAmountPaid,InvoiceAmountDue,InventoryItemCode,*Description,*Quantity,*UnitAmount,Discount,LineAmount,*AccountCode,*TaxType,TaxAmount,Currency,Type,Sent,Status\r\n" +
		"Tea House,mina@tea.example,1 Quay,INV-0041,,28/02/2026,14/03/2026,\"1,320.00\",220.00,0.00,\"1,320.00\",,Green tea,10.0000,100.0000,,\"1,000.00\",200,20%,200.00,GBP,Sales invoice,Sent,Awaiting Payment\r\n" +
		"Tea House,mina@tea.example,1 Quay,INV-0041,,28/02/2026,14/03/2026,\"1,320.00\",220.00,0.00,\"1,320.00\",,Delivery,1.0000,100.0000,,100.00,200,20%,20.00,GBP,Sales invoice,Sent,Awaiting Payment\r\n" +
		"Café Nord,,,CN-7,INV-0040,01/03/2026,,60.00,10.00,60.00,0.00,,Green tea,-0.5,100,,50.00,200,20%,10.00,GBP,Sales credit note,Sent,Paid\r\n"
	quickbooks = "Harbour Trading Inc.\nSales by Customer Detail\n\"January 1-31, 2026\"\n\nDate,Transaction Type,Num,Memo/Description,Qty,Sales Price,Amount,Balance\nTea House,,,,,,,\n01/15/2026,Invoice,1037,Green tea,2.00,\"$1,250.00\",\"$2,500.00\",\"$2,500.00\"\n01/15/2026,Invoice,1037,Cups,24.00,$3.50,$84.00,\"$2,584.00\"\n01/20/2026,Payment,88,,,,($100.00),\nTotal for Tea House,,,,,,\"$2,584.00\",\nCafé Nord,,,,,,,\n01/31/2026,Credit Memo,1038,Cups,2.00,$3.50,$7.00,\"$2,577.00\"\nTotal for Café Nord,,,,,,$7.00,\nTOTAL,,,,,,\"$2,591.00\",\n"
	lexware    = "\uFEFFBelegdatum;Belegnummer;Belegart;Kunden-Nr.;Kunde;E-Mail;Bruttobetrag;Offener Betrag;Währung;Fälligkeitsdatum;Status;Bezahlt am\n" +
		"1.2.2026;RE-1001;Rechnung;10042;Teehaus Müller GmbH;einkauf@teehaus.example;1.234,50 €;0,00;EUR;15.2.2026;bezahlt;12.02.26\n" +
		"03.02.2026;RE-1002;Rechnung;10042;Teehaus Müller GmbH;;99,9;99,9;EUR;17.02.2026;überfällig;\n" +
		"04.02.2026;GS-7;Gutschrift;10043;\"Café \"\"Nord\"\"\";;12,00-;0;EUR;;ausgeglichen;\n"
	datev = "\"EXTF\";700;21;\"Buchungsstapel\";13;20260130140440439;;\"RE\";\"\";\"\";29098;55003;20250701;4;20260101;20260131;\"Rechnungen\";\"WD\";1;0;0;\"EUR\";;\"\";;;\"03\";;;\"\";\"\"\r\n" +
		"Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Kurs;Basis-Umsatz;WKZ Basis-Umsatz;Konto;Gegenkonto (ohne BU-Schlüssel);BU-Schlüssel;Belegdatum;Belegfeld 1;Belegfeld 2;Skonto;Buchungstext\r\n" +
		"1190,00;\"S\";\"EUR\";;;\"\";10042;8400;\"\";501;\"RE-1001\";\"\";;\"Grüner Tee\"\r\n" +
		"119,00;\"H\";\"\";;;\"\";8400;10042;\"\";3112;\"RE-0990\";\"\";;\"Tassen\"\r\n" +
		"1190,00;\"H\";\"EUR\";;;\"\";10042;1200;\"\";2001;\"RE-1001\";\"\";;\"Zahlung\"\r\n" +
		"23,80;\"H\";\"EUR\";;;\"\";10043;8400;\"\";701;\"GS-1\";\"\";;\"Gutschrift\"\r\n" +
		"50,00;\"H\";\"EUR\";;;\"\";70001;3400;\"\";801;\"4711\";\"\";;\"Blätter\"\r\n"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	latin := func(s string) string { // as DATEV writes
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	wide := func(s string) string {
		b := []byte{0xFF, 0xFE}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for _, tt := range []struct {
		name, text string
		o          sale.Options
		want       string
	}{
		{"xero", xero, sale.Options{}, `2 sale INV-0041 Tea|House|mina@tea.example 2026-02-28 due 2026-03-14 paid  open 1320 GBP left 1320 [Green tea*10@100] [Delivery*1@100]
4 sale CN-7 Café|Nord 2026-03-01 due  paid  paid -60 GBP left 0 [Green tea*-0.50@100]
`},
		{"quickbooks", quickbooks, sale.Options{Currency: "USD"}, `7 sale 1037 Tea|House 2026-01-15 due  paid  open 2584 USD left 2500 [Green tea*2@1250] [Cups*24@3.50]
12 sale 1038 Café|Nord 2026-01-31 due  paid  open -7 USD left -2577 [Cups*2@3.50]
`},
		{"lexware", lexware, sale.Options{}, `2 sale RE-1001 Teehaus|Müller|GmbH|einkauf@teehaus.example|10042 2026-02-01 due 2026-02-15 paid 2026-02-12 paid 1234.50 EUR left 0
3 sale RE-1002 Teehaus|Müller|GmbH|10042 2026-02-03 due 2026-02-17 paid  open 99.90 EUR left 99.90
4 sale GS-7 Café|"Nord"|10043 2026-02-04 due  paid  paid -12 EUR left 0
`},
		{"datev", latin(datev), sale.Options{}, `3 sale RE-1001 10042 2026-01-05 due  paid  open 1190 EUR left 0 [Grüner Tee*0@0]
4 sale RE-0990 10042 2025-12-31 due  paid  open 119 EUR left 0 [Tassen*0@0]
6 sale GS-1 10043 2026-01-07 due  paid  open -23.80 EUR left 0 [Gutschrift*0@0]
`},
		{"datev, purchases", latin(datev), sale.Options{Direction: sale.Bought}, "7 purchase 4711 70001 2026-01-08 due  paid  open 50 EUR left 0 [Blätter*0@0]\n"},
		{"ours", "number,email,date,amount,currency,items,paid\n7,a@b.example,2026-03-01,12.5,EUR,2 x tea; honey,yes\n", sale.Options{},
			"2 sale 7 a@b.example 2026-03-01 due  paid  paid 12.50 EUR left 0 [tea*2@0] [honey*1@0]\n"},
		{"utf-16", wide("number\tcustomer\tdate\tamount\n৭\tচা\t২০২৬-০৩-০১\t৳ ১,২৩,৪৫৬.৫০\n"), sale.Options{}, "2 sale ৭ চা 2026-03-01 due  paid  open 123456.50 BDT left 0\n"},
		{"mapped", "Ref;When;Who;Was;Amount\nA1;3/4/2026;Tea;1'234.5;9\n", sale.Options{Currency: "CHF", Dates: "dmy",
			Columns: map[string]string{"number": "ref", "date": "WHEN", "customer": "Who", "total": "Was", "amount": ""}}, "2 sale A1 Tea 2026-04-03 due  paid  open 1234.50 CHF left 0\n"},
		{"a preface of Excel", "sep=;\nnumber;customer;date;amount\n1;Tea;1 Mar 2026;EUR 5\n2;Tea;March 2, 2026;(5,25 €)\n", sale.Options{}, "3 sale 1 Tea 2026-03-01 due  paid  open 5 EUR left 0\n4 sale 2 Tea 2026-03-02 due  paid  open -5.25 EUR left 0\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readAll(t, tt.text, tt.o)); diff != "" {
				t.Errorf("what was read differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDatesInAnotherOrder names what was said of the file, where that is why a
// date is none.
func TestDatesInAnotherOrder(t *testing.T) {
	t.Parallel()
	_, faults := sale.ReadCSV(strings.NewReader("number,customer,date,amount,currency\n1,Tea,01/15/2026,5.00,EUR\n"), sale.Options{Dates: "dmy"})
	if len(faults) != 1 || faults[0].Line != 2 || !strings.Contains(faults[0].What, "dates: mdy") {
		t.Errorf("the errors are %v, want one of line 2 that names dates: mdy", faults)
	}
}

// Each file is broken in one way, and is refused as a whole with a sentence that
// names the line.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	const head, good = "number,customer,date,amount,currency\n", "1,Tea,2026-03-01,5.00,EUR\n"
	for _, tt := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"empty", "", 1, "empty"},
		{"headings alone", head, 1, "no sale"},
		{"no headings", good + good, 1, "number and date"},
		{"a misspelt heading", "numbr,customer,date,amount\n" + good, 1, "meant as number"},
		{"no amount column", "number,customer,date\n1,Tea,2026-03-01\n", 1, "amount"},
		{"an open quote", head + good + "2,\"Tea,2026-03-01,5.00,EUR\n", 3, "quote"},
		{"a quote in a cell", head + "1,T\"ea,2026-03-01,5.00,EUR\n", 2, "quote"},
		{"no such day", head + "1,Tea,2026-02-30,5.00,EUR\n", 2, "no date"},
		{"a word for a date", head + good + "2,Tea,soon,5.00,EUR\n", 3, "no date"},
		{"a month of 13", head + "1,Tea,13/13/2026,5.00,EUR\n", 2, "no date"},
		{"dates either way", head + "1,Tea,03/04/2026,5.00,EUR\n", 2, "dmy or mdy"},
		{"dates both ways", head + "1,Tea,13/04/2026,5.00,EUR\n2,Tea,04/13/2026,5.00,EUR\n", 3, "line 2"},
		{"no date", head + "1,Tea,,5.00,EUR\n", 2, "date"},
		{"no number", head + good + ",Tea,2026-03-01,5.00,EUR\n", 3, "number"},
		{"no customer", head + "1,,2026-03-01,5.00,EUR\n", 2, "customer"},
		{"no currency", "number,customer,date,amount\n1,Tea,2026-03-01,5.00\n", 2, "currency"},
		{"a currency there is not", head + "1,Tea,2026-03-01,5.00,Euros\n", 2, "EUROS"},
		{"a word for an amount", head + "1,Tea,2026-03-01,five,EUR\n", 2, "no amount"},
		{"no amount", head + "1,Tea,2026-03-01,,EUR\n", 2, "amount"},
		{"an amount either way", head + "1,Tea,2026-03-01,\"1,234\",EUR\n", 2, "comma or point"},
		{"amounts both ways", head + good + "2,Tea,2026-03-01,\"5,50\",EUR\n", 3, "line 2"},
		{"wrong groups", head + "1,Tea,2026-03-01,\"12,34.50\",EUR\n", 2, "no amount"},
		{"two numbers in a cell", head + "1,Tea,2026-03-01,5.00 6.00,EUR\n", 2, "no amount"},
		{"an amount too large", head + "1,Tea,2026-03-01,99999999999999999.00,EUR\n", 2, "too large"},
		{"a fifth decimal", head + "1,Tea,2026-03-01,0.12345,EUR\n", 2, "decimals"},
		{"an unknown status", "number,customer,date,amount,currency,status\n1,Tea,2026-03-01,5,EUR,mislaid\n", 2, "status"},
		{"an unknown document", "number,customer,date,amount,currency,type\n1,Tea,2026-03-01,5,EUR,postcard\n", 2, "postcard"},
		{"a number twice", head + good + good, 3, "line 2"},
		{"another date", "number,customer,date,amount,currency,product\n1,Tea,2026-03-01,5,EUR,a\n1,Tea,2026-03-02,5,EUR,b\n", 3, "another date"},
		{"another customer", "number,customer,date,amount,currency,product\n1,Tea,2026-03-01,5,EUR,a\n1,Nord,2026-03-01,5,EUR,b\n", 3, "another customer"},
		{"another currency", "number,customer,date,amount,currency,product\n1,Tea,2026-03-01,5,EUR,a\n1,Tea,2026-03-01,5,USD,b\n", 3, "another currency"},
		{"another total", "number,customer,date,total,currency,product\n1,Tea,2026-03-01,5,EUR,a\n1,Tea,2026-03-01,6,EUR,b\n", 3, "another total"},
		{"a bad address", "number,email,date,amount,currency\n1,tea@,2026-03-01,5,EUR\n", 2, "address"},
		{"a long number", head + strings.Repeat("1", 101) + ",Tea,2026-03-01,5,EUR\n", 2, "100 bytes"},
		{"too large", head + strings.Repeat(good, 100), 1, "larger"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, faults := sale.ReadCSV(strings.NewReader(tt.text), sale.Options{MaxBytes: 1 << 11})
			if len(rows) != 0 || len(faults) == 0 {
				t.Fatalf("%d sales and the errors %v; want none and one", len(rows), faults)
			}
			if f := faults[0]; f.Line != tt.line || !strings.Contains(f.What, tt.says) {
				t.Errorf("it says line %d: %s; want line %d and something of %q", f.Line, f.What, tt.line, tt.says)
			}
		})
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	rows, faults := sale.ReadJSONLines(strings.NewReader(`{"number":"1","email":"a@b.example","date":"2026-03-01","amount":12.5,"currency":"EUR","items":[{"product":"tea","quantity":"2","price":6.25}]}

{"number":"1","direction":"purchase","customer":"Mill","date":"2026-03-02","amount":"-0.01","status":"draft"}
`), sale.Options{Currency: "USD"})
	want := "1 sale 1 a@b.example 2026-03-01 due  paid  open 12.50 EUR left 0 [tea*2@6.25]\n3 purchase 1 Mill 2026-03-02 due  paid  draft -0.01 USD left 0\n"
	if diff := cmp.Diff(want, told(rows)); diff != "" || len(faults) > 0 {
		t.Errorf("what was read differs, errors %v (-want +got):\n%s", faults, diff)
	}
	for text, want := range map[string]contact.RowError{
		"":                            {Line: 1, What: "empty"},
		`{"number":"1"`:               {Line: 1, What: "JSON"},
		`{"nummer":"1"}`:              {Line: 1, What: "number"},
		`{"number":"1","amount":1e9}`: {Line: 1, What: "1234.50"},
		`{"number":"1","date":"2026-03-01","amount":"1","currency":"EUR"}`: {Line: 1, What: "customer"},
		`{"number":"1","date":"2026-03-01","amount":"1","currency":"EUR","customer":"x"}` + "\n" + `{"number":"1","date":"2026-03-01","amount":"1","currency":"EUR","customer":"x"}`: {Line: 2, What: "line 1"},
	} {
		rows, faults := sale.ReadJSONLines(strings.NewReader(text), sale.Options{})
		if len(rows) > 0 || len(faults) != 1 || faults[0].Line != want.Line || !strings.Contains(faults[0].What, want.What) {
			t.Errorf("ReadJSONLines(%s) = %d sales, %v; want line %d and something of %q", text, len(rows), faults, want.Line, want.What)
		}
	}
}
