// Package config reads Rapport's one YAML file: strictly, with every fault at
// once and each with its place, defaults first, then the file, then the rules.
//
// A secret is never part of the file or of [Config]: the file says where it
// lies, and [Secret.Resolve] reads it each time somebody signs in.
package config

import (
	"path/filepath"

	"rapport/records/contact"
)

// Config is a whole configuration that passed every rule. Paths in it are
// absolute, hosts have their port, addresses and domains their normal form.
//
// The tags are the one description of the format: yaml names the key, default
// is its value where the file has none, doc is the sentence of the schema,
// required, min, max and was (the key's former name) are what they say, and
// path marks what is resolved against the directory of the file, and secret
// what is never shown because it may hold one.
type Config struct {
	File     string `yaml:"-"` // where it was read, absolute
	Warnings Faults `yaml:"-"` // what is allowed and yet worth a look

	places  map[string]place // where the values of the file stand, by path
	grouped []Mailbox        // of the groups; see WithGroups

	DataDir    string         `yaml:"data_dir" default:"/var/lib/rapport" path:"dir" doc:"Directory of the store; made with mode 0700 if missing."`
	Ours       Ours           `yaml:"team" required:"true" doc:"Our own side: whoever is in it is not a customer or partner."`
	Mailboxes  []Mailbox      `yaml:"mailboxes" doc:"The mailboxes that are read. Nothing on their servers is ever changed."`
	Groups     []MailboxGroup `yaml:"mailbox_groups" doc:"The mailboxes of a whole team in one entry each: a template and a list of users."`
	Senders    []Sender       `yaml:"senders" doc:"SMTP servers that take mail from Rapport: alerts, the daily mail and campaigns."`
	Campaigns  string         `yaml:"campaigns" path:"dir" doc:"Directory of the campaigns: NAME.md, or NAME with campaign.yaml and body.md."`
	Fatigue    Fatigue        `yaml:"fatigue" doc:"How many mails of campaigns somebody gets at most."`
	Topics     []Topic        `yaml:"topics" doc:"What people may choose to get; nothing means one topic, for the purpose newsletter."`
	SignUp     SignUp         `yaml:"sign_up" doc:"How people sign up, which a mail to them always has to confirm."`
	Sales      Sales          `yaml:"sales" doc:"How exports of the accounting are read that say what was sold."`
	Purchases  Sales          `yaml:"purchases" doc:"The same of what was bought from partners."`
	Policy     Policy         `yaml:"policy" doc:"What may be kept."`
	LogAddress List           `yaml:"log_address" doc:"Mail or Bcc to these addresses is filed under the people it names."`
	Backup     Backup         `yaml:"backup" doc:"Copies of the store that the daemon makes by itself."`
	Retention  Retention      `yaml:"retention" doc:"How long what is filed is kept, by kind; what has no span is kept for good."`
	Alerts     Alerts         `yaml:"alerts" doc:"Mail to the administrators when something needs them."`
	Hours      BusinessHours  `yaml:"business_hours" doc:"When the team works: in these hours the time an answer takes is counted."`
	Holidays   List           `yaml:"holidays" doc:"Days without work: 2026-12-25, or 12-25 for every year."`
	Staff      StaffMetrics   `yaml:"staff_metrics" default:"team" doc:"Whether figures name single members, sum the team up, or say nothing of it."`
	Digest     Digest         `yaml:"digest" doc:"A daily mail to members of what waits and what is to be followed up."`
	Web        Web            `yaml:"web" doc:"The team's listener, and how people sign in."`
	Webhooks   Webhooks       `yaml:"webhooks" doc:"Which addresses of the own network may be told what happens; those outside always may."`
	Search     Search         `yaml:"search" doc:"What mail is found by beyond its own text."`
	Log        Log            `yaml:"log" doc:"What is logged, and how."`
}

// Search says what mail is found by.
type Search struct {
	Documents bool `yaml:"documents" doc:"Whether what attached office and PDF files say is found: docx, xlsx, pptx, odt, ods, odp, pdf."`
}

// Ours describes our own team.
type Ours struct {
	Name    string   `yaml:"name" doc:"Name of the company or team, shown in alerts."`
	Domains []string `yaml:"domains" doc:"Mail domains of which every address is ours, subdomains included. Never a freemail domain."`
	Members []Member `yaml:"members" doc:"The people of the team with all their addresses."`
}

// Member is one person of the team.
type Member struct {
	Name      string   `yaml:"name" required:"true" doc:"The member's name."`
	Addresses []string `yaml:"addresses" required:"true" doc:"All addresses of the member; the first names the member elsewhere."`
	Digest    string   `yaml:"digest" doc:"When this member gets the daily mail, HH:MM, instead of at digest.at; off: never."`
}

