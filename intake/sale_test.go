package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rapport/intake"
	"rapport/records/contact"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// shop is a world with customers who buy.
type shop struct {
	*world
	t    *testing.T
	cleo contact.Contact
	firm contact.Organisation
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{world: newWorld(t), t: t}
	var err error
	if s.firm, err = s.AddOrganisation(t.Context(), "eve", contact.Organisation{Name: "Tea House", Domains: []contact.Domain{{Name: "tea.example"}}, Custom: map[string]string{"customer_number": "10042"}}); err != nil {
		t.Fatal(err)
	}
	if s.cleo, err = s.AddContact(t.Context(), "eve", contact.Contact{Name: "Cleo", Addresses: []contact.Address{"cleo@client.example"}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) imported(csv string, o sale.ImportOptions, direction sale.Direction) sale.ImportResult {
	s.t.Helper()
	rows, faults := sale.ReadCSV(strings.NewReader("number,customer,email,account,date,amount,currency,items,status\n"+csv), sale.Options{Direction: direction})
	if len(faults) > 0 {
		s.t.Fatal(faults)
	}
	out, err := s.ImportSales(s.t.Context(), "eve", rows, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// told lists all sales with the entries on the histories.
func (s *shop) told() string {
	s.t.Helper()
	var b strings.Builder
	err := s.store.View(s.t.Context(), func(tx store.Tx) error {
		b.Reset()
		page, err := tx.Sales().List(store.SaleFilter{}, store.Slice{})
		if err != nil {
			return err
		}
		for _, v := range page.Items {
			fmt.Fprintf(&b, "%s %s %s %s %s %q", v.Direction, v.Number, v.Date, v.Amount, v.Status, v.Customer)
			if v.Contact == s.cleo.ID {
				b.WriteString(" cleo")
			}
			if v.Organisation == s.firm.ID {
				b.WriteString(" firm")
			}
			e, err := tx.Entries().Get(timeline.ID(v.ID))
			switch {
			case err == nil:
				fmt.Fprintf(&b, ": %s on %d+%d", e.Subject, len(e.Contacts), len(e.Organisations))
			case !errors.Is(err, store.ErrNotFound):
				return err
			}
			b.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

func (s *shop) want(what, want string) {
	s.t.Helper()
	if got := s.told(); got != want {
		s.t.Errorf("%s there is\n%swant\n%s", what, got, want)
	}
}

func TestImportSales(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	file := "1,Tea House,,,2026-03-01,10,EUR,2 x tea,\n2,Cleo,,,2026-03-02,20,EUR,,draft\n3,,cleo@client.example,,2026-03-03,30,EUR,,paid\n4,,,10042,2026-03-04,40,EUR,,\n5,,new@tea.example,,2026-03-05,50,EUR,,\n"
	if out := s.imported(file, sale.ImportOptions{Dry: true}, ""); out.Added != 5 || len(out.Rows) != 5 || s.told() != "" {
		t.Errorf("a dry run says %+v and leaves\n%s", out, s.told())
	}
	if out := s.imported(file, sale.ImportOptions{}, ""); out.Added != 5 || len(out.Errors) > 0 {
		t.Fatalf("the import says %+v", out)
	}
	whole := `sale 5 2026-03-05 50 open "" firm: 5 · 50.00 EUR on 0+1
sale 4 2026-03-04 40 open "" firm: 4 · 40.00 EUR on 0+1
sale 3 2026-03-03 30 paid "" cleo: 3 · 30.00 EUR on 1+0
sale 2 2026-03-02 20 draft "Cleo" cleo
sale 1 2026-03-01 10 open "Tea House" firm: 1 · 10.00 EUR on 0+1
`
	s.want("after the import", whole)
	if out := s.imported(file, sale.ImportOptions{}, ""); out.Unchanged != 5 || out.Added+out.Updated > 0 {
		t.Errorf("the same file again says %+v", out)
	}
	if out := s.imported("1,Tea House,,,2026-03-01,11,EUR,,paid\n6,Nobody,,,2026-03-01,1,EUR,,\n", sale.ImportOptions{}, ""); len(out.Errors) != 1 || out.Errors[0].Line != 3 || !strings.Contains(out.Errors[0].What, "Nobody") {
		t.Errorf("a sale to nobody known says %+v", out)
	}
	s.want("after a file with an error", whole)
	if out := s.imported("1,Tea House,,,2026-02-01,11,EUR,,paid\n6,Nobody,,,2026-03-01,1,EUR,,\n", sale.ImportOptions{Unknown: sale.UnknownSkip}, ""); out.Updated != 1 || out.Skipped != 1 {
		t.Errorf("a file of which a line is left out says %+v", out)
	}
	if got := s.told(); !strings.HasSuffix(got, "sale 1 2026-02-01 11 paid \"Tea House\" firm: 1 · 11.00 EUR on 0+1\n") || strings.Contains(got, "Nobody") {
		t.Errorf("after the update there is\n%s", got)
	}
}

func TestImportPurchases(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	if out := s.imported("7,Tea House,,,2026-03-01,10,EUR,,\n7,,cleo@client.example,,2026-03-01,12,EUR,,\n", sale.ImportOptions{}, sale.Bought); out.Added != 2 {
		t.Fatalf("the same number of two suppliers: %+v", out)
	}
	if out := s.imported("7,Tea House,,,2026-03-01,11,EUR,,\n7,Mill & Son,,,2026-03-01,13,EUR,,\n", sale.ImportOptions{Unknown: sale.UnknownAdd}, sale.Bought); out.Updated != 1 || out.Added != 1 {
		t.Errorf("one known and one new: %+v", out)
	}
	err := s.store.View(t.Context(), func(tx store.Tx) error {
		found, err := tx.Organisations().ByName("Mill & Son")
		if len(found) != 1 || found[0].Kind != contact.Partner {
			t.Errorf("the supplier that was added is %+v", found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSalesGoAlong has whom they concern merged, put back and erased.
func TestSalesGoAlong(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx := t.Context()
	dan, err := s.AddContact(ctx, "eve", contact.Contact{Name: "Dan", Addresses: []contact.Address{"dan@client.example"}, Affiliations: []contact.Affiliation{{Organisation: s.firm.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	s.imported("1,Dan,,,2026-03-01,10,EUR,tea,\n2,Cleo,,,2026-03-02,20,EUR,,\n", sale.ImportOptions{}, "")
	before := `sale 2 2026-03-02 20 open "Cleo" cleo: 2 · 20.00 EUR on 1+0
sale 1 2026-03-01 10 open "Dan" firm: 1 · 10.00 EUR on 1+1
`
	s.want("before the merge", before)
	audit, err := s.MergeContacts(ctx, "eve", s.cleo.ID, dan.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.want("after the merge", strings.Replace(before, `"Dan" firm`, `"Dan" cleo firm`, 1))
	if err := s.Undo(ctx, "eve", audit); err != nil {
		t.Fatal(err)
	}
	s.want("after the merge was undone", before)
	if _, err := s.Erase(ctx, "eve", dan.ID); err != nil {
		t.Fatal(err)
	}
	s.want("after Dan was erased", strings.Replace(before, `"Dan" firm: 1 · 10.00 EUR on 1+1`, `"" firm: 1 · 10.00 EUR on 0+1`, 1))
	rows, _ := sale.ReadCSV(strings.NewReader("number,email,date,amount,currency\n9,dan@client.example,2026-03-01,1,EUR\n"), sale.Options{})
	if out, err := s.ImportSales(ctx, "eve", rows, sale.ImportOptions{Unknown: sale.UnknownAdd}); err != nil || len(out.Errors) != 1 || !strings.Contains(out.Errors[0].What, "erased") {
		t.Errorf("an import that would bring an erased person back says %+v, %v", out, err)
	}
	if _, err := s.Erase(ctx, "eve", s.cleo.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EraseOrganisation(ctx, "eve", s.firm.ID); err != nil {
		t.Fatal(err)
	}
	s.want("after all were erased", "")
}

func TestSalesExpire(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.imported("1,Cleo,,,2001-03-01,10,EUR,tea,\n2,Cleo,,,2036-03-02,20,EUR,,\n", sale.ImportOptions{}, "")
	s.Retain(intake.Retention{Spans: map[string]intake.Span{"sale": {Years: 10}}})
	out, err := s.Enforce(t.Context(), false, nil)
	if err != nil || out.Removed["sale"] != 1 {
		t.Errorf("Enforce = %+v, %v; want one sale removed", out, err)
	}
	s.want("after the retention", "sale 2 2036-03-02 20 open \"Cleo\" cleo: 2 · 20.00 EUR on 1+0\n")
}
