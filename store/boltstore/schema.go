package boltstore

// The names of buckets, as the package comment draws them.
const (
	tableContact      = "contact"
	tableOrganisation = "organisation"
	tableMember       = "member"
	tableMessage      = "message"
	tableThread       = "thread"
	tableBlob         = "blob"
	tableEntry        = "entry"
	bucketText        = "text"
	tableFolder       = "folder"
	bucketUIDs        = "uids"
	bucketQuarantine  = "quarantine"
	tableStatus       = "status"
	bucketHint        = "hint"
	bucketHintUID     = "hint.uid"
	tableSuggestion   = "suggestion"
	tableReview       = "review"
	tableDecision     = "decision"
	tableSearch       = "search"
	bucketSearchDone  = "search.done"
	bucketTombstone   = "tombstone"
	tableAudit        = "audit"
	bucketState       = "state"
	tableCount        = "count"
	tableFollowUp     = "followup"
	tableFeed         = "feed"
	tableAccount      = "account"
	tableSession      = "session"
	tableToken        = "token"
	tableView         = "view"
	tableAnswer       = "answer"
	tableWebhook      = "webhook"
	tableDispatch     = "dispatch"
	tableDelivery     = "delivery"
	bucketOutgoing    = "outgoing"
	tableRun          = "run"
	tableSuppression  = "suppression"
	tableSignUp       = "signup"
	tableSale         = "sale"
	tableSurvey       = "survey"

	indexContactAddress = "contact.address"
	indexContactFolded  = "contact.folded"
	indexContactOf      = "contact.organisation"
	indexContactName    = "contact.name"
	indexOrgDomain      = "organisation.domain"
	indexOrgName        = "organisation.name"
	indexContactFacet   = "contact.facet"
	indexOrgFacet       = "organisation.facet"
	indexContactWord    = "contact.word"
	indexOrgWord        = "organisation.word"
	indexIdentity       = "message.identity"
	indexMessageID      = "message.message-id"
	indexMeeting        = "message.meeting"
	indexThread         = "message.thread"
	indexAddress        = "message.address"
	indexDomain         = "message.domain"
	indexHolding        = "message.holding"
	indexSubject        = "entry.subject"
	indexTime           = "entry.time"
	indexOfMessage      = "entry.message"
	indexDoc            = "entry.doc"
	indexSegment        = "segment"
	indexLater          = "later"
	indexRank           = "suggestion.rank"
	indexExpires        = "suggestion.expires"
	indexDecisionSum    = "decision.identity"
	indexDecisionThread = "decision.message-id"
	indexAuditTime      = "audit.time"
	indexAuditObject    = "audit.object"
	indexEntryThread    = "entry.thread"
	indexRelation       = "relation"
	indexRelationLast   = "relation.last"
	indexRelationQuiet  = "relation.quiet"
	indexRelationTurn   = "relation.turn"
	indexRelationWait   = "relation.wait"
	indexRelationAnswer = "relation.answer"
	indexFollowUpDue    = "followup.due"
	indexFollowUpOwner  = "followup.owner"
	indexFollowUpAbout  = "followup.about"
	indexDispatchTurn   = "dispatch.turn"
	indexDeliveryOnce   = "delivery.once"
	indexDeliveryDue    = "delivery.due"
	indexDeliveryRun    = "delivery.run"
	indexDeliveryState  = "delivery.state"
	indexDeliveryTo     = "delivery.to"
	indexRunCampaign    = "run.campaign"
	indexRunState       = "run.state"
	indexSaleDate       = "sale.date"
	indexSaleNumber     = "sale.number"
	indexSaleAbout      = "sale.about"
	indexSaleDue        = "sale.due"
	indexSurveyOf       = "survey.campaign"
)

var (
	bucketMeta    = []byte("meta")
	keyApp        = []byte("app")
	keySchema     = []byte("schema")
	keyStore      = []byte("store")
	keyLive       = []byte("live")
	keyNextDoc    = []byte("doc")
	keyNextFolder = []byte("folder")
	keySegment    = []byte("segment")
	keyUnfielded  = []byte("unfielded")
	appName       = []byte("rapport")
)

// dataBuckets are all buckets of records.
var dataBuckets = []string{
	tableContact, tableOrganisation, tableMember, tableMessage, tableThread, tableBlob, tableEntry, bucketText,
	tableFolder, bucketUIDs, bucketQuarantine, tableStatus, bucketHint, bucketHintUID, tableSuggestion,
	tableReview, tableDecision, tableSearch, bucketSearchDone, bucketTombstone, tableAudit, bucketState, tableCount,
	tableFollowUp, tableFeed, tableAccount, tableSession, tableToken, tableView, tableAnswer,
	tableWebhook, tableDispatch,
	tableDelivery, bucketOutgoing, tableRun, tableSuppression, tableSignUp,
	tableSale,
	tableSurvey,
}

// indexBuckets are all buckets of derived rows.
var indexBuckets = []string{
	indexContactAddress, indexContactFolded, indexContactOf, indexContactName, indexOrgDomain, indexOrgName,
	indexIdentity, indexMessageID, indexMeeting, indexThread, indexAddress, indexDomain, indexHolding,
	indexSubject, indexTime, indexOfMessage, indexDoc, indexSegment, indexLater, indexRank, indexExpires,
	indexDecisionSum, indexDecisionThread, indexAuditTime, indexAuditObject,
	indexEntryThread, indexRelation, indexRelationLast, indexRelationQuiet, indexRelationTurn, indexRelationWait, indexRelationAnswer,
	indexFollowUpDue, indexFollowUpOwner, indexFollowUpAbout,
	indexContactFacet, indexOrgFacet, indexContactWord, indexOrgWord,
	indexDispatchTurn,
	indexDeliveryOnce, indexDeliveryDue, indexDeliveryRun, indexDeliveryState, indexDeliveryTo, indexRunCampaign, indexRunState,
	indexSaleDate, indexSaleNumber, indexSaleAbout, indexSaleDue,
	indexSurveyOf,
}

// indexed are the tables with derived rows, for check and reindex.
var indexed = []derived{
	contacts, organisations, messages, entries, suggestions, decisions, audits, members, reviews, searches, folders, statuses,
	accounts, sessions, tokens, savedViews, answers, followUps, feeds, webhooks, dispatches,
	deliveries, runs, suppressions, signUps,
	sales,
	surveyAnswers,
}
