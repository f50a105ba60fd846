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

// Nearest returns the word a person probably meant by s, "" where none is near.
func Nearest(s string, words []string) string { return nearest(s, words) }

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

// edits is the number of bytes to insert, delete or change, or of neighbours to
// swap, from a to b.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
