package app

import (
	"testing"

	"rapport/web"
)

// TestWaitingSearchIsNotInSync adds a contact to a mailbox that is in sync: it
// is so no longer until the server was searched for the contact's mail.
func TestWaitingSearchIsNotInSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.arrives("ada", "carl@press.example", "From a stranger, so far")
	conn, err := Connect(t.Context(), w.config(), ConnectOptions{Args: []string{"rapport"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	st, err := conn.Client.Sync(t.Context(), nil, nil)
	if err != nil || !st.Totals.InSync {
		t.Fatalf("Sync() = in sync %v, %v; want true", st.Totals.InSync, err)
	}
	carl := web.ContactInput{Name: "Carl Weber", Emails: []string{"carl@press.example"}, Kind: "customer"}
	if _, err := conn.Client.AddContact(t.Context(), carl); err != nil {
		t.Fatal(err)
	}
	if st, err = conn.Client.Status(t.Context()); err != nil || st.Totals.InSync {
		t.Errorf("Status() = in sync %v, %v, with a search still to do; want false", st.Totals.InSync, err)
	}
	if st, err = conn.Client.Sync(t.Context(), nil, nil); err != nil || !st.Totals.InSync || st.Totals.Stored != 1 {
		t.Errorf("Sync() = in sync %v with %d stored, %v; want true with the stranger's mail filed", st.Totals.InSync, st.Totals.Stored, err)
	}
}
