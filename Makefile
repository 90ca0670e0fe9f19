# Two commands do everything on a fresh Debian machine with Python 3.11 or newer: make run, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What the window, the built-in room and the camera drivers need from the system; tests add a virtual screen, fakenect and a compiler.
RUN_PACKAGES := python3-venv libglib2.0-0 libgl1 libegl1 libgles2 libgl1-mesa-dri libxkbcommon0 libfontconfig1 libdbus-1-3 \
  libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-randr0 libxcb-render-util0 \
  libxcb-image0 libxcb-xinerama0 fonts-dejavu-core libopenni2-0 libopenni2-dev libfreenect0.5
TEST_PACKAGES := $(RUN_PACKAGES) xvfb xdotool strace libfreenect-bin iproute2 gcc libc6-dev openssl \
  chromium chromium-driver

# A worker gets a file at a time, in the order of tests/conftest.py: the long ones first.
IN_PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: run test test-offline audit gpu sbom lint docs coverage clean
.DEFAULT_GOAL := help

help:
	@echo "make run           set up and open the window on the built-in room (headless where there is no display)"
	@echo "make test          set up and run the lint rules and the whole test suite"
	@echo "make test-offline  the suite alone, with the network taken away (after make test has set it up)"
	@echo "make lint          only the lint rules (ruff, mypy, import-linter)"
	@echo "make coverage      the suite with a coverage report"
	@echo "make docs          build the documentation into site/"
	@echo "make gpu           everything that waits for an NVIDIA GPU: tests, parity, times, memory, into out/gpu/"
	@echo "make sbom          a lock file and a bill of materials (CycloneDX) of what is installed, into out/"
	@echo "make audit         look the installed versions up among known weaknesses (needs the network)"
	@echo "make clean         remove .venv and everything generated"

# $(1): packages. Installs what is missing; where that is not possible, says which and goes on.
define system_packages
	@missing=""; \
	if command -v dpkg-query >/dev/null 2>&1; then \
	  for p in $(1); do \
	    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	  done; \
	fi; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then as_root=""; \
	  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo"; \
	  else as_root="none"; fi; \
	  if [ "$$as_root" = none ]; then \
	    echo "These system packages are missing; some parts may not work until you install them:"; \
	    echo "  sudo apt-get install$$missing"; \
	  else \
	    echo "Installing system packages:$$missing"; \
	    ( $$as_root apt-get update -qq && \
	      $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing \
	    ) >/dev/null || echo "apt-get failed; going on without:$$missing"; \
	  fi; \
	fi
endef

run: | system-run
	@$(MAKE) --no-print-directory $(VENV)/.installed-run
	@$(BIN)/rgbd-seg demo

test: | system-test
	@$(MAKE) --no-print-directory $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory lint
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(IN_PARALLEL)

# A network namespace of its own, in which only the loopback device exists.
OFFLINE := unshare --net --mount $(if $(filter 0,$(shell id -u)),,--map-root-user)
test-offline: $(VENV)/.installed-dev
	@$(OFFLINE) sh -c 'ip link set lo up && QT_QPA_PLATFORM=offscreen exec $(BIN)/python -m pytest $(IN_PARALLEL)'

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

audit: $(VENV)/.installed-dev
	@$(BIN)/python -m pip install -q 'pip-audit>=2.7,<3'
	@mkdir -p out
	@$(BIN)/python -m pip freeze --exclude-editable > out/requirements.lock
	@$(BIN)/pip-audit --strict --no-deps --disable-pip -r out/requirements.lock

# What a machine with an NVIDIA GPU is asked for, about fifteen minutes: GPU="--rehearse" runs it on the processor.
gpu: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.gpu.first_contact $(GPU)

# What a release was built and tested with: pip's own list, and a bill of materials with licences (CycloneDX).
sbom: $(VENV)/.installed-dev
	@$(BIN)/python -m venv $(VENV)/sbom
	@$(VENV)/sbom/bin/pip install -q 'cyclonedx-bom>=5,<8'
	@mkdir -p out
	@$(BIN)/python -m pip freeze --exclude-editable > out/requirements.lock
	@$(VENV)/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml -o out/sbom.json $(BIN)/python
	@echo "out/requirements.lock and out/sbom.json"

coverage: $(VENV)/.installed-dev
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

docs: $(VENV)/.installed-dev
	@$(BIN)/mkdocs build --strict

.PHONY: system-run system-test help
system-run:
	$(call system_packages,$(RUN_PACKAGES))

system-test:
	$(call system_packages,$(TEST_PACKAGES))

$(BIN)/python:
	@echo "Creating $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rgbd-seg needs Python 3.11 or newer; name one with make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --upgrade pip

$(VENV)/.installed-run: pyproject.toml | $(BIN)/python
	@echo "Installing the program and PyTorch (about 6 GB, a few minutes the first time)"
	@$(BIN)/python -m pip install -q -e '.[torch,live]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing the program with its training and development tools (a few minutes the first time)"
	@$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $@ $(VENV)/.installed-run

clean:
	rm -rf $(VENV) build dist out site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
