package intake_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"rapport/intake"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
)

// gatedStore lets writes through one by one and counts what was read for them.
type gatedStore struct {
	store.Store
	arrived, pass chan struct{}

	mu              sync.Mutex // guards what follows
	read, done, top int
}

func (s *gatedStore) Pack(ctx context.Context, src message.Source) (store.Blob, error) {
	s.mu.Lock()
	s.read++
	s.top = max(s.top, s.read-s.done)
	s.mu.Unlock()
	return s.Store.Pack(ctx, src)
}

func (s *gatedStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.arrived <- struct{}{}
	<-s.pass
	err := s.Store.Update(ctx, fn)
	s.mu.Lock()
	s.done++
	s.mu.Unlock()
	return err
}

// TestM38_BatchesWaitTheirTurn lets very many mailboxes bring a batch at once:
// only so many are read as can soon be filed.
func TestM38_BatchesWaitTheirTurn(t *testing.T) {
	const mailboxes = 40
	bolt, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	gated := &gatedStore{Store: bolt, arrived: make(chan struct{}, mailboxes), pass: make(chan struct{})}
	in, err := intake.New(intake.Options{Store: gated, Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, mailboxes)
	for i := range mailboxes {
		go func() {
			raw := fmt.Sprintf("From: a@x.example\r\nTo: b@y.example\r\nMessage-ID: <%d@x.example>\r\nSubject: %d\r\n\r\ntext\r\n", i, i)
			errs <- in.Take(context.Background(), message.Batch{
				Folder: message.Folder{Mailbox: "m" + strconv.Itoa(i), Name: "INBOX", UIDValidity: 1},
				Items:  []message.Item{{Copy: message.Copy{UID: 1, Received: time.Unix(1, 0), Size: int64(len(raw))}, Wish: message.Wish{Decision: message.Decision{Action: message.Log}}, Body: message.Bytes(raw)}},
			})
		}()
	}
	for range mailboxes {
		<-gated.arrived
		gated.pass <- struct{}{}
	}
	for range mailboxes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most := runtime.GOMAXPROCS(0) + 2; gated.read != mailboxes || gated.top > most+1 { // one is counted late
		t.Errorf("%d of %d batches were read, %d at once; want all, and %d", gated.read, mailboxes, gated.top, most)
	}
	t.Attr("tries", strconv.Itoa(mailboxes))
}
