package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// maxSecret bounds what is read as a password.
const maxSecret = 64 << 10

// commandTime is how long a password command may take.
const commandTime = 10 * time.Second

// Secret says where a password lies. It prints as REDACTED wherever it is
// printed, and holds no password: [Secret.Resolve] reads it anew each time, so
// a changed password needs no restart. The zero Secret is none.
type Secret struct {
	// A function, because fmt looks into unexported fields and behind pointers
	// without asking Format; of a function it can show only the address.
	at func() *source
}

// source is one of three ways to a password.
type source struct {
	file    string
	env     string
	command Command
	dir     string // where command runs
	gmail   bool
}

// Password returns where the mailbox's password lies.
func (c *Config) Password(m Mailbox) Secret {
	s := m.source(c.Dir())
	s.gmail = m.Provider == Gmail
	return secretOf(s)
}

// SenderPassword returns where the sender's password lies; a zero Secret when
// the sender does not sign in.
func (c *Config) SenderPassword(s Sender) Secret {
	if s.User == "" {
		return Secret{}
	}
	return secretOf(s.source(c.Dir()))
}

func secretOf(s *source) Secret { return Secret{func() *source { return s }} }

func (a Account) source(dir string) *source {
	return &source{file: a.PasswordFile, env: a.PasswordEnv, command: a.PasswordCommand, dir: dir}
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.at == nil }

// Resolve reads the secret now. Errors never contain it, nor what a command
// wrote to stderr.
func (s Secret) Resolve(ctx context.Context) (string, error) {
	if s.at == nil {
		return "", errors.New("read password: none is configured")
	}
	return s.at().resolve(ctx)
}

func (s *source) resolve(ctx context.Context) (string, error) {
	var value string
	var err error
	switch {
	case s.file != "":
		value, err = readSecret(s.file)
	case s.env != "":
		value = os.Getenv(s.env)
	case !s.command.IsZero():
		value, err = runSecret(ctx, s.command, s.dir)
	default:
		err = errors.New("read password: none is configured")
	}
	if err != nil {
		return "", err
	}
	if value, err = oneSecret(value); err != nil {
		return "", fmt.Errorf("read password from %s: %w", s, err)
	}
	if s.gmail {
		value = appPassword(value)
	}
	return value, nil
}

// String names the place for errors, a command by its kind only.
func (s *source) String() string {
	switch {
	case s.file != "":
		return s.file
	case s.env != "":
		return "the environment variable " + s.env
	}
	return "the password command"
}

// oneSecret trims the final newline that editors and commands add.
func oneSecret(value string) (string, error) {
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	switch {
	case value == "":
		return "", errors.New("it is empty or not set")
	case len(value) > maxSecret:
		return "", errors.New("it is too long for a password")
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", errors.New("it has more than one line")
	}
	return value, nil
}

// appPassword removes the spaces Google shows in an app password, sixteen
// letters in groups of four. Anything else is left as it is.
func appPassword(value string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, value)
	if len(bare) == 16 && strings.Trim(bare, "abcdefghijklmnopqrstuvwxyz") == "" {
		return bare
	}
	return value
}

func readSecret(path string) (string, error) {
	if err := secretMode(path); err != nil {
		return "", fmt.Errorf("read password from %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read password from %s: %w", path, pathless(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+2))
	if err != nil {
		return "", fmt.Errorf("read password from %s: %w", path, pathless(err))
	}
	return string(data), nil
}

// managed reports whether the platform set the file's mode: container
// secrets, which are world-readable inside their container only.
func managed(path string) bool { return strings.HasPrefix(filepath.Clean(path), "/run/secrets/") }

var errOpenToOthers = errors.New("others can read or change it")

// secretMode refuses what is no plain file and what other users can read.
func secretMode(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return pathless(err)
	case !info.Mode().IsRegular():
		return errors.New("it is not a plain file")
	case info.Mode().Perm()&0o006 != 0 && !managed(path):
		return errOpenToOthers
	}
	return nil
}

// secretHint says what to do about a password file that cannot be read.
func secretHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "it is another user's: run this as the user that the daemon runs as, with sudo -u USER"
	}
	return "write the password into it, alone, on one line, with mode 0600"
}

// secretFile checks a password file as far as that needs no password.
func (v *validator) secretFile(path, file string) {
	if v.sketch || !v.hiddenFile(path, file, secretHint) {
		return
	}
	if _, err := (&source{file: file}).resolve(context.Background()); err != nil {
		v.wrong(path, file+" cannot be used: "+cause(err), secretHint(err))
	}
}

// hiddenFile checks that nobody else can read or change a file; hint says what
// to do about one that is not there. False: it cannot be used.
func (v *validator) hiddenFile(path, file string, hint func(error) string) bool {
	switch err := secretMode(file); {
	case errors.Is(err, errOpenToOthers):
		v.wrong(path, "others can read or change "+file, "chmod 600 "+file)
		return false
	case err != nil:
		v.wrong(path, fmt.Sprintf("%s cannot be used: %v", file, err), hint(err))
		return false
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o006 != 0 {
		v.warn(path, "others can read or change "+file, "let the platform mount it with mode 0400 where it can")
	}
	return true
}

func (v *validator) secretEnv(path, name string) {
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" || name == "" || name[0] >= '0' && name[0] <= '9' {
		v.wrong(path, "not the name of an environment variable", "the name alone, such as RAPPORT_ADA, never the password")
		return
	}
	if os.Getenv(name) == "" && !v.sketch {
		v.warn(path, "the environment variable "+name+" is empty or not set here", "set it where rapport runs")
	}
}

// runSecret runs a password command in the directory of the configuration.
func runSecret(ctx context.Context, c Command, dir string) (string, error) {
	var out bytes.Buffer
	if err := runCommand(ctx, c, dir, commandTime, &limited{&out, maxSecret + 2}); err != nil {
		return "", fmt.Errorf("run the password command: %w", err)
	}
	return out.String(), nil
}

// runCommand runs a command of the configuration in its directory. Nothing of
// what it says on stderr is kept: that may be secret.
func runCommand(ctx context.Context, c Command, dir string, within time.Duration, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	args := c.Args
	if c.Shell != "" {
		args = []string{"sh", "-c", c.Shell}
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	cmd.Stdout = out
	err := cmd.Run()
	switch exit, isExit := errors.AsType[*exec.ExitError](err); {
	case ctx.Err() != nil:
		return ctx.Err()
	case isExit:
		return fmt.Errorf("it ended with status %d", exit.ExitCode())
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the program is not installed: %w", exec.ErrNotFound)
	case err != nil:
		return pathless(err)
	}
	return nil
}

// limited keeps the first n bytes and drops the rest.
type limited struct {
	to *bytes.Buffer
	n  int
}

func (l *limited) Write(p []byte) (int, error) {
	l.to.Write(p[:min(len(p), l.n-l.to.Len())])
	return len(p), nil
}

const redacted = "REDACTED"

// Format prints REDACTED for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// String returns REDACTED.
func (s Secret) String() string { return redacted }

// GoString returns REDACTED.
func (s Secret) GoString() string { return redacted }

// LogValue logs REDACTED.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText gives REDACTED, to JSON and YAML too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML gives REDACTED.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }
