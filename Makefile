# `make` prints what there is to make. Everything lands in .venv, which `make clean` takes away again.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first Python on the PATH that is new enough; `make PYTHON=/path/to/python3.13 setup` takes another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := demo,test,embedded

# What depends on the server's version: the statements, the triggers, the wire.
ON_EACH_POSTGRES := $(patsubst %,tests/aicon/test_%.py,by_hand conflicts round_trip saving update_factor) \
    $(patsubst %,tests/engine/test_%.py,history_triggers operations plans queries wire)

# pyright's launcher would ask the npm registry for a newer version at each start.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo migrate check test soak bench behaviours generate clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install aiconsql and its tools into .venv (the other targets do it by themselves)

demo: $(STAMP)  ## watch an agent keep its mind through its own violent death
	@$(BIN)/aiconsql demo

migrate: $(STAMP)  ## bring the database of AICONSQL_URL to the newest schema
	@$(BIN)/aiconsql migrate

check: $(STAMP)  ## style, types, import contracts, and that what is generated is fresh
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/pyright
	@echo "$(BIN)/lint-imports"; report=$$($(BIN)/lint-imports --no-cache) || { echo "$$report"; exit 1; }
	$(BIN)/python -m aiconsql.engine.generate --check

test: $(STAMP)  ## every test, on SQLite and on PostgreSQL servers of its own
	@$(BIN)/python -m tests.servers.install
	$(BIN)/python -m pytest
	@for major in $$($(BIN)/python -m tests.servers.others); do \
	    echo "and on PostgreSQL $$major:"; \
	    $(BIN)/python -m pytest -q --postgres=$$major -k "not sqlite" $(ON_EACH_POSTGRES); done

soak: $(STAMP)  ## the kill and volume tests with their full figures
	@$(BIN)/python -m tests.servers.install
	AICONSQL_SOAK=1 $(BIN)/python -m pytest -m soak -o faulthandler_timeout=0

bench: $(STAMP)  ## the benchmarks
	@$(BIN)/python -m tests.benchmarks

behaviours: $(STAMP)  ## which promise has which test; BREAK=1 breaks each promise and shows its test fail
	@$(BIN)/python -m tests.behaviours $(if $(BREAK),--break $(filter-out 1,$(BREAK)))

generate: $(STAMP)  ## write what is generated anew: the map of queries and types
	@$(BIN)/python -m aiconsql.engine.generate

clean:  ## remove what make and the tools created, .venv too
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv where it is there and can; else venv and pip, which come with Python, on Debian as a package of their own.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { \
	    echo "aiconsql needs Python 3.11 or newer and finds none on the PATH: install one, or name it with PYTHON=…" >&2; exit 1; }
	@echo "installing aiconsql and its tools into $(VENV), once"
	@if command -v uv >/dev/null \
	    && { test -x $(BIN)/python || uv venv --quiet --python "$(PYTHON)" $(VENV); } \
	    && uv pip install --quiet --python $(BIN)/python --editable '.[$(EXTRAS)]'; \
	then exit 0; fi; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python$$version-venv" >&2; exit 1; }; \
	{ $(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV); } \
	    && $(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@
