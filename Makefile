# Two commands matter: `make run` opens the program, `make test` checks it. Both set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PINS   := packaging/constraints.txt
TORCH  ?= cpu
TORCH_VERSION := 2.13.0
# Only asked when the usual index has no CPU build of torch.
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run demo setup setup-test test lint format bench screenshots wheel freeze notices clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

run: setup ## Open the program on the demo recording
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then exec $(BIN)/ripieno open --demo; \
	else echo "There is no display here, so no window can open."; \
	     echo "To take the demo recording apart on the command line instead: make demo"; exit 1; fi

demo: setup ## Separate the demo recording on the command line, into out/
	$(BIN)/ripieno separate resources/demo/mix.flac --instruments violin,clarinet,viola,bassoon --out out/demo --force

# ---------------------------------------------------------------------------------------------- set-up

setup: $(VENV)/.ready-run ## Set up what the program needs (TORCH=cuda for a CUDA build of torch)

setup-test: $(VENV)/.ready-test

$(BIN)/python:
	@PYTHON=$(PYTHON) packaging/system-packages.sh run
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ripieno needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch-$(TORCH): $(PINS) | $(BIN)/python
ifeq ($(TORCH)-$(shell uname -s),cpu-Linux)
	@echo "Installing torch $(TORCH_VERSION), the CPU build …"
	@$(PIP) install -c $(PINS) "torch==$(TORCH_VERSION)+cpu" 2>/dev/null \
	  || $(PIP) install -c $(PINS) --extra-index-url $(TORCH_CPU_INDEX) "torch==$(TORCH_VERSION)+cpu"
else
	@echo "Installing torch $(TORCH_VERSION) …"
	@$(PIP) install -c $(PINS) --force-reinstall --no-deps "torch==$(TORCH_VERSION)"
	@$(PIP) install -c $(PINS) "torch==$(TORCH_VERSION)"
endif
	@rm -f $(VENV)/.torch-* && touch $@

$(VENV)/.ready-run: pyproject.toml $(PINS) packaging/system-packages.sh $(VENV)/.torch-$(TORCH)
	@PYTHON=$(PYTHON) packaging/system-packages.sh run
	@echo "Installing Ripieno and what it needs …"
	@$(PIP) install -c $(PINS) -e .
	@touch $@

$(VENV)/.ready-test: pyproject.toml $(PINS) packaging/system-packages.sh $(VENV)/.torch-$(TORCH)
	@PYTHON=$(PYTHON) packaging/system-packages.sh test
	@echo "Installing Ripieno and what its tests need …"
	@$(PIP) install -c $(PINS) -e ".[test]"
	@touch $@ $(VENV)/.ready-run

# ---------------------------------------------------------------------------------------------- checks

test: setup-test ## Run the tests
	$(BIN)/python -m pytest

lint: setup-test ## Style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-test ## Put the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-test ## Run the benchmarks; figures go to the terminal
	$(BIN)/python -m tests.benchmarks

screenshots: setup-test ## Drive the program and take the pictures that the documents show
	$(BIN)/python docs/screenshots.py

# ---------------------------------------------------------------------------------------------- to ship

wheel: setup ## Build the wheel, into dist/
	$(PIP) wheel --no-deps --wheel-dir dist .

freeze: setup ## Freeze the program into dist/ripieno/ and try it
	@$(PIP) install -c $(PINS) -e ".[build]"
	$(BIN)/pyinstaller --noconfirm --log-level WARN packaging/ripieno.spec
	$(BIN)/python packaging/smoke_test.py dist/ripieno/ripieno

notices: setup ## Write packaging/THIRD_PARTY_NOTICES from what is installed
	@$(PIP) install -c $(PINS) -e ".[build]"
	$(BIN)/python packaging/notices.py > packaging/THIRD_PARTY_NOTICES

clean: ## Remove everything that was made, the set-up too
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
