# Everything that a person or CI runs. `make help` lists it.

.DEFAULT_GOAL := help
SEEDS ?= 2000
FROM ?= 1
.PHONY: help install build release check conformance lint fmt docs test test-postgres test-postgres-core sim kill deep demo demo-down bench bench-compare run

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

install: ## Install the Debian packages that are missing
	@scripts/install-dependencies build run images test

build: install ## Build everything, tests included
	swift build --build-tests

# It carries Swift's runtime, so that it runs where Swift is not installed, and faster.
RELEASE = swift build -c release --static-swift-stdlib

release: install ## Build the program as it is run in production
	$(RELEASE) --product strettch

check: lint test ## Format, lint, tidy rules and all tests: what CI runs, besides conformance

conformance: install ## Answer thousands of generated requests as the OpenAPI document says (SEED=2 for other requests)
	swift build --product strettch
	@scripts/conformance

sim: install ## Simulate the cloud, one history for each of SEEDS seeds (FROM=1 is the first; BUILD=release is faster, once built)
	$(if $(filter release,$(BUILD)),$(RELEASE),swift build) --product strettch-sim
	.build/$(or $(BUILD),debug)/strettch-sim --seeds $(SEEDS) --from $(FROM)

lint: ## Check the format of every source
	swift format lint --strict --recursive --parallel Package.swift Sources Tests

fmt: ## Format every source
	swift format --in-place --recursive --parallel Package.swift Sources Tests

docs: build ## Write the table of settings into docs/operate.md
	STRETTCH_TEST_WRITE_DOCS=1 swift test --skip-build --filter SettingDocumentTests

test: build ## Install what is missing and pass all tests, with real guests
	@scripts/test

# Where SQL matters most; the other tests touch no database.
POSTGRES_TESTS = CloudDatabaseTests|CloudServerTests|CloudWorkerTests|CloudAuditTests|CrashMatrixTests

test-postgres: build ## Pass the tests in which SQL matters once more, on PostgreSQL in place of SQLite
	STRETTCH_TEST_ENGINE=postgres swift test --skip-build --no-parallel --filter '$(POSTGRES_TESTS)'

# Of those what says most in half a minute: queries, what is given out and to whom, who owns a host, what is done once.
POSTGRES_CORE = (HostQuery|ListQuery|Ledger|PlaceCompute|CreateCompute|ListComputes|Idempotency|Balance|HostOwnership|Lease|Resume)Tests

test-postgres-core: build ## The part of them that CI runs
	STRETTCH_TEST_ENGINE=postgres swift test --skip-build --no-parallel --filter '$(POSTGRES_CORE)'

kill: build ## Kill the program again and again under load, and audit (ROUNDS=200 REAL=30 COMPUTES=1000 SEED=1)
	STRETTCH_KILL_ROUNDS=$(or $(ROUNDS),200) STRETTCH_KILL_REAL_ROUNDS=$(or $(REAL),30) \
		STRETTCH_KILL_COMPUTES=$(or $(COMPUTES),1000) \
		$(if $(SEED),STRETTCH_KILL_SEED=$(SEED)) swift test --skip-build --no-parallel --filter KillTests

deep: build ## Pass the tests that take long, or a quiet machine: every fault at every crash point, a guest that fills a small disk
	STRETTCH_TEST_DEEP=1 swift test --skip-build --parallel --filter CrashMatrixTests
	STRETTCH_TEST_DEEP=1 swift test --skip-build --no-parallel --filter FastWriterTests

demo: ## Make a cloud on this machine and log in to a compute in it (IMAGE=DEBIAN-12 for a full guest)
	@scripts/demo up $(IMAGE)

demo-down: ## Take away all that the demo made
	@scripts/demo down

bench: release ## Measure, and print the figures with machine and commit (BENCH=--json for JSON)
	$(RELEASE) --product strettch-bench
	@scripts/bench $(BENCH)

bench-compare: release ## Measure this build and that of BASE=COMMIT in turns, and print the ratios
	$(RELEASE) --product strettch-bench
	@scripts/bench-compare $(BASE) $(BENCH)

run: release ## Serve from this checkout
	.build/release/strettch serve
