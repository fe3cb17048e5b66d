# Two commands do all set-up on a machine with Python 3.11, pip and make:
#   make demo    balance the embedded drawn faces and show where the result is
#   make test    run the tests
PYTHON ?= python3.11
BIN := .venv/bin
# The stages of dvc.yaml call `python`: the one that was set up here.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: demo test check clean

.venv/run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/dev: .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,datasets,ray]'
	touch $@

demo: .venv/run
	$(BIN)/dvc repro
	$(BIN)/augment summary

test: .venv/dev
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/augment check
	$(BIN)/dvc dag --dot > /dev/null
	$(BIN)/dvc repro --dry --quiet $(if $(wildcard reports/report.html),,ingest)  # the rest needs data to be tried

clean:
	rm -rf .venv .augment data models reports/report.html reports/history reports/plots
