# Each target sets up the virtual environment .venv by itself; a second run is fast.
# PYTHON names the interpreter (3.11 or newer), OUT the folder of `make demo`,
# TORCH_OPTIONS what uv or pip needs to find another build of PyTorch.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

PYTHON ?=
OUT ?= sentiment/demo
TORCH_OPTIONS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python scripts/install.py
INPUT ?=
CONFIG ?=

# three more than there are cores: many tests wait, for a browser or for other processes
TEST_PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 3)

SENTISTREAM_DATA ?= $(abspath $(wildcard ../shared/data))
export SENTISTREAM_DATA

# many tests start the program, which should not compile itself each time
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/demo.stamp ## Set up, make a demonstration clip and analyze it
	$(BIN)/sentistream demo --out "$(OUT)"

.PHONY: monitor
monitor: $(VENV)/monitor.stamp ## Set up and watch cameras, with a page (CONFIG=settings.yaml)
	$(BIN)/sentistream monitor $(if $(CONFIG),--config "$(CONFIG)")

.PHONY: test
test: $(VENV)/test.stamp ## Set up, check style and types, run the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@# collecting once compiles what the tests import, instead of in each process; mypy, which takes one
	@# core, runs beside that and the tests, and says at the end what it found
	@found=$$(mktemp); trap 'rm -f "$$found"' EXIT; $(BIN)/mypy > "$$found" 2>&1 & types=$$!; \
	$(BIN)/python -m pytest --collect-only -qq > /dev/null 2>&1 || true; \
	tests=0; $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder \
	  || tests=$$?; \
	checked=0; wait $$types || checked=$$?; echo "mypy: $$(cat "$$found")"; exit $$((tests || checked))

.PHONY: bench
bench: $(VENV)/test.stamp ## Set up, measure speed and memory (INPUT=clip.mp4 for your own clip)
	$(BIN)/sentistream benchmark $(if $(INPUT),"$(INPUT)")
	$(BIN)/python -m benchmarks.memory

.PHONY: docs
docs: $(VENV)/docs.stamp ## Set up, build the documentation site into site/
	$(BIN)/python docs/draw_architecture.py --check
	$(BIN)/mkdocs build --strict --quiet

.PHONY: clean
clean: ## Remove the environment, caches and the demonstration's results
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage sentiment/demo
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/demo.stamp: Makefile pyproject.toml $(VENV)/made.stamp
	@echo "Installing sentistream and what it needs (no PyTorch) into $(VENV) ..."
	$(INSTALL) --editable .
	@touch $@

$(VENV)/monitor.stamp: Makefile pyproject.toml $(VENV)/made.stamp
	@echo "Installing sentistream and its monitor (no PyTorch) into $(VENV) ..."
	$(INSTALL) --editable '.[monitor,parquet]'
	@touch $@

$(VENV)/test.stamp: Makefile pyproject.toml $(VENV)/made.stamp
	@echo "Installing sentistream, PyTorch and the test tools into $(VENV) ..."
	$(INSTALL) $(TORCH_OPTIONS) 'torch>=2.6,<2.14'
	$(INSTALL) --editable '.[dev,train,openvino,bench,evaluate,tensorboard,monitor,postgresql]'
	@touch $@

$(VENV)/docs.stamp: Makefile pyproject.toml $(VENV)/made.stamp
	@echo "Installing what builds the documentation into $(VENV) ..."
	$(INSTALL) 'mkdocs-material>=9.6'
	@touch $@

$(VENV)/made.stamp:
	@for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo "sentistream needs Python 3.11 or newer; $(if $(PYTHON),$(PYTHON) is not,there is none on the path)." >&2; \
	  echo "Install it (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=python3.12 ..." >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "$$python cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv)." >&2; \
	  exit 1; \
	fi
	@touch $@
