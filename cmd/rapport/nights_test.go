package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rapport/store"
	"rapport/store/boltstore"
	"rapport/web"
)

// atNight makes everything due that the daemon does by itself, and gives it
// something to do: every suggestion has expired, and a file of raw mail
// belongs to nothing.
func atNight(_ *office, s *site) {
	s.t.Helper()
	st, err := boltstore.Open(s.dataDir, boltstore.Options{})
	s.must(err)
	long := time.Now().AddDate(0, 0, -2)
	due := map[string]time.Time{}
	for _, job := range []string{"suggestions", "blobs", "compact"} {
		due[job] = long
	}
	raw, err := json.Marshal(due)
	s.must(err)
	s.must(st.Update(context.Background(), func(tx store.Tx) error {
		page, err := tx.Suggestions().List(store.Slice{})
		if err != nil || len(page.Items) == 0 {
			return fmt.Errorf("there are %d suggestions: %w", len(page.Items), err)
		}
		for _, v := range page.Items {
			v.Expires = long
			if err := tx.Suggestions().Put(v); err != nil {
				return err
			}
		}
		return tx.State().Put("housekeeping", raw)
	}))
	s.must(st.Close())
	s.must(os.MkdirAll(filepath.Dir(orphan(s)), 0o700))
	s.must(os.WriteFile(orphan(s), []byte("belongs to nothing"), 0o600))
}

func orphan(s *site) string {
	return filepath.Join(s.dataDir, "blobs", "00", "00000000000000000000000000000000000000000000000000000000000000.zst")
}

// nightIsOver reports whether all of it is done.
func nightIsOver(ctx context.Context, s *site, c *web.Client) bool {
	left, err := c.Suggestions(ctx, web.Slice{})
	if err != nil || len(left.Items) > 0 {
		return false
	}
	if _, err := os.Lstat(orphan(s)); err == nil {
		return false
	}
	u, err := c.Upkeep(ctx)
	return err == nil && u.Erasure == nil
}

// soundBackups wants every backup there is to be whole, and nothing else to
// lie with them; a kill may have come after the last was done.
func soundBackups(s *site) string {
	s.t.Helper()
	dir := filepath.Join(s.dir, "backups")
	files, err := os.ReadDir(dir)
	s.must(err)
	for _, f := range files {
		s.run("backup", "verify", filepath.Join(dir, f.Name()))
	}
	if len(files) != 2 && len(files) != 3 {
		s.t.Errorf("%d backups", len(files))
	}
	names := slices.Collect(func(yield func(string) bool) {
		for _, f := range files {
			if !yield(f.Name()) {
				return
			}
		}
	})
	return restoredFrom(filepath.Join(dir, slices.Max(names)))(s)
}
