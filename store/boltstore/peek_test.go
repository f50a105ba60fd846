package boltstore

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestPeekReadsAsADecoderDoes compares every field of objects of all kinds with
// what a decoder finds, and reads them broken off at each byte.
func TestPeekReadsAsADecoderDoes(t *testing.T) {
	t.Parallel()
	type inner struct {
		Text string           `json:"text"`
		More map[string]int   `json:"more"`
		List []map[string]any `json:"list"`
	}
	objects := []any{
		map[string]any{},
		map[string]any{"a": 1},
		map[string]any{"a": -1.5e30, "b": nil, "c": true, "d": false, "e": "", "f": []int{}, "g": inner{}},
		map[string]any{"message": `"message":"no"`, "x": `\`, "y": `\\"`, "z": "{[]},:\u2028<>&\x00é🙂"},
		map[string]any{"deep": inner{Text: `}]"`, More: map[string]int{`}`: 1, `message`: 2}, List: []map[string]any{{"message": []string{"]", `"`}}, {}}}, "message": "yes"},
		storedMessage{}, storedEntry{},
	}
	for _, o := range objects {
		raw, err := json.Marshal(o)
		must(t, err)
		var want map[string]json.RawMessage
		must(t, json.Unmarshal(raw, &want))
		for name, v := range want {
			if got := fieldOf(raw, name); !bytes.Equal(got, v) {
				t.Errorf("%s of %s: %s", name, raw, got)
			}
			for cut := range raw {
				if got := fieldOf(raw[:cut:cut], name); got != nil && !bytes.Equal(got, v) && !bytes.HasPrefix(v, got) {
					t.Errorf("%s of %s: %s", name, raw[:cut], got)
				}
			}
		}
		if got := fieldOf(raw, "nobody"); got != nil {
			t.Errorf("nobody of %s: %s", raw, got)
		}
	}
}
