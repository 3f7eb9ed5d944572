# Everything that is done in this repository, by name. `make` alone lists it.
#
# Needs make, git, and a Python of at least 3.11; all else is installed into $(VENV).
# PYTHON=/path/to/python chooses the interpreter of a new environment.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV ?= .venv
PYTHON ?=
PYTEST_ARGS ?=
WORKERS ?= auto
EXAMPLES ?= 5000
SECONDS ?= 300
SOAK_ARGS ?=
AUDIT_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
PACKAGES := core drivers/http_chat drivers/sse drivers/websocket runner
MODULES := turnwire_core turnwire_http_chat turnwire_sse turnwire_websocket turnwire
EDITABLE := $(foreach package,$(PACKAGES),--editable ./$(package))
PROJECTS := $(foreach package,$(PACKAGES),$(package)/pyproject.toml)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

# The first Python that is new enough. Asked only when an environment has to be made.
define find_python
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python="$$candidate"; break; \
		fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
		echo "Turnwire needs Python 3.11 or newer. Tried:" >&2; \
		for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
			echo "  $$candidate: $$("$$candidate" --version 2>&1 | tail -n 1 || true)" >&2; \
		done; \
		echo "Name one with: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; \
		exit 1; \
	fi
endef

.PHONY: help
help: ## List what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/\1|\2/p' Makefile | \
		while IFS='|' read -r name purpose; do printf '  make %-16s%s\n' "$$name" "$$purpose"; done

# --- environments -------------------------------------------------------------------------------

$(VENV)/.made:
	@$(find_python); \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { \
		echo "This Python cannot make environments; on Debian: apt install python3-venv" >&2; \
		exit 1; \
	}
	@touch $@

# The five packages, editable, and what they need to run. The build backend comes first, so that
# it is held by the constraints too and not fetched once for each package.
$(VENV)/.installed: $(VENV)/.made $(PROJECTS) constraints.txt
	@echo "Installing the workspace into $(VENV)"
	@$(PIP) install --constraint constraints.txt hatchling editables
	@$(PIP) install --constraint constraints.txt --no-build-isolation $(EDITABLE)
	@touch $@

# The tools besides: tests, linters, docs. Dependency groups need pip 25.1.
$(VENV)/.tools: $(VENV)/.installed pyproject.toml
	@echo "Installing the tools into $(VENV)"
	@$(PIP) install --constraint constraints.txt "pip>=25.1"
	@$(PIP) install --constraint constraints.txt --group dev
	@touch $@

$(VENV)/.auditor: $(VENV)/.tools
	@$(PIP) install --constraint constraints.txt --group audit
	@touch $@

.PHONY: install
install: $(VENV)/.tools ## Make the environment, with packages and tools

# --- running ------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.installed ## Talk to the built-in assistant over each protocol, then test it with a suite
	@$(BIN)/turnwire demo
	@$(BIN)/turnwire run examples/shop.turnwire.yaml

# --- testing ------------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.tools ## Run the tests, all but those that need more than Python
	@$(PYTEST) -m "not packaging and not aimock and not autobahn and not memory" $(PYTEST_ARGS)

.PHONY: test-memory
test-memory: $(VENV)/.tools ## Measure the memory of turns with targets that try to fill it
	@$(PYTEST) -m memory tests/faults $(PYTEST_ARGS)

.PHONY: coverage
coverage: $(VENV)/.tools ## Run the tests and measure branch coverage against the floor
	@$(MAKE) --no-print-directory test PYTEST_ARGS="--cov --cov-report=term $(PYTEST_ARGS)"

.PHONY: test-packaging
test-packaging: $(VENV)/.tools ## Build the wheels and try each combination in fresh environments
	@$(BIN)/python -m pytest -m packaging tests/packaging $(PYTEST_ARGS)

.PHONY: test-aimock
test-aimock: $(VENV)/.tools ## Run the tests against aimock, from npm
	@command -v npm >/dev/null || { echo "These tests need node and npm." >&2; exit 1; }
	@$(BIN)/python -m pytest -m aimock $(PYTEST_ARGS)

