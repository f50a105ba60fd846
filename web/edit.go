package web

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/store"
)

// common points at the fields contacts and organisations share, for editing.
type common struct {
	name, role, language, timezone, note *string
	kind                                 *contact.Kind
	stage                                *contact.Stage
	owner                                *contact.Address
	tags, phones                         *[]string
	custom                               *map[string]string
}

// The fields of edit, for the sentence that lists them.
const (
	settable     = "name, kind, stage, role, owner, language, timezone, note, custom.NAME"
	contactLists = "tags, emails, phones, organisations"
	firmLists    = "tags, domains, shared-domains, phones"
)

func (s *Server) applyToContact(ctx context.Context, c contact.Contact, e Edit) (contact.Contact, error) {
	c.Tags, c.Phones, c.Custom = slices.Clone(c.Tags), slices.Clone(c.Phones), maps.Clone(c.Custom)
	c.Addresses, c.Affiliations = slices.Clone(c.Addresses), slices.Clone(c.Affiliations)
	shared := common{
		name: &c.Name, role: &c.Role, language: &c.Language, timezone: &c.TimeZone, note: &c.Note,
		kind: &c.Kind, stage: &c.Stage, owner: &c.Owner, tags: &c.Tags, phones: &c.Phones, custom: &c.Custom,
	}
	for _, field := range slices.Sorted(maps.Keys(e.Set)) {
		if field == "email" { // the one to write to comes first
			as, err := addresses([]string{e.Set[field]})
			if err != nil {
				return c, err
			}
			c.Addresses = append(as, without(c.Addresses, as)...)
			continue
		}
		if err := s.set(ctx, shared, field, e.Set[field]); err != nil {
			return c, err
		}
	}
	for field, values := range e.Add {
		if err := s.addToContact(ctx, &c, shared, field, values); err != nil {
			return c, err
		}
	}
	for field, values := range e.Remove {
		if err := s.removeFromContact(ctx, &c, shared, field, values); err != nil {
			return c, err
		}
	}
	return c, nil
}

// set gives one field of a record its new value.
func (s *Server) set(ctx context.Context, c common, field, value string) (err error) {
	value = strings.TrimSpace(value)
	switch field {
	case "name":
		*c.name = value
	case "role":
		*c.role = value
	case "language":
		*c.language = value
	case "timezone":
		*c.timezone = value
	case "note":
		*c.note = value
	case "kind":
		*c.kind, _, err = kindAndStage(value, "")
	case "stage":
		_, *c.stage, err = kindAndStage("", value)
	case "owner":
		*c.owner, err = s.owner(ctx, value)
	default:
		name, ok := strings.CutPrefix(field, "custom.")
		switch {
		case !ok || name == "":
			return invalid("no field \"{field}\" to set; there are {fields}", "field", field, "fields", settable)
		case value == "":
			delete(*c.custom, name)
		case *c.custom == nil:
			*c.custom = map[string]string{name: value}
		default:
			(*c.custom)[name] = value
		}
	}
	return err
}

func (s *Server) addToContact(ctx context.Context, c *contact.Contact, shared common, field string, values []string) error {
	switch field {
	case "tags":
		*shared.tags = union(*shared.tags, values)
	case "phones":
		*shared.phones = union(*shared.phones, values)
	case "emails":
		as, err := addresses(values)
		if err != nil {
			return err
		}
		c.Addresses = union(c.Addresses, as)
	case "organisations":
		ids, err := s.organisationIDs(ctx, values)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !slices.ContainsFunc(c.Affiliations, func(a contact.Affiliation) bool { return a.Organisation == id }) {
				c.Affiliations = append(c.Affiliations, contact.Affiliation{Organisation: id})
			}
		}
	default:
		return invalid("no list \"{field}\" to add to; there are {fields}", "field", field, "fields", contactLists)
	}
	return nil
}

func (s *Server) removeFromContact(ctx context.Context, c *contact.Contact, shared common, field string, values []string) error {
	switch field {
	case "tags":
		*shared.tags = without(*shared.tags, values)
	case "phones":
		*shared.phones = without(*shared.phones, values)
	case "emails":
		as, err := addresses(values)
		if err != nil {
			return err
		}
		c.Addresses = without(c.Addresses, as)
	case "organisations":
		ids, err := s.organisationIDs(ctx, values)
		if err != nil {
			return err
		}
		c.Affiliations = slices.DeleteFunc(c.Affiliations, func(a contact.Affiliation) bool {
			return slices.Contains(ids, a.Organisation)
		})
	default:
		return invalid("no list \"{field}\" to take from; there are {fields}", "field", field, "fields", contactLists)
	}
	return nil
}

