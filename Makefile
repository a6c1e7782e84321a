# Everything a developer or a new user does. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp

# Without byte code every Dagster process pays seconds of imports again.
unexport PYTHONDONTWRITEBYTECODE
# The user's own Dagster home or settings must not leak into demo and tests.
unexport DAGSTER_HOME

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: $(STAMP) ## Create .venv with hash-locked requirements (no-op when nothing changed)

$(STAMP): $(VENV)/.requirements-stamp pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q hybrid_assets
	touch $@

# A Debian without python3-venv still has pip: virtualenv then takes the place of venv.
$(VENV)/.requirements-stamp: requirements/lock.txt requirements/bootstrap.txt
	$(PYTHON) -m venv --clear $(VENV) 2>/dev/null || { \
	  $(PYTHON) -m pip install --quiet --require-hashes --target .bootstrap -r requirements/virtualenv.txt && \
	  PYTHONPATH=.bootstrap $(PYTHON) -m virtualenv --quiet --clear $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements/lock.txt
	touch $@

.PHONY: lock
lock: setup ## Resolve the requirements anew
	for name in bootstrap:uv virtualenv:virtualenv; do \
	  echo $${name#*:} | $(BIN)/uv pip compile --quiet - --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header --universal --python-version 3.11 --upgrade -o requirements/$${name%:*}.txt; done
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra braket --generate-hashes --no-emit-index-url --no-annotate \
	  --no-header --universal --python-version 3.11 --upgrade -o requirements/lock.txt

.PHONY: env-iqm
env-iqm: .venvs/iqm/.stamp ## Create .venvs/iqm for the provider `isolated` with IQM's SDK (no-op when nothing changed)

.venvs/iqm/.stamp: requirements/iqm.txt
	@test -x $(BIN)/uv || $(MAKE) setup
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venvs/iqm
	$(BIN)/uv pip install --quiet --python .venvs/iqm/bin/python --require-hashes --compile-bytecode -r requirements/iqm.txt
	touch $@

.PHONY: demo
demo: setup ## Run last night's sweep on the shipped inputs and print the result table
	@$(BIN)/hybrid-assets demo

.PHONY: ui
ui: setup ## Open the Dagster UI on 127.0.0.1:3000
	@$(BIN)/hybrid-assets ui

.PHONY: check
check: setup ## Format, lint, types, layers, Dagster definitions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/dg check defs

.PHONY: test
test: setup ## The fast test suite
	$(BIN)/pytest -n 3 -m "not slow"

.PHONY: test-slow
test-slow: setup ## The tests that take long
	$(BIN)/pytest -m slow

SCHEDULES ?= 10000
SEED ?= 1

.PHONY: simulate
simulate: setup ## The control plane under faults on a virtual clock: SCHEDULES, SEED
	$(BIN)/python -m hybrid_assets.testing.simulation --schedules $(SCHEDULES) --seed $(SEED)

.PHONY: bench
bench: setup ## Performance as ratios, measured in one run
	$(BIN)/python -m hybrid_assets_tests.bench

.PHONY: audit
audit: setup ## Check the locked requirements against PyPI's known vulnerabilities
	@for file in requirements/*.txt; do \
	  $(BIN)/uv tool run --isolated --quiet pip-audit@2.10.1 --strict --disable-pip --require-hashes \
	    --progress-spinner off -r $$file || failed="$$failed $$file"; done; \
	if [ -n "$$failed" ]; then \
	  echo "audit: not clean:$$failed. A line with ERROR means that it could NOT be checked: no advisories were to be had."; \
	  echo "audit: a table names what is vulnerable: make lock, then make test."; exit 1; fi

.PHONY: bench-stats
bench-stats: setup ## Coverage of every interval, rate of false claims, power: by simulation
	$(BIN)/python -m hybrid_assets_tests.bench.statistics
