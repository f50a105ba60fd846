package intake_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/sale"
)

// TestImportsGrowEvenly imports files of three sizes and wants the time to grow
// no faster than the rows, with room for the noise of a machine at work: rows
// that are put between each other one by one grow with the square.
func TestImportsGrowEvenly(t *testing.T) {
	if raceEnabled {
		t.Skip("times are not those of the program with -race")
	}
	for what, run := range map[string]func(t *testing.T, n int) time.Duration{
		"contacts": importContacts, "contacts without addresses": importNames, "sales": importSales,
	} {
		t.Run(what, func(t *testing.T) {
			const steps, limit = 2, 1.45
			var grows float64
			for range 3 { // the best of three: others may be at work
				small := run(t, imported>>steps)
				middle, large := run(t, imported>>1), run(t, imported)
				grows = math.Log2(large.Seconds()/small.Seconds()) / steps
				t.Logf("%d, %d and %d rows: %.2f, %.2f and %.2f s, exponent %.2f", imported>>steps, imported>>1, imported, small.Seconds(), middle.Seconds(), large.Seconds(), grows)
				if grows <= limit {
					return
				}
			}
			t.Errorf("the time grows with the power %.2f of the rows, want at most %.2f", grows, limit)
		})
	}
}

// mixed is the n-th of so many numbers, none twice, in no order.
func mixed(i, n int) int { return (i*7919 + 13) % n }

func importContacts(t *testing.T, n int) time.Duration {
	return importPeople(t, n, "name,email,organisation\n", func(k int) string {
		return fmt.Sprintf("Person %d,p%d@firm%d.example,Firm %d\n", k, k, k/5, k/5)
	})
}

func importNames(t *testing.T, n int) time.Duration {
	return importPeople(t, n, "name,phone\n", func(k int) string { return fmt.Sprintf("Person %d,+49 30 %d\n", k, k) })
}

func importPeople(t *testing.T, n int, heading string, line func(k int) string) time.Duration {
	t.Helper()
	w := newWorld(t)
	var b strings.Builder
	b.WriteString(heading)
	for i := range n {
		b.WriteString(line(mixed(i, n)))
	}
	rows, faults := contact.ReadCSV(strings.NewReader(b.String()), contact.ImportOptions{})
	if len(faults) > 0 {
		t.Fatal(faults[0])
	}
	began := time.Now()
	out, err := w.Import(t.Context(), "eve", rows, false)
	if err != nil || len(out.Errors) > 0 || out.Added != n {
		t.Fatalf("%d of %d added, %v, %v", out.Added, n, out.Errors, err)
	}
	return time.Since(began)
}

// importSales imports sales of a tenth as many customers, who are added.
func importSales(t *testing.T, n int) time.Duration {
	t.Helper()
	w := newWorld(t)
	var b strings.Builder
	b.WriteString("number,email,date,amount,currency,product,quantity\n")
	for i := range n {
		k := mixed(i, n)
		fmt.Fprintf(&b, "RE-%d,p%d@firm.example,2025-%02d-%02d,%d.50,EUR,Tea %d,2\n", k, k/10, k%12+1, k%28+1, k%900+1, k%40)
	}
	began := time.Now()
	rows, faults := sale.ReadCSV(strings.NewReader(b.String()), sale.Options{})
	if len(faults) > 0 {
		t.Fatal(faults[0])
	}
	out, err := w.ImportSales(t.Context(), "eve", rows, sale.ImportOptions{Unknown: sale.UnknownAdd})
	if err != nil || len(out.Errors) > 0 || out.Added != n {
		t.Fatalf("%d of %d added, %v, %v", out.Added, n, out.Errors, err)
	}
	return time.Since(began)
}
