package main

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// supports are packages that only serve tests and measurements: nobody's
// mailboxes are lost with them.
var supports = []string{"internal/mailtest", "internal/link", "internal/filefault", "internal/browser", "internal/bench", "store/storetest", ".ci"}

// TestM83_EveryGoroutineIsRescued looks at every goroutine of the product: what
// runs in it must be guarded by package rescue, or a panic in it ends the
// process with all its mailboxes. A function called by context.AfterFunc or
// time.AfterFunc is not looked at: ours only close or cancel.
func TestM83_EveryGoroutineIsRescued(t *testing.T) {
	found := 0
	for _, s := range parseAll(t, moduleRoot(t)) {
		if slices.Contains(supports, s.pkg) {
			continue
		}
		n, complaints := goroutines(s)
		found += n
		for _, c := range complaints {
			t.Error(c)
		}
	}
	if found < 15 {
		t.Errorf("only %d goroutines found: the search is broken", found)
	}
	t.Attr("tries", strconv.Itoa(found))
}

// goroutines counts what one file starts, and names what is not guarded.
func goroutines(s source) (n int, complaints []string) {
	ast.Inspect(s.ast, func(node ast.Node) bool {
		var started ast.Expr
		switch node := node.(type) {
		case *ast.GoStmt:
			started = node.Call.Fun
		case *ast.CallExpr: // of a sync.WaitGroup or errgroup.Group
			sel, ok := node.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Go" && sel.Sel.Name != "TryGo" || len(node.Args) != 1 {
				return true
			}
			started = node.Args[0]
		default:
			return true
		}
		n++
		if !guarded(s.ast, started, 2) {
			p := s.fset.Position(started.Pos())
			complaints = append(complaints, fmt.Sprintf("%s:%d: a panic in this goroutine ends the process: run its work through rescue.Do, in one statement after its defers", p.Filename, p.Line))
		}
		return true
	})
	return n, complaints
}

// guarded reports whether a function does its work under package rescue: after
// its defers comes one statement, which calls rescue.Do, or a function of the
// same file that is guarded itself. Deferring rescue.Into will do, too.
func guarded(file *ast.File, fn ast.Expr, depth int) bool {
	body := bodyOf(file, fn)
	if body == nil || depth == 0 {
		return false
	}
	var work []ast.Stmt
	for _, stmt := range body.List {
		d, ok := stmt.(*ast.DeferStmt)
		switch {
		case ok && isRescue(d.Call, "Into"):
			return true
		case !ok:
			work = append(work, stmt)
		}
	}
	if len(work) != 1 {
		return false
	}
	found := false
	ast.Inspect(work[0], func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && (isRescue(call, "Do") || guards(file, call)) {
			found = true
		}
		return !found
	})
	if found {
		return true
	}
	call, ok := work[0].(*ast.ExprStmt)
	if !ok {
		return false
	}
	named, ok := call.X.(*ast.CallExpr)
	return ok && (supervises(named) || guarded(file, named.Fun, depth-1))
}

// guards reports whether a call gives a function literal to a function of the
// same file that runs it under package rescue.
func guards(file *ast.File, call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	if _, ok := call.Args[0].(*ast.FuncLit); !ok {
		return false
	}
	return guarded(file, call.Fun, 1)
}

// supervises reports whether a call is app's own keep, which guards what it is given.
func supervises(call *ast.CallExpr) bool {
	id, ok := call.Fun.(*ast.Ident)
	return ok && id.Name == "keep"
}

// bodyOf finds what a function literal, or a function or method of the file by
// its name, does.
func bodyOf(file *ast.File, fn ast.Expr) *ast.BlockStmt {
	name := ""
	switch fn := fn.(type) {
	case *ast.FuncLit:
		return fn.Body
	case *ast.Ident:
		name = fn.Name
	case *ast.SelectorExpr:
		name = fn.Sel.Name
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
			return f.Body
		}
	}
	return nil
}

func isRescue(call *ast.CallExpr, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "rescue"
}

// TestGoroutineRuleBites shows what the rule finds and what it lets pass.
func TestGoroutineRuleBites(t *testing.T) {
	for _, tt := range []struct {
		code string
		want int // complaints
	}{
		{`func a() { go func() { work() }() }`, 1},
		{`func a() { go work() }`, 1},
		{`func a() { go func() { done <- rescue.Do(work) }() }`, 0},
		{`func a() { go func() { defer close(done); _ = rescue.Do(work) }() }`, 0},
		{`func a() { go func() { _ = rescue.Do(work); more() }() }`, 1},
		{`func a() { g.Go(func() error { defer rescue.Into(&err); return work() }) }`, 0},
		{`func a() { g.Go(func() error { return work() }) }`, 1},
		{`func a() { g.Go(b.run) }; func (b) run() { for { rescue.Do(work) } }`, 0},
		{`func a() { g.Go(b.run) }; func (b) run() { for { guard(func() { work() }) } }; func guard(f func()) { rescue.Do(f) }`, 0},
		{`func a() { g.Go(b.run) }; func (b) run() { for { guard(func() { work() }) } }; func guard(f func()) { f() }`, 1},
		{`func a() { wg.Go(func() { keep(ctx, run) }) }`, 0},
	} {
		s, err := parseSource("mailsync/a.go", []byte("package p\n"+strings.ReplaceAll(tt.code, "; func", "\nfunc")+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", tt.code, err)
		}
		if n, got := goroutines(s); n != 1 || len(got) != tt.want {
			t.Errorf("%s: %d goroutines, %d complaints; want 1 and %d", tt.code, n, len(got), tt.want)
		}
	}
}
