# Needs Go and the standard POSIX tools. What a test needs beside them it names
# when it skips; .ci/run installs all of it on a Debian machine.

GO          ?= go
STATICCHECK ?= staticcheck
FUZZTIME    ?= 30s
BENCHFLAGS  ?=
SCALEFLAGS  ?=
SCOREFLAGS  ?=
VERSION     ?=

# What tests measure of time or memory means nothing under the race detector, so
# those that measure run without it; so do those in which nothing runs at once but
# the built program, which has none. What is skipped for it must be among these.
LIMITS = -count=1 -timeout 10m -run 'Limit|Bounded|Hostile|Corpora|Dovecot(Filing|Order)|OrderDoesNotMatter|DiscoverFinds|S9_|KeepsTheDocument|M75_.*Flip|WorldFull|ManyShown|LongThreadIsErased' \
	./records/message ./mailsync ./intake ./web ./store/boltstore ./internal/confined ./internal/mailtest ./cmd/rapport

# What the rows of the fault matrix need of time and servers they say themselves;
# TAGS="-tags soak" runs them at full size.
TAGS ?=

.PHONY: help build test lint bench score scale faults fuzz soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: ## one static binary, ./rapport
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w $(if $(VERSION),-X main.version=$(VERSION))" -o rapport ./cmd/rapport

test: ## all tests with the race detector, then those of time and memory limits without
	@$(GO) run .ci/testlog.go -race -shuffle=on -timeout 20m ./... -- $(LIMITS)

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then \
		echo "gofmt: run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags soak ./...
	$(GO) vet .ci/testlog.go
	@if command -v $(STATICCHECK) >/dev/null; then echo $(STATICCHECK) ./...; $(STATICCHECK) ./...; \
	elif [ "$$RAPPORT_REQUIRE_SERVERS" = 1 ]; then echo "staticcheck is not installed"; exit 1; \
	else echo "skipped: staticcheck, which is not installed"; fi

bench: ## side by side with mbsync and mu where installed; BENCHFLAGS=-quick for a tenth
	$(GO) run ./internal/bench $(BENCHFLAGS)

score: ## how well mail is read, figure by figure against limits and the baseline; SCOREFLAGS="-list bounce" names what disagrees
	$(GO) run ./internal/score $(SCOREFLAGS)

scale: ## how time, memory and size grow to 1,000,000 messages and 1,000 mailboxes (an hour); SCALEFLAGS=-quick for a minute
	$(GO) run ./internal/bench scale $(SCALEFLAGS)

faults: ## every row of docs/reliability.md: its tests, how often tried, the result; TAGS="-tags soak" for the full size
	@$(GO) run .ci/testlog.go -rows docs/reliability.md $(TAGS) -count=1 -timeout 3h -run '^Test[MS][0-9]+_' ./...

fuzz: ## every fuzz target for FUZZTIME (30s)
	@set -e; for package in $$($(GO) list ./...); do \
		targets=$$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); \
		for target in $$targets; do \
			echo "fuzz $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

soak: ## the long tests: crashes at random moments, large mailboxes
	@$(GO) run .ci/testlog.go -tags soak -count=1 -timeout 6h ./...

clean: ## remove what was built
	rm -f rapport
	$(GO) clean ./cmd/rapport
