package app

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// notifier tells systemd how the service is; without systemd it does nothing.
type notifier struct {
	log *slog.Logger
}

func (n notifier) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.Warn("service manager not told", "state", state, "err", err)
	}
}

func (n notifier) ready()    { n.tell(daemon.SdNotifyReady) }
func (n notifier) stopping() { n.tell(daemon.SdNotifyStopping) }
func (n notifier) reloading() {
	// Type=notify-reload wants the monotonic clock of the moment.
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		n.tell(daemon.SdNotifyReloading)
		return
	}
	n.tell(daemon.SdNotifyReloading + "\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10))
}

// watch pings the watchdog while alive says that the daemon works, not merely
// that it runs. It blocks until ctx ends.
func (n notifier) watch(ctx context.Context, alive func(context.Context) error) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("watchdog setting unreadable", "err", err)
	}
	if err != nil || every <= 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(every / 3)
	defer ticker.Stop()
	for {
		check, cancel := context.WithTimeout(ctx, every/3)
		err := alive(check)
		cancel()
		if err == nil {
			n.tell(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			n.log.Error("not alive, watchdog not served", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func oneLine(s string) string {
	out := []rune(escape(s))
	for i, r := range out {
		if r == '\n' || r == '\t' {
			out[i] = ' '
		}
	}
	return string(out)
}
