package sale

import (
	"strings"
	"unicode"
)

// field is what a column says.
type field string

// The fields; they are the names a mapping may use.
const (
	fieldNumber   field = "number"
	fieldCustomer field = "customer" // a name, or an address
	fieldEmail    field = "email"
	fieldAccount  field = "account" // number of the customer in the accounting
	fieldDate     field = "date"
	fieldDue      field = "due"
	fieldPaid     field = "paid"    // the day of payment
	fieldAmount   field = "amount"  // of the row: of the document, or of one of its items
	fieldTotal    field = "total"   // of the document, on each of its rows
	fieldBalance  field = "balance" // what is still to be paid
	fieldCurrency field = "currency"
	fieldStatus   field = "status"
	fieldType     field = "type" // kind of document
	fieldSide     field = "side" // S or H, debit or credit of the customer's account
	fieldProduct  field = "product"
	fieldQuantity field = "quantity"
	fieldPrice    field = "price"
	fieldItems    field = "items" // several products in one cell, ; between them
)

// Fields are the names a mapping of columns may use.
var Fields = []string{"number", "customer", "email", "account", "date", "due", "paid", "amount", "total", "balance", "currency", "status", "type", "side", "product", "quantity", "price", "items"}

// known are the headings of accounting programs, in the form that fold gives
// them: Xero's and QuickBooks' exports, Lexware's lists, DATEV's
// Buchungsstapel (developer.datev.de, "Buchungsstapel"), and our own.
var known = map[string]field{
	"number": fieldNumber, "num": fieldNumber, "no.": fieldNumber, "no": fieldNumber, "invoice no": fieldNumber, "invoice no.": fieldNumber, "invoice number": fieldNumber, "invoicenumber": fieldNumber,
	"invoice": fieldNumber, "order number": fieldNumber, "order": fieldNumber, "transaction number": fieldNumber, "bill no": fieldNumber, "bill no.": fieldNumber, "billnumber": fieldNumber,
	"belegnummer": fieldNumber, "beleg-nr.": fieldNumber, "belegnr.": fieldNumber, "belegnr": fieldNumber, "beleg nr.": fieldNumber, "rechnungsnummer": fieldNumber, "rechnungsnr.": fieldNumber, "rechnungs-nr.": fieldNumber, "nummer": fieldNumber, "belegfeld 1": fieldNumber,
	"numéro": fieldNumber, "numéro de facture": fieldNumber, "número": fieldNumber, "número de factura": fieldNumber,

	"customer": fieldCustomer, "customer name": fieldCustomer, "customer full name": fieldCustomer, "name": fieldCustomer, "client": fieldCustomer, "contactname": fieldCustomer, "contact name": fieldCustomer, "contact": fieldCustomer,
	"vendor": fieldCustomer, "supplier": fieldCustomer, "company": fieldCustomer, "organisation": fieldCustomer, "organization": fieldCustomer, "source name": fieldCustomer,
	"kunde": fieldCustomer, "kundenname": fieldCustomer, "lieferant": fieldCustomer, "firma": fieldCustomer, "kontakt": fieldCustomer, "empfänger": fieldCustomer, "name/firma": fieldCustomer, "cliente": fieldCustomer, "proveedor": fieldCustomer, "fournisseur": fieldCustomer,

	"email": fieldEmail, "e-mail": fieldEmail, "emailaddress": fieldEmail, "email address": fieldEmail, "customer email": fieldEmail, "e-mail-adresse": fieldEmail, "correo": fieldEmail, "courriel": fieldEmail,
	"account": fieldAccount, "customer number": fieldAccount, "customer no": fieldAccount, "customer no.": fieldAccount, "accountnumber": fieldAccount, "account number": fieldAccount, "kundennummer": fieldAccount, "kunden-nr.": fieldAccount, "kundennr.": fieldAccount, "lieferantennummer": fieldAccount, "debitor": fieldAccount, "kreditor": fieldAccount, "konto": fieldAccount,

	"date": fieldDate, "invoice date": fieldDate, "invoicedate": fieldDate, "transaction date": fieldDate, "txn date": fieldDate, "order date": fieldDate, "bill date": fieldDate,
	"datum": fieldDate, "belegdatum": fieldDate, "rechnungsdatum": fieldDate, "fecha": fieldDate, "date de facture": fieldDate,
	"due": fieldDue, "due date": fieldDue, "duedate": fieldDue, "fällig": fieldDue, "fällig am": fieldDue, "fälligkeit": fieldDue, "fälligkeitsdatum": fieldDue, "zahlungsziel": fieldDue, "échéance": fieldDue, "vencimiento": fieldDue,
	"paid": fieldPaid, "paid on": fieldPaid, "paid date": fieldPaid, "payment date": fieldPaid, "date paid": fieldPaid, "fully paid on": fieldPaid, "bezahlt": fieldPaid, "bezahlt am": fieldPaid, "zahlungsdatum": fieldPaid, "zahldatum": fieldPaid,

	"amount": fieldAmount, "lineamount": fieldAmount, "line amount": fieldAmount, "betrag": fieldAmount, "umsatz": fieldAmount, "umsatz (ohne soll/haben-kz)": fieldAmount, "montant": fieldAmount, "importe": fieldAmount,
	"total": fieldTotal, "total amount": fieldTotal, "invoice total": fieldTotal, "gross": fieldTotal, "gross total": fieldTotal, "bruttobetrag": fieldTotal, "brutto": fieldTotal, "gesamtbetrag": fieldTotal, "rechnungsbetrag": fieldTotal, "betrag brutto": fieldTotal, "total ttc": fieldTotal,
	"balance": fieldBalance, "open balance": fieldBalance, "balance due": fieldBalance, "amount due": fieldBalance, "invoiceamountdue": fieldBalance, "offen": fieldBalance, "offener betrag": fieldBalance, "restbetrag": fieldBalance, "noch offen": fieldBalance,
	"currency": fieldCurrency, "currency code": fieldCurrency, "währung": fieldCurrency, "wkz umsatz": fieldCurrency, "wkz": fieldCurrency, "devise": fieldCurrency, "moneda": fieldCurrency,
	"status": fieldStatus, "invoice status": fieldStatus, "state": fieldStatus, "zahlungsstatus": fieldStatus, "belegstatus": fieldStatus, "statut": fieldStatus, "estado": fieldStatus,
	"type": fieldType, "transaction type": fieldType, "document type": fieldType, "belegart": fieldType, "belegtyp": fieldType,
	"side": fieldSide, "soll/haben-kennzeichen": fieldSide, "s/h": fieldSide,

	"product": fieldProduct, "product/service": fieldProduct, "product/service full name": fieldProduct, "item": fieldProduct, "description": fieldProduct, "memo/description": fieldProduct, "artikel": fieldProduct, "artikelbezeichnung": fieldProduct, "bezeichnung": fieldProduct, "produkt": fieldProduct, "buchungstext": fieldProduct, "article": fieldProduct, "producto": fieldProduct,
	"quantity": fieldQuantity, "qty": fieldQuantity, "menge": fieldQuantity, "anzahl": fieldQuantity, "quantité": fieldQuantity, "cantidad": fieldQuantity,
	"price": fieldPrice, "unitamount": fieldPrice, "unit price": fieldPrice, "sales price": fieldPrice, "rate": fieldPrice, "einzelpreis": fieldPrice, "preis": fieldPrice, "prix": fieldPrice, "precio": fieldPrice,
	"items": fieldItems, "products": fieldItems, "positionen": fieldItems, "produkte": fieldItems,
}

