# Everything a reader or a contributor types.  `make` alone prints the table.
#
# PYTHON is what makes the virtual environment, VENV is where it lies.
# JOBS is how many test processes run side by side.  SUT is the binary under test; without it, ours.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 4
BIN     = $(VENV)/bin
SUT    ?=
SITE    = docs/_build/html
DEMO    = tutorial/00-the-document

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Without compiled modules every server of every test would compile a hundred of them.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help run test check conformance tutorial docs bench faults soak fuzz all clean

help:  ## print this table
	@echo "make run                    serve the scaling document's example on port 8000"
	@echo "make test                   house, unit, integration, conformance, tutorial, then coverage"
	@echo "make check                  format, lint, types, house rules"
	@echo "make conformance SUT=...    the black-box suite on any binary; RECORD=1 keeps the results"
	@echo "make tutorial               run every step of the tutorial; RECORD=1 rewrites its pages"
	@echo "make docs                   build the site into $(SITE)"
	@echo "make bench                  costs side by side; QUICK=1 for a glance"
	@echo "make faults                 kill, starve and deceive whole servers"
	@echo "make soak MINUTES=10        everything at once under load, with kills; RECORD=1 keeps the curves"
	@echo "make fuzz SECONDS=60        odd bytes for every parser, so long for each; RECORD=1 keeps the counts"
	@echo "make all                    what CI runs on refuwsgi: check, test, docs"
	@echo "make clean                  remove what the above made, the environment included"

# Two environments in one directory: the server alone needs no dependency, and
# whoever only wants to see it run should not have to wait for the test tools.
$(VENV)/.server: pyproject.toml
	@echo "preparing $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.server
	@echo "installing the test tools into $(VENV) (once, a minute)"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

run: $(VENV)/.server  ## the first ini of the scaling document, as it stands there
	@echo "In another terminal:"
	@echo "    curl -i http://127.0.0.1:8000/             the application"
	@echo "    curl -i http://127.0.0.1:8000/style.css    a static file, sent by an offload thread"
	@echo "    curl -s http://127.0.0.1:8001/             the stats: workers, cores, offloaded_requests"
	@echo "Ctrl-C stops it."
	@cd $(DEMO) && exec $(abspath $(BIN)/refuwsgi) --ini uwsgi.ini --stats 127.0.0.1:8001 --stats-http

# The servers under test run elsewhere, and their children look for this file from there.
test: export COVERAGE_FILE = $(CURDIR)/.coverage
test: $(VENV)/.tools
	@$(BIN)/coverage erase
	@$(BIN)/coverage run tests/again.py -n $(JOBS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --precision=1 --fail-under=95

check: $(VENV)/.tools
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/house

conformance: $(VENV)/.tools
	@SUT="$(SUT)" RECORD="$(RECORD)" $(BIN)/python tests/again.py -n $(JOBS) tests/conformance

tutorial: $(VENV)/.tools
	@RECORD="$(RECORD)" $(BIN)/python tests/again.py -n 0 tests/tutorial

docs: $(VENV)/.tools
	@$(BIN)/sphinx-build -n -W --keep-going -q -b html docs $(SITE)
	@echo "$(SITE)/index.html"

bench: $(VENV)/.tools
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

faults: $(VENV)/.tools
	@$(BIN)/python tests/again.py -n $(JOBS) tests/faults

soak: $(VENV)/.tools
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) $(if $(RECORD),--record)

fuzz: $(VENV)/.tools
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(if $(RECORD),--record)

all: check test docs

clean:
	rm -rf $(VENV) docs/_build build *.egg-info .coverage .coverage.* htmlcov \
	    .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
