package mailtest

// User is an account on a test server.
type User struct {
	Name     string // signs in with it, usually the mail address
	Password string
	Folders  []string // beyond Inbox and the special-use folders, "/" between levels
}

// SpecialUse are the folders every test server gives an account beside its
// Inbox, with their special-use attributes.
var SpecialUse = []struct{ Name, Attribute string }{
	{"Sent", `\Sent`}, {"Drafts", `\Drafts`}, {"Junk", `\Junk`}, {"Trash", `\Trash`}, {"Archive", `\Archive`},
}
