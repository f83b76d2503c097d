.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: ## Look for what is misformatted or suspicious
	@test -z "$$(gofmt -l .)" || { echo 'gofmt differs:'; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

test: parts check ## Install what the tests need, and run every one
	go test -race ./...

parts: # the tests run on a real Postgres
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update && $$sudo apt-get install -y -o DPkg::Lock::Timeout=300 postgresql; }

.PHONY: help check test parts
