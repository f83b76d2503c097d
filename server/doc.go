// Package server is limn's HTTP API and its web pages. routes.go is the index of the first; each noun has a file
// here and one of the same name in storage. openapi.yaml describes every request and answer, and the tests hold
// each answer they get against it.
package server
