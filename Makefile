# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13
VENV := .venv
BIN := $(VENV)/bin
NODE := scripts/with-node
DASHBOARD_SOURCES := $(shell find dashboard -path dashboard/node_modules -prune -o -path dashboard/dist -prune -o -type f -print 2>/dev/null)

# without compiled modules each of the suite's processes reads and rewrites all tests and pytest's plugins for itself
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test pythons check check-python check-dashboard check-audit format docs hooks fuzz audit sbom bench soak images dev lambda synth deploy wheel lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/.run dashboard/dist/index.html ## two vehicles, Dagster, API and dashboard on this machine; EXIT=1 stops after the first query
	@$(BIN)/telemetry demo $(if $(EXIT),--exit) $(ARGS)

ifdef FAST
test: $(VENV)/.dev dashboard/dist/index.html
	@$(NODE) $(BIN)/pytest -q --fast -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)
else
test: $(VENV)/.dev dashboard/dist/index.html ## the whole test suite; installs what it needs; FAST=1: the quick tests of each file
	@scripts/need-chromium
	@scripts/need-java
	@scripts/need-postgres
	@scripts/need-uml
	@scripts/need-shell-tools
	@$(NODE) $(BIN)/pytest -n auto --maxprocesses 5 --dist loadfile --no-loadscope-reorder $(ARGS)
endif

pythons: dashboard/dist/index.html ## the quick tests on every Python that we support and this machine has
	@for python in $(PYTHONS); do \
		command -v $$python >/dev/null || { echo "$$python is not on this machine"; continue; }; \
		PYTHON=$$python scripts/install .venvs/$$python requirements-dev.lock && \
		.venvs/$$python/bin/python -m pytest -q -m "not slow" $(ARGS) || exit 1; \
	done

check: $(VENV)/.dev dashboard/node_modules/.installed ## ruff, types, rooms, docs, secrets, dashboard lint, known vulnerabilities
	@$(MAKE) --no-print-directory -j 2 --output-sync=target check-python check-dashboard check-audit

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not slow" tests/test_rooms.py tests/test_docs.py tests/docs tests/test_secrets.py

check-dashboard:
	$(NODE) npm --prefix dashboard run --silent lint

format: $(VENV)/.dev ## bring the Python code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## the documentation site, built strictly: build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/site/index.html"

hooks: $(VENV)/.dev ## look through every commit before it is made
	@$(BIN)/pre-commit install

fuzz: $(VENV)/.dev ## damaged Parquet, databases, journals and requests; ARGS="--cases 20000 parquet"
	@$(BIN)/python -m tests.fuzz $(ARGS)

audit: .venvs/audit/.installed dashboard/node_modules/.installed ## known vulnerabilities of what is locked; asks the network
	@$(NODE) $(BIN)/python -m scripts.audit

# asked anew when a lock changes and once a day; where nobody answers, which the output says, the rest is checked all the same
AUDITED := build/audited-$(shell date -u +%F)
check-audit: $(AUDITED)
$(AUDITED): $(wildcard requirements*.lock) dashboard/package-lock.json .venvs/audit/.installed | dashboard/node_modules/.installed
	@$(NODE) $(BIN)/python -m scripts.audit; \
	case $$? in 0) mkdir -p build && rm -f build/audited-* && touch $@ ;; 2) ;; *) exit 1 ;; esac

sbom: $(VENV)/.run ## the bill of materials, CycloneDX: build/sbom.json
	@$(BIN)/python -m scripts.sbom build/sbom.json
	@echo "build/sbom.json"

images: $(VENV)/.dev ## the pictures of docs/dagster.md, taken anew in a real browser
	@scripts/need-chromium
	@$(BIN)/pytest -q tests/e2e/test_control_room.py --write-images

bench: $(VENV)/.dev ## measured ratios against peers, in one run
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.dev ## everything together under faults, with a ledger in the end; MINUTES=60 for an hour
	@scripts/need-postgres
	@$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),10) $(ARGS)

dev: $(VENV)/.dev dashboard/node_modules/.installed dashboard/dist/index.html ## the demo, with the dashboard reloading as you edit
	@trap 'kill 0' EXIT INT TERM; $(BIN)/telemetry demo $(ARGS) & $(NODE) npm --prefix dashboard run dev

lambda: $(VENV)/.run ## the packages for AWS Lambda: build/lambda.zip (decoder), build/lambda-api (query service)
	@$(BIN)/python scripts/build_lambda.py decoder $(ARGS)
	@$(BIN)/python scripts/build_lambda.py api $(ARGS)

synth: $(VENV)/.dev lambda dashboard/dist/index.html ## the templates of the stacks in AWS: build/cdk.out; SETTINGS=file.yaml
	@$(NODE) $(BIN)/python -m infra.app $(if $(SETTINGS),--settings $(SETTINGS))

deploy: synth ## everything to the AWS account that you are signed in to; SETTINGS=file.yaml
	@$(NODE) npm --prefix infra ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@$(NODE) infra/node_modules/.bin/cdk deploy --all --app build/cdk.out --require-approval broadening $(ARGS)

wheel: $(VENV)/.dev dashboard/dist/index.html ## wheel and sdist with the dashboard inside: build/dist
	@rm -rf build/dist
	@$(BIN)/python -m hatchling build -d build/dist

lock: $(VENV)/.dev ## resolve the dependencies anew into the lock files
	@scripts/lock $(BIN)/python

clean: ## remove everything that was built or installed here; the demo's lake, too
	rm -rf $(VENV) .venvs .demo build dashboard/dist dashboard/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.run: requirements.lock pyproject.toml
	@PYTHON=$(PYTHON) scripts/install $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@PYTHON=$(PYTHON) scripts/install $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.run

# an environment of its own: its packages would get in the way of those it judges
.venvs/audit/.installed: requirements-audit.lock
	@$(PYTHON) -m venv .venvs/audit
	@.venvs/audit/bin/python -m pip install --disable-pip-version-check -q --no-deps --require-hashes --only-binary :all: -r $<
	@touch $@

dashboard/node_modules/.installed: dashboard/package-lock.json | $(VENV)/.run
	@echo "Installing the dashboard's packages"
	@$(NODE) npm --prefix dashboard ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

dashboard/dist/index.html: dashboard/node_modules/.installed $(DASHBOARD_SOURCES)
	@echo "Building the dashboard"
	@$(NODE) npm --prefix dashboard run --silent build
	@touch $@
