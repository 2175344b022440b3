# Two commands do all the set-up on a machine that has only Python, pip/venv and make: `make demo` and `make test`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test soak defects check fix format lint imports types clean

# The first of these that runs, is 3.11 to 3.13 and can make virtual environments; 3.11 leads because carbon runs there.
# `make PYTHON=/path/to/python` decides otherwise.
PYTHONS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS :=

# A caller's Python settings would lead the environment to packages that are not its own.
unexport PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER

# An environment that was made elsewhere and copied here, or whose Python has gone, is made anew.
STALE := $(shell [ ! -e $(VENV) ] || { [ "$$(cat $(VENV)/.python 2>/dev/null)" = "$(CURDIR)" ] && \
    $(BIN)/python -c pass >/dev/null 2>&1; } || rm -rf $(VENV))

help:  ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## the main job without an AWS account: simulated CloudWatch, real Graphite receiver
	@$(BIN)/python -m cwarchive demo $(ARGS)

test: $(VENV)/.dev  ## the tests; ARGS="-k mark" chooses
	@$(BIN)/python -m pytest -n 2 $(ARGS)

soak: $(VENV)/.dev  ## 20 times 455 simulated days of trouble, two at once; ARGS="--seeds 3" chooses
	@$(BIN)/python -m tests.simulator --jobs 2 $(ARGS)

defects: $(VENV)/.dev  ## whether the tests catch every deliberate defect; ARGS="lookback" chooses
	@$(BIN)/python -m tests.defects $(ARGS)

check:  ## everything that must pass before a change lands, as CI runs it
	@.ci/run

fix: $(VENV)/.dev  ## format, and mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

format: $(VENV)/.dev  ## whether the format is right
	@$(BIN)/ruff format --check .

lint: $(VENV)/.dev  ## ruff
	@$(BIN)/ruff check .

imports: $(VENV)/.dev  ## who may import whom
	@$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev  ## mypy, strict
	@$(BIN)/mypy

clean:  ## remove what make and the tools have made here
	@rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

$(VENV)/.python:
	@for python in $(PYTHONS); do \
	    if "$$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
	        echo "setting up $(VENV) with $$("$$python" --version) ($$python)"; \
	        "$$python" -m venv --clear $(VENV) && echo "$(CURDIR)" >$@ && exit 0; \
	        echo "$$python could not make a virtual environment in $(CURDIR)/$(VENV); see above" >&2; exit 1; \
	    fi; \
	done; \
	echo "no Python 3.11, 3.12 or 3.13 that can make virtual environments among: $(PYTHONS)" >&2; \
	echo "install one (on Debian and Ubuntu: apt install python3 python3-venv) or name one: make PYTHON=/path/to/python" >&2; \
	exit 1

# Whoever has the tools of a developer has the demo as well.
$(VENV)/.dev: pyproject.toml $(VENV)/.python
	@$(call install,dev)
	@touch $(VENV)/.demo $@

$(VENV)/.demo: pyproject.toml $(VENV)/.python
	@$(call install,demo)
	@touch $@

define install
echo "installing cwarchive[$(1)] into $(VENV); the log is $(VENV)/install.log"; \
$(BIN)/python -m pip install --disable-pip-version-check --no-input --editable '.[$(1)]' >$(VENV)/install.log 2>&1 || { \
    tail -n 15 $(VENV)/install.log >&2; \
    echo "pip could not install cwarchive[$(1)] into $(VENV) (the whole log: $(VENV)/install.log)" >&2; \
    echo "check the way to the package index (proxy, PIP_INDEX_URL), then run make again" >&2; \
    exit 1; }
endef
