package app

import (
	"testing"
	"time"

	"rapport/internal/config"
)

// TestLedgersOfAccounts has mailboxes of one account count together, by
// whatever name, and what they used kept in the store.
func TestLedgersOfAccounts(t *testing.T) {
	t.Parallel()
	s := openTestStore(t)
	all := newLedgers(s, time.Now)
	box := config.Mailbox{Name: "ada", DailyMB: 100, Account: config.Account{Host: "h:993", User: "Ada@example.com"}}
	first := all.of(box)
	box.Name, box.User = "countess", "ADA@example.com"
	if all.of(box) != first {
		t.Error("two mailboxes of one account have a budget each")
	}
	box.DailyMB = 200
	if all.of(box) == first {
		t.Error("a raised limit is not in force")
	}
	box.User = "bob@example.com"
	if all.of(box) == first {
		t.Error("two accounts share a budget")
	}
	keep := accountBudget{s, stateBudget + "ada@example.com at h:993"}
	if err := keep.Save(t.Context(), []byte(`{"1":{"b":7}}`)); err != nil {
		t.Fatal(err)
	}
	if book, err := keep.Load(t.Context()); err != nil || string(book) != `{"1":{"b":7}}` {
		t.Errorf("Load = %s, %v", book, err)
	}
}
