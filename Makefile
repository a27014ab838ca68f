# Loquet. `make test` is the whole check; `make test-short` is the one for daily use.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -X github.com/loquet/loquet/app.version=$(VERSION)

# The linters are pinned in a module of their own, so that they never decide a version of the product.
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

# How long `make fuzz` works on each target; FUZZ is a regular expression over target names.
FUZZTIME ?= 20s
FUZZ     ?= .

# What decides, and does nothing else.
CORE := ./event ./site

# The steps of a check come in their order, and benchmarks never share the machine.
.NOTPARALLEL:

.PHONY: build generate generated test test-short need fmt lint race fuzz bench bench-store bench-latency bench-memory bench-media bench-pages bench-cars browser browser-tools screens audit-web clean

## build: bin/loquet, with its version from git
build:
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/loquet ./cmd/loquet

## test: everything, in about 21 minutes on two cores
test: need fmt generated lint race browser

## test-short: what a change should pass before it is shown to anyone, in less than a minute
test-short:
	$(GO) test -short ./...

## need: install what the tests use and this machine lacks
need:
	scripts/need.sh cc mosquitto ffmpeg chromium chasquid node

## fmt: fail on a file that gofmt would change
fmt:
	@changed=$$(gofmt -l .); test -z "$$changed" || { echo "gofmt would change:"; echo "$$changed"; exit 1; }

## generate: the Go code of all templ files, which is kept so that building needs nothing else
generate:
	GO='$(GO)' scripts/templ.sh

## generated: fail on a templ file whose Go code is another one
generated:
	GO='$(GO)' scripts/templ.sh check

lint:
	$(LINT) run ./...

# The core has no goroutines (a test of app sees to that), hence no races, and its random worlds take four times as long
# where these are looked for. Of the others no more packages run at once than there are processors: cameras are judged by
# the second. The apps come one by one: the tests of each wait for several browsers beside each other.
race:
	$(GO) test -timeout 12m $(CORE)
	$(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v -e /web/ $(addprefix -e /,$(addsuffix $$,$(CORE:./%=%))))
	$(GO) test -race -timeout 15m -p 1 -parallel 4 ./web/...

# The story measures how soon a decision is on a screen, and the checks how long an old picture stays there: each has the
# machine for itself. The others mostly wait.
## browser: the story, every page, a car from its maker's page to its trunk, and the checks of a visit, in Chromium
browser: build browser-tools
	cd e2e/browser && node --test --test-reporter=spec story.test.mjs
	cd e2e/browser && node --test --test-concurrency=2 --test-reporter=spec pages.test.mjs car.test.mjs visits.test.mjs
	cd e2e/browser && node --test --test-reporter=spec checks.test.mjs

# What drives the browser, as package-lock.json has it; only when that has changed.
browser-tools:
	scripts/need.sh chromium node ffmpeg
	scripts/browser-tools.sh

## screens: the pictures in docs/screens, of every page and of a car from its maker's page to its trunk
screens: build browser-tools
	cd e2e/browser && for lang in en fr; do LC_ALL=$$lang SCREENS=$$lang node --test --test-concurrency=2 --test-reporter=spec pages.test.mjs car.test.mjs visits.test.mjs || exit 1; done

## audit-web: Lighthouse on each main page, at least 95 for performance, accessibility and best practices
audit-web: build browser-tools
	cd e2e/browser && node audit-web.mjs

## fuzz: every fuzz target, one after the other
fuzz:
	GO='$(GO)' scripts/fuzz.sh $(FUZZTIME) '$(FUZZ)'

## bench: speed and memory, as docs/benchmarks.md reports them
bench: bench-store bench-latency bench-memory bench-media bench-pages bench-cars

# BIG is how many finished deliveries the large file holds; ten million take about 16 GB for a while.
BIG ?= 10000000

bench-store: bin/cloop
	$(GO) run ./bench/store -cloop bin/cloop
	$(GO) run ./bench/store -deliveries $(BIG)

bench-latency:
	$(GO) run ./bench/latency

bench-memory: build
	scripts/need.sh curl
	scripts/idle-memory.sh bin/loquet

# Many cameras at once; how fast attacks are found; the first live picture in a browser.
bench-media: build
	scripts/need.sh ffmpeg chromium
	$(GO) build -o bin/bench-media ./bench/media
	bin/bench-media
	$(GO) test -count=1 -run 'TestCameras|Quiet|Still|Loop' -v ./camera/virtual ./camera/rtsp ./camera
	LOQUET_MEDIA_ROUNDS=12 $(GO) test -count=1 -run TestFirstPicture -v ./camera/live

# Two thousand open live pages, and how soon a change is on them.
bench-pages: build
	$(GO) run ./bench/pages

# Ten thousand enrolled cars, two hundred of them visited at once, against fakes of their makers that count.
bench-cars:
	$(GO) build -o bin/bench-cars ./bench/cars
	bin/bench-cars

# The bare C loop that the stores are measured against.
bin/cloop: $(wildcard bench/cloop/*.c bench/cloop/*.h)
	scripts/need.sh cc sqlite3.h
	mkdir -p bin
	$(CC) -O2 -Wall -o $@ $(wildcard bench/cloop/*.c) -lsqlite3 -lpthread

clean:
	rm -rf bin
