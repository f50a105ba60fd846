// Package rescue turns panics into errors.
//
// A panic is a bug of ours. In a goroutine where nobody recovers it ends the
// whole process, and with it the mailboxes that have no part in it; so every
// goroutine of ours defers [Into] or runs its work through [Do], and hands the
// error to whoever waits for it.
package rescue

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Panic is a panic that was caught.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Into is deferred: it puts a panic into *err, in place of what is there.
// A panic that was caught before and raised again keeps its first stack.
func Into(err *error) {
	switch v := recover().(type) {
	case nil:
	case *Panic:
		*err = v
	default:
		*err = &Panic{Value: v, Stack: debug.Stack()}
	}
}

// Do calls do and returns its error, or its panic as one.
func Do(do func() error) (err error) {
	defer Into(&err)
	return do()
}

// Of returns the panic in an error's chain, nil where there is none.
func Of(err error) *Panic {
	var p *Panic
	if errors.As(err, &p) {
		return p
	}
	return nil
}
