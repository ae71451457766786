# The few verbs of this project. `make run` and `make test` need nothing but Python 3.11–3.13 and, the first time, a package index.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup run test check lint types arch secrets audit demo docs bench clean

help:  ## what there is to do
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 10

# The environment: made once, brought up to date when a lock file or pyproject.toml changes.
$(VENV)/.made:
	@python=""; \
	for candidate in $${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do \
	  if command -v "$$candidate" >/dev/null 2>&1 && "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed; found: $$(python3 --version 2>&1 || echo none). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$python cannot make environments. On Debian or Ubuntu: apt-get install $$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; fi; \
	echo "making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) && touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock pyproject.toml
	@echo "installing what the product needs (locked, checked by hash)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.lock pyproject.toml
	@echo "installing what the product and its tests need (locked, checked by hash)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

setup: $(VENV)/.dev  ## make the environment, development tools included

run: $(VENV)/.run  ## the demo city, alive, at http://127.0.0.1:8050 (PORT to change); Ctrl-C stops it
	@exec $(BIN)/cockpit run

test: $(VENV)/.dev  ## all tests; those whose service is absent are skipped with the reason
	@exec $(BIN)/python -m pytest -q -n 2 --dist loadfile

check: lint types arch secrets audit $(VENV)/.dev  ## style, types, floors, secrets, supplies, and docs/catalog.md as the declarations have it
	@$(BIN)/cockpit check
	@$(BIN)/cockpit catalog | diff -u docs/catalog.md - || { echo "docs/catalog.md is behind the declarations: run make docs" >&2; exit 1; }

lint: $(VENV)/.dev  ## ruff
	@$(BIN)/ruff check .

types: $(VENV)/.dev  ## mypy, strict
	@$(BIN)/mypy

arch: $(VENV)/.dev  ## the floors of the house, by import-linter
	@$(BIN)/lint-imports

secrets: $(VENV)/.dev  ## nothing that opens a door is kept with the code; what only looks like it: .secrets.baseline
	@$(BIN)/python .ci/no_secrets.py

audit: $(VENV)/.dev  ## what is locked is what is installed, and no advisory tells of it (if the service answers)
	@$(BIN)/python .ci/audit.py

demo: $(VENV)/.run  ## build the demo departments' databases in var/demo
	@exec $(BIN)/cockpit demo build

docs: $(VENV)/.run  ## write docs/catalog.md from the declarations
	@$(BIN)/cockpit catalog > docs/catalog.md.new && mv docs/catalog.md.new docs/catalog.md

bench: $(VENV)/.dev  ## what benchmarks/README.md measures
	@exec $(BIN)/python -m benchmarks

clean:  ## remove the environment and caches; var/ with its databases stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
