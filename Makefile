# Everything runs in a private .venv; a machine needs python3, make and git, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# All but `torch`, which is a matter of gigabytes; its tests skip and say so.
EXTRAS := --extra embedded --extra embed --extra code --extra hub --extra inspect

# Compiled once instead of at every start of a process: the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-slow lint types contracts bench clean

setup: $(READY)

$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv sync --quiet --frozen --compile-bytecode $(EXTRAS) --inexact
	@touch $(READY)

demo: $(READY)  ## Evaluate a real model on this machine, plain and guarded, side by side
	@$(BIN)/alignmeter demo

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/pyright

contracts: $(READY)  ## The floors: imports go down only
	@$(BIN)/lint-imports

FAST := -n logical --dist worksteal -m "not slow and not model and not browser"
# Tracing slows down all that runs: only tests of the packages that have a threshold are traced.
MEASURED := stats verdicts store engine

# The language model spins on every core, so its tests run after the others, by themselves.
test: lint types contracts  ## Lint, types, floors and the tests with coverage
	@$(BIN)/pytest $(FAST) $(MEASURED:%=tests/%) --cov --cov-report=
	@$(BIN)/pytest $(FAST) $(MEASURED:%=--ignore=tests/%)
	@$(BIN)/pytest -m "(model or browser) and not slow"
	@$(BIN)/coverage report --skip-covered --fail-under=95

test-slow: $(READY)  ## What takes minutes: long simulations, twenty kills a mode
	@$(BIN)/pytest -m slow --timeout 0

bench: $(READY)  ## Trials per second against a bare client, rules per second, calls to a verdict
	@$(BIN)/python bench/engine.py
	@$(BIN)/python bench/judges.py
	@$(BIN)/python bench/calls_to_verdict.py

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .coverage dist
