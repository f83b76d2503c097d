.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: ## Look for what is misformatted or suspicious
	@test -z "$$(gofmt -l .)" || { echo 'gofmt differs:'; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

test: check ## Run every test
	go test -race ./...

.PHONY: help check test
