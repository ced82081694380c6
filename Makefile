# `make run` and `make test` are all that a newcomer needs. Each sets up .venv by itself: from a
# lock file with hashes, on any machine with Python 3.11 or newer; the second time is instant.

VENV   := .venv
PY     := $(VENV)/bin/python
SHOWN  := baseline accelerated-growth

# What says that an environment is ready. The folder's path is in the name: an editable install in
# a checkout that was moved or copied points to the old place and has to be renewed.
HERE   := $(shell pwd | cksum | cut -d' ' -f1)
RUN    := $(VENV)/run-$(HERE).stamp
DEV    := $(VENV)/dev-$(HERE).stamp
BOOKS  := $(VENV)/notebooks-$(HERE).stamp
SITE   := $(VENV)/docs-$(HERE).stamp

# The first Python that is new enough; `make run PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$p; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help run notebooks lint check test test-all tools format results docs validation lock clean bench iamc reliability sbom

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: $(RUN) ## judge the plan's targets under both growth scenarios
	@$(VENV)/bin/plansim check $(SHOWN)

# Jupyter refuses to start for root, as whom containers run, unless it is told to.
notebooks: $(BOOKS) ## open the notebooks in a browser, at the first of them
	@cd notebooks && $(abspath $(VENV))/bin/jupyter lab $$(test "$$(id -u)" != 0 || echo --allow-root) 01-first-run.ipynb

# On all cores; a file on one of them, so that what its tests share is made once. Bytecode is kept,
# whatever the environment says: else each worker rewrites every test again, which takes it five seconds.
PYTEST := PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n auto --dist loadfile

# Tests of single packages on small models; the shipped model, engines, browsers, documents and what
# waits for processes come with `make test`.
UNIT   := tests/files tests/model tests/scenario tests/targets tests/compiler tests/engine tests/analysis tests/output

lint: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

check: lint ## a minute: style, types, unit tests
	$(PYTEST) -m "not slow and not long and not city" $(UNIT)

test: lint tools ## everything that must hold before a change goes in
	$(PYTEST) -m "not slow"

test-all: lint tools $(SITE) ## that, and what takes long: PySD on every scenario, a hundred thousand mutated inputs, each page's examples, the site, pyam
	$(PYTEST)
	@$(MAKE) --no-print-directory iamc

# The page is tested where it runs: its model in Node, all of it in a real browser. Neither comes from
# PyPI; where this may install packages, it does.
tools:
	@missing=; for tool in node chromium; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing$$missing (once) ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
			$$(echo "$$missing" | sed 's/node/nodejs/') >/dev/null; \
	else \
		echo "The tests need$$missing. On Debian or Ubuntu: sudo apt install nodejs chromium" >&2; exit 1; \
	fi

format: $(DEV) ## bring the Python files into the common form
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

results: $(DEV) ## renew all figures of README and docs: examples, tables, pictures, validation, performance
	$(PY) tools/fill_examples.py
	@$(MAKE) --no-print-directory validation
	@$(MAKE) --no-print-directory bench

# A warning fails the build: a link that leads nowhere, a public name without a page, a notebook that
# breaks. `-t quick` leaves out what has to be run. What code and model made is kept in build/docs-cache.
docs: $(SITE) ## build the documentation as a site, in English and Chinese, in build/site
	@for lang in en zh; do \
		$(PY) -m sphinx -q -W --keep-going -E -t $$lang -c docs/site -d build/docs-cache/doctrees-$$lang \
			. build/site/$$lang || exit 1; \
	done
	@$(PY) docs/site/links.py build/site && echo "build/site/index.html"

validation: $(DEV) ## test the model and write docs/results/validation.md
	$(VENV)/bin/plansim model validate --with-reference -o docs/results/validation.md --force || [ $$? = 1 ]

# The lock files name versions and hashes, never an address: any index that carries the same
# files will do. The run lock binds the dev lock, so that one .venv can serve both.
COMPILE := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header

