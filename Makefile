# Voxshelf: `make` alone lists the targets. Everything that is installed is pinned by
# requirements.txt and package-lock.json, and lands inside this folder.
PYTHON ?= python3.11
VENV := functions/venv
PY := $(VENV)/bin/python
export PYTHONPATH := functions:.
# Python without bytecode starts three to four times slower, so what the caller set is dropped.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: dev
dev: install ## Run the whole stack on the emulators until Ctrl-C; PORT_OFFSET moves its ports
	@$(PY) -m local.dev

.PHONY: dev-clean
dev-clean: install ## The same, starting with an empty store
	@$(PY) -m local.dev --clean

.PHONY: demo
demo: install ## Save, list and play as an app would, on the running stack or one of its own
	@$(PY) -m local.demo

.PHONY: reconcile
reconcile: install ## Finish or undo what crashes left behind on the running stack; ARGS=--deep
	@$(PY) -m local.reconcile $(ARGS)

.PHONY: test
test: install ## Run all tests, inside the emulators
	@$(PY) -m local.run_tests $(ARGS)

.PHONY: test-fast
test-fast: install ## Run the tests that need no emulator
	@$(PY) -m pytest -m "not emulator" $(ARGS)

.PHONY: chaos
chaos: install ## Kill, cut and delay saves, and count what is lost; ARGS=--json for machines
	@$(PY) -m tests.chaos $(ARGS)

.PHONY: storm
storm: install ## Do 10,000 random operations amid kills, then compare all; ARGS="--seed 7"
	@$(PY) -m tests.storm $(ARGS)

.PHONY: fuzz
fuzz: install ## Send mutated files and requests; ARGS="--runs 5000"
	@$(PY) -m tests.hardening.fuzz $(ARGS)

.PHONY: conformance
conformance: install ## Hold the running stack against the API document (Schemathesis, all checks)
	@$(PY) -m tests.openapi.conformance $(ARGS)

.PHONY: rehearse
rehearse: install ## Rehearse the deploy with the real Firebase CLI, against a stand-in of Google's APIs
	@$(PY) -m local.rehearsal $(ARGS)

.PHONY: settings
settings: install ## Check the settings that a deploy would take; PROJECT=your-project
	@$(PY) -m local.deploy_settings

.PHONY: check
check: install ## Check formatting, lint, types and generated files
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy functions/main.py functions/voxshelf local benchmarks
	$(PY) -m local.openapi --check

.PHONY: format
format: install ## Format the code, and mend what lint can mend
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: openapi
openapi: install ## Write the API document from the code's types
	$(PY) -m local.openapi

.PHONY: bench
bench: install ## Measure speed against floors of the same run; ARGS=--json for machines
	@$(PY) -m benchmarks $(ARGS)

.PHONY: lock
lock: install ## Pin the newest versions that requirements.in and package.json allow
	$(VENV)/bin/uv pip compile -q --upgrade --python-version 3.11 --universal --no-annotate --no-header functions/requirements.in -o functions/requirements.txt
	$(VENV)/bin/uv pip compile -q --upgrade --python-version 3.11 --universal --no-annotate --no-header requirements.in -o requirements.txt
	npm install --package-lock-only --no-audit --no-fund
	sed -i.bak '/"resolved": /d' package-lock.json && rm package-lock.json.bak

.PHONY: install
install: $(VENV)/.installed node_modules/.installed ## Install the pinned tools into this folder
	@$(PY) -m local.site

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(PY) -m compileall -q $(VENV)/lib > /dev/null || true
	@touch $@

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: clean
clean: ## Remove all that was installed, built and stored here
	rm -rf $(VENV) node_modules .local site/docs/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis
