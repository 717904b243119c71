# The one entry point. `make help` lists the targets; CI and people run the same words.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := tools/run-tests $(BIN)/python

# Debian packages, by what needs them.
PACKAGES_RUN := python3-venv libfuse2 fuse3
PACKAGES_TEST := $(PACKAGES_RUN) curl nginx-light postgresql
PACKAGES_WEB := chromium pngquant
PACKAGES_S3 := radosgw ceph-mon ceph-osd ceph-common
PACKAGES_BENCH := $(PACKAGES_TEST) libnginx-mod-http-dav-ext sshfs openssh-server s3fs

.DEFAULT_GOAL := help
.PHONY: help init demo demo-environment serve test test-wire test-faults test-web test-s3 stress check lint types imports shape claims \
        conformance screenshots coverage format bench bench-scale lock clean

help:  ## this table
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' \
	  | awk -F'\t' '{ printf "  make %-11s %s\n", $$1, $$2 }'

# ------------------------------------------------------------------ environments

$(VENV)/bin/python:
	@tools/install-system-packages python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(VENV)/bin/python requirements/demo.lock pyproject.toml
	@tools/install-system-packages $(PACKAGES_RUN)
	@tools/install-locked $(BIN) requirements/demo.lock
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python requirements/dev.lock pyproject.toml
	@tools/install-system-packages $(PACKAGES_TEST)
	@tools/install-locked $(BIN) requirements/dev.lock
	@touch $@ $(VENV)/demo.stamp

init: $(VENV)/dev.stamp  ## make the environment for development

demo-environment: $(VENV)/demo.stamp

# ------------------------------------------------------------------ running it

demo: $(VENV)/demo.stamp  ## the whole main job: serve, store real FITS, mount, ls, cp, read
	@$(BIN)/python -m tools.demo.run

serve: $(VENV)/demo.stamp  ## a server on SQLite and a local directory (./space)
	@$(BIN)/vospace-server serve --data-dir space

bench: $(VENV)/dev.stamp  ## measure against peers and the machine's limits; appends to benchmarks/RESULTS.md
	@tools/install-system-packages $(PACKAGES_BENCH)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-scale: $(VENV)/dev.stamp  ## the server with 10^3, 10^5 and 10^6 nodes; ARGS="--postgres", "--nodes 10000000"
	@$(BIN)/python -m benchmarks.scale $(ARGS)

# ------------------------------------------------------------------ tests and checks

test: $(VENV)/dev.stamp  ## the tests of server and mount, in minutes; ARGS="-k word" picks some
	@$(PYTEST) -n 2 --dist loadgroup -m "not s3 and not stress and not wire and not web and not faults" $(ARGS)

test-wire: $(VENV)/dev.stamp  ## clause by clause on the wire, and other people's clients
	@$(PYTEST) -n 2 --dist loadgroup -m "wire and not s3 and not stress" $(ARGS)

test-faults: $(VENV)/dev.stamp  ## a server that is killed, frozen, filled and lied to
	@$(PYTEST) -n 2 --dist loadgroup -m "faults and not s3 and not stress" $(ARGS)

test-web: $(VENV)/dev.stamp  ## the pages in Debian's Chromium
	@tools/install-system-packages $(PACKAGES_WEB)
	@$(PYTEST) -n 2 --dist loadgroup -m "web and not stress" $(ARGS)

test-s3: $(VENV)/dev.stamp  ## the object store tests on a real Ceph gateway
	@tools/install-system-packages $(PACKAGES_S3)
	@$(PYTEST) -m s3 $(ARGS)

stress: $(VENV)/dev.stamp  ## long runs of injected faults
	@$(PYTEST) -m stress --timeout 900 $(ARGS)

coverage: $(VENV)/dev.stamp  ## the tests with branch coverage
	@COVERAGE_PROCESS_START=pyproject.toml $(BIN)/coverage run -m pytest -m "not s3 and not stress and not web" $(ARGS)
	@$(BIN)/coverage combine -q && $(BIN)/coverage report

check: lint types imports shape claims  ## everything that reads the code without running it

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

imports: $(VENV)/dev.stamp
	@$(BIN)/lint-imports

shape: $(VENV)/dev.stamp
	@$(BIN)/python tools/shape.py

claims: $(VENV)/dev.stamp
	@$(BIN)/python tools/conformance.py --check

conformance: $(VENV)/dev.stamp  ## write docs/conformance.md from what the tests say they show
	@$(BIN)/python tools/conformance.py

screenshots: $(VENV)/dev.stamp  ## pictures of every page and state into docs/screenshots
	@tools/install-system-packages $(PACKAGES_WEB)
	@$(BIN)/python tools/screenshots.py $(ARGS)

format: $(VENV)/dev.stamp  ## rewrite the code in the one style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(VENV)/dev.stamp  ## pin what pyproject.toml asks for, with hashes
	@tools/lock $(BIN)

clean:  ## remove what make made
	rm -rf $(VENV) build dist space .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
