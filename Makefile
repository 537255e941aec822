# serverlab: which server architecture is most efficient?

SHELL   := /bin/sh
GO      ?= go
ARGS    ?=
FUZZ    ?= 300000x
COMMIT  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
STAMP   := -X main.commit=$(COMMIT)
export CGO_ENABLED = 0

.PHONY: bench lessons test race lint fuzz build release clean help check-go

bench: build ## measure every architecture and show what came of it (ARGS='--quick', ARGS='waits crowd', ...)
	@bin/serverlab bench $(ARGS)

lessons: build ## measure the quick form of all experiments in one run; again: go on with it; say what of the literature shows
	@dir=results/runs/lessons-$(COMMIT); \
	if test -e $$dir/run.json; then bin/serverlab bench --lessons --resume=$$dir; \
	else bin/serverlab bench --lessons --quick --out=$$dir lessons; fi

test: build ## run all tests
	$(GO) test ./...

# Nothing runs beside anything in results; cmd/serverlab's tests run programs, which are built without the detector.
race: check-go ## run the tests of what is concurrent with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $$($(GO) list ./... | grep -v -e /results -e /cmd/serverlab)

lint: check-go ## check the format, vet, run staticcheck, and vet what builds elsewhere
	@test -z "$$(gofmt -l .)" || { echo "not formatted: $$(gofmt -l .)"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./cmd/serverlab ./servers ./loadgen ./results/...
	GOOS=windows GOARCH=amd64 $(GO) vet ./cmd/serverlab ./servers ./loadgen ./results/...

fuzz: check-go ## look for inputs that break a parser (FUZZ=10m for longer)
	$(GO) test ./servers/http1 -run '^$$' -fuzz '^FuzzSplit$$' -fuzztime $(FUZZ)
	$(GO) test ./loadgen -run '^$$' -fuzz '^FuzzResponse$$' -fuzztime $(FUZZ)
	$(GO) test ./loadgen -run '^$$' -fuzz '^FuzzSession$$' -fuzztime $(FUZZ)
	$(GO) test ./results -run '^$$' -fuzz '^FuzzUnpack$$' -fuzztime $(FUZZ)
	$(GO) test ./results -run '^$$' -fuzz '^FuzzRead$$' -fuzztime $(FUZZ)
	$(GO) test ./results -run '^$$' -fuzz '^FuzzStrace$$' -fuzztime $(FUZZ)
	$(GO) test ./results/plot -run '^$$' -fuzz '^FuzzChart$$' -fuzztime $(FUZZ)
	$(GO) test ./results -run '^$$' -fuzz '^FuzzExpect$$' -fuzztime $(FUZZ)

build: check-go ## build the programs into bin/
	@mkdir -p bin
	$(GO) build -trimpath -ldflags='$(STAMP)' -o bin/serverlab ./cmd/serverlab
	$(GO) build -trimpath -o bin/serverlab-worker ./cmd/worker
	$(GO) build -trimpath -o bin/serverlab-redisworker ./cmd/redisworker
	$(GO) build -trimpath -o bin/serverlab-bare ./cmd/bare

release: check-go ## pack programs for Linux that need neither Go nor make into dist/
	@for arch in amd64 arm64; do \
		dir=dist/serverlab-linux-$$arch; rm -rf $$dir; mkdir -p $$dir || exit 1; \
		GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w $(STAMP)' -o $$dir/serverlab ./cmd/serverlab && \
		GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w' -o $$dir/serverlab-worker ./cmd/worker && \
		GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w' -o $$dir/serverlab-redisworker ./cmd/redisworker && \
		GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w' -o $$dir/serverlab-bare ./cmd/bare && \
		cp README.md LICENSE $$dir/ && tar -C dist -czf $$dir.tar.gz serverlab-linux-$$arch || exit 1; \
		echo "$$dir.tar.gz"; \
	done

clean: ## remove what was built (results are kept)
	rm -rf bin dist

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check-go:
	@sh scripts/check-go.sh
