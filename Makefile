# Everything people run. `make` alone lists the targets.
# Set-up needs Python >= 3.11 and nothing else; it happens by itself where a target needs it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

RECENT_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do $$name -c "$(RECENT_ENOUGH)" >/dev/null 2>&1 && { echo $$name; break; }; done)
VENV := .venv
RUN := $(VENV)/bin/python
TEST_WORKERS ?= 2
ROWS ?= 1000000
# Rehearsals and tests start many interpreters; none should compile the project again.
unexport PYTHONDONTWRITEBYTECODE

# A virtual environment whose interpreter no longer starts (moved, upgraded, half-made) is made anew.
ifneq ($(shell $(RUN) -c 'print("works")' 2>/dev/null),works)
  $(shell rm -f $(VENV)/.ready $(VENV)/.ready-dev)
endif

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: requirements.txt
	@python="$(PYTHON)"; { test -n "$$python" && "$$python" -c "$(RECENT_ENOUGH)" 2>/dev/null; } || { echo "make: no Python 3.11 or newer ($${python:-python3} is $$($${python:-python3} -V 2>&1 | head -n 1)); allowed: 3.11 or newer; install it, or run make PYTHON=/path/to/python." >&2; exit 2; }
	@echo "Setting up $(VENV) (once; about two minutes) ..."
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: python3-venv) and run again." >&2; exit 2; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt || { echo "make: the packages in requirements.txt could not be installed; see the lines above, check the network or index, and run again." >&2; exit 2; }
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@echo "Adding the development tools ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt || { echo "make: the packages in requirements-dev.txt could not be installed; see the lines above, check the network or index, and run again." >&2; exit 2; }
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready-dev ## Set up the virtual environment with all tools

.PHONY: rehearse
rehearse: $(VENV)/.ready ## Play and judge a whole deployment, no account, no Pulumi CLI: make rehearse STACK=dev
	@test -n "$(STACK)" || { echo "make rehearse: no stack given; allowed: $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml)); run make rehearse STACK=dev." >&2; exit 2; }
	@$(RUN) -m operations rehearse --stack "$(STACK)" $(ARGS)

.PHONY: test
test: $(VENV)/.ready-dev ## Run every test that needs neither the Pulumi CLI nor an account
	@$(RUN) -m pytest -q -n $(TEST_WORKERS) --dist loadfile -m "not slow" $(ARGS)

.PHONY: rehearse-engine
rehearse-engine: $(VENV)/.ready-dev ## Play the life of a stack on the Pulumi CLI, no account: make rehearse-engine STACK=dev
	@test -n "$(STACK)" || { echo "make rehearse-engine: no stack given; allowed: $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml)); run make rehearse-engine STACK=dev." >&2; exit 2; }
	@$(RUN) -m operations rehearse-engine --stack "$(STACK)" $(ARGS)

.PHONY: faults
faults: $(VENV)/.ready-dev ## Run all tests on the Pulumi CLI: every creation fails once, kills, upgrades (long)
	@$(RUN) -m pytest -q -rs tests/engine $(ARGS)

.PHONY: test-slow
test-slow: $(VENV)/.ready-dev ## Run the long tests as well
	@$(RUN) -m pytest -q $(ARGS)

.PHONY: check
check: format-check lint types workflows test ## What CI checks: format, lint, types, workflows, tests

.PHONY: format-check
format-check: $(VENV)/.ready-dev
	@$(RUN) -m ruff format --check --quiet . || { echo "make check: files above are not formatted; run make format." >&2; exit 1; }

.PHONY: format
format: $(VENV)/.ready-dev ## Format the code
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix --quiet .

.PHONY: lint
lint: $(VENV)/.ready-dev ## Lint the code and the YAML
	@$(RUN) -m ruff check --quiet . && $(VENV)/bin/yamllint --strict .

.PHONY: types
types: $(VENV)/.ready-dev ## Check the types, strictly
	@$(RUN) -m mypy

.PHONY: workflows
workflows: $(VENV)/.ready-dev ## Lint the GitHub workflows: actionlint where it is installed, zizmor
	@PATH="$$PWD/$(VENV)/bin:$$PATH"; if command -v actionlint >/dev/null; then actionlint; else echo "make workflows: actionlint is not installed and was skipped; go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12." >&2; fi
	@$(VENV)/bin/zizmor --offline --no-progress --quiet --persona=pedantic .github

.PHONY: docs
docs: $(VENV)/.ready-dev ## Write the generated parts of docs/ and build the book in build/book
	@$(RUN) -m operations docs && NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet

.PHONY: bench
bench: $(VENV)/.ready-dev ## Measure the figures that have a target; ROWS="1000000 10000000" for larger tables
	@$(RUN) -m operations bench $(ARGS)
	@$(RUN) -m tests.cutover.bench_verification --rows $(ROWS)

.PHONY: lock
lock: ## Lock requirements*.in with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock: uv is not on PATH; install it (pip install uv) and run again." >&2; exit 2; }
	@uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --custom-compile-command "make lock" requirements.in -o requirements.txt
	@uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

.PHONY: clean
clean: ## Remove the virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build
