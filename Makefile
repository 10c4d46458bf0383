# Needs make and Python 3.11 or newer, nothing else. Everything is installed into .venv from locks with hashes.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The Python that makes .venv, looked for only then; 3.11 first, because the tests run on it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# How many slow tests run at once; 0: each has the machine to itself.
SIDE_BY_SIDE ?= 0
BIN := .venv/bin
SLOW := browser or prefect or slow
# The marks stand in the files: the others need not be loaded for them.
SLOW_FILES = $$(grep -lrE 'pytest\.mark\.(browser|prefect|slow)' --include='test_*.py' tests)
ROOMS := statemachines domain papers api forms flows chuncha
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-compile
# Every process of ours imports hundreds of modules: compiled once here, by all cores, whatever the environment says.
# Some packages carry examples that do not compile; that stops nothing.
COMPILE := $(BIN)/python -m compileall -q -j 0 .venv/lib $(ROOMS) >/dev/null || true
# The empty store a new scheduler begins with.
STORE := $(BIN)/python -m chuncha.scheduler
BUNDLE := $(MAKE) --no-print-directory --silent forms/static/built/.made
BROWSER := $(shell find forms/browser -name '*.js' -o -name '*.mjs' -o -name 'build.py')
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help
help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: .venv/set-up  ## Install what running needs into .venv and bundle browser code (again only when a lock or a source changed)
	@$(BUNDLE)

.PHONY: setup-dev
setup-dev: .venv/set-up-dev  ## Install what tests and checks need as well
	@$(BUNDLE)

.PHONY: demo
demo: setup  ## Play a whole 春查 and serve its pages; ARGS="--no-serve --data DIR" ends after the papers
	@$(BIN)/chuncha demo $(ARGS)

.PHONY: test
test: setup-dev  ## Every check and every test, the fast ones first
	@$(MAKE) --no-print-directory -j 2 types imports lint
	@$(MAKE) --no-print-directory pytest

.PHONY: lint
lint: setup-dev  ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: setup-dev  ## mypy, strict
	$(BIN)/mypy

.PHONY: imports
imports: setup-dev  ## import-linter: which room may import which
	$(BIN)/lint-imports

.PHONY: pytest
pytest: setup-dev  ## The tests; the slow and the browser ones last, alone or SIDE_BY_SIDE=2, the longest first
	$(BIN)/pytest --durations 15 -n 2 --dist loadfile -m "not ($(SLOW))"
	$(BIN)/pytest --durations 25 -n $(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder -m "$(SLOW)" $(SLOW_FILES)

.PHONY: bench
bench: setup  ## Measure at 100 000 tickets and write docs/performance.md (minutes)
	$(BIN)/python -m bench $(ARGS)

.PHONY: lock
lock: setup-dev  ## Write the locks anew from requirements*.in; ARGS=--upgrade takes newer versions
	$(LOCK) $(ARGS) requirements.in -o requirements.lock
	$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.lock
	@! grep -nE '(https?|file)://' requirements.lock requirements-dev.lock

.PHONY: migration
migration: setup-dev  ## Draft a migration for what the records have and the schema has not; ARGS="what it adds"
	@folder=$$(mktemp -d) && $(BIN)/chuncha migrate --data $$folder --draft "$(ARGS)"; rm -rf $$folder

.PHONY: format
format: setup-dev  ## Lay the code out and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean:  ## Remove .venv and everything tools made
	rm -rf .venv node_modules forms/static/built build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(ROOMS) tests bench -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

# setuptools comes with the lock and builds the editable install, so nothing is fetched without a hash.
.venv/set-up: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing requirements.lock (about a minute the first time)"
	@$(PIP) --require-hashes --no-deps -r requirements.lock
	@$(PIP) --no-index --no-build-isolation --no-deps --editable .
	@$(COMPILE)
	@$(STORE)
	@touch $@

.venv/set-up-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing requirements-dev.lock (about a minute the first time)"
	@$(PIP) --require-hashes --no-deps -r requirements-dev.lock
	@$(PIP) --no-index --no-build-isolation --no-deps --editable .
	@$(COMPILE)
	@$(STORE)
	@touch .venv/set-up $@

# Third-party browser code comes from npm by its lock; Node and npm come with requirements.lock.
forms/static/built/.made: package.json package-lock.json .npmrc $(BROWSER)
	@echo "Bundling browser code"
	@$(BIN)/python forms/browser/build.py