func (s *Server) applyToOrganisation(ctx context.Context, o contact.Organisation, e Edit) (contact.Organisation, error) {
	o.Tags, o.Phones, o.Custom = slices.Clone(o.Tags), slices.Clone(o.Phones), maps.Clone(o.Custom)
	o.Domains = slices.Clone(o.Domains)
	shared := common{
		name: &o.Name, role: &o.Role, language: &o.Language, timezone: &o.TimeZone, note: &o.Note,
		kind: &o.Kind, stage: &o.Stage, owner: &o.Owner, tags: &o.Tags, phones: &o.Phones, custom: &o.Custom,
	}
	for _, field := range slices.Sorted(maps.Keys(e.Set)) {
		if err := s.set(ctx, shared, field, e.Set[field]); err != nil {
			return o, err
		}
	}
	for field, values := range e.Remove {
		if err := changeOrganisation(&o, shared, field, values, false); err != nil {
			return o, err
		}
	}
	for field, values := range e.Add {
		if err := changeOrganisation(&o, shared, field, values, true); err != nil {
			return o, err
		}
	}
	return o, nil
}

// changeOrganisation adds values to one of the lists, or takes them out.
func changeOrganisation(o *contact.Organisation, shared common, field string, values []string, add bool) error {
	change := func(have, values []string) []string {
		if add {
			return union(have, values)
		}
		return without(have, values)
	}
	switch field {
	case "tags":
		*shared.tags = change(*shared.tags, values)
	case "phones":
		*shared.phones = change(*shared.phones, values)
	case "domains", "shared-domains":
		ds, err := domains(values, field == "shared-domains")
		if err != nil {
			return err
		}
		o.Domains = slices.DeleteFunc(o.Domains, func(have contact.Domain) bool {
			return slices.ContainsFunc(ds, func(d contact.Domain) bool { return d.Name == have.Name })
		})
		if add {
			o.Domains = append(o.Domains, ds...)
		}
	default:
		return invalid("no list \"{field}\" to change; there are {fields}", "field", field, "fields", firmLists)
	}
	return nil
}

func (s *Server) organisationIDs(ctx context.Context, names []string) (ids []contact.OrganisationID, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		ids = nil
		for _, name := range names {
			o, err := resolveOrganisation(tx, name)
			if err != nil {
				return err
			}
			ids = append(ids, o.ID)
		}
		return nil
	})
	return ids, err
}

func domains(names []string, shared bool) ([]contact.Domain, error) {
	var out []contact.Domain
	for _, name := range names {
		d, err := contact.NormalDomain(strings.TrimPrefix(strings.TrimSpace(name), "@"))
		if err != nil {
			return nil, Invalid(err)
		}
		out = append(out, contact.Domain{Name: d, Shared: shared})
	}
	return out, nil
}

// kindAndStage reads both; the empty text stands for itself.
func kindAndStage(kind, stage string) (contact.Kind, contact.Stage, error) {
	k, st := contact.Kind(strings.ToLower(kind)), contact.Stage(strings.ToLower(stage))
	switch k {
	case "", contact.Customer, contact.Partner, contact.Both, contact.Other:
	default:
		return "", "", invalid("no kind \"{kind}\"; there are customer, partner, both, other", "kind", kind)
	}
	switch st {
	case "", contact.Prospect, contact.Active, contact.Former:
	default:
		return "", "", invalid("no stage \"{stage}\"; there are prospect, active, former", "stage", stage)
	}
	return k, st, nil
}

// union returns have with what it lacks of more, in order.
func union[T comparable](have, more []T) []T {
	for _, v := range more {
		if !slices.Contains(have, v) {
			have = append(have, v)
		}
	}
	return have
}

func without[T comparable](have, drop []T) []T {
	return slices.DeleteFunc(slices.Clone(have), func(v T) bool { return slices.Contains(drop, v) })
}
