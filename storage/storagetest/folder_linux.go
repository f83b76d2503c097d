package storagetest

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// held stays open until the process ends: the lock on its folder, and the input of the shell that removes it.
var held []io.Closer

// newFolder makes the folder of this process's Postgres. A process that ends, however it ends, leaves no folder: a
// shell removes it. Should that have been killed too, the next to make a folder does.
func newFolder() (string, error) {
	base := folderBase()
	sweep(base)
	dir, err := os.MkdirTemp(base, "limn-making-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // Postgres's user has to reach it
		return "", err
	}
	file, err := lock(dir) // before it has the name that sweep looks for
	if err != nil {
		return "", err
	}
	held = append(held, file)
	name := strings.Replace(dir, "limn-making-", "limn-test-", 1)
	if err := os.Rename(dir, name); err != nil {
		return "", err
	}
	return name, removeAtExit(name)
}

// folderBase is memory when there is room: a database is copied there in a third of the time.
func folderBase() string {
	const memory, room = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= room {
		return memory
	}
	return os.TempDir()
}

// sweep removes the folders that no process holds any more.
func sweep(base string) {
	old, _ := filepath.Glob(filepath.Join(base, "limn-test-*"))
	for _, dir := range old {
		file, err := lock(dir)
		if err != nil {
			continue
		}
		os.RemoveAll(dir)
		file.Close()
	}
}

// lock holds a folder for as long as the file is open.
func lock(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// removeAtExit has a shell wait for the end of its input, which is the end of this process. Postgres, which ends
// then too, may write a last file into a folder that is being removed.
func removeAtExit(dir string) error {
	cmd := exec.Command("sh", "-c", `read -r _; rm -rf "$0" || rm -rf "$0"`, dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	held = append(held, stdin)
	return cmd.Start()
}