lock: $(DEV) ## renew the lock files from pyproject.toml
	$(PY) -m $(COMPILE) --extra loops --group build -o requirements.lock pyproject.toml
	$(PY) -m $(COMPILE) --all-extras --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(PY) -m $(COMPILE) --group notebooks -c requirements.lock -c requirements-dev.lock -o requirements-notebooks.lock
	$(PY) -m $(COMPILE) --group docs -c requirements.lock -c requirements-dev.lock -c requirements-notebooks.lock -o requirements-docs.lock
	$(PY) -m $(COMPILE) --group pyam -o requirements-pyam.lock
	$(PY) -m $(COMPILE) --group sbom -o requirements-sbom.lock

reliability: $(DEV) ## try to break plansim, and write what was tried to docs/reliability.md; half an hour
	$(PY) -m tests.reliability --write

# The tool that writes it has an environment of its own, fetched once: it is no part of what it lists.
SBOM := $(VENV)-sbom
sbom: $(SBOM)/ready.stamp ## write the bill of materials (CycloneDX) of what `make run` installs to build/sbom.json
	@mkdir -p build
	@PYTHONWARNINGS=ignore $(SBOM)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		-o build/sbom.json requirements.lock
	@echo "Written: build/sbom.json"

bench: $(DEV) tools ## measure engines and page on this machine and write docs/results/performance.md
	$(PY) -m tests.bench.engines --write
	$(PY) -m tests.bench.page --write

# pyam asks for other versions than plansim does, hence an environment of its own. It is fetched once
# (about 120 packages, half a minute) and again only when its lock changes: no network is needed later.
# It keeps its caches itself: one of its packages writes paths into them, which a removed copy leaves dead.
PYAM       := $(VENV)-pyam
PYAM_READY := $(PYAM)/ready.stamp
iamc: $(RUN) $(PYAM_READY) ## see that pyam reads back what `plansim export --form iamc` writes
	@rm -rf build/iamc && mkdir -p build/iamc
	@$(VENV)/bin/plansim export $(SHOWN) --form iamc -o build/iamc/export.csv
	@$(VENV)/bin/plansim export $(SHOWN) --form iamc -o build/iamc/export.xlsx
	@$(VENV)/bin/plansim export $(SHOWN) --form tidy -o build/iamc/tidy.csv
	XDG_CACHE_HOME="$(CURDIR)/$(PYAM)/cache" $(PYAM)/bin/python tests/iamc/read_back.py build/iamc

clean: ## remove everything that these commands made in this folder
	rm -rf $(VENV) $(PYAM) $(SBOM) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find sim tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@if [ -z "$(PYTHON)" ]; then \
		echo "plansim needs Python 3.11 or newer, and none was found. Install one, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; fi
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "plansim needs Python 3.11 or newer; $(PYTHON) is not." >&2; exit 1; fi
	@if ! "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi
	@echo "Setting up $(VENV) (once; it takes a minute or two) ..."
	@"$(PYTHON)" -m venv --clear $(VENV)

# --no-deps: the lock is complete, nothing is left to resolve. The project itself goes in without
# hashes, hence by a second command, and without build isolation, since hatchling is in the lock.
INSTALL = $(PY) -m pip install -qq --disable-pip-version-check --no-input

$(RUN): requirements.lock pyproject.toml | $(PY)
	@$(INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock requirements.lock pyproject.toml | $(PY)
	@$(INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@ $(RUN)

# On top of either of the two: its versions are bound to theirs.
$(BOOKS): requirements-notebooks.lock | $(RUN)
	@echo "Fetching Jupyter (once) ..."
	@$(INSTALL) --no-deps --require-hashes -r requirements-notebooks.lock
	@touch $@

$(SITE): requirements-docs.lock | $(RUN)
	@echo "Fetching Sphinx (once) ..."
	@$(INSTALL) --no-deps --require-hashes -r requirements-docs.lock
	@touch $@

$(SBOM)/ready.stamp: requirements-sbom.lock | $(PY)
	@"$(PYTHON)" -m venv --clear $(SBOM)
	@$(SBOM)/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --require-hashes -r requirements-sbom.lock
	@touch $@

# --no-compile: most of what pyam brings is never imported here.
$(PYAM_READY): requirements-pyam.lock | $(PY)
	@echo "Setting up $(PYAM) (once) ..."
	@"$(PYTHON)" -m venv --clear $(PYAM)
	@$(PYAM)/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-compile --no-deps --require-hashes -r requirements-pyam.lock
	@touch $@
