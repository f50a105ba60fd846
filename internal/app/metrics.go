package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/store/boltstore"
)

// metrics are the daemon's figures, on a registry of their own. Labels come
// from short closed lists: the configured mailboxes, states and reasons.
type metrics struct {
	registry *prometheus.Registry
	restarts *prometheus.CounterVec
	panics   *prometheus.CounterVec
	reloads  *prometheus.CounterVec
	alerts   *prometheus.CounterVec
	jobs     *prometheus.CounterVec
	webhooks *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		restarts: counter("mailsync", "restarts", "How often a mailbox was started again after trouble.", "mailbox"),
		panics:   counter("mailsync", "panics", "Panics caught in a mailbox's engine.", "mailbox"),
		reloads:  counter("app", "reloads", "Reloads of the configuration, by result.", "result"),
		alerts:   counter("app", "alerts", "Alerts by mail, by result.", "result"),
		jobs:     counter("app", "jobs", "Housekeeping, by job and result.", "job", "result"),
		webhooks: counter("webhook", "attempts", "Attempts to tell a webhook of an event, by result.", "result"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rapport_build_info", Help: "Always 1; the version is the label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.restarts, m.panics, m.reloads, m.alerts, m.jobs, m.webhooks, build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(component, thing, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rapport_" + component + "_" + thing + "_total", Help: help,
	}, labels)
}

// forget drops the series of a mailbox that is no longer configured.
func (m *metrics) forget(mailbox string) {
	m.restarts.DeleteLabelValues(mailbox)
	m.panics.DeleteLabelValues(mailbox)
}

// statusCollector reads the figures of the mailboxes when they are asked for.
type statusCollector struct {
	status   func() (message.SyncStatus, error)
	messages func() (int, error)
	size     func() (boltstore.Size, error)
	backup   func() (last time.Time, on bool) // when the last sound backup was made, zero: never
}

var (
	descState   = describe("mailsync", "mailbox_state", "1 for the state a mailbox is in.", "mailbox", "state")
	descFolders = describe("mailsync", "folders", "Folders of a mailbox, by whether they are in sync.", "mailbox", "in_sync")
	descCopies  = describe("mailsync", "copies", "Copies the server lists, by what became of them.", "mailbox", "state")
	descPass    = describe("mailsync", "last_pass_timestamp_seconds", "When the last complete pass ended.", "mailbox")
	descBackup  = describe("backup", "last_timestamp_seconds", "When the last backup was made that passed its drill; 0: there is none.")
	descMails   = describe("store", "messages", "Messages in the store.")
	descBytes   = describe("store", "bytes", "Bytes of the store: of the database, of raw mail in files, and free within the database.", "part")
)

func describe(component, thing, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rapport_"+component+"_"+thing, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descState, descFolders, descCopies, descPass, descBackup, descMails, descBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
// The registry calls it in a goroutine of its own.
func (c statusCollector) Collect(ch chan<- prometheus.Metric) {
	if err := rescue.Do(func() error { c.collect(ch); return nil }); err != nil {
		ch <- prometheus.NewInvalidMetric(descState, err)
	}
}

func (c statusCollector) collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if s, err := c.status(); err == nil {
		for _, m := range s.Mailboxes {
			collectMailbox(gauge, m)
		}
	} else {
		ch <- prometheus.NewInvalidMetric(descState, err)
	}
	if last, on := c.backup(); on {
		at := 0.0
		if !last.IsZero() {
			at = float64(last.Unix())
		}
		gauge(descBackup, at)
	}
	if n, err := c.messages(); err == nil {
		gauge(descMails, float64(n))
	}
	if size, err := c.size(); err == nil {
		gauge(descBytes, float64(size.Database), "database")
		gauge(descBytes, float64(size.Files), "files")
		gauge(descBytes, float64(size.Free), "free")
	}
}

var allStates = []message.State{
	message.StateStarting, message.StateSyncing, message.StateWatching,
	message.StateWaiting, message.StateStopped, message.StateIdle,
}

func collectMailbox(gauge func(*prometheus.Desc, float64, ...string), m message.MailboxStatus) {
	for _, s := range allStates {
		v := 0.0
		if m.State == s {
			v = 1
		}
		gauge(descState, v, m.Name, string(s))
	}
	var synced, behind, stored, skipped, quarantined int
	for _, f := range m.Folders {
		if f.InSync {
			synced++
		} else {
			behind++
		}
		stored += f.Stored
		quarantined += f.Quarantined
		for _, n := range f.Skipped {
			skipped += n
		}
	}
	gauge(descFolders, float64(synced), m.Name, "true")
	gauge(descFolders, float64(behind), m.Name, "false")
	gauge(descCopies, float64(stored), m.Name, "stored")
	gauge(descCopies, float64(skipped), m.Name, "skipped")
	gauge(descCopies, float64(quarantined), m.Name, "quarantined")
	if !m.LastPass.IsZero() {
		gauge(descPass, float64(m.LastPass.UnixMicro())/1e6, m.Name)
	}
}
