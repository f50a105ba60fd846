package contact

import "fmt"

// guess names the word nearest to s for the end of an error, "" where none is
// near.
func guess(s string, words []string) string {
	if near := nearest(s, words); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// nearest returns the word with the fewest edits from s, "" where it takes
// more than a third of its length, or two in a short one.
func nearest(s string, words []string) string {
	best, least := "", 2
	if len(s) > 3 {
		least = 1 + max(2, len(s)/3)
	}
	if len(s) > 64 {
		return ""
	}
	for _, w := range words {
		if d := edits(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
