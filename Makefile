# One command each. `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Tells the tests where the servers are; a server that is missing then fails its adapter's tests.
ON_SERVICES = set -a; . target/services/env; TIDEGATE_REQUIRE_SERVICES=1; set +a;

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: ## Install what is missing to build and test
	@scripts/setup

demo: setup ## Run the platform beside a cloud service, and play a scenario
	@echo 'Building (a few minutes the first time) ...'
	@cargo build --profile quick --quiet -p tidegate
	@rm -rf target/demo-data && target/quick/tidegate up --demo --data target/demo-data $(DEMO)

services: setup ## Start Kafka and Postgres for the tests; `scripts/services stop` ends them
	@scripts/services start

test: services ## Run every test, on real servers too
	$(ON_SERVICES) cargo test --workspace

check: services ## What must hold before a change is merged: format, lints, tests, licences, the stories in a browser
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(ON_SERVICES) cargo test --workspace
	@$(MAKE) --no-print-directory deny
	@scripts/deploy-check
	@scripts/ocsf-check
	@scripts/siem-check
	@scripts/browser-check

ocsf-check: ## Hold what is told of incidents against the OCSF schema
	@scripts/ocsf-check

siem-check: ## Have others' parsers read the lines of CEF and LEEF that sinks write
	@scripts/siem-check

browser-check: ## Drive a real browser over the demo: the three stories, accessibility in both themes, narrow screens
	@scripts/browser-check

deploy-check: ## Hold the images', compose's and Kubernetes' descriptions against what they must be
	@scripts/deploy-check

deny: ## Licences, banned crates, advisories
	@scripts/deny

generated: ## Make the generated files anew
	TIDEGATE_GENERATE=1 cargo test -p tests --test it generated
	TIDEGATE_GENERATE=1 cargo test -p ocsf
	@git status --short docs

kill: setup ## The long form of the process test: 200 kill points
	TIDEGATE_KILL_POINTS=200 cargo test -p tidegate --test process -- --nocapture

# 500 activities/s by push and pull; every trouble three times, in the seed's order; then 10 minutes without Kafka under full load.
# TIDEGATE_CHAOS_RATE, _ROUNDS, _SEED, _PRESSURE_S and _CLIENTS say otherwise. Its Kafka and Postgres are its own.
chaos: services ## The long form of the chaos test: the release binary, with everything dying
	$(ON_SERVICES) TIDEGATE_CHAOS_RATE=$${TIDEGATE_CHAOS_RATE:-500} TIDEGATE_CHAOS_ROUNDS=$${TIDEGATE_CHAOS_ROUNDS:-3} \
	TIDEGATE_CHAOS_PRESSURE_S=$${TIDEGATE_CHAOS_PRESSURE_S:-600} TIDEGATE_CHAOS_CLIENTS=$${TIDEGATE_CHAOS_CLIENTS:-512} cargo test --release -p tidegate --test chaos -- --nocapture

fuzz: setup ## The long form of the property tests: mapping, manifests, signatures, paging, rules, documents (TIDEGATE_FUZZ_SECONDS)
	@scripts/fuzz

bench: setup ## Measure: mapping, scanning, ingest, evaluate, poll, latency, vault, start, text out of documents
	cargo build --release -p tidegate
	target/release/tidegate bench map
	target/release/tidegate bench scan
	target/release/tidegate bench ingest
	target/release/tidegate bench evaluate
	target/release/tidegate bench poll
	target/release/tidegate bench latency
	target/release/tidegate bench vault
	target/release/tidegate bench start
	target/release/tidegate bench extract

bench-kafka: setup ## Measure ingest on Kafka, and beside it Kafka's own producer
	cargo build --release -p tidegate
	scripts/services start kafka
	$(ON_SERVICES) target/release/tidegate bench ingest --log kafka://$$TIDEGATE_TEST_KAFKA
	$(ON_SERVICES) scripts/kafka/producer-performance $$TIDEGATE_TEST_KAFKA

.PHONY: help setup services demo test check ocsf-check siem-check browser-check deny generated kill chaos fuzz bench bench-kafka
