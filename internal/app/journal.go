package app

import (
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
	"rapport/internal/config"
	"rapport/store"
)

// journalFile lies beside the store and survives its restoring: whoever was
// erased since the backup must not come back with it. It holds keyed digests
// of addresses, never an address.
const journalFile = "erasures"

// journal is the list of erasures: beside the store, and a second one with the
// backups, where a restore finds it when the first is lost.
type journal struct {
	dataDir string
	mirror  string // directory of the backups; "": there is none
	log     *slog.Logger
}

func journalOf(cfg *config.Config, log *slog.Logger) journal {
	return journal{cfg.DataDir, cfg.Backup.Dir, log}
}

// add writes digests down, durably. Where that cannot be done with the backups
// now, the next backup does it.
func (j journal) add(digests []store.Digest, now time.Time) error {
	var b strings.Builder
	for _, d := range digests {
		fmt.Fprintf(&b, "%s %s\n", now.UTC().Format(time.RFC3339), hex.EncodeToString(d[:]))
	}
	if err := appendJournal(j.dataDir, b.String()); err != nil {
		return fmt.Errorf("write journal of erasures: %w", err)
	}
	if j.mirror == "" {
		return nil
	}
	err := makeDir(j.mirror)
	if err == nil {
		err = appendJournal(j.mirror, b.String())
	}
	if err != nil {
		j.log.Warn("erasure not yet written down beside the backups", "err", err)
	}
	return nil
}

// appendJournal adds lines, durably. What a full disk or a crash left of an
// earlier line is not taken for a part of the new ones.
func appendJournal(dir, lines string) error {
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	end, torn, err := endOf(f)
	if torn {
		lines = "\n" + lines
	}
	if err == nil {
		_, err = f.WriteString(lines)
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
		err = syncDir(dir)
	}
	return err
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

// unite adds to each of the two what only the other has.
func (j journal) unite() error {
	if j.mirror == "" {
		return nil
	}
	if err := makeDir(j.mirror); err != nil {
		return err
	}
	if err := carryErasures(j.dataDir, filepath.Join(j.mirror, journalFile)); err != nil {
		return err
	}
	return carryErasures(j.mirror, filepath.Join(j.dataDir, journalFile))
}

// carryErasures adds the lines of other journals to that of a directory.
func carryErasures(dir string, from ...string) error {
	have, err := readJournal(filepath.Join(dir, journalFile))
	if err != nil {
		return err
	}
	for _, file := range from {
		lines, err := journalLines(file)
		if err != nil {
			return err
		}
		if err := addErasures(dir, have, lines); err != nil {
			return err
		}
	}
	return nil
}

// addErasures adds the lines whose digests a directory's journal has not.
func addErasures(dir string, have map[store.Digest]bool, lines []string) error {
	var b strings.Builder
	for _, line := range lines {
		if d, ok := erasure(line); ok && !have[d] {
			have[d] = true
			b.WriteString(line + "\n")
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := appendJournal(dir, b.String()); err != nil {
		return fmt.Errorf("write journal of erasures: %w", err)
	}
	return nil
}

// journalLines reads a journal; one that is not there has none.
func journalLines(file string) ([]string, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	return strings.Split(string(raw), "\n"), nil
}

// erasure reads a line. One cut short by a crash belongs to an erasure that
// was not done.
func erasure(line string) (d store.Digest, ok bool) {
	_, text, _ := strings.Cut(line, " ")
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(d) {
		return d, false
	}
	return store.Digest(raw), true
}

// readJournal returns the digests of everybody in a journal.
func readJournal(file string) (map[store.Digest]bool, error) {
	lines, err := journalLines(file)
	out := map[store.Digest]bool{}
	for _, line := range lines {
		if d, ok := erasure(line); ok {
			out[d] = true
		}
	}
	return out, err
}

// reapplyErasures erases again whoever the store, restored from an older
// backup, does not know to be erased. Their bytes are in it again, so they are
// to leave the disk once more.
func reapplyErasures(ctx context.Context, s store.Store, in *intake.Intake, j journal, now time.Time, log *slog.Logger) error {
	if err := j.unite(); err != nil {
		log.Warn("journal of erasures beside the backups not read", "err", err)
	}
	erased, err := readJournal(filepath.Join(j.dataDir, journalFile))
	if err != nil {
		return err
	}
	var missing []store.Digest
	err = s.View(ctx, func(tx store.Tx) error {
		missing = nil
		for d := range erased {
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
	if err := noteErasure(ctx, s, now); err != nil {
		return err
	}
	people, err := in.Reapply(ctx, missing)
	if err != nil {
		return fmt.Errorf("erase again: %w", err)
	}
	log.Warn("erasures of the journal applied again: the store was restored", "people", people, "addresses", len(missing))
	return nil
}
