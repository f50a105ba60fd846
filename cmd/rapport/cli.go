package main

// cli is every command with its flags. What they mean is written in help.txt;
// a test holds the two together.
type cli struct {
	Config string `short:"c" placeholder:"FILE"`
	JSON   bool   `name:"json"`

	Demo       demoCommand       `cmd:""`
	Init       initCommand       `cmd:""`
	Check      checkCommand      `cmd:""`
	Doctor     doctorCommand     `cmd:""`
	Run        runCommand        `cmd:""`
	Sync       syncCommand       `cmd:""`
	Status     statusCommand     `cmd:""`
	Discover   discoverCommand   `cmd:""`
	Reconcile  reconcileCommand  `cmd:""`
	Rematch    rematchCommand    `cmd:""`
	File       fileCommand       `cmd:""`
	Unfile     unfileCommand     `cmd:""`
	Withdraw   withdrawCommand   `cmd:""`
	Private    privateCommand    `cmd:""`
	Undo       undoCommand       `cmd:""`
	Review     reviewGroup       `cmd:""`
	Member     memberGroup       `cmd:""`
	User       userGroup         `cmd:""`
	Token      tokenGroup        `cmd:""`
	Auth       authGroup         `cmd:""`
	Webhook    webhookGroup      `cmd:""`
	Audit      auditCommand      `cmd:""`
	Contact    contactGroup      `cmd:""`
	Org        organisationGroup `cmd:"" name:"organisation"`
	Timeline   timelineCommand   `cmd:""`
	Message    messageGroup      `cmd:""`
	Explain    explainCommand    `cmd:""`
	Parse      parseCommand      `cmd:""`
	Search     searchCommand     `cmd:""`
	Note       noteCommand       `cmd:""`
	Call       callCommand       `cmd:""`
	FollowUp   followUpGroup     `cmd:"" name:"followup"`
	Case       caseGroup         `cmd:""`
	Today      todayCommand      `cmd:""`
	Sale       saleGroup         `cmd:""`
	Suggestion suggestionGroup   `cmd:""`
	Campaign   campaignGroup     `cmd:""`
	Survey     surveyGroup       `cmd:""`
	Outbox     outboxGroup       `cmd:""`
	Why        whyCommand        `cmd:""`
	Suppress   suppressCommand   `cmd:""`
	Unsuppress unsuppressCommand `cmd:""`
	Consent    consentCommand    `cmd:""`
	Conf       configGroup       `cmd:"" name:"config"`
	Export     exportCommand     `cmd:""`
	Store      storeGroup        `cmd:""`
	Backup     backupGroup       `cmd:""`
	Retention  retentionGroup    `cmd:""`
	Notice     noticeCommand     `cmd:""`
	Reload     reloadCommand     `cmd:""`
	Version    versionCommand    `cmd:""`
	Completion completionCommand `cmd:""`
}

type reviewGroup struct {
	List reviewListCommand `cmd:""`
}

type memberGroup struct {
	List  memberListCommand  `cmd:""`
	Away  memberAwayCommand  `cmd:""`
	Leave memberLeaveCommand `cmd:""`
}

type contactGroup struct {
	Import importCommand        `cmd:""`
	List   contactListCommand   `cmd:""`
	Show   contactShowCommand   `cmd:""`
	Add    contactAddCommand    `cmd:""`
	Edit   contactEditCommand   `cmd:""`
	Merge  contactMergeCommand  `cmd:""`
	Export contactExportCommand `cmd:""`
	Erase  contactEraseCommand  `cmd:""`
}

type organisationGroup struct {
	Import importCommand             `cmd:""`
	List   organisationListCommand   `cmd:""`
	Show   organisationShowCommand   `cmd:""`
	Add    organisationAddCommand    `cmd:""`
	Edit   organisationEditCommand   `cmd:""`
	Merge  organisationMergeCommand  `cmd:""`
	Export organisationExportCommand `cmd:""`
	Erase  organisationEraseCommand  `cmd:""`
}

type messageGroup struct {
	Show messageShowCommand `cmd:""`
}

type suggestionGroup struct {
	List   suggestionListCommand   `cmd:""`
	Accept suggestionAcceptCommand `cmd:""`
	Ignore suggestionIgnoreCommand `cmd:""`
}

type configGroup struct {
	Schema  configSchemaCommand  `cmd:""`
	Example configExampleCommand `cmd:""`
	Plan    configPlanCommand    `cmd:""`
}

type storeGroup struct {
	Check   storeCheckCommand   `cmd:""`
	Backup  storeBackupCommand  `cmd:""`
	Restore storeRestoreCommand `cmd:""`
	Reindex storeReindexCommand `cmd:""`
	Compact storeCompactCommand `cmd:""`
}

type backupGroup struct {
	Now    backupNowCommand    `cmd:""`
	List   backupListCommand   `cmd:""`
	Verify backupVerifyCommand `cmd:""`
	Key    backupKeyCommand    `cmd:""`
}

type retentionGroup struct {
	Plan    retentionPlanCommand    `cmd:""`
	Enforce retentionEnforceCommand `cmd:""`
}
