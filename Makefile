# Voxshelf: `make` alone lists the targets. Everything that is installed is pinned by
# requirements.txt and package-lock.json, and lands inside this folder.
PYTHON ?= python3.11
VENV := functions/venv
PY := $(VENV)/bin/python
export PYTHONPATH := functions:.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.txt functions/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(PY) -m compileall -q $(VENV)/lib || true
	@touch $@

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: install
install: $(VENV)/.installed node_modules/.installed ## Install the pinned tools into this folder

.PHONY: dev
dev: install ## Run the whole stack on the emulators until Ctrl-C
	@$(PY) -m local.dev

.PHONY: dev-clean
dev-clean: install ## The same with an empty store
	@$(PY) -m local.dev --clean
