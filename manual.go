package main

import (
	"embed"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"limn/server"
)

// settings are what readConfig reads, for people: the docs and the help are made of this, and a test holds the README against it.
var settings = []server.Setting{
	{Names: []string{"LIMN_LISTEN"}, Default: "`127.0.0.1:8080`",
		Text: "Address and port."},
	{Names: []string{"LIMN_PUBLIC_URL"}, Default: "from each request",
		Text: "The address in links, such as `https://limn.example.org`."},
	{Names: []string{"LIMN_DATABASE_URL"}, Default: "empty",
		Text: "A Postgres. Without it limn starts one of its own in the data folder, from the programs installed on the machine."},
	{Names: []string{"LIMN_DATA_DIR"}, Default: "`~/.local/share/limn`; for root `/var/lib/limn`",
		Text: "The private Postgres and its log."},
	{Names: []string{"LIMN_SIGNUP"}, Default: "`open`",
		Text: "`open`: anybody makes an account; `invite`: who is invited to a group; `closed`: nobody new. `limn account NAME` makes an account all the same."},
	{Names: []string{"LIMN_OIDC_ISSUER", "LIMN_OIDC_CLIENT_ID", "LIMN_OIDC_CLIENT_SECRET"}, Default: "empty",
		Text: "Sign-in with a provider of OpenID Connect besides; register `/signin/oidc/callback` there."},
	{Names: []string{"LIMN_FETCH_ALLOW"}, Default: "empty",
		Text: "What the checker may read, and webhooks may reach, besides the public internet: `CIDR:port,…`, such as `10.1.0.0/16:443`; never the metadata of a cloud."},
	{Names: []string{"LIMN_TRUSTED_PROXIES"}, Default: "empty",
		Text: "Proxies that are believed about who asks, besides those on this machine: networks or addresses, such as `172.16.0.0/12,fd00::7`. Limits count by who asks."},
	{Names: []string{"LIMN_LIMITS"}, Default: "`on`",
		Text: "`off` for load tests: no limits on rates; those on sizes and times always hold."},
	{Names: []string{"LIMN_RETENTION"}, Default: "`90`",
		Text: "For how many days limn remembers what was deleted; who was away for longer gets the page's state from the beginning."},
	{Names: []string{"LIMN_LOG"}, Default: "`text`",
		Text: "`text` or `json`: how each line of the log is written. It names neither people nor what they read."},
	{Names: []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"}, Default: "empty",
		Text: "Where traces are sent by OTLP over HTTP (`http/protobuf`), such as `http://127.0.0.1:4318`; without it there are none. OpenTelemetry's other variables hold, too. Traces name neither people nor what they read."},
	{Names: []string{"LIMN_BUS"}, Default: "`postgres`",
		Text: "How instances wake each other: `postgres`, or over a Kafka topic, which is made if it is missing: `kafka://host:9092,host2:9092/topic`."},
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	var b strings.Builder
	b.WriteString("It is configured by the environment:\n")
	plain := strings.NewReplacer("`", "")
	for _, s := range settings {
		fmt.Fprintf(&b, "\n%s (%s)\n    %s\n", strings.Join(s.Names, ", "), plain.Replace(s.Default), plain.Replace(s.Text))
	}
	return b.String()
}

//go:embed docs/*.md docs/*.json docs/adr/*.md deploy CHANGELOG.md
var papers embed.FS

// manual is what the server's docs are made of: the papers, and what the command line and the environment know.
func manual() (server.Manual, error) {
	m := server.Manual{Papers: papers, Settings: settings}
	var cli commands
	parser, err := kong.New(&cli, kong.Name("limn"))
	if err != nil {
		return m, err
	}
	for _, node := range parser.Model.Children {
		c := server.Command{Name: node.Name, Help: node.Help, Usage: "limn " + node.Summary()}
		for _, argument := range node.Positional {
			c.Options = append(c.Options, server.Option{Name: argument.Summary(), Help: argument.Help, Default: argument.Default})
		}
		for _, flag := range node.Flags {
			help := flag.Help
			if flag.Enum != "" {
				help = strings.ReplaceAll(help, flag.Enum, strings.ReplaceAll(flag.Enum, ",", ", "))
			}
			c.Options = append(c.Options, server.Option{Name: "--" + flag.Name + valueOf(flag), Help: help, Default: flag.Default})
		}
		m.Commands = append(m.Commands, c)
	}
	return m, nil
}

// valueOf is how a flag's value is written; a switch has none.
func valueOf(flag *kong.Flag) string {
	if flag.IsBool() {
		return ""
	}
	return "=" + strings.ToUpper(flag.Name)
}
