# Doppel: two commands are enough, `make app` and `make test`; everything else is listed by `make help`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LAB_TEST_DATA ?= $(abspath ../shared/data)
export LAB_TEST_DATA
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: app test test-slow test-gpu lint bench clean help chromium

app: $(VENV)/.runtime ## install what is needed, prepare the phantom set, open Doppel in the browser
	$(BIN)/python -m lab prepare --first
	$(BIN)/streamlit run app.py

test: $(VENV)/.dev chromium ## install what the tests need and run them, three files at a time: browsers and workers often wait
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25 -r fER

test-slow: $(VENV)/.dev chromium ## the tests that take minutes
	$(BIN)/python -m pytest -m slow --timeout 3600

test-gpu: $(VENV)/.dev ## the tests that need a GPU and real weights
	$(BIN)/python -m pytest -m gpu --timeout 3600

lint: $(VENV)/.dev ## style, types, import borders
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev ## timings as ratios, side by side in one run
	$(BIN)/python -m bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install -q -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install -q -r requirements-dev.txt
	@touch $(VENV)/.runtime $@

chromium:
	@bash tests/browser/find_chromium.sh

clean: ## remove the environment and caches; the workspace stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'
