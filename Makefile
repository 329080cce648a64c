# Everything happens in .venv; needs make and Python 3.11 or newer, and nothing else.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := uv==0.13.9
SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(SUITABLE)' 2>/dev/null && echo $$each && break; done)
# A file of tests to each process, and one thread to each: threads that share cores wait for each other.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile
# What this shell has set for another environment must not change what is tested here.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX

.DEFAULT_GOAL := install
.PHONY: install demo test lint format requirements clean help

install: $(STAMP)  ## make .venv with the exact versions of requirements.txt (also plain `make`)

# uv reads neither pip's configuration nor its folders of wheels: everybody gets the same packages.
$(STAMP): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make virtual environments here. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV)"
	$(BIN)/uv pip install --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: install  ## train and try an idea on images that ship with the package; prints where the reports lie
	$(BIN)/vyvod train data=fashion-mnist-mini model=plain training.epochs=25 training.batch_size=32 training.learning_rate=2e-3 name=demo
	$(BIN)/vyvod train data=nuclei model=unet model.width=16 name=demo-segmentation
	$(BIN)/vyvod train data=nuclei-boxes model=yolo5 data.image_size=256 training.batch_size=4 name=demo-detection
	$(BIN)/vyvod experiment examples/experiments/demo.yaml

test: install  ## everything that the project promises: style, types, imports, tests
	@began=$$(date +%s); $(MAKE) --no-print-directory lint && $(PYTEST) && \
		echo "make test took $$(($$(date +%s) - began)) s"

lint: install  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: install  ## resolve requirements.txt anew from pyproject.toml, keeping what still fits
	$(BIN)/uv pip compile pyproject.toml --extra wandb --extra onnx --extra scale --extra video --extra dev --universal --python-version 3.11 \
		--no-emit-index-url --no-header --quiet --output-file requirements.txt
	@line='# Exact versions, for all systems. Made from pyproject.toml with `make requirements`; change the ranges there.'; \
		{ echo "$$line"; cat requirements.txt; } > requirements.new && mv requirements.new requirements.txt

clean:  ## remove .venv and everything that tools left behind; runs stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-14s%s\n", $$1, $$2 }'