// rank prefers the more telling of several headings for one field: a product's
// name to what is written about it, a total to what is left of it.
var rank = map[string]int{"description": 1, "memo/description": 2, "product/service full name": 1, "contact": 1, "name": 1, "invoice": 1, "order": 1, "account": 2, "konto": 1, "umsatz": 1}

// fold brings a heading or a word to the form of the tables.
func fold(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "’", "'")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == '_' || r == '\uFEFF' || r == '*'
	}), " ")
}

// statuses are the words of programs for how far a sale has come.
var statuses = words(map[Status]string{
	Paid:      "paid,closed,settled,deposited,bezahlt,ausgeglichen,erledigt,payée,payé,pagada,pagado,completed,complete,paidoff,fulfilled",
	Open:      "open,unpaid,sent,approved,authorised,authorized,awaiting payment,partially paid,partial,partly paid,overdue,due,not paid,viewed,submitted,offen,unbezahlt,teilbezahlt,teilweise bezahlt,überfällig,fällig,versendet,fakturiert,impayée,en retard,pendiente,vencida,pending",
	Draft:     "draft,awaiting approval,entwurf,brouillon,borrador,quote,estimate",
	Cancelled: "cancelled,canceled,void,voided,deleted,storniert,storno,annulliert,annulée,anulada,refused",
})

// document is what a kind of document does to the amount.
type document int

const (
	invoice document = 1
	credit  document = -1
	other   document = 0 // no sale: a payment, an offer, a booking
)

var documents = words(map[document]string{
	invoice: "invoice,sales invoice,sales receipt,bill,accrec,accpay,order,sale,purchase,rechnung,ausgangsrechnung,eingangsrechnung,verkauf,einkauf,facture,factura,receipt,expense",
	credit:  "credit memo,credit note,sales credit note,bill credit note,vendor credit,refund,refund receipt,accreccredit,accpaycredit,gutschrift,rechnungskorrektur,stornorechnung,avoir,nota de crédito,credit",
	other:   "payment,bill payment,estimate,journal entry,journal,deposit,statement charge,zahlung,angebot,auftragsbestätigung,lieferschein,mahnung,check,transfer",
})

// words makes a table of what lists of words mean.
func words[T comparable](lists map[T]string) map[string]T {
	out := map[string]T{}
	for meaning, list := range lists {
		for w := range strings.SplitSeq(list, ",") {
			out[w] = meaning
		}
	}
	return out
}