// Account is how to reach a server and sign in to it.
type Account struct {
	Host            string  `yaml:"host" doc:"Server as HOST or HOST:PORT."`
	TLS             TLSMode `yaml:"tls" default:"implicit" doc:"How the connection is secured; none is for loopback hosts only."`
	CAFile          string  `yaml:"ca_file" path:"file" doc:"PEM file of the certificate authority that alone is trusted here, for a private CA."`
	User            string  `yaml:"user" doc:"The account."`
	Login           string  `yaml:"login" doc:"Who signs in, where that is not user: delegated and shared mailboxes."`
	PasswordFile    string  `yaml:"password_file" path:"file" doc:"File with the password, which others must not be able to read."`
	PasswordEnv     string  `yaml:"password_env" doc:"Environment variable with the password."`
	PasswordCommand Command `yaml:"password_command" secret:"true" doc:"Command that prints the password: a list is run as it stands, a string by sh -c."`
	OAuth           OAuth   `yaml:"oauth" doc:"How an access token is got, in place of a password."`
}

// Mailbox is one account that is read over IMAP.
type Mailbox struct {
	Name          string   `yaml:"name" required:"true" doc:"Short name, used in commands and status."`
	Provider      Provider `yaml:"provider" default:"imap" doc:"Preset for host, limits and Authentication-Results."`
	Account       `yaml:",inline"`
	Since         Since      `yaml:"since" default:"all" doc:"How far back mail is read: a span such as 2y, a date, or all."`
	Folders       Folders    `yaml:"folders" doc:"Which folders are read; drafts, junk and trash never are."`
	Visibility    Visibility `yaml:"visibility" default:"full" doc:"How much of this mailbox's mail others see."`
	AuthservID    string     `yaml:"authserv_id" doc:"Name under which the provider writes Authentication-Results; others' are not believed."`
	Connections   int        `yaml:"connections" min:"1" max:"20" doc:"Connections to the server at most at once; the default is the preset of the provider: 3 for imap, 4 for gmail and outlook."`
	DailyMB       int        `yaml:"daily_mb" min:"100" max:"10000000" doc:"Megabytes read of the account in any 24 hours at most; the default is the provider's: 2500 for gmail, else any amount."`
	DailyMessages int        `yaml:"daily_messages" min:"100" max:"10000000" doc:"Messages read of the account in any 24 hours at most; the default is any number."`
	Poll          Duration   `yaml:"poll" default:"15m" doc:"How often the server is asked even when it announces nothing."`
}

// Folders selects the folders of a mailbox; * stands for any run of characters.
type Folders struct {
	Include []string `yaml:"include" doc:"Patterns of the only folders to read; nothing means all."`
	Exclude []string `yaml:"exclude" doc:"Patterns of folders to leave out."`
}

// Sender is an SMTP server that takes our mail.
type Sender struct {
	Name    string `yaml:"name" required:"true" doc:"Short name, used by alerts.sender."`
	Account `yaml:",inline"`
	From    string   `yaml:"from" required:"true" doc:"Author of the mail: an address, with a display name or without."`
	Mailbox string   `yaml:"mailbox" doc:"Name of the mailbox that gets what comes back of campaigns: replies, bounces and objections."`
	Settle  Duration `yaml:"settle" default:"15m" doc:"How long after a lost answer the mailbox's Sent folder is looked through for the mail: longer than its server takes to put a copy there."`
	Limits  Limits   `yaml:"limits" doc:"How much goes through it; alerts and the daily mail are not counted."`
	Address string   `yaml:"postal_address" doc:"Postal address below every mail of a campaign."`
	DKIM    []DKIM   `yaml:"dkim" doc:"Keys that campaigns are signed with, where no provider does it: one RSA, and one Ed25519 beside it if you like."`
}

// Limits bound what goes through a sender.
type Limits struct {
	PerMinute   int `yaml:"per_minute" default:"30" min:"1" max:"1000000" doc:"Mails in any minute at most."`
	PerDay      int `yaml:"per_day" default:"10000" min:"1" max:"10000000" doc:"Mails in any 24 hours at most."`
	Connections int `yaml:"connections" default:"3" min:"1" max:"50" doc:"Connections to the server at most at once."`
}

// Fatigue bounds how often one address is written to, whatever the campaign.
type Fatigue struct {
	PerWeek  int `yaml:"per_week" default:"2" min:"1" max:"1000" doc:"Mails in any 7 days at most."`
	PerMonth int `yaml:"per_month" default:"6" min:"1" max:"1000" doc:"Mails in any 30 days at most."`
}

