# Everything people run. `make` alone lists the targets.
# Set-up needs Python 3.11 to 3.14 and nothing else; it happens by itself where a target needs it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do $$name -c "$(FITS)" >/dev/null 2>&1 && { echo $$name; break; }; done)
VENV := .venv
RUN := $(VENV)/bin/python
TEST_WORKERS ?= 2
ROWS ?= 1000000
EXPORT := --quiet --frozen --no-header --output-file
# Rehearsals and tests start many interpreters; none should compile the project again.
unexport PYTHONDONTWRITEBYTECODE

# A virtual environment whose interpreter no longer starts (moved, upgraded, half-made) is made again.
ifneq ($(shell $(RUN) -c 'print("works")' 2>/dev/null),works)
  $(shell rm -f $(VENV)/.ready $(VENV)/.ready-dev)
endif

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

SET_UP = @test -n "$(PYTHON)" && "$(PYTHON)" -c "$(FITS)" 2>/dev/null || { python="$(or $(PYTHON),python3)"; echo "make: no Python that fits ($$python is $$("$$python" -V 2>&1 | head -n 1)); allowed: 3.11 to 3.14; install one, or run make PYTHON=/path/to/python." >&2; exit 2; }; \
	echo "Setting up $(VENV) ..."; "$(PYTHON)" -m operations.setup $(VENV)

$(VENV)/.ready: requirements-setup.txt requirements.txt
	$(SET_UP) requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-setup.txt requirements.txt requirements-dev.txt
	$(SET_UP) requirements.txt requirements-dev.txt
	@touch $(VENV)/.ready $@

.PHONY: setup
setup: $(VENV)/.ready-dev ## Set up the virtual environment with all tools

.PHONY: rehearse
rehearse: $(VENV)/.ready ## Play and judge a whole deployment, no account, no Pulumi CLI: make rehearse STACK=dev
	@test -n "$(STACK)" || { echo "make rehearse: no stack given; allowed: $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml)); run make rehearse STACK=dev." >&2; exit 2; }
	@$(RUN) -m operations rehearse --stack "$(STACK)" $(ARGS)

.PHONY: test
test: $(VENV)/.ready-dev ## Run every test that needs neither the Pulumi CLI nor an account
	@$(RUN) -m pytest -q -n $(TEST_WORKERS) --dist loadfile -m "not slow" $(ARGS)

.PHONY: pulumi
pulumi: ## Build the pinned Pulumi CLI for the tests on the real engine, and say what to put on PATH
	@kept="$$(tools/pulumi-cli/build)" && echo "export PATH=\"$$PWD/$(VENV)/bin:$$kept:\$$PATH\""

.PHONY: judges
judges: $(VENV)/.ready-dev ## Hold the program against judges that it did not write, and tell their figures
	@$(RUN) -m pytest -q -m "not slow" tests/judges $(ARGS)

.PHONY: rehearse-engine
rehearse-engine: $(VENV)/.ready-dev ## Play the life of a stack on the Pulumi CLI, no account: make rehearse-engine STACK=dev
	@test -n "$(STACK)" || { echo "make rehearse-engine: no stack given; allowed: $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml)); run make rehearse-engine STACK=dev." >&2; exit 2; }
	@$(RUN) -m operations rehearse-engine --stack "$(STACK)" $(ARGS)

.PHONY: faults
faults: $(VENV)/.ready-dev ## Run all tests on the Pulumi CLI: every creation fails once, kills, upgrades (long)
	@$(RUN) -m pytest -q -rs tests/tools/engine $(ARGS)

.PHONY: mysql
mysql: ## Fetch a real MySQL server for the cutover's tests; prints what to export
	@server=$$(tools/mysql/fetch) && echo "export CUTOVER_TEST_MYSQLD=$$server"

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
lint: $(VENV)/.ready-dev ## Lint the code and the YAML, and hold who may import whom
	@$(RUN) -m ruff check --quiet . && $(VENV)/bin/yamllint --strict .
	@told="$$($(VENV)/bin/lint-imports 2>&1)" || { echo "$$told" >&2; exit 1; }

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

.PHONY: policy-sdks
policy-sdks: $(VENV)/.ready-dev ## Test the policy pack on the oldest and the newest Pulumi SDK that its distribution allows
	@for age in lowest-direct highest; do \
		python="build/policy-sdk-$$age/bin/python"; \
		$(VENV)/bin/uv venv --quiet --clear --python $(RUN) "build/policy-sdk-$$age"; \
		$(VENV)/bin/uv pip install --quiet --python "$$python" --resolution "$$age" -r policy/requirements.txt; \
		$(VENV)/bin/uv pip install --quiet --python "$$python" hypothesis pulumi-aws pytest; \
		"$$python" -c 'from importlib.metadata import version; print("pulumi-policy", version("pulumi-policy"), "pulumi", version("pulumi"))'; \
		"$$python" -m pytest -q -p no:cacheprovider tests/policy/test_sdk.py tests/policy/test_analyzer.py tests/policy/test_evasions.py; \
	done

.PHONY: bench
bench: $(VENV)/.ready-dev ## Measure the figures that have a target; ROWS="1000000 10000000" for larger tables
	@$(RUN) -m operations bench $(ARGS)
	@$(RUN) -m tests.cutover.bench_verification --rows $(ROWS)

.PHONY: lock
lock: $(VENV)/.ready ## Lock the dependencies of pyproject.toml with hashes: make lock ARGS="--upgrade"
	@$(VENV)/bin/uv lock --quiet $(ARGS)
	@$(VENV)/bin/uv export --no-default-groups $(EXPORT) requirements.txt
	@$(VENV)/bin/uv export --only-group dev $(EXPORT) requirements-dev.txt
	@$(VENV)/bin/uv export --only-group setup $(EXPORT) requirements-setup.txt

.PHONY: clean
clean: ## Remove the virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build
