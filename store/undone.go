package store

import "fmt"

// ActionUndo is the action of the audit line that takes another back, whose id
// is its Detail.
const ActionUndo = "undo"

// Undone returns the ids of an object's audit lines that were taken back.
func Undone(tx Tx, object string) (map[string]bool, error) {
	out := map[string]bool{}
	var at Cursor
	for {
		page, err := tx.Audit().List(object, Slice{Cursor: at, Limit: 1000})
		if err != nil {
			return nil, fmt.Errorf("list the trail of %s: %w", object, err)
		}
		for _, r := range page.Items {
			if r.Action == ActionUndo {
				out[r.Detail] = true
			}
		}
		if at = page.Next; at == "" {
			return out, nil
		}
	}
}
