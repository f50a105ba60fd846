package app

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"rapport/web"
)

// How the files a process may have open are shared out: some are our own (the
// store, mail on its way), a part is for those who ask the daemon, and the
// rest is for the mailboxes' connections.
const (
	ownFiles     = 24
	askersShare  = 4 // of the limit, one part in so many
	leastAskers  = 8
	mostAskers   = 256
	connsWanted  = 3 // of a mailbox where the configuration does not say
	unlimited    = math.MaxInt32
	fewFilesText = "this process may have only %d files open, so each of %d mailboxes uses %s at a time (raise it: LimitNOFILE= of the service, or ulimit -n)"
)

// openFiles returns how many files this process may have open.
func openFiles() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur > unlimited {
		return unlimited
	}
	return int(l.Cur)
}

// askers is how many may be connected to the daemon at once; see crowd.
func askers(files int) int { return min(max(files/askersShare, leastAskers), mostAskers) }

// connections is how many connections each of so many mailboxes may have.
func connections(files, mailboxes int) int {
	return max((files-ownFiles-askers(files))/max(mailboxes, 1), 1)
}

// fewFiles says what a low limit of open files means, "" where it means nothing.
func fewFiles(files, mailboxes int) string {
	n := connections(files, mailboxes)
	if n >= connsWanted {
		return ""
	}
	text := "one connection"
	if n > 1 {
		text = fmt.Sprintf("%d connections", n)
	}
	return fmt.Sprintf(fewFilesText, files, mailboxes, text)
}

// doctorsFiles says whether there are enough files for the mailboxes.
func doctorsFiles(mailboxes int) web.Finding {
	if text := fewFiles(openFiles(), mailboxes); text != "" {
		return web.Finding{Object: "open files", OK: true, What: "warning: " + text}
	}
	return web.Finding{Object: "open files", OK: true, What: "enough"}
}
