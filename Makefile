# Seaworthy. `make help` lists the targets.

export CGO_ENABLED = 0
GO ?= go
CACHE := $(CURDIR)/.cache
FUZZTIME ?= 2s

.DEFAULT_GOAL := help
.PHONY: help run build setup test test-short test-servers fuzz lint bench fmt clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build, then assess the sample images in a registry of their own
	bin/seaworthy demo

build: ## Build bin/seaworthy
	$(GO) build -trimpath -o bin/seaworthy ./cmd/seaworthy

setup: ## Install what the tests need; make test does it
	@tools/setup.sh

test: setup build ## Run all tests, with set-up and a short run of each fuzz target
	$(GO) mod download github.com/anchore/syft@v1.30.0 # it ships the schema of SPDX 2.3
	SEAWORTHY_REQUIRE_SCHEMAS=1 TEST_POSTGRES_REQUIRED=1 $(GO) test ./...
	cd e2e && $(GO) test -count=1 ./...
	@tools/fuzz.sh $(FUZZTIME)

test-short: ## Run the quick tests, for the inner loop
	$(GO) test -short ./...

test-servers: setup build ## Build third-party servers from source and test against them
	@tools/servers.sh
	cd e2e && SEAWORTHY_TEST_SERVERS=$(CACHE)/servers $(GO) test -count=1 -run 'Server' ./...

fuzz: ## Run each fuzz target for FUZZTIME (2s)
	@tools/fuzz.sh $(FUZZTIME)

lint: ## Check style, import direction and common mistakes
	$(GO) vet ./...
	$(GO) build -C tools -o $(CACHE)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(CACHE)/golangci-lint run ./...

bench: build ## Print speed and memory as ratios (BENCH_IMAGES=, OSV_DIR=)
	cd e2e && $(GO) run ./bench -seaworthy $(CURDIR)/bin/seaworthy -images '$(BENCH_IMAGES)' -osv '$(OSV_DIR)'

fmt: ## Format the code
	gofmt -w $$(git ls-files '*.go')

clean: ## Remove what was built
	rm -rf bin .cache