// Policy says what may be kept.
type Policy struct {
	Exclude   []Exclusion `yaml:"exclude" doc:"Whose mail is never stored, or seen by the mailbox's owner only."`
	Unmatched Unmatched   `yaml:"unmatched" default:"suggest" doc:"Whether unknown correspondents are suggested (address, name and counts, for 30 days) or forgotten."`
	Internal  Internal    `yaml:"internal" default:"skip" doc:"Whether mail among ourselves is logged."`
	Freemail  []string    `yaml:"freemail" doc:"Domains that many unrelated people use, beyond the built-in list."`
}

// Exclusion keeps an address, a domain or a pattern out. One of them is set.
type Exclusion struct {
	Address string `yaml:"address" doc:"One address."`
	Domain  string `yaml:"domain" doc:"A domain with its subdomains."`
	Pattern string `yaml:"pattern" doc:"Pattern over the whole address; * stands for any run of characters."`
	Mode    Mode   `yaml:"mode" default:"blocked" doc:"blocked stores nothing; protected stores for the owner of the mailbox only."`
}

// Backup says where and how often the store is copied.
type Backup struct {
	Dir       string   `yaml:"dir" path:"dir" doc:"Directory of the backups, best on another disk; made with mode 0700 if missing. Without it there are none."`
	Every     Duration `yaml:"every" default:"1d" doc:"How often; from a day up at night."`
	Keep      Keep     `yaml:"keep" default:"14" doc:"How many are kept, or for how long; the newest sound one always is."`
	Recipient string   `yaml:"recipient" doc:"Public key, printed by rapport backup key, that seals the store's key into each backup."`
}

// Retention says how long what is filed is kept, by kind. The zero Duration
// keeps for good.
type Retention struct {
	Personal    Duration `yaml:"personal" doc:"Mail written by people."`
	List        Duration `yaml:"list" doc:"Mail of mailing lists."`
	Automatic   Duration `yaml:"automatic" doc:"Automatic replies and notifications."`
	Bounce      Duration `yaml:"bounce" doc:"Reports of mail that could not be delivered."`
	Complaint   Duration `yaml:"complaint" doc:"Complaints that providers pass on."`
	Unsubscribe Duration `yaml:"unsubscribe" doc:"Requests to be unsubscribed."`
	Calendar    Duration `yaml:"calendar" doc:"Invitations and their answers."`
	Note        Duration `yaml:"note" doc:"Notes by hand."`
	Call        Duration `yaml:"call" doc:"Calls by hand."`
	Meeting     Duration `yaml:"meeting" doc:"Meetings by hand."`
	Sale        Duration `yaml:"sale" doc:"Orders and invoices, by their date."`
	Audit       Duration `yaml:"audit" doc:"The trail of who changed what; without its lines nothing older can be undone."`
	Hold        []string `yaml:"hold" doc:"Tags of contacts and organisations: what is on their histories stays, whatever its age."`
}

// Alerts says who hears of faults.
type Alerts struct {
	To     List   `yaml:"to" doc:"Who gets the alerts; nothing sends none."`
	Weekly bool   `yaml:"weekly" default:"true" doc:"Whether to write once a week that all is well."`
	Sender string `yaml:"sender" doc:"Name of the sender that takes them; may be left out where there is only one."`
}

// Log says what is logged.
type Log struct {
	Level  Level  `yaml:"level" default:"info" doc:"The least important lines that are written."`
	Format Format `yaml:"format" default:"text" doc:"How a line is written."`
}

// Dir returns the directory of the file, against which its paths are resolved.
func (c *Config) Dir() string { return filepath.Dir(c.File) }

// Team returns our own side as the records know it.
func (c *Config) Team() contact.Team {
	t := contact.Team{Domains: append([]string(nil), c.Ours.Domains...)}
	for _, m := range c.Ours.Members {
		t.Members = append(t.Members, contact.Member{Name: m.Name, Addresses: addresses(m.Addresses)})
	}
	return t
}

// LogAddresses returns the addresses whose mail becomes an entry.
func (c *Config) LogAddresses() []contact.Address { return addresses(c.LogAddress) }

// AlertSender returns the sender that takes alerts, nil where none are sent.
func (c *Config) AlertSender() *Sender {
	if len(c.Alerts.To) == 0 {
		return nil
	}
	for i := range c.Senders {
		if c.Alerts.Sender == c.Senders[i].Name || c.Alerts.Sender == "" {
			return &c.Senders[i]
		}
	}
	return nil
}

// addresses converts what validation has already brought into normal form.
func addresses(in []string) []contact.Address {
	var out []contact.Address
	for _, a := range in {
		out = append(out, contact.Address(a))
	}
	return out
}
