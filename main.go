// Command limn lets people highlight any web page together, live.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"limn/extension"
)

type commands struct {
	Serve     serveCommand     `cmd:"" default:"1" help:"Run the server (the default). It is configured by LIMN_ variables, which limn serve --help lists."`
	Account   accountCommand   `cmd:"" help:"Make an account, and print a token for it."`
	Token     tokenCommand     `cmd:"" help:"Make a token for an account, also while limn runs."`
	Check     checkCommand     `cmd:"" help:"Say what the server sees of a page, or whether the database is damaged."`
	Export    exportCommand    `cmd:"" help:"Write highlights to a file, also while limn runs."`
	Import    importCommand    `cmd:"" help:"Take highlights in from a file, also while limn runs."`
	Backup    backupCommand    `cmd:"" help:"Write everything into one file, also while limn runs."`
	Restore   restoreCommand   `cmd:"" help:"Put a backup into the database."`
	Flags     flagsCommand     `cmd:"" help:"List what people have flagged of what is public."`
	Erase     eraseCommand     `cmd:"" help:"Erase a public highlight, or a reply to one, whoever wrote it."`
	Extension extensionCommand `cmd:"" help:"Write the browser extension to a folder, ready to be loaded unpacked."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

func main() {
	var cli commands
	ctx := kong.Parse(&cli, kong.Name("limn"), kong.Description("limn lets people highlight any web page together, live."), kong.UsageOnError())
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "limn:", strings.Join(strings.Fields(err.Error()), " ")) // one line, whatever it says
		os.Exit(1)
	}
}

type serveCommand struct{}

// Run reads the configuration and serves until it is told to stop.
func (serveCommand) Run() error {
	config, err := readConfig(os.Getenv)
	if err != nil {
		return err
	}
	return serve(config, os.Stdout, newLog(os.Stderr, config.Log, config.Traces))
}

// newLog writes lines of text, or of JSON. What it is told names neither people nor what they read.
func newLog(w io.Writer, format string, traces bool) *slog.Logger {
	var lines slog.Handler = slog.NewTextHandler(w, nil)
	if format == logJSON {
		lines = slog.NewJSONHandler(w, nil)
	}
	if traces {
		lines = tracedLog{lines}
	}
	return slog.New(lines)
}

type extensionCommand struct {
	Dir     string `arg:"" help:"The folder to write to." type:"path"`
	Browser string `help:"Which browser it is for: ${enum}." enum:"chrome,firefox" default:"chrome"`
	Server  string `help:"The address of the server that it talks to." default:"http://127.0.0.1:8080"`
}

// Run writes the extension.
func (e extensionCommand) Run() error {
	problems := environment{getenv: func(string) string { return e.Server }}
	server := problems.publicURL("--server")
	if server == "" {
		problems.refuse("--server", "must not be empty")
	}
	if len(problems.problems) > 0 {
		return problems.problems[0]
	}
	if err := extension.WriteDir(e.Dir, e.Browser, server); err != nil {
		return err
	}
	fmt.Printf("The extension for %s is in %s.\n", e.Browser, e.Dir)
	return nil
}

// version is set when a release is built.
var version = ""

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println("limn", versionName())
	return err
}

// versionName is the version; of a build that is no release, the commit that it was made from.
func versionName() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