.PHONY: test-autobahn
test-autobahn: $(VENV)/.tools ## Hold the WebSocket driver against the Autobahn suite (needs Python 2.7)
	@$(BIN)/python tests/support/autobahn.py
	@$(BIN)/python -m pytest -m autobahn tests/autobahn $(PYTEST_ARGS)

.PHONY: test-versions
test-versions: ## Run the tests on each supported Python that this machine has
	@missing=""; failed=""; \
	for version in 3.11 3.12 3.13; do \
		found=""; \
		for candidate in python$$version "$$HOME"/.pyenv/versions/$$version.*/bin/python; do \
			if "$$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$$version')" 2>/dev/null; then \
				found="$$candidate"; break; \
			fi; \
		done; \
		if [ -z "$$found" ]; then missing="$$missing $$version"; continue; fi; \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON="$$found" \
			|| failed="$$failed $$version"; \
	done; \
	if [ -n "$$missing" ]; then echo "Not found on this machine, not tested:$$missing"; fi; \
	if [ -n "$$failed" ]; then echo "Failed on:$$failed" >&2; exit 1; fi

.PHONY: fuzz
fuzz: $(VENV)/.tools ## Fuzz everything that reads what others write; EXAMPLES=5000 for each target
	@FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) tests/fuzz $(PYTEST_ARGS)

.PHONY: soak
soak: $(VENV)/.tools ## Hold 1,000 conversations at once over each protocol; SECONDS=300 each
	@$(BIN)/python benchmarks/soak.py --seconds $(SECONDS) $(SOAK_ARGS)

.PHONY: bench
bench: $(VENV)/.installed ## Measure against other clients, and write docs/performance.md; QUICK=1 is shorter
	@$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick) $(BENCH_ARGS)

# --- judging ------------------------------------------------------------------------------------

.PHONY: lint
lint: $(VENV)/.tools ## Check style, formatting, types and import contracts
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy $(foreach module,$(MODULES),-p $(module))
	@echo "== import contracts"
	@$(BIN)/lint-imports

.PHONY: audit-code
audit-code: $(VENV)/.tools ## Look for insecure code
	@$(BIN)/bandit --quiet --severity-level medium --configfile pyproject.toml --recursive \
		$(foreach package,$(PACKAGES),$(package)/src)

.PHONY: audit-versions
audit-versions: $(VENV)/.auditor ## Look for known holes in what we depend on
	@$(BIN)/python .ci/audit.py $(AUDIT_ARGS)

.PHONY: audit
audit: audit-code audit-versions ## Both

.PHONY: format
format: $(VENV)/.tools ## Format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

# --- publishing ---------------------------------------------------------------------------------

.PHONY: docs
docs: $(VENV)/.tools ## Build the docs site into site/; a broken link fails
	@# Not --quiet: it would keep the warnings from --strict, too.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The docs are in site/index.html"

.PHONY: dist
dist: $(VENV)/.tools ## Build wheel and sdist of each package into dist/
	@rm -rf dist
	@for package in $(PACKAGES); do $(BIN)/python -m build --outdir dist "$$package"; done

.PHONY: constraints
constraints: ## Write constraints.txt anew: the newest versions that work together
	@rm -rf .venv-constraints
	@$(find_python); "$$python" -m venv .venv-constraints
	@.venv-constraints/bin/python -m pip install --quiet --upgrade pip
	@.venv-constraints/bin/python -m pip install --quiet --group dev --group audit $(EDITABLE)
	@{ sed -n '/^#/p' constraints.txt; \
	   .venv-constraints/bin/python -m pip list --format freeze --exclude-editable \
	   | grep -v '^setuptools==' | sort -f; } > constraints.new
	@mv constraints.new constraints.txt
	@rm -rf .venv-constraints

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf .venv .venv-* dist site .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis .autobahn
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
