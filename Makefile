# Labkeeper's commands. `make help` lists them. CI runs `make test` and nothing else, so what passes here passes there.
# Every step prints its name, its command and how long it took.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

STEP := scripts/step.sh
# One selection and one set of features for every step, so that nothing is compiled twice.
TEST := cargo test --no-fail-fast --workspace --features labkeeper/require-ui
# The names of the integration tests below some directories.
tests_of = $(foreach dir,$(1),$(basename $(notdir $(wildcard $(dir)/tests/*.rs))) $(notdir $(patsubst %/main.rs,%,$(wildcard $(dir)/tests/*/main.rs))))
UI_SOURCES := $(shell find ui proto/labkeeper -type f -not -path '*/node_modules/*' -not -path 'ui/dist/*' -not -path 'ui/src/gen/*' -not -name '*.rs')
RULES := architecture tidy
RAFT := $(call tests_of,raft)
UNIT := $(sort $(call tests_of,proto/model proto proto/expression raft/alarm raft/machine drivers drivers/supervision ui node node/ownership node/detect))
SIMULATION := $(call tests_of,tests/sim)
SYSTEM := $(filter-out $(RULES) browser,$(call tests_of,tests))
# A test runs up to five processes: two tests at a time keep two cores busy without starving heartbeats.
SYSTEM_THREADS := 2

.PHONY: help demo clean-demo ui test setup lint build rules unit raft simulation system browser fix deny advisories sim soak chaos bench

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: ui ## a simulated lab and three nodes on this machine; DEMO="--nodes 5 --fresh" passes options
	@$(STEP) "build the node" cargo build --release --features require-ui -p labkeeper
	exec target/release/labkeeper demo $(DEMO)

clean-demo: ## removes what `make demo` wrote
	rm -rf .demo

ui: ui/dist/index.html ## builds the web UI into ui/dist, if something of it has changed

ui/dist/index.html: $(UI_SOURCES)
	@$(STEP) "UI: packages" scripts/setup-ui.sh
	@$(STEP) "UI: build" npm --prefix ui run build
	@touch $@

test: ## everything that CI checks; ends with a summary
	@scripts/steps.sh setup lint build rules unit raft simulation system browser

setup: ## installs what the tests need and this machine lacks (Debian; apt needs root)
	@$(STEP) "programs" scripts/setup-system.sh
	@$(STEP) "Python packages" scripts/setup-python.sh
	@$(STEP) "browser" tests/browser/setup.sh

lint: ## formatting, clippy and the UI's own checks; changes nothing
	@$(STEP) "format" cargo fmt --all --check
	@$(STEP) "clippy" cargo clippy --workspace --all-targets -- -D warnings
	@$(STEP) "UI: packages" scripts/setup-ui.sh
	@$(STEP) "UI: check" npm --prefix ui run check

build: ui ## compiles the node and every test, once for all steps below
	@$(STEP) "compile" $(TEST) --no-run

rules: build ## the repository's own rules: who may depend on whom, lengths, words, error pages
	@$(STEP) "rules" $(TEST) $(addprefix --test ,$(RULES))

unit: build ## tests within the crates
	@$(STEP) "unit tests" $(TEST) --lib --bins $(addprefix --test ,$(UNIT))
	@$(STEP) "examples in the documentation" $(TEST) --doc

raft: build ## consensus: storage suite, kill -9, power cut, growth, simulation
	@$(STEP) "raft tests" $(TEST) $(addprefix --test ,$(RAFT)) -- --nocapture

simulation: build ## ownership in thousands of seeded worlds, and with each rule left out in turn
	@$(STEP) "simulation of ownership" $(TEST) $(addprefix --test ,$(SIMULATION)) -- --nocapture

system: build ## real nodes, simulated devices, killed processes
	@$(STEP) "system tests" $(TEST) $(addprefix --test ,$(SYSTEM)) -- --test-threads=$(SYSTEM_THREADS)

browser: build ## the page and the setpoint flow in a real browser
	@$(STEP) "browser test" $(TEST) --test browser -- --nocapture

fix: ## formats (Rust and the page), applies clippy's suggestions, rewrites the page of error codes
	cargo fmt --all
	npm --prefix ui run fix
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	UPDATE=1 $(TEST) --test tidy

deny: ## licences, banned crates, sources of crates
	@cargo deny --version >/dev/null 2>&1 || $(STEP) "install cargo-deny" cargo install cargo-deny --locked
	@$(STEP) "deny" cargo deny check bans licenses sources

advisories: ## known vulnerabilities (fetches the advisory database from the open internet)
	@cargo deny --version >/dev/null 2>&1 || $(STEP) "install cargo-deny" cargo install cargo-deny --locked
	@$(STEP) "advisories" cargo deny check advisories

SEEDS ?= 1..2000
sim: build ## any number of seeds of both simulations, consensus and ownership: make sim SEEDS=1..5000
	@$(STEP) "simulation of seeds $(SEEDS)" env LABKEEPER_SIM_SEEDS=$(SEEDS) LABKEEPER_SEEDS=$(SEEDS) $(TEST) --test sim --test seeds -- --nocapture

ROUNDS ?= 100
soak: build ## the failover tests for hours: make soak ROUNDS=1000
	@$(STEP) "soak, $(ROUNDS) rounds" env LABKEEPER_ROUNDS=$(ROUNDS) $(TEST) --test failover --test acked_writes -- --nocapture --test-threads=1

chaos: build ## bad days by chance: make chaos ROUNDS=200 WRITE=docs/benchmarks.md
	@$(STEP) "chaos, $(ROUNDS) days" env LABKEEPER_ROUNDS=$(ROUNDS) $(if $(WRITE),LABKEEPER_WRITE=$(abspath $(WRITE))) $(TEST) --test chaos -- --nocapture

bench: ## setpoints per second and failover beside etcd, writes beside EPICS, a burst of alarms, supervision beside Erlang; rewrites docs/benchmarks.md
	@$(STEP) "etcd" scripts/setup-etcd.sh
	@$(STEP) "Erlang" scripts/setup-erlang.sh
	@$(STEP) "EPICS" scripts/setup-epics.sh
	@$(STEP) "build, optimised" cargo build --release -p labkeeper -p labkeeper-benches
	@$(STEP) "setpoints" env LABKEEPER_BIN=$(CURDIR)/target/release/labkeeper target/release/labkeeper-bench setpoints --write docs/benchmarks.md
	@$(STEP) "failover" env LABKEEPER_BIN=$(CURDIR)/target/release/labkeeper target/release/labkeeper-bench failover --write docs/benchmarks.md
	@$(STEP) "writes" env LABKEEPER_BIN=$(CURDIR)/target/release/labkeeper target/release/labkeeper-bench writes --write docs/benchmarks.md
	@$(STEP) "alarms" env LABKEEPER_BIN=$(CURDIR)/target/release/labkeeper target/release/labkeeper-bench alarms --write docs/benchmarks.md
	@$(STEP) "supervision" target/release/labkeeper-bench supervision --write docs/benchmarks.md
