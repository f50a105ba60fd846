package planner

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

var messageIDLine = regexp.MustCompile(`(?im)^([> ]*Message-?ID:[ \t]*(?:\r?\n[ \t]+)?)<?[^>\s]+>?`)

// planted puts our Message-ID where a report quotes that of the mail it is
// about; one that quotes none refers to ours in its header, as servers do that
// send nothing back.
func planted(raw []byte, id string) []byte {
	head, _, _ := bytes.Cut(raw, []byte("\n\n"))
	if at := bytes.Index(raw, []byte("\r\n\r\n")); at >= 0 {
		head = raw[:at]
	}
	out := messageIDLine.ReplaceAll(raw[len(head):], []byte("${1}<"+id+">"))
	if bytes.Equal(out, raw[len(head):]) {
		return append([]byte("References: <"+id+">\r\n"), raw...)
	}
	return append(slices.Clone(head), out...)
}

// comeBack has a report come back, with our token or without, and returns what
// became of the delivery and whether its address is suppressed.
func (o *office) comeBack(d outbox.Delivery, raw []byte) (outbox.Delivery, bool) {
	o.t.Helper()
	p, _ := message.Parse(bytes.NewReader(raw), message.Limits{})
	o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: p.Head, Verdict: message.Classify(p)})
	var stops []store.Suppression
	err := o.store.View(o.t.Context(), func(tx store.Tx) (err error) {
		if d, err = tx.Outbox().Get(d.ID); err == nil {
			stops, err = tx.Suppressions().Of(o.digest(d.Address))
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return d, len(stops) > 0
}

// sent is an office that has written to so many people.
func sent(t *testing.T, n int) (*office, []outbox.Delivery) {
	t.Helper()
	var people []contact.Contact
	for i := range n {
		people = append(people, customer("Somebody", contact.Address(fmt.Sprintf("p%d@press.example", i))))
	}
	o := newOffice(t, people...)
	o.launch()
	list, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
		return o.Deliveries(t.Context(), "spring", store.OutboxFilter{State: outbox.Frozen}, s)
	}, func(outbox.Delivery) (bool, error) { return true, nil })
	if err != nil || len(list) != n {
		t.Fatalf("%d of %d deliveries, %v", len(list), n, err)
	}
	for i, d := range list {
		list[i] = o.carry(d, false)
	}
	return o, list
}

// status is a report of delivery (RFC 3464) about one recipient.
func status(action, code, said, original string) string {
	return "From: mailer-daemon@mx.example\r\nTo: news@example.com\r\nSubject: Delivery status\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n" +
		"Final-Recipient: rfc822; x@press.example\r\nAction: " + action + "\r\nStatus: " + code + "\r\nDiagnostic-Code: smtp; " + said + "\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n" + original + "\r\n\r\n--b--\r\n"
}

// TestPlanted has reports of each kind come back: with our token each finds its
// delivery and does what its class asks for, without one nothing happens.
func TestPlanted(t *testing.T) {
	const theirs = "Message-ID: <x@y>"
	cases := []struct {
		name, raw string
		bounced   bool
		stops     bool
	}{
		{"gone", status("failed", "5.1.1", "550 5.1.1 user unknown", theirs), true, true},
		{"no domain", status("failed", "5.1.2", "550 5.1.2 host unknown", theirs), true, true},
		{"full", status("failed", "5.2.2", "552 5.2.2 mailbox full", theirs), true, false},
		{"policy", status("failed", "5.7.1", "550 5.7.1 blocked by policy: spam", theirs), true, false},
		{"later", status("delayed", "4.4.1", "connection timed out", theirs), false, false},
		{"arrived", status("delivered", "2.1.5", "250 2.1.5 ok", theirs), false, false},
		{"in words", "From: MAILER-DAEMON@mx.example\r\nTo: news@example.com\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<x@press.example>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <news@example.com>\r\nMessage-ID: <x@y>\r\nSubject: Spring\r\n\r\nDear all\r\n", true, true},
	}
	o, list := sent(t, 2*len(cases))
	for i, c := range cases {
		d, stopped := o.comeBack(list[2*i], planted([]byte(c.raw), list[2*i].MessageID))
		if d.Evidence.Bounced.IsZero() == c.bounced || stopped != c.stops {
			t.Errorf("%s with our token: bounced %v, suppressed %v", c.name, !d.Evidence.Bounced.IsZero(), stopped)
		}
		d, stopped = o.comeBack(list[2*i+1], []byte(strings.ReplaceAll(c.raw, "x@press.example", string(list[2*i+1].Address))))
		if !d.Evidence.Bounced.IsZero() || stopped {
			t.Errorf("%s without a token: bounced %v, suppressed %v", c.name, !d.Evidence.Bounced.IsZero(), stopped)
		}
	}
	t.Attr("tries", strconv.Itoa(2*len(cases)))
}
