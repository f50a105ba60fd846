package app

import (
	"rapport/internal/config"
	"rapport/records/sale"
	"rapport/web"
)

// saleSettings says how files of sales are read, or of purchases.
func (s *system) saleSettings(d sale.Direction) web.SaleSettings {
	section := s.saleSection(d)
	o := sale.Options{Direction: d, Currency: section.Currency, Columns: section.Mapping.Headings()}
	if section.Dates != auto {
		o.Dates = string(section.Dates)
	}
	if section.Decimal != auto {
		o.Decimal = string(section.Decimal)
	}
	return web.SaleSettings{Read: o, Import: sale.ImportOptions{Unknown: string(section.Unknown), Account: section.Account}}
}

// auto has the reader of a file find out.
const auto = "auto"

func (s *system) saleSection(d sale.Direction) config.Sales {
	if d == sale.Bought {
		return s.config().Purchases
	}
	return s.config().Sales
}
