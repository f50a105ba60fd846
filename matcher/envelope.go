package matcher

import "rapport/records/message"

func report(h message.Head) bool {
	r, ok := any(h).(interface{ LooksLikeReport() bool })
	return ok && r.LooksLikeReport()
}

func forwarded(h message.Head) bool {
	f, ok := any(h).(interface{ LooksForwarded() bool })
	return ok && f.LooksForwarded()
}
