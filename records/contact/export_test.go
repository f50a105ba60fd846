package contact

// NormalizeRow is normalize, for the tests of this package.
func NormalizeRow(r *Row) []error { return r.normalize() }
