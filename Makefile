SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Gin without its MessagePack, which nothing here speaks and which takes as long to compile as all else.
export GOFLAGS := -tags=nomsgpack

FUZZTIME ?= 5s
VERSION ?=
TIME ?= 10m
BUS ?= postgres
VIEWERS ?= 2000
ROUNDS ?= 3
modules := extension/node_modules/.package-lock.json

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

.PHONY: run
run: ## Start limn with a Postgres of its own
	@go build -o bin/limn .
	@exec bin/limn

.PHONY: test
test: parts ## Install what the tests need, and run every check and test
	@$(MAKE) --no-print-directory lint
	go tool gotestsum --format testname --packages ./... --hide-summary output --post-run-command 'sh -c "test $$TESTS_SKIPPED = 0"' \
		--rerun-fails=1 --rerun-fails-max-failures 3 --rerun-fails-abort-on-data-race -- -race
	cd extension && npm test
	cd extension && npm run test:browser

.PHONY: check
check: lint audit ## Look at all that can be looked at without running it

.PHONY: lint
lint: $(modules) ## Look for what is misformatted, suspicious or does not compile elsewhere
	@! find . -name node_modules -prune -o -name '*.go' -exec gofmt -d {} + | grep .
	go mod tidy -diff
	go vet ./...
	go tool staticcheck ./...
	GOOS=windows go vet ./...
	GOOS=darwin go vet $$(go list -f '{{if .IgnoredGoFiles}}{{.ImportPath}}{{end}}' ./...) # has files for some systems only
	cd extension && npm run --silent check
	@go run . extension dist/firefox --browser firefox --server https://limn.example.org >/dev/null
	cd extension && npm run --silent lint -- ../dist/firefox

.PHONY: audit
audit: $(modules) ## Look for known weaknesses in what limn depends on; MUST_ANSWER=1: fail if nobody can be asked
	@.ci/audit

.PHONY: bench
bench: ## Run the benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

.PHONY: bench-stream
bench-stream: ## Measure what a viewer costs, beside a bare write and a plain Gin handler: VIEWERS (2000), ROUNDS (3)
	@go build -o bin/limn . && go build -o bin/bench-stream ./bench/stream
	@bin/bench-stream -limn bin/limn -viewers $(VIEWERS) -rounds $(ROUNDS)

.PHONY: bench-attack
bench-attack: ## Measure what others notice of a flood from one address: ROUNDS (3)
	@go build -o bin/limn . && go build -o bin/bench-attack ./bench/attack
	@bin/bench-attack -limn bin/limn -rounds $(ROUNDS)

.PHONY: torture
torture: ## Look for lost, repeated or leaked changes under faults for TIME (10m), over BUS (postgres, or kafka)
	@go build -o bin/limn . && go build -o bin/torture ./torture
	@bin/torture -limn bin/limn -time $(TIME) -bus $(BUS)

.PHONY: fuzz
fuzz: ## Fuzz each parser for FUZZTIME, 5s unless said
	@go test -list='^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { while (n) print $$2, names[--n] }' | \
	while read -r package name; do \
		go test -run='^$$' -fuzz="^$$name$$" -fuzztime=$(FUZZTIME) "$$package"; \
	done

.PHONY: freeze
freeze: ## Keep the schema as VERSION has it, so that every later limn is tested against it: part of a release
	@[ "$(VERSION)" ] || { echo "make freeze VERSION=1.2.3" >&2; exit 1; }
	go test ./storage -run '^TestReleasedVersionsCanBeUpgraded$$' -args -freeze $(VERSION)

.PHONY: release
release: ## Build a release for every system, with the image, the extension, checksums and what it is made of, into dist/release: VERSION (the extension's)
	@go run ./release -version "$(VERSION)"

.PHONY: reproduce
reproduce: ## Build what is committed again in another folder, and compare it with dist/release
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && git archive HEAD | tar -x -C "$$dir" && \
	(cd "$$dir" && go run ./release -version "$(VERSION)") && diff dist/release/SHA256SUMS "$$dir/dist/release/SHA256SUMS" && echo "They are the same."

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist test-results extension/dist extension/node_modules

.PHONY: parts
parts: # what the tests need from the system
	@.ci/parts

$(modules): extension/package-lock.json
	cd extension && npm ci
