# What one does with a checkout. Everything is built here, inside it: `make clean` takes all of it away.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help

# The first Python that is new enough and really runs (a version manager's shim may exist and refuse).
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; \
	done)
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.built
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check

.PHONY: help venv demo test lint format types walls docs vendors bench clean

help: ## what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

venv: $(STAMP) ## the project's own environment, from the lock

$(STAMP): pyproject.toml requirements/dev.lock
	@[ -n "$(PYTHON)" ] || { echo "make: no Python 3.11 or newer found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked dependencies"
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@echo "Installing the project itself"
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@$(BIN)/python -m compileall -q daemon migrations  # as pip does it for packages: no start compiles anew
	@touch $@

demo: $(STAMP) ## the five services simulated, a story played (ARGS=--once: ends by itself)
	@$(BIN)/pointsman demo $(ARGS)

test: $(STAMP) ## the tests, on two cores (ARGS="-k name": some of them)
	@echo "Running the tests"
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(STAMP) ## the code's form
	@echo "Reading the code's form"
	@$(BIN)/ruff check --output-format concise .
	@$(BIN)/ruff format --check .

format: $(STAMP) ## put the code into that form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## the types, strictly
	@echo "Checking the types"
	@$(BIN)/mypy

walls: $(STAMP) ## which room may know which
	@echo "Checking the walls between the rooms"
	@$(BIN)/lint-imports

docs: $(STAMP) ## the reference pages, written anew from the code
	@echo "Writing docs/reference from the code"
	@$(BIN)/python -m tests.house.reference_pages

vendors: $(STAMP) ## the vendors' own clients, each in an environment of its own, for the tests that use them
	@$(BIN)/python -m tests.vendors.environments

bench: $(STAMP) ## the figures, beside the bare stack's in the same run
	@$(BIN)/python -m bench $(ARGS)

clean: ## away with everything that was built here
	@echo "Removing what was built"
	@rm -rf $(VENV) .vendors build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find daemon tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
