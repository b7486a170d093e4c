package servers

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// An account is a system user that a server runs as.
type account struct {
	uid, gid uint32
}

// postgresAccount returns the account that PostgreSQL runs as: none of its own
// unless we are root, as which it refuses to run.
func postgresAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &account{uid: uint32(uid), gid: uint32(gid)}, err
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root and there is no user to run it as")
}

// credential drops the supplementary groups, too.
func (a *account) credential() *syscall.Credential {
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives a folder to the account and makes sure that it can be reached.
func (a *account) own(dir string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(dir, int(a.uid), int(a.gid)); err != nil {
		return err
	}
	return Traversable(filepath.Dir(dir))
}

// Traversable reports whether other users can reach what is in dir.
func Traversable(dir string) error {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("other users cannot reach what is below %s; set TMPDIR to a folder that they can", dir)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}
