// Package confined reads PDF files in a process of its own, so that a file made
// to cost can cost no more than that process. It is this same program, begun
// with another name; whoever imports the package is such a program, tests too.
//
// The process is given the file and nothing else: no environment, no argument,
// no descriptor. Before it looks at the file it gives up what it could spend or
// reach: processor time, memory, and, on Linux, the opening of any further file
// or connection. It answers with text; whatever else becomes of it is an error.
package confined

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"rapport/internal/pdftext"
)

// The bounds of one process.
const (
	maxFile   = 16 << 20 // bytes it is given
	maxText   = 64 << 10 // bytes it may answer
	maxTime   = 30 * time.Second
	maxCPU    = 1 // seconds
	maxHeap   = 80 << 20
	maxExcuse = 400 // bytes of what it says went wrong
)

// childName is what the process is called, and how it knows what it is.
const childName = "rapport: reads a PDF file"

// The exit codes of the process: read; not readable, with a sentence on its
// error stream; not confined, and so nothing was read.
const (
	exitRead       = 0
	exitUnreadable = 10 // none that a Go program ends with by itself
	exitFree       = 11
)

// ErrFree is returned where the system does not let a process be confined.
var ErrFree = errors.New("the process cannot be confined: its limits cannot be set (a service manager may forbid prlimit64)")

// slots bounds how many processes there are at a time.
var slots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

func init() {
	if len(os.Args) == 1 && os.Args[0] == childName {
		os.Exit(child(os.Stdin, os.Stdout, os.Stderr))
	}
}

// PDF returns what a PDF file says, 64 KB at most, read in a process of its own.
// It waits for its turn. The error says why the file cannot be read, or that
// reading it cost more than a file may: a second of a processor, 30 seconds in
// all, 80 MB. It may be called from several goroutines.
func PDF(ctx context.Context, content []byte) (string, error) {
	if len(content) > maxFile {
		return "", fmt.Errorf("read PDF file: %d bytes, more than %d", len(content), maxFile)
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return "", fmt.Errorf("read PDF file: %w", ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	out, excuse := &bounded{left: maxText}, &bounded{left: maxExcuse}
	cmd := exec.CommandContext(ctx, self())
	cmd.Args, cmd.Dir = []string{childName}, "/"
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(content), out, excuse, time.Second
	if err := cmd.Run(); err != nil {
		return "", said(ctx, err, excuse.kept.String())
	}
	return strings.ToValidUTF8(out.kept.String(), ""), nil
}

// sample is a file that says "a".
const sample = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>endobj\n" +
	"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj\n" +
	"5 0 obj<</Length 19>>stream\nBT /F 9 Tf (a) Tj ET\nendstream endobj\ntrailer<</Size 6/Root 1 0 R>>\n%%EOF\n"

// Check reads a small file: what keeps PDF files from being read here is known
// before the first comes.
func Check(ctx context.Context) error {
	text, err := PDF(ctx, []byte(sample))
	if err == nil && text != "a" {
		err = fmt.Errorf("read PDF file: a file that says a says %q", text)
	}
	return err
}

// said tells why the process ended as it did.
func said(ctx context.Context, err error, excuse string) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("read PDF file: it took too long: %w", ctx.Err())
	case !errors.As(err, &exit):
		return fmt.Errorf("read PDF file: %w", err)
	case exit.ExitCode() == exitUnreadable:
		return errors.New(strings.ToValidUTF8(excuse, "?"))
	case exit.ExitCode() == exitFree:
		return fmt.Errorf("read PDF file: %w", ErrFree)
	}
	return fmt.Errorf("read PDF file: it costs more than a file may: %w", err)
}

// self is this program. On Linux it is found even after it was replaced on disk.
func self() string {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return "/proc/self/exe"
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// child reads the file it is given, once it is confined.
func child(in io.Reader, out, excuse io.Writer) int {
	if err := confine(); err != nil {
		return exitFree
	}
	content, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err == nil {
		err = closeDoors()
	}
	if err != nil {
		return exitFree
	}
	text, err := pdftext.Read(content)
	if err != nil {
		_, _ = io.WriteString(excuse, err.Error())
		return exitUnreadable
	}
	if _, err := io.WriteString(out, text); err != nil {
		return exitUnreadable
	}
	return exitRead
}

// bounded keeps the beginning of what is written, and takes the rest.
type bounded struct {
	kept bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(b.left, len(p))
	b.left -= n
	_, _ = b.kept.Write(p[:n])
	return len(p), nil
}
