package demo

import (
	"fmt"
	"strings"
	"time"
)

// sales are what the accounting of the demo exports: days before today, to whom,
// of what, for how much, and whether it is paid.
var sales = []struct {
	days          int
	email, what   string
	quantity      int
	price, status string
}{
	{330, "jonas.weber@lindenhof.example", "Darjeeling first flush 1 kg", 6, "48.00", "paid"},
	{240, "jonas.weber@lindenhof.example", "Assam 1 kg", 10, "31.50", "paid"},
	{150, "jonas.weber@lindenhof.example", "Darjeeling first flush 1 kg", 8, "48.00", "paid"},
	{40, "jonas.weber@lindenhof.example", "Assam 1 kg", 12, "31.50", "open"},
	{200, "grace@harbourbooks.example", "Gift tin, Earl Grey", 40, "7.90", "paid"},
	{20, "grace@harbourbooks.example", "Gift tin, Earl Grey", 60, "7.90", "open"},
	{90, "nusrat@padmastores.example", "Masala chai 5 kg", 4, "96.00", "paid"},
	{12, "oona.lahti@post.example", "Teapot, blue", 1, "39.00", "paid"},
	{2, "jonas.weber@lindenhof.example", "Assam 1 kg", 4, "31.50", "open"},
	{2, "grace@harbourbooks.example", "Smoky Earl", 40, "8.20", "open"},
	{2, "nusrat@padmastores.example", "Masala chai 5 kg", 6, "96.00", "open"},
	{2, "oona.lahti@post.example", "Jasmine 250 g", 1, "14.50", "paid"},
}

// salesCSV is the export of a day.
func salesCSV(today time.Time) string {
	var b strings.Builder
	b.WriteString("number,date,due,email,product,quantity,price,total,currency,status\n")
	for n, s := range sales {
		day := today.AddDate(0, 0, -s.days)
		var euros, cents int
		fmt.Sscanf(s.price, "%d.%d", &euros, &cents)
		total := (euros*100 + cents) * s.quantity
		fmt.Fprintf(&b, "R-%d,%s,%s,%s,%q,%d,%s,%d.%02d,EUR,%s\n", 1001+n, day.Format(time.DateOnly), day.AddDate(0, 0, 30).Format(time.DateOnly), s.email, s.what,
			s.quantity, s.price, total/100, total%100, s.status)
	}
	return b.String()
}
