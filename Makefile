# Two commands for a fresh clone: `make demo` and `make test`. Both do all of their own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that share the tests, at most eight: one more than cores, as some tests wait for other processes. 0: none but
# pytest itself, for a debugger.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test gpu-test cluster-test fuzz check lint format bench browser package docs clean

help:
	@echo "make demo    install, train a machine to copy until it is solved, show what it does (runs/demo)"
	@echo "make test    install, run the tests"
	@echo "make gpu-test  the kernels for GPUs, without one: interpreted and compiled; installs Triton (1 GB) into build/gpu"
	@echo "make cluster-test  breaks things: two hosts and their cable (needs root), nodes of a Ray cluster; about six minutes"
	@echo "make fuzz    odd calls, files, folders and requests against the program, on this computer only; about ten minutes"
	@echo "make check   formatting, lint, types and tests: what a commit has to pass"
	@echo "make format  format the code and apply what the linter can mend"
	@echo "make browser installs Chromium with apt-get, for the tests of the explorer's page"
	@echo "make package builds wheel and sdist into dist/ and checks them"
	@echo "make docs    the documentation as a site, the explorer's page in it: build/docs/index.html; needs no network but for pip"
	@echo "make bench   speed against the reference and torch.nn.LSTM, as ratios"
	@echo "make clean   remove the virtual environment and all caches; runs/ stays"

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/neuraltape train copy --name demo --overwrite
	$(BIN)/neuraltape evaluate demo --lengths 10 20 30 50 120
	$(BIN)/neuraltape plot demo

# The explorer's page is tested in Debian's Chromium; where there is none those tests are skipped, but not in CI.
ifeq ($(CI),true)
test: browser
endif
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal

# Triton lies apart: the other tests do without, and PyTorch would take it up. Its interpreter has a process of its own.
GPU := build/gpu
GPU_TESTS := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 tests/kernels/triton
$(GPU)/.installed: $(INSTALLED) constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt \
		--upgrade --target $(GPU) triton
	@touch $@

gpu-test: export PYTHONPATH := $(CURDIR):$(CURDIR)/$(GPU)
gpu-test: export TRITON_CACHE_DIR := $(CURDIR)/build/gpu-cache
gpu-test: $(GPU)/.installed
	TRITON_INTERPRET=1 $(GPU_TESTS)
	$(GPU_TESTS)

# Network namespaces need root and iproute2; without them the trials on two hosts are skipped, and it is said why.
cluster-test: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[dev,cluster-test]'
	@test "$$(id -u)" = 0 || echo "not root: the trials on two hosts are skipped; sudo make cluster-test runs them too"
	$(BIN)/python -m pytest --cluster tests/cluster tests/study/test_s3.py

# NEURALTAPE_FUZZ_SEED=1 draws other ones, NEURALTAPE_FUZZ_SECONDS=600 more of them.
fuzz: $(INSTALLED)
	$(BIN)/python -m pytest --fuzz -rP tests/fuzz

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

check: lint test

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser:
	@command -v chromium > /dev/null || { apt-get update -qq && apt-get install -y -qq chromium; } || \
		echo "chromium could not be installed; the tests of the explorer's page are skipped"

# The largest wheel that a release may have, in bytes.
WHEEL_AT_MOST := 6000000

package: $(INSTALLED)
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	@size=$$(cat dist/*.whl | wc -c); test $$size -le $(WHEEL_AT_MOST) || \
		{ echo "the wheel has $$size bytes; at most $(WHEEL_AT_MOST) are allowed"; exit 1; }

# Warnings are errors, and so is a link that leads nowhere. The export says which machines it leaves out: their data is not here.
docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs]'
	rm -rf build/docs build/site
	mkdir -p build/site/extra
	cp docs/site/door.html build/site/extra/index.html
	$(BIN)/neuraltape explore --export build/site/extra/explorer
	$(BIN)/python -m sphinx -q -E -W --keep-going -c docs/site . build/docs
	$(BIN)/python docs/site/check.py build/docs

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
