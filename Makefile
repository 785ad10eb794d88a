# Every verb of the project. `make` alone lists them.

# What .venv is made with: the first of these that there is, or whichever PYTHON=… names.
PYTHON ?= $(or $(firstword $(foreach name,python3.11 python3.12 python3.13,$(shell command -v $(name) 2>/dev/null))),python3)
UV ?= uv
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIN := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
LOCK := $(PIN) pyproject.toml
# What the container image can do beside what everybody gets.
PRODUCTION := $(addprefix --extra ,flower mysql oidc otel postgresql sentry)

.DEFAULT_GOAL := help
.PHONY: help up test check format lint bench bench-peers pictures dist lock clean

help: ## List the verbs.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

up: .venv/.stamp-runtime ## Run the whole service; ARGS="--port 8080" and the like are passed on.
	@exec $(BIN)/imagemill up --foreground $(ARGS)

test: .venv/.stamp-dev ## Run the tests and print the coverage; ARGS="-k name" and the like are passed on.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/python -m tests.drop_torn_coverage
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95
	$(BIN)/coverage report --fail-under=100 --include='*/imagemill/domain/*,*/imagemill/flow/*'

check: lint test ## All that has to hold before a commit: lint, types, layers, migrations, tests.

lint: .venv/.stamp-dev ## All of `check` but the tests.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet .github
	@data=$$(mktemp -d) && export IMAGEMILL_DATA=$$data && $(BIN)/imagemill db upgrade && $(BIN)/imagemill db check; \
	code=$$?; rm -rf "$$data"; exit $$code

format: .venv/.stamp-dev ## Put the code into shape.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.stamp-dev ## Measure speed and memory; ARGS="--help" tells what can be asked.
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: .peers/.stamp ## Install what ARGS=peers of `bench` compares with: thumbor, and ipx with sharp (needs npm).

pictures: .venv/.stamp-dev ## Make the pictures of docs/options.md anew.
	$(BIN)/python docs/illustrate.py

dist: .venv/.stamp-runtime ## Build wheel and sdist into dist/; the same commit gives the same bytes.
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -c \
		'from flit_core import buildapi; print(buildapi.build_sdist("dist"), buildapi.build_wheel("dist"))'

lock: ## Pin every package again, from what pyproject.toml asks for.
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv, or UV=/path/to/uv" >&2; exit 1; }
	$(LOCK) --group build --output-file requirements/runtime.txt
	$(LOCK) $(PRODUCTION) --constraint requirements/runtime.txt --output-file requirements/production.txt
	$(PIN) --group build --group sdist --constraint requirements/runtime.txt --output-file requirements/build.txt
	$(LOCK) --group build --group test --group lint --constraint requirements/runtime.txt --output-file requirements/dev.txt

clean: ## Remove what the other verbs have made, but not the data.
	rm -rf .venv .peers dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of the two names the lists that dev.txt repeats, so that one environment serves both.
.venv/.stamp-runtime: requirements/runtime.txt pyproject.toml
.venv/.stamp-dev: requirements/dev.txt pyproject.toml
.venv/.stamp-%: requirements/%.txt | .venv/bin/python
	$(PIP) install --require-hashes -r $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Not in .venv: what is compared with shares no package with the service.
.peers/.stamp: benchmarks/peers/package.json benchmarks/peers/package-lock.json benchmarks/peers/thumbor.txt
	@command -v npm >/dev/null || { echo "make bench-peers needs node and npm" >&2; exit 1; }
	mkdir -p .peers
	cp benchmarks/peers/package.json benchmarks/peers/package-lock.json .peers/
	npm ci --prefix .peers --ignore-scripts --no-audit --no-fund --loglevel=error
	$(PYTHON) -m venv --clear .peers/thumbor
	.peers/thumbor/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r benchmarks/peers/thumbor.txt
	@touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv
