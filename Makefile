# One command each for newcomers, developers and CI. Needs Python 3.11 or later, pip and make; nothing else for `make demo`.

# The first Python that is new enough, whatever it is called here.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test fuzz lint format types docs stale check bench chaos chaos-short back-pressure kafka pins clean

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/tidewatch ## Watch real data become windows and alerts, two minutes, nothing to set up (ARGS="--forever")
	$(BIN)/tidewatch demo $(ARGS)

install: .venv/tidewatch-dev ## Set up .venv with everything a developer needs

test: .venv/tidewatch-dev ## Run all tests, against real servers where they are installed (ARGS="-k windows -x")
	$(BIN)/python -m pytest $(ARGS)

fuzz: .venv/tidewatch-dev ## Feed policy files, conditions and personal data that mean harm for ten minutes (ARGS="--fuzz-seconds 60")
	$(BIN)/python -m pytest tests/fuzz --fuzz-seconds 600 $(ARGS)

lint: .venv/tidewatch-dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/tidewatch-dev ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/tidewatch-dev ## Check types
	$(BIN)/mypy

docs: .venv/tidewatch-dev ## Regenerate the reference pages
	$(BIN)/python -m docs.generate

stale: .venv/tidewatch-dev ## Check that the reference pages and the figures on pages are up to date
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m benchmarks.report --check

check: lint types stale ## lint, types and stale together

bench: bench-run bench-rules bench-policies ## Measure the ingest path beside plain Faust, rules, and judging (ARGS="--rounds 5"); also bench-peers, bench-scale, bench-latency, bench-steps, bench-guard, bench-objectives, bench-reports

bench-%: .venv/tidewatch-dev
	$(BIN)/python -m benchmarks.$* $(ARGS)

chaos-short: .venv/tidewatch-dev ## Break workers and all around them for two minutes, and compare with the truth (needs Java and Maven)
	$(BIN)/python -m pytest -s tests/chaos $(ARGS)

chaos: .venv/tidewatch-dev ## The same for ten minutes and 10 million events (ARGS="--seed 7"; 50 SIGKILLs or more)
	$(BIN)/python -m pytest -s tests/chaos/test_chaos.py --long $(ARGS)

back-pressure: .venv/tidewatch-dev ## Take ClickHouse away for ten minutes at full load
	$(BIN)/python -m pytest -s tests/chaos/test_back_pressure.py --long $(ARGS)

kafka: .venv/tidewatch-dev ## Run an Apache Kafka to try things against, until Ctrl-C (needs Java and Maven)
	$(BIN)/python -m tests.servers.kafka

pins: ## Write constraints.txt anew from what the newest allowed versions install
	@$(python-is-found)
	rm -rf .cache/pins && $(PYTHON) -m venv .cache/pins
	.cache/pins/bin/python -m pip install --quiet --only-binary :all: --editable '.[dev]'
	{ sed -n '/^#/p' constraints.txt; .cache/pins/bin/python -m pip freeze --exclude-editable; } > .cache/constraints.txt
	mv .cache/constraints.txt constraints.txt && rm -rf .cache/pins

clean: ## Remove .venv, caches and the demo's data
	rm -rf .venv .cache build dist data *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Repeated runs are instant: each file below says what is installed, and is older than what asks for more.
.venv/tidewatch: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install --editable . --constraint constraints.txt
	@touch $@

.venv/tidewatch-dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install --editable '.[dev]' --constraint constraints.txt
	@touch .venv/tidewatch $@

# Debian's Python comes without ensurepip unless python3-venv is installed; pip itself can fill the gap.
.venv/bin/python:
	@$(python-is-found)
	$(PYTHON) -m venv .venv >/dev/null 2>&1 || { \
		$(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip --python .venv/bin/python install --quiet pip; }

define python-is-found
test -n "$(PYTHON)" || { echo "Tidewatch needs Python 3.11 or later, and none is on the PATH. Install one, or name it:" \
	"make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
endef
