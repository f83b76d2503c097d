//go:build deps

package main

import (
	_ "code.dny.dev/ssrf"
	_ "github.com/alecthomas/kong"
	_ "github.com/alexedwards/argon2id"
	_ "github.com/antchfx/htmlquery"
	_ "github.com/evanw/esbuild/pkg/api"
	_ "github.com/getkin/kin-openapi/openapi3filter"
	_ "github.com/gin-gonic/gin"
	_ "github.com/go-json-experiment/json"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/uuid"
	_ "github.com/hashicorp/golang-lru/v2/expirable"
	_ "github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/nlnwa/whatwg-url/url"
	_ "github.com/pressly/goose/v3"
	_ "go.uber.org/goleak"
	_ "golang.org/x/net/html/charset"
	_ "golang.org/x/sync/singleflight"
	_ "golang.org/x/text/cases"
	_ "golang.org/x/time/rate"
	_ "pgregory.net/rapid"
)
