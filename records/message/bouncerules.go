package message

// rule ties words of a diagnostic to a reason and class. A firm rule holds
// against a code that says otherwise.
type rule struct {
	reason, class string
	firm          bool
	words         []string
}

// rules are asked in order; the first that has a word in the text decides.
var rules = []rule{
	// Exchange names what it failed at by its own exceptions: those of delivering
	// are the recipient's, those of submitting the sender's.
	{"full", "mailbox", true, []string{"storedrv.deliver.exception:quotaexceeded", "storedrv.deliver.exception:shutoffquotaexceeded", "storedrv.deliver; mailbox full"}},
	{"config", "config", true, []string{"sendasdenied", "sendonbehalfof", "send as this sender"}},
	{"unknown user", "address", true, []string{"mapiexceptionunknownuser", "mapiexceptionmailboxdisabled", "storedrv.deliver.exception:recipientnotfound"}},
	{"content", "content", true, []string{"maxsubmissionexceeded", "messagetoobig", "storedrv.deliver.exception:conversionfailed", "storedrv.submission.exception:conversionfailed", "storedrv.submission.exception:corruptdata"}},
	{"quota", "quota", true, []string{"daily user sending", "daily smtp relay", "sending limit", "sending quota", "submissionquotaexceeded", "storedrv.submission.exception:quotaexceeded", "storedrv.submission.exception:shutoffquotaexceeded", "message submission rate", "exceeded your sending", "too many messages sent", "messages per hour", "sent to too many recipients", "recipients this hour", "recipients per hour"}},
	{"rate", "transient", true, []string{"receiving mail at a rate", "receiving mail too quickly", "frequency limited", "frequency is limited", "rate limit", "throttl", "thread limit exceeded", "storagetransientexception", "too many connections", "connection rate", "too many concurrent"}},
	{"quota", "quota", true, []string{"storedrv.submission"}}, // of what is not named above, the sender waits and no recipient is blamed
	{"config", "config", true, []string{"smtpclientauthentication is disabled", "client was not authenticated", "authentication required", "authentication unsuccessful", "must issue a starttls"}},
	{"sender refused", "policy", false, []string{"sender address rejected", "after mail from", "unroutable sender", "sender rejected", "sender verify", "invalid sender", "domain of sender", "senders not allowed", "sender denied", "sender not allowed", "from: domain is invalid", "valid from:", "valid from header", "reply to mail from", "permission to post", "groups.google.com"}},
	{"no mail there", "address", true, []string{"null mx", "nullmx", "no smtp service", "does not accept mail", "doesn't accept mail", "does not accept email", "doesn't receive email", "does not receive email", "does not receive mail"}},
	{"unknown user", "address", false, []string{"recipient address rejected: access denied", "invalid final delivery", "rejected: user unknown", "user unknown in", "not listed in", "inactive email address"}},
	{"disabled", "mailbox", false, []string{"disabled", "suspended", "inactive", "deactivated", "frozen", "account is locked", "temporary locked", "temporarily locked", "mailbox locked", "mailbox is locked", "account is blocked", "compte du destinataire est bloque", "account has been blocked"}},
	{"full", "mailbox", false, []string{"mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded quota", "exceeds quota", "mailbox size limit", "insufficient storage", "storage space", "disk quota", "inbox is full", "box is full", "user is over the quota", "out of storage", "full mailbox", "quota has been", "mailfolder is full", "maildir over", "exceeds allowed size"}},
	{"filtered", "mailbox", false, []string{"recipient preferences", "blocked by the recipient", "recipient has blocked"}},
	{"virus", "content", false, []string{"virus detected", "virus found", "contains a virus", "contained a virus", "infected", "malware"}},
	{"policy", "policy", false, []string{"spam", "blocked", "blacklist", "block list", "blocklist", "denylist", "rejected for policy", "policy", "policies", "spf", "dkim", "dmarc", "reputation", "relaying", "relay access", "unable to relay", "not relay", "cannot relay", "mail relay", "open relay", "relay not", "relay denied", "relay is", "not authorized", "not authorised", "access denied", "not permitted", "administrative prohibition", "ptr", "reverse dns", "banned", "listed", "listed at", "dnsbl", "rbl", "unsolicited", "unwanted", "bulk mail", "not allowed", "protocol violation", "refused due", "content rejected", "mail rejected", "mail rejete"}},
	{"unknown user", "address", false, []string{"user unknown", "unknown user", "no such user", "unknown recipient", "recipient unknown", "unknown address", "unknown mailbox", "no such mailbox", "no such recipient", "no such address", "mailbox not found", "mailbox unavailable", "mailbox does not exist", "does not exist", "doesn't exist", "doesn't have", "user not found", "not found in directory", "recipientnotfound", "recipnotfound", "recipient not found", "name is not recognized", "no mailbox", "invalid recipient", "invalid mailbox", "invalid address", "undeliverable address", "not a valid", "unrouteable", "unroutable", "no longer in use", "no longer valid", "no longer available", "user doesn", "not our customer", "nicht bekannt", "unbekannt", "not listed in", "unknown local", "unknown or illegal", "no account", "address unknown", "no valid recipients", "wasn't found", "couldn't be found", "isn't known", "is not known", "not known", "bad address", "bad destination mailbox", "email account that you tried"}},
	{"unknown host", "address", false, []string{"host unknown", "unknown host", "unknown domain", "domain not found", "no such domain", "host not found", "name or service not known", "domain does not", "domain is not reachable", "domain name not found", "couldn't find any host", "can't find", "nxdomain", "no mx", "no route to host for domain"}},
	{"content", "content", false, []string{"message size", "too large", "too big", "size exceeds", "message exceeds", "maximum message size", "virus", "attachment", "bad content", "message length", "line limit", "line too long", "lines too long"}},
	{"temporary", "transient", false, []string{"temporar", "try again", "greylist", "graylist", "timed out", "timeout", "connection refused", "too many recipients", "deferred", "delayed", "service unavailable", "currently unavailable", "retry", "could not connect", "requests to connect", "no route", "network", "connection lost", "connection reset", "not responding", "expired", "retry timeout", "could not deliver for the last", "not delivered within", "aborted after", "have been failing", "system problem", "system error", "internal error", "out of memory", "queue", "mail loop", "loops back", "too many hops"}},
	{"unknown user", "address", false, []string{"unable to deliver message to"}},
}
