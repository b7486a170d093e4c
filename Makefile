# `make` builds, `make help` lists the rest.

# The product binary needs no C library; the race detector needs a C compiler.
CC_FOUND := $(shell command -v cc || command -v gcc || command -v clang)
RACE     := $(if $(CC_FOUND),-race)

# staticcheck has requirements of its own, apart from the product's.
STATICCHECK = go tool -modfile=go.tool.mod staticcheck

.PHONY: build run demo test test-unit bench lint generate tidy-check help

build: ## build bin/wayleave
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/wayleave ./cmd/wayleave

run: build ## build and run the server, ARGS='…' for its flags
	bin/wayleave serve $(ARGS)

demo: build ## build and run the demo, ARGS='…' for its flags
	bin/wayleave demo $(ARGS)

test: ## run every test with real servers and the race detector
	@$(if $(RACE),:,echo 'NOTE: no C compiler found, so the tests run WITHOUT the race detector (apt-get install gcc)')
	REAL=1 go run ./internal/testenv/cmd -- go test $(RACE) -timeout 14m ./...

test-unit: ## run the tests that need no servers
	go test ./...

bench: ## run the benchmarks with real servers, PKG='./…' for some
	REAL=1 go run ./internal/testenv/cmd -- go test -run '^$$' -bench . -benchmem $(or $(PKG),./...)

lint: tidy-check ## check formatting, vet, staticcheck and go.mod
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

generate: ## write generated files anew
	go generate ./...

tidy-check: ## check that go.mod and go.sum are tidy
	go mod tidy -diff

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
