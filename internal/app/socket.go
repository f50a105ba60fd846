package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// socketFile is the daemon's address in its data directory.
const socketFile = "rapport.sock"

// maxSocketPath is what fits into a socket address with its closing zero
// (108 bytes on Linux, 104 elsewhere).
const maxSocketPath = 103

// SocketPath returns where the daemon of a data directory listens: beside the
// store, or in the runtime directory where that path is too long.
func SocketPath(dataDir string) (string, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("find socket of %s: %w", dataDir, err)
	}
	path := filepath.Join(dir, socketFile)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	// The same directory must give the same socket under whichever name it
	// was reached.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	sum := sha256.Sum256([]byte(dir))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	for _, runtime := range runtimeDirs() {
		if path := filepath.Join(runtime, "rapport", name); len(path) <= maxSocketPath {
			return path, nil
		}
	}
	return "", fmt.Errorf("find socket of %s: the path is too long for a socket and there is no runtime directory (set XDG_RUNTIME_DIR or choose a shorter data_dir)", dataDir)
}

// runtimeDirs lists where sockets may lie, best first: the service's own
// directory, the session's, and one in the directory for temporary files.
// Every command of one user must come to the same one, so the environment
// decides only where the system offers nothing.
func runtimeDirs() []string {
	uid := os.Geteuid()
	var dirs []string
	for _, dir := range []string{"/run/rapport", "/run/user/" + strconv.Itoa(uid), os.Getenv("XDG_RUNTIME_DIR")} {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if owner, ok := ownerOf(info); ok && owner == uid {
			dirs = append(dirs, dir)
		}
	}
	return append(dirs, filepath.Join("/tmp", "rapport-"+strconv.Itoa(uid)))
}

// listenSocket binds the socket, for this user only. The caller holds the
// store's lock, so whatever lies at the path was left by a process that is
// gone; only a socket is replaced.
func listenSocket(path string) (net.Listener, error) {
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("listen on %s: something else than a socket lies there (move it away)", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace stale socket: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
}

// privateDir makes a directory for this user only, or makes sure that the one
// there is: a socket inside cannot be reached before its mode is set.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if info, err = os.Stat(dir); err != nil {
			return err
		}
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	if owner, ok := ownerOf(info); ok && owner != os.Geteuid() {
		return fmt.Errorf("%s belongs to %s", dir, userName(owner))
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// local says of every request on the socket that the service's own user makes
// it: nobody else can connect.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), access.Principal{Kind: access.Local})))
	})
}

// dialSocket connects to a daemon, if one listens.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	d := net.Dialer{Timeout: 2 * time.Second}
	return d.DialContext(ctx, "unix", path)
}

// checkOwner refuses to work on another user's data: files made on the way
// would lock the owner out. It names the command to use instead.
func checkOwner(dataDir string, args []string) error {
	info, err := os.Stat(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at data_dir: %w", err)
	}
	owner, ok := ownerOf(info)
	if !ok || owner == os.Geteuid() {
		return nil
	}
	name := userName(owner)
	return fmt.Errorf("open data_dir %s: it belongs to %s and this is %s (use: sudo -u %s %s)",
		dataDir, name, userName(os.Geteuid()), name, commandLine(args))
}

// checkFiles refuses a data directory in which somebody else, mostly root by a
// command without sudo -u, has left files of the store.
func checkFiles(dir string) error {
	for _, name := range []string{"rapport.lock", storeFile, markerFile, keyFile, journalFile, "blobs", "spool"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			continue // whoever needs it says so
		}
		if owner, ok := ownerOf(info); ok && owner != os.Geteuid() {
			return fmt.Errorf("open data_dir %s: %s in it belongs to %s and this is %s (use: sudo chown -R %s %s)",
				dir, name, userName(owner), userName(os.Geteuid()), userName(os.Geteuid()), dir)
		}
	}
	return nil
}

func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "#" + strconv.Itoa(uid)
}

// commandLine writes a command as a shell reads it.
func commandLine(args []string) string {
	if len(args) == 0 {
		args = []string{"rapport"}
	}
	quoted := make([]string, len(args))
	for i, a := range args {
		if i == 0 {
			a = filepath.Base(a)
		}
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@:=,+%", r))
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}
