// Package boltstore is the store on bbolt: one database file, and files beside
// it for large mails.
//
// # The directory
//
//	rapport.db              the database
//	rapport.lock            locked while the store is open; holds the process number
//	rapport.id              the store's id and generation: shows that there was a store here
//	rapport.stopped         what the database looked like when the last process
//	                        left it; see stopped.go
//	rapport.restored        what the store was restored from; gone once it was opened
//	restoring/              a restore under way
//	blobs/ab/cdef….zst      a large mail, zstd, named by the SHA-256 of its bytes
//	blobs/new-*             a mail being packed; removed on opening
//	rapport.db.new          a database being made; removed on opening
//	rapport.db.compact      a compaction under way; removed on opening
//	rapport.db.snapshot-*   a backup under way; removed on opening
//	rapport.db.formatN      the database as it was before a migration
//
// # The buckets
//
// text is escaped and ends with 00; id is the 16 bytes of a ULID (or FF text);
// time is microseconds since 1970, 8 bytes, sign flipped; numbers are
// big-endian; digest is half a SHA-256. Text over 512 bytes is cut and ends in
// its digest. A record is one format byte (see codec.go) and JSON.
// sealed(…) is followed by a CRC-32C over key and value, see sealed.go.
//
//	meta
//	    app                                      "rapport"
//	    schema                                   u32: the format of this tree, see migrations
//	    store                                    id of the store, as text
//	    live                                     "index.a" or "index.b": the index in use
//	    generation                               u64: openings and backups so far, see generation.go
//	    restored                                 Restoration, as JSON
//	    doc, folder, segment                     u32: the last number given out
//	    unfielded                                01 while there are documents without terms of subjects and files
//	contact          id                          contact.Contact
//	organisation     id                          contact.Organisation
//	member           text(first address)         contact.Member
//	message          id                          message.Message and identities
//	thread           digest(Message-ID)          sealed(id of the thread)
//	blob             sha256                      03 uvarint(size) zstd | 04 uvarint(size): in a file
//	entry            id                          timeline.Entry and document number
//	text             id of the entry             03 zstd(JSON of store.Fields) | 07 sealed(s2(JSON))
//	folder           text(mailbox) text(name) u32(uidvalidity)   message.Folder, number, scan, mark
//	uids             u32(folder number) u32(first UID of the row) state   row
//	                 state: "s" stored, "q" quarantined, "k"+reason skipped
//	                 row of 4,096 UIDs: 01 runs as uvarints | 02 bitmap | 03 sealed(one of them)
//	quarantine       u32(folder number) u32(uid) sealed(why, in words)
//	status           text(mailbox) text(name)    message.FolderStatus
//	hint             digest(16) u32(folder number) u32(uid)      -
//	hint.uid         u32(folder number) u32(uid) digest(16)      -
//	suggestion       text(address)               store.Suggestion
//	review           id of the message           store.Review
//	decision         id                          store.Decision
//	search           id                          message.Search
//	search.done      id text(mailbox)            sealed()
//	tombstone        digest(16)                  sealed(time)
//	audit            id                          store.AuditRecord
//	state            text(name)                  sealed(bytes)
//	count            name of a bucket            u64: records in it
//	followup         id                          followup.FollowUp
//	feed             digest(16) of the token     store.Feed
//	account          id                          access.Account: a user
//	session          id                          access.Session
//	token            id                          access.APIToken
//	view             id                          store.SavedView
//	answer           text(key)                   store.Answer
//	webhook          id                          hook.Webhook
//	dispatch         id(webhook) id              hook.Dispatch
//	delivery         id                          outbox.Delivery
//	outgoing         id of the delivery          sealed(zstd(the bytes to be sent))
//	run              id                          campaign.Run
//	suppression      digest(16) text(scope)      store.Suppression
//	signup           digest(16)                  store.SignUp
//	sale             id                          sale.Sale
//	survey           id(delivery)                survey.Answer
//	index.a, index.b                             all that is derived; one of them is in use
//	    contact.address       text(address) id                          -
//	    contact.folded        text(folded address) id                   -
//	    contact.organisation  id(organisation) text(name) id            -
//	    contact.name          text(name) id                             -
//	    contact.facet         text(what a list is narrowed by) id       -
//	    organisation.facet    text(what a list is narrowed by) id       -
//	    contact.word          text(a word of name or addresses, see wordrows.go) id   text(name)
//	    organisation.word     text(a word of name or domains) id                  text(name)
//	    organisation.domain   text(domain) id                           -
//	    organisation.name     text(name) id                             -
//	    message.identity      digest(16) id                             -
//	    message.message-id    digest id                                 -
//	    message.meeting       digest id                                 -
//	    message.thread        id(thread) time id                        -
//	    message.address       text(folded address) time id              -
//	    message.domain        text(domain or parent) time id            -
//	    message.holding       text(mailbox) text(folder) u32(uidvalidity) u32(uid)   id
//	                          … and id u32(n) where the copy has no UID any more
//	    entry.subject         "c" id(contact) | "o" id(organisation), time id        doc flags
//	    entry.time            time id                                   u32(doc) flags
//	    entry.message         id(message) id                            u32(doc) flags
//	    entry.doc             u32(doc)                                  time flags id
//	    suggestion.rank       u32(^exchanges) u32(^messages) text(address)           -
//	    suggestion.expires    time text(address)                        -
//	    decision.identity     digest(16) id                             -
//	    decision.message-id   digest id                                 -
//	    audit.time            time id                                   -
//	    audit.object          text(object) time id                      -
//	    entry.thread          id(thread) time id                        way turn ("w" | "a" "c" | "o" id)…, see relations.go
//	    relation              "c" id | "o" id                           relation.Record, packed
//	    relation.last         "c" | "o", time(last contact) id          -
//	    relation.quiet        "c" | "o", time(unusually quiet from) id  -
//	    relation.turn         "c" id | "o" id, side time(since) id(thread)           id(entry)
//	    relation.wait         side, "c" | "o", time(since) id id(thread)             -
//	    relation.answer       "c" id | "o" id, way time(answered) id(entry)          time(asked)
//	    delivery.once         digest(run, step, epoch, folded address)  id
//	    delivery.due          id(run) time(due) id                      -
//	    delivery.run          id(run) state id                          -
//	    delivery.state        state id: "i" intent, "m" ambiguous, "u" unknown       -
//	    delivery.to           text(folded address) id                   -
//	    run.campaign          text(name) id                             -
//	    run.state             text(state) id                            -
//	    followup.due          "o" | "d", text(due) id                   -
//	    followup.owner        text(owner) "o" | "d", text(due) id       -
//	    followup.about        "c" | "o" | "m", id, "o" | "d", text(due) id           -
//	    sale.date             text(day) id                              -
//	    sale.number           text(direction) text(number) id           -
//	    sale.about            "c" id | "o" id, text(day) id             -
//	    sale.due              text(direction) text(due) id              -: of open ones
//	    survey.campaign       text(campaign) id                         -
//	    dispatch.turn         id(webhook) "w" time(due) id | id(webhook) "e" time(ended) id   -
//	    later                 u32(doc)                                  id of the entry: its terms are to be made
//	    segment               "m" u32(segment)                          level u32(documents)
//	                          "b" u32(segment) first term               03 zstd(block), see segment.go
//	                          "p" u32(segment) first term               03 zstd(places of the block's terms)
//
// # Durability
//
// A commit is two syncs of the database; a transaction that wrote nothing makes
// none. A large mail is synced under a
// temporary name, renamed, and its directory synced before the commit that
// names it; files that no commit named are collected later. A file is deleted
// after the commit that lets go of it.
//
// Compact writes a second database and renames it over the first; Reindex
// builds the other index and changes meta/live; the merge of search segments
// writes blocks no manifest row names until its last transaction. Stopping at
// any of these steps leaves the state before or after.
package boltstore
