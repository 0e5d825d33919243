# The verbs of the desk. CI calls the same ones.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
.PHONY: run run-scaled test check campaign bench requirements screenshots clean

run: $(VENV)/run.stamp ## Start the embedded desk with simulated feeds: nothing to configure
	@$(BIN)/python manage.py check --fail-level ERROR >/dev/null
	@$(BIN)/python manage.py desk --check-free
	@$(BIN)/python manage.py backup --quiet-when-empty
	@$(BIN)/python manage.py migrate --verbosity 0
	@exec $(BIN)/python manage.py desk

run-scaled: $(VENV)/run.stamp ## Start web × 2, worker and beat on DATABASE_URL and REDIS_URL
	@$(BIN)/python manage.py web --check >/dev/null
	@$(BIN)/python manage.py backup --quiet-when-empty
	@$(BIN)/python manage.py migrate --verbosity 0
	@export WEB_PORT=$$($(BIN)/python manage.py web --check) PYTHON=$(BIN)/python && \
		exec $(BIN)/honcho start -p $$WEB_PORT -c web=2,simulator=$$($(BIN)/python manage.py simulator --wanted)

test: $(VENV)/dev.stamp ## Everything: unit, feed, live, browser and scaled suites
	@$(BIN)/python -m tests.run

check: $(VENV)/dev.stamp ## Formatting, lint, types, import contracts, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

campaign: $(VENV)/dev.stamp ## The long campaigns at full size (`make test` runs them at 1 %)
	DESK_CAMPAIGN=1 $(BIN)/python -m tests.run tests/campaign

bench: $(VENV)/dev.stamp ## Every figure beside its floor of the same run
	@$(BIN)/python -m bench

requirements: ## Compile the pinned requirements anew from pyproject.toml
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --no-header --no-annotate --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

$(VENV)/run.stamp: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the desk needs …"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

screenshots: $(VENV)/dev.stamp ## Take docs/img anew, from a desk that plays its simulators for a while
	@$(BIN)/python -m tests.browser.pictures

clean:
	rm -rf $(VENV) var
