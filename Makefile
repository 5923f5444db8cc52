# `make index` builds this repository's own index and says how to install from it; `make test` runs every check.
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find index_builder templates -name '*.py' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.svg' -o -name '*.jinja' -o -name '*.yml' -o -name '*.txt' -o -name py.typed) pyproject.toml README.md LICENSE
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WHEEL := build/installed-run
TOOLS := build/installed-dev
JUDGES := build/installed-judges
EMULATORS := build/installed-emulators

# What tests drive besides Python: a terminal, the shells that complete, the Python that the oldest pips run on, web servers, a
# browser with what judges pages, and what runs a CDN's function. Where Debian calls a program's package otherwise, that name follows.
PROGRAMS := tmux zsh fish pypy3 ssh:openssh-client caddy nginx:nginx-light apache2:apache2-bin node:nodejs npm chromium \
  chromedriver:chromium-driver java:default-jre-headless

.PHONY: help index test test-long coverage test-inside test-documents test-stories test-outside lint check docs docs-beside lock schemas reference programs bench bench-quick clean

help:
	@echo 'make index   build packages.d/ into site/ and say how to install from it'
	@echo 'make test    lint, types, and all tests against the built wheel'
	@echo 'make test-long the same, with the tests that take long'
	@echo 'make coverage say what no test reaches'
	@echo 'make docs    build the documentation into public-docs/'
	@echo 'make lock    resolve requirements/*.txt anew'
	@echo 'make schemas write schemas/*.json anew'
	@echo 'make bench   measure builds beside dumb-pypi, simple503 and pypiserver; bench-quick with fewer projects'
	@echo 'make reference write the generated pages of docs/reference/ anew'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

# The tool is installed as its users get it: from a built wheel, with locked requirements.
build/requirements-run: requirements/run.txt requirements/build.txt | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --require-hashes -r requirements/build.txt
	@mkdir -p build && touch $@

$(WHEEL): $(SOURCES) build/requirements-run
	rm -rf build/wheel && $(PIP) wheel --no-deps --no-build-isolation --no-cache-dir --wheel-dir build/wheel .
	$(PIP) install --no-deps --force-reinstall build/wheel/index_builder-*.whl
	@touch $@

# axe-core and the Nu HTML Checker, locked by digest; neither runs anything when it is installed.
$(JUDGES): requirements/judges/package-lock.json
	npm ci --prefix requirements/judges --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p build && touch $@

# Azurite, Microsoft's emulator of Azure's blobs, locked by digest in the same way.
$(EMULATORS): requirements/emulators/package-lock.json
	npm ci --prefix requirements/emulators --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p build && touch $@

$(TOOLS): requirements/dev.txt | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	@mkdir -p build && touch $@

index: $(WHEEL)
	@$(BIN)/index-builder build --worktree
	@$(BIN)/index-builder sign --worktree $$([ -d trust ] && echo --or-unsigned || echo --development)
	@echo
	@echo 'Install from it:'
	@echo '  pip install --isolated --index-url file://$(CURDIR)/site/public/simple/ flask'
	@echo '  uv pip install --no-config --index-url file://$(CURDIR)/site/public/simple/ flask'
	@echo
	@[ ! -d site/public/tuf ] || echo 'The same, each byte checked against its signature before an installer sees it:'
	@[ ! -d site/public/tuf ] || echo '  $(BIN)/index-builder proxy --index site/public -- pip install flask'
	@[ ! -d site/public/tuf ] || echo '  $(BIN)/index-builder proxy --index site/public -- uv pip install flask'
	@echo
	@echo 'Or over HTTP, as from a host: $(CURDIR)/$(BIN)/index-builder serve, then'
	@echo '  pip install --isolated --index-url http://127.0.0.1:8000/simple/ flask'
	@echo '  uv pip install --no-config --index-url http://127.0.0.1:8000/simple/ flask'

