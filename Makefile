# Needs Python 3.11 or newer (with its venv module) and make, nothing else.
PYTHON ?= python3
# The tests start hundreds of processes: without compiled files each would compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
# One more than two cores: tests wait for processes now and then.
JOBS ?= 3
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
COMPILE = $(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --extra test pyproject.toml --output-file

.PHONY: demo test test-long test-all coverage test-versions mutants constraints check format docs bench gate schema wheel clean

demo: .venv/installed  ## Measure a small plane and draw it, in about two minutes
	@FWDREV=$(BIN)/fwdrev sh examples/demo.sh

test: .venv/developing  ## Every property, in five minutes on two cores
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-long: .venv/developing  ## What takes long because it must: the same at other sizes, or more often
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m long  # files that wait long are early

test-all: test test-long  ## Both

coverage: .venv/developing  ## Lines and branches that `make test` runs, then those that both suites run
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=term
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m long --cov --cov-append --cov-report=term

test-versions: .venv/developing  ## The short suite with the newest versions on the newest Python here, and the lowest on the lowest
	$(BIN)/python -m tests.versions

mutants: .venv/developing  ## How many small faults the tests find, and which they do not; takes half an hour
	$(BIN)/python -m tests.mutants

constraints: .venv/developing  ## Look up the newest and the lowest versions anew
	$(COMPILE) constraints-newest.txt --python-version 3.12 --extra sparse
	$(COMPILE) constraints-lowest.txt --python-version 3.11 --resolution lowest-direct

check: .venv/developing  ## Lint, format, strict types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/reference_pages.py docs/import_graph.py
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
	$(BIN)/python benchmarks/cluster.py

gate: .venv/developing  ## Whether our own engines are slower than where this branch left main
	@FWDREV=$(BIN)/fwdrev sh benchmarks/gate.sh

schema: .venv/developing  ## Write the published schemas of our files and the pages of the reference anew
	$(BIN)/python -m fwdrev.results.published
	$(BIN)/python docs/reference_pages.py

wheel: .venv/developing  ## Build, install the wheel into a clean environment, and run it from another folder
	rm -rf build/lib build/bdist.* dist
	$(BIN)/python -m build
	sh tests/wheel.sh dist/*.whl

clean:
	rm -rf .venv build dist *.egg-info

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv
	@began=$$(date +%s) && $(PIP) --editable . && \
		printf '%-52s %3s s\n' 'installed fwdrev into .venv' $$(($$(date +%s) - began))
	@touch $@

.venv/developing: .venv/installed
	@$(PIP) --editable '.[dev]'
	@touch $@
