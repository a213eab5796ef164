# Every target sets up what it needs: a machine with Python 3.11 or newer and make is enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Touched when the packages of pyproject.toml stand in the virtual environment.
INSTALLED := $(VENV)/.installed
INSTALLED_BENCH := $(VENV)/.installed-bench
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Further arguments for the command behind a target: make test ARGS='-k tickets'
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench corpus corpus-refused corpus-stories view-stories proto constraints clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(INSTALLED) ## install flightlake and its tools into .venv

demo: $(INSTALLED) ## build a small lakehouse, serve it and show how to connect
	$(BIN)/flightlake demo $(ARGS)

test: $(INSTALLED) ## run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED) ## ruff, mypy --strict, the layer contracts, generated code up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/generate.py --check

format: $(INSTALLED) ## rewrite the sources the way `make check` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED_BENCH) ## measure against DuckDB, plain DataFusion and a plain Flight server
	$(BIN)/python -m bench $(ARGS)

corpus: $(INSTALLED) ## have Spark and others write the tables of tests/corpus anew (ARGS='int_*': only those)
	$(BIN)/python -m tests.corpus.generate $(ARGS)

corpus-refused: $(INSTALLED) ## write down which tables of the corpus are refused today
	$(BIN)/python -m tests.corpus.refused

corpus-stories: $(INSTALLED) ## have Spark and DuckDB tell random stories of tables, and read them (ARGS='SEED COUNT')
	$(BIN)/python -m tests.corpus.stories $(ARGS)

view-stories: $(INSTALLED) ## more faults, killed processes and random stories of views than `make test` has time for (ARGS='-k kill')
	FLIGHTLAKE_SEED=$${FLIGHTLAKE_SEED:-1000} FLIGHTLAKE_STORIES=$${FLIGHTLAKE_STORIES:-200} \
		FLIGHTLAKE_KILL_STORIES=$${FLIGHTLAKE_KILL_STORIES:-40} FLIGHTLAKE_VIEW_STORIES=$${FLIGHTLAKE_VIEW_STORIES:-20} \
		$(BIN)/python -m pytest tests/property/test_incremental_stories.py tests/property/test_fault_stories.py \
		tests/property/test_compaction_faults.py tests/property/test_compaction_stories.py \
		tests/integration/test_materialized_kills.py tests/integration/test_materialized_paused.py \
		tests/integration/test_materialized_rivals.py tests/integration/test_materialized_storms.py $(ARGS)

proto: $(INSTALLED) ## generate flightlake/_proto from proto/
	$(BIN)/python proto/generate.py

constraints: $(INSTALLED) ## choose the versions in constraints.txt anew
	$(INSTALL) uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --upgrade --quiet \
		--python-version 3.11 --no-header --no-annotate --no-emit-index-url --output-file constraints.txt

clean: ## remove what make and the tests have made, the demo's lakehouse too
	rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist bench/results demo-lakehouse
	find flightlake tests bench proto -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("flightlake needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(INSTALLED_BENCH): $(INSTALLED)
	$(INSTALL) --editable '.[dev,bench]'
	@touch $@