# PYTHONSAFEPATH keeps the source folder off the path, so that the installed wheel is what is tested. Two parts run at a time,
# because they wait much: for installers, for servers, for what a terminal or a browser shows.
PARTS := test-outside test-stories test-documents test-inside

test: export PYTHONSAFEPATH = 1
test: programs lint $(WHEEL) $(JUDGES) $(EMULATORS)
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(PARTS)

PYTEST := $(BIN)/pytest

# Each run leaves out what takes half a minute or more, and kills and races fewer times; this does not.
test-long: export INDEX_BUILDER_TEST_LONG = 1
test-long: test

# What no test reaches; counting takes half as long again as testing.
coverage: export PYTHONSAFEPATH = 1
coverage: programs $(TOOLS) $(WHEEL) $(JUDGES) $(EMULATORS)
	rm -f .coverage .coverage.*
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target PYTEST='$(BIN)/coverage run $(BIN)/pytest' $(PARTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-outside:
	$(PYTEST) tests/interop

test-documents:
	$(PYTEST) tests/browser tests/reference tests/golden tests/test_*.py

test-inside:
	$(PYTEST) $(filter-out $(addprefix tests/,interop stories browser reference golden),$(patsubst %/,%,$(wildcard tests/*/)))

test-stories:
	$(PYTEST) tests/stories

programs:
	@missing=$$(PATH=$$PATH:/usr/sbin; for name in $(PROGRAMS); do command -v $${name%:*} >/dev/null || echo $${name#*:}; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "the tests need: $$missing (on Debian: sudo apt-get install" $$missing")" >&2; exit 1; fi

# Client pages are made from a whole run of the clients' tests, the others from the code and a terminal.
reference: $(TOOLS) $(WHEEL) programs
	UPDATE_GOLDEN=1 PYTHONSAFEPATH=1 $(BIN)/pytest -q tests/reference tests/interop/clients

# The peers are installed by name, into an environment of their own.
PEERS := $(VENV)/peers/bin
$(PEERS)/dumb-pypi: | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/peers
	$(PEERS)/python -m pip install --disable-pip-version-check --quiet dumb-pypi simple503 'pypiserver[passlib]'

bench: $(WHEEL) $(PEERS)/dumb-pypi
	$(BIN)/python benchmarks/run.py 10000 --peers $(PEERS)

bench-quick: $(WHEEL) $(PEERS)/dumb-pypi
	$(BIN)/python benchmarks/run.py 1000 --runs 1 --peers $(PEERS)

lint: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet .github action.yml

check: $(WHEEL)
	$(BIN)/index-builder check --worktree

docs: $(TOOLS) $(WHEEL)
	$(BIN)/mkdocs build --strict --site-dir public-docs

# They go beside the index, as docs/ of an archive for Pages: after its publication, so that nobody signs them, and into each archive anew.
docs-beside: docs
	tar --append --file '$(ARCHIVE)' --owner=0 --group=0 --numeric-owner --transform 's,^public-docs,./docs,' public-docs

lock: $(TOOLS)
	for set in run action build dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-strip-extras \
	    --custom-compile-command 'make lock' $(LOCK_FLAGS) \
	    $$(case $$set in run) echo pyproject.toml;; action) echo pyproject.toml --extra bucket --extra provenance --extra resolver;; build) echo --group build;; dev) echo pyproject.toml --group dev --group build;; esac) \
	    --output-file requirements/$$set.txt || exit; \
	done
	for tool in requirements/clients/*.in requirements/mirrors/*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    $(LOCK_FLAGS) $$tool --output-file $${tool%.in}.txt || exit; \
	done

schemas: $(WHEEL)
	$(BIN)/python -c 'from pathlib import Path; from index_builder.manifests.schema import MODELS, json_schema; [Path("schemas", name).write_text(json_schema(name)) for name in MODELS]'

clean:
	rm -rf $(VENV) build site public-docs .coverage .coverage.*
