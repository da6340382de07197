# Needs Python 3.11 or newer (with its venv module) and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
RUN = runs/demo-$(shell date +%Y%m%d-%H%M%S)

.PHONY: demo test check format docs bench gate schema wheel clean

demo: .venv/installed  ## Measure a small plane and draw it, in about two minutes
	@run=$(RUN) && $(BIN)/fwdrev sweep --quick --out $$run && $(BIN)/fwdrev plot $$run && $(BIN)/fwdrev report $$run

test: .venv/developing  ## All tests
	$(BIN)/python -m pytest

check: .venv/developing  ## Lint, format, strict types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/hooks.py
	$(BIN)/lint-imports

format: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/developing  ## The site, into build/site; a link or an anchor that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/developing  ## What the engines are worth on this machine; nothing else should run meanwhile
	$(BIN)/python benchmarks/against_jax.py
	$(BIN)/python benchmarks/machine_limit.py
	$(BIN)/python benchmarks/protocols.py
	$(BIN)/python benchmarks/bracketings.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/jacobian_overhead.py
	$(BIN)/python benchmarks/contract.py

gate: .venv/developing  ## Whether our own engines are slower than where this branch left main
	@FWDREV=$(BIN)/fwdrev sh benchmarks/gate.sh

schema: .venv/developing  ## Write the published schemas of our files anew
	$(BIN)/python -m fwdrev.results.published

wheel: .venv/developing  ## Build, install the wheel into a clean environment, and run it from another folder
	rm -rf build/lib build/bdist.* dist
	$(BIN)/python -m build
	sh tests/wheel.sh dist/*.whl

clean:
	rm -rf .venv build dist *.egg-info

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
