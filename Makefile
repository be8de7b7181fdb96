# Everything happens in a virtual environment of its own, made with plain pip.
#   make PYTHON=python3.12 VENV=.venv312 test     another Python, in another folder
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# What compiled kernels are made from: the same folders that sim/core/kernels.py hashes.
KERNEL_SOURCES := $(shell find sim/core sim/world sim/lenders sim/engine -name '*.py')

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-nightly check bench-check docs clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: $(VENV)/.warm ## make the environment, install lendsim, compile its kernels (minutes, once)

demo: $(VENV)/.warm ## run the reference scenario at a twentieth of its size; the report's path comes last
	@rm -rf runs/demo
	@$(BIN)/lendsim run scenarios/ali_finance_2012h1.yaml --out runs/demo

test: $(VENV)/.dev $(VENV)/.warm ## run the tests
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.dev $(VENV)/.warm ## run the tests that take minutes each
	$(BIN)/python -m pytest -m slow

test-nightly: $(VENV)/.dev $(VENV)/.warm ## run the property tests with ten times as many examples
	$(BIN)/python -m pytest --hypothesis-profile=nightly tests/engine/test_loan_life.py tests/lenders/test_schedule.py

check: $(VENV)/.dev ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/mypy --strict sim
	$(BIN)/lint-imports

bench-check: $(VENV)/.warm ## fail if the engine has become more than a quarter dearer, or an answer slow
	$(BIN)/python -m sim.app.bench.guard
	$(BIN)/python -m sim.app.bench.answers

docs: $(VENV)/.dev ## write the generated pages of docs/ again
	$(BIN)/python tests/test_docs.py

clean: ## remove the environment and caches; runs/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find sim tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a step is done again when what it depends on is newer.

$(VENV)/.core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("lendsim needs Python 3.11 or later, and this is " \
		+ sys.version.split()[0] + "; name another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@echo '*' > $(VENV)/.gitignore
	@echo 'installing lendsim and what it stands on into $(VENV); this takes a while, once'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --editable '.[dev,study]'
	@touch $@

$(VENV)/.warm: $(VENV)/.core $(KERNEL_SOURCES)
	$(BIN)/python -m sim.engine.warm
	@touch $@
