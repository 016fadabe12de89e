# Two commands on a fresh machine: `make demo` opens the page, `make test` runs the tests. Each makes what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint lock audit clean

demo: $(VENV)/.page  ## the page on http://127.0.0.1:7860
	$(BIN)/python app.py

test: $(VENV)/.tests lint  ## all tests; those in a browser need Chromium, which is installed where that is allowed
	@sh tests/get_chromium.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations 15  # a file's tests share what is slow to make

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.page: requirements.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.tests: requirements-dev.txt requirements.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements-dev.txt
	touch $@ $(VENV)/.page

lock: $(VENV)/.tests  ## requirements.lock: all that requirements.txt brings with it, with hashes
	$(PIP) uv==0.13.9
	$(BIN)/uv pip compile requirements.txt --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.lock

audit: $(VENV)/.tests  ## known weaknesses of what is locked; fails where one is known, or nothing can be asked
	$(PIP) pip-audit==2.10.1
	$(BIN)/pip-audit --strict --disable-pip --requirement requirements.lock

clean:
	rm -rf $(VENV) runs
