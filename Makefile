# Probant: every daily act is a target here. `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LOCK   := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
          --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help env run test lint format types screenshots bench bench-replay lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) \
	  | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

env: $(STAMP) ## create the environment in .venv from the lock file

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Probant needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## a working ledger with a made-up company, served on loopback
	$(BIN)/probant init --if-missing
	$(BIN)/probant demo --if-empty --until-today
	$(BIN)/probant serve --demo

test: lint types ## everything: lint, types, then all tests, PostgreSQL included
	$(BIN)/python -m pytest

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

screenshots: $(STAMP) ## each page at two widths, in both languages, in tests/console/screenshots
	$(BIN)/python -m tests.console.screenshots tests/console/screenshots

bench: $(STAMP) ## the benchmarks, each beside its peer, one table at the end
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.permissions
	$(BIN)/python -m tests.bench.posting
	$(BIN)/python -m tests.bench.verifying
	$(BIN)/python -m tests.bench.replaying
	$(BIN)/python -m tests.bench.segmenting
	$(BIN)/python -m tests.bench.pages

bench-replay: $(STAMP) ## questions over 1, 20 and 100 million events (an hour, 9 GB of disk)
	$(BIN)/python -m tests.bench.replaying --rounds 1 --events 1000000 20000000 100000000

lock: $(STAMP) ## write both lock files again from pyproject.toml (UPGRADE=1 for newer versions)
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra test --extra dev --extra bench --output-file requirements-dev.lock

clean: ## remove caches and builds; .venv and the ledger's data stay
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
