package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// oldestPostgres is the first version that limn is tested with.
const oldestPostgres = 15

// programs are an installed Postgres.
type programs struct {
	bin     string // the folder with postgres and initdb
	version int    // the major one
}

// choosePrograms takes those of the version that made a database, or the newest when there is no database yet.
func choosePrograms(data string, made int) (bin string, err error) {
	installed := findPrograms()
	if len(installed) == 0 {
		return "", ErrNoPostgres
	}
	newest := slices.MaxFunc(installed, func(a, b programs) int { return cmp.Compare(a.version, b.version) })
	if made == 0 {
		if newest.version < oldestPostgres {
			return "", fmt.Errorf("the Postgres installed here, %d, is too old: limn needs %d or newer", newest.version, oldestPostgres)
		}
		return newest.bin, nil
	}
	for _, p := range installed {
		if p.version == made {
			return p.bin, nil
		}
	}
	return "", fmt.Errorf("the database in %s was made by Postgres %d, and installed here is %d: install %[2]d again "+
		"(Debian: apt install postgresql-%[2]d), or set LIMN_DATA_DIR to another folder", data, made, newest.version)
}

// findPrograms looks at the distributions' places, then at PATH.
func findPrograms() (installed []programs) {
	var found []string
	for _, place := range []string{
		"/usr/lib/postgresql/*/bin/postgres",     // Debian
		"/usr/pgsql-*/bin/postgres",              // Red Hat
		"/usr/lib/postgresql[0-9]*/bin/postgres", // SUSE
		"/usr/libexec/postgresql[0-9]*/postgres", // Alpine
	} {
		paths, _ := filepath.Glob(place)
		found = append(found, paths...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	for _, path := range found {
		path, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		bin := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
			continue
		}
		if version := programVersion(path); version != 0 {
			installed = append(installed, programs{bin, version})
		}
	}
	return installed
}

var versionPattern = regexp.MustCompile(`\) (\d+)`)

// programVersion is the 15 of "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"; 0: it does not say.
func programVersion(path string) int {
	out, _ := exec.Command(path, "--version").Output()
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(match[1]))
	return version
}

// dataVersion is the major version of the Postgres that made a database; 0: there is none yet.
func dataVersion(data string) (int, error) {
	file, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, checkEmpty(data)
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(file)))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", filepath.Join(data, "PG_VERSION"), err)
	}
	return version, nil
}

func checkEmpty(data string) error {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds something other than a database", data)
	}
	return nil
}

// findUser chooses who runs Postgres when limn is root, as which Postgres refuses to run: the database's owner, else
// the user postgres, else nobody.
func findUser(data string) (name string, owner *syscall.Credential, err error) {
	if os.Geteuid() != 0 {
		return "", nil, nil
	}
	if info, err := os.Stat(data); err == nil {
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 0 {
			return userName(stat.Uid), &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return "", nil, fmt.Errorf("read the user %s: %w", name, err)
		}
		return name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return "", nil, errors.New("as root limn runs Postgres as the user postgres or nobody, and this machine has neither")
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
