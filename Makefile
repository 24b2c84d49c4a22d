# Each target does its own set-up: a virtual environment in .venv; the sandbox's engine and emulator, and the AWS CLI of
# the tests, in a cache.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?= tests
WORKERS ?= 2
PYTHONS ?= python3.11 python3.12 python3.13
PYTHON_LOWEST ?= python3.11
ARCHIVE := components/spapi_rotation/function_archive
FUNCTION_ZIP := $(ARCHIVE)/function.zip
# --write puts the figures into docs/faults.md; --singles walks single faults only.
FAULTS ?=
# --applications 10000 for more than 1,000; --write puts the figures into docs/fleet.md and draws its picture.
FLEET ?=
# --write puts the figures into docs/performance.md; --only function or --only deployment; --thousand deploys 1,000 too.
BENCH ?=
# --write puts the figures into docs/testing.md; --only rules changes these modules only; --keep goes on where a run ended.
MUTANTS ?=
# --profile NAME --region REGION: which AWS account the acceptance run may use. There is no default.
ACCEPTANCE ?=

.DEFAULT_GOAL := help
.PHONY: help demo test engine examples runbook installs lowest faults fleet bench mutants security acceptance sandbox function-zip lint format docs dist lock clean

help:
	@echo "make demo      rotate two applications in the sandbox, every claim observed"
	@echo "make test      all tests but those on the real engine, and a sample of these; the gates of coverage"
	@echo "make engine    all tests on the real engine"
	@echo "make examples  run the examples in the sandbox, and say of each what was done"
	@echo "make runbook   break the world for each alarm, and type what the runbook says"
	@echo "make installs  install by pip and uv under each Python, and see that the function is the same"
	@echo "make lowest    unit and component tests with the lowest versions that the dependencies allow"
	@echo "make faults    the long exploration of faults, with its figures, and the faults on the real engine"
	@echo "make security  scanners that this project did not write: Checkov, cfn-lint, botocore's models, pip-audit"
	@echo "make fleet     1,000 applications over two virtual years, with faults; its figures"
	@echo "make bench     what function and deployment take beside what cannot be done without"
	@echo "make mutants   small changes of the modules that decide, and whether the unit tests notice them"
	@echo "make acceptance ACCEPTANCE='--profile NAME --region REGION'   deploy into a real AWS account and destroy it again"
	@echo "make sandbox   deploy into the sandbox and leave it up until Ctrl-C"
	@echo "make function-zip  renew the zip of the function, after a change of its code or of a lock"
	@echo "make lint      ruff, mypy, pyright, import contracts"
	@echo "make format    ruff's mends and layout"
	@echo "make docs      renew the pictures and tables of docs/"
	@echo "make dist      build both distributions, and the function's zip with its bill of materials, into dist/"
	@echo "make lock      renew the lock files"
	@echo "make clean     remove what these made in this folder (the cache outside stays)"

# The version comes from the function's code.
$(READY): requirements-dev.txt pyproject.toml cli/pyproject.toml rotation_lambda/spapi_rotation_lambda/__init__.py
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e . -e ./cli
	@touch $@

demo: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.demo

# The gates judge what these reach. The others would be slower by the tracing, and reach no more.
TRACED := tests/unit tests/component tests/cli tests/docs/test_runbook.py
QUICK := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "(not engine or sample) and not installs and not runbook and not security"

test: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.engine
ifeq ($(TESTS),tests)
	$(QUICK) --cov --cov-report= $(TRACED)
	$(QUICK) $(TRACED:%=--ignore=%) $(TESTS)
	$(BIN)/python -m coverage report --fail-under=99 --include='rotation_lambda/*'
	$(BIN)/python -m coverage report --fail-under=97 --include='components/*'
	$(BIN)/python -m coverage report --fail-under=97 --include='cli/*'
else
	$(QUICK) $(TESTS)
endif

engine: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.engine
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "engine and not installs and not runbook" $(TESTS)

examples: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.language_hosts
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m example tests/examples tests/engine/test_example_yaml.py

runbook: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m pytest -m runbook tests/engine/test_runbook.py

# Each of PYTHONS must be an interpreter; uv or pyenv can provide them.
installs: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.engine
	PYTHONS="$(PYTHONS)" $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m installs tests/installs

# The lowest versions that the two distributions allow, with the oldest Python; the tests' own tools stay as they are.
lowest: $(READY) $(FUNCTION_ZIP)
	$(BIN)/uv venv --quiet --clear --seed --python $(PYTHON_LOWEST) $(VENV)-lowest
	$(BIN)/uv pip compile --quiet --no-header --python $(VENV)-lowest --resolution lowest-direct pyproject.toml \
		cli/pyproject.toml -o $(VENV)-lowest/versions.txt
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest --no-deps -r requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest -r $(VENV)-lowest/versions.txt
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest --no-deps -e . -e ./cli
	$(VENV)-lowest/bin/python -m pytest -n $(WORKERS) --dist loadfile -m "not installs" tests/unit tests/component

faults: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m tests.engine.fault_scenarios
	$(BIN)/python -m tests.exploration $(FAULTS)

# Each tool has a virtual environment of its own, made from its own lock in tests/security/requirements.
security: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m pytest -q -m security tests/security
	$(BIN)/python -m tests.security

fleet: $(READY)
	$(BIN)/python -m tests.fleet $(FLEET)

bench: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.engine
	$(BIN)/python -m tests.bench $(BENCH)

mutants: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m tests.mutants $(MUTANTS)

acceptance: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m tests.acceptance $(ACCEPTANCE)

sandbox: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m sandbox.serve

# Folders too: a module that is gone or has another name changes its folder's date.
$(FUNCTION_ZIP): $(READY) $(ARCHIVE)/third_party.lock.json $(wildcard $(ARCHIVE)/*.py) \
		$(shell find rotation_lambda/spapi_rotation_lambda -name __pycache__ -prune -o -print)
	$(BIN)/python -m spapi_rotation.function_archive

function-zip: $(FUNCTION_ZIP)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) $(FUNCTION_ZIP)
	$(BIN)/python -m docs.tools

# The build of a wheel goes by way of the source distribution. Builds depend on the sources alone, not on the time.
dist: $(READY) $(FUNCTION_ZIP)
	rm -rf dist
	$(BIN)/python -m build --outdir dist/spapi-rotation .
	$(BIN)/python -m build --outdir dist/spapi-rotation-cli cli
	mkdir dist/function
	cp $(FUNCTION_ZIP) release/function.cdx.json dist/function

COMPILE = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

lock: $(READY)
	$(COMPILE) --universal --python-version 3.11 requirements.in -o requirements.txt
	sed -n 's/^\([a-z0-9][^ ;]*==[^ ;]*\).*/\1/p' requirements.txt > plugin/constraints.txt
	$(COMPILE) --no-strip-extras --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux2014 -c requirements.txt \
		$(ARCHIVE)/requirements.in -o $(ARCHIVE)/requirements.txt
	$(COMPILE) --python-version 3.11 sandbox/requirements-aws.in -o sandbox/requirements-aws.txt
	$(COMPILE) --python-version 3.11 --no-deps tests/cli/requirements-aws-cli.in -o tests/cli/requirements-aws-cli.txt
	for tool in checkov cfn-lint pip-audit; do $(COMPILE) --python-version 3.11 --only-binary :all: \
		tests/security/requirements/$$tool.in -o tests/security/requirements/$$tool.txt || exit 1; done
	$(BIN)/python -m spapi_rotation.function_archive.lock

clean:
	rm -rf $(VENV) $(VENV)-lowest .coverage $(FUNCTION_ZIP) build dist sandbox/.state .mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
