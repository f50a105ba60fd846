package app

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/intake"
	"rapport/store"
)

// journalFile lies beside the store and survives its restoring: whoever was
// erased since the backup must not come back with it. It holds keyed digests
// of addresses, never an address.
const journalFile = "erasures"

// journalErasure adds digests to the journal, durably. What a full disk or a
// crash left of an earlier line is not taken for a part of the new ones.
func journalErasure(dataDir string, digests []store.Digest, now time.Time) error {
	f, err := os.OpenFile(filepath.Join(dataDir, journalFile), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write journal of erasures: %w", err)
	}
	end, torn, err := endOf(f)
	var b strings.Builder
	if torn {
		b.WriteByte('\n')
	}
	for _, d := range digests {
		fmt.Fprintf(&b, "%s %s\n", now.UTC().Format(time.RFC3339), hex.EncodeToString(d[:]))
	}
	if err == nil {
		_, err = f.WriteString(b.String())
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil && end > 0 {
		_ = f.Truncate(end) // where even that fails the next line begins anew
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = syncDir(dataDir)
	}
	if err != nil {
		return fmt.Errorf("write journal of erasures: %w", err)
	}
	return nil
}

// endOf returns where a file ends, and whether that is in the middle of a line.
func endOf(f *os.File) (end int64, torn bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, false, err
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return info.Size(), last[0] != '\n', err
}

// readJournal returns the digests of everybody ever erased. A last line cut
// short by a crash belongs to an erasure that was not done.
func readJournal(dataDir string) (map[store.Digest]bool, error) {
	f, err := os.Open(filepath.Join(dataDir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	defer f.Close()
	out := map[store.Digest]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		_, text, _ := strings.Cut(lines.Text(), " ")
		var d store.Digest
		if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(d) {
			copy(d[:], raw)
			out[d] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	return out, nil
}

// reapplyErasures erases again whoever the store, restored from an older
// backup, does not know to be erased.
func reapplyErasures(ctx context.Context, s store.Store, in *intake.Intake, dataDir string, log *slog.Logger) error {
	journal, err := readJournal(dataDir)
	if err != nil {
		return err
	}
	var missing []store.Digest
	err = s.View(ctx, func(tx store.Tx) error {
		missing = nil
		for d := range journal {
			has, err := tx.Tombstones().Has(d)
			if err != nil {
				return err
			}
			if !has {
				missing = append(missing, d)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare journal of erasures: %w", err)
	}
	if len(missing) == 0 {
		return nil
	}
	people, err := in.Reapply(ctx, missing)
	if err != nil {
		return fmt.Errorf("erase again: %w", err)
	}
	log.Warn("erasures of the journal applied again: the store was restored", "people", people, "addresses", len(missing))
	return nil
}
