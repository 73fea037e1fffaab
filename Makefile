# Every target makes what it needs; only Python 3.11+ with venv is assumed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile
READY := $(VENV)/.ready
ORACLE := tests/oracle/node_modules/.ready
VALIDATORS := tests/validators/node_modules/.ready
CLASSPATH := tests/validators/hl7/classpath
SERVERS := tests/servers/node_modules/.ready

.PHONY: help demo test test-crash test-oracle validate-hl7 test-servers record fuzz lint check format bench clean
.DEFAULT_GOAL := help

help: ## Say what each target does
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("fhir-rpm needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## Run the whole job against the embedded sandbox EHR
	$(BIN)/fhir-rpm demo

test: $(READY) ## Run the tests
	$(PYTEST)

test-crash: $(READY) ## Kill the runner 1000 times at every step of a write; FHIR_RPM_CRASH_SEED=<seed> repeats it
	FHIR_RPM_CRASH_KILLS=$${FHIR_RPM_CRASH_KILLS:-510} FHIR_RPM_CRASH_SEED=$${FHIR_RPM_CRASH_SEED:-$$(date +%s)} $(BIN)/python -m pytest --numprocesses 2 --dist load -rs tests/crash

$(ORACLE): tests/oracle/package.json tests/oracle/package-lock.json
	npm ci --prefix tests/oracle --ignore-scripts --no-audit --no-fund
	@touch $(ORACLE)

test-oracle: $(READY) $(ORACLE) ## Hold the judge to the CQL oracle; needs Node 20 or newer
	FHIR_RPM_ORACLE=required $(BIN)/python -m pytest tests/oracle

$(SERVERS): tests/servers/package.json tests/servers/package-lock.json
	npm ci --prefix tests/servers --ignore-scripts --no-audit --no-fund
	@touch $(SERVERS)

test-servers: $(READY) $(SERVERS) ## Try the client on Medplum's FHIR router; needs Node 20 or newer
	FHIR_RPM_SERVERS=required $(BIN)/python -m pytest tests/servers

$(VALIDATORS): tests/validators/package.json tests/validators/package-lock.json
	npm ci --prefix tests/validators --ignore-scripts --no-audit --no-fund
	@touch $(VALIDATORS)

$(CLASSPATH): tests/validators/hl7/pom.xml
	mvn --quiet --batch-mode --file tests/validators/hl7/pom.xml dependency:build-classpath -Dmdep.outputFile=classpath

validate-hl7: $(READY) $(VALIDATORS) $(CLASSPATH) ## Hold what we write to three validators, HL7's own among them; needs Node 20, Java 17, Maven
	FHIR_RPM_VALIDATORS=required $(BIN)/python -m pytest -p no:xdist tests/validators

record: $(READY) ## Record the cassettes anew, against the sandbox in a process of its own
	$(BIN)/python tools/record_cassettes.py

fuzz: $(READY) ## Break payloads and notes at length; FHIR_RPM_FUZZ=<seed> repeats a run
	@seed=$${FHIR_RPM_FUZZ:-$$(date +%s)}; echo "seed $$seed"; FHIR_RPM_FUZZ=$$seed $(PYTEST) --hypothesis-seed $$seed tests/fuzz tests/properties

lint: $(READY) ## Check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test ## Check everything but the oracle and other servers

format: $(READY) ## Rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Measure; prints ratios within one run
	$(BIN)/python -m benchmarks

clean: ## Remove what the targets made
	rm -rf $(VENV) tests/*/node_modules $(CLASSPATH) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
