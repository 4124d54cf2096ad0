# Stoa needs Python 3.12 to 3.14 with pip, git and make. Everything else is installed into .venv on first use.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test test-chain check demo bench load faults soak security audit lock fmt clean

BIN := .venv/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .stoa/boot/bin/uv)
PYTEST := $(BIN)/python -m pytest
SUITE := $(BIN)/python scripts/run_tests.py

# Keeps libraries that hook into pydantic from slowing every start down.
export PYDANTIC_DISABLE_PLUGINS := __all__
# Networks with a certificate authority of their own announce it in the system's store.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/cert.pem /etc/ssl/cert.pem),1,0)
# `pip install --target` into our own folder needs neither root nor a virtual environment, whatever pip's settings say.
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
PIP := -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target .stoa/boot

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.ok ## start everything: embedded PostgreSQL, API, docs and worker on 127.0.0.1:8000
	@$(BIN)/stoa up $(ARGS)

test: .venv/.ok ## check the layers and run the tests (ARGS="-k wallet" is passed on)
	@sh scripts/ensure-chromium.sh
	@sh scripts/ensure-anvil.sh
	@sh scripts/ensure-pgbouncer.sh
	@$(BIN)/lint-imports --no-logo
	@$(SUITE) $(ARGS)

test-chain: .venv/.ok ## the tests of chains on anvil, which needs npm
	@STOA_TEST_CHAIN=anvil sh scripts/ensure-anvil.sh
	@STOA_TEST_CHAIN=anvil $(PYTEST) $$(grep -rlE 'dev_chain|anvil|there: IChain' tests --include='test_*.py') $(ARGS)

check: .venv/.ok ## the gate: format, lint, types, layers, dependencies, tests with coverage
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/deptry src
	@sh scripts/ensure-chromium.sh
	@sh scripts/ensure-anvil.sh
	@sh scripts/ensure-pgbouncer.sh
	@$(SUITE) --cov

demo: .venv/.ok ## a story through the real use-cases, step by step
	@$(BIN)/stoa demo $(ARGS)

bench: .venv/.ok ## the benchmarks, as ratios
	@$(BIN)/python -m benchmarks $(ARGS)

load: .venv/.ok ## requests at a steady rate against a real server, as ratios (ARGS="-o json")
	@$(BIN)/python -m benchmarks.load $(ARGS)

faults: .venv/.ok ## cut connections and kill processes, and count the effects
	@$(PYTEST) tests/faults --faults $(ARGS)

soak: .venv/.ok ## minutes of mixed load, watching for leaks
	@$(PYTEST) tests/soak --soak $(ARGS)

security: .venv/.ok ## the attacks on walls, keys, sign-in and input at full length
	@$(PYTEST) tests/contracts tests/infrastructure/security tests/infrastructure/workers --faults $(ARGS)

audit: .venv/.ok $(filter .stoa/%,$(UV)) ## known vulnerabilities of what requirements.lock names; needs the network
	@$(UV) tool run --quiet pip-audit --requirement requirements.lock --require-hashes --disable-pip $(ARGS)

fmt: .venv/.ok ## format the code and apply the safe fixes
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format

lock: $(filter .stoa/%,$(UV)) ## resolve the dependencies again, into requirements.lock
	@$(UV) pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --group dev --extra evm --extra tracing -o requirements.lock pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --constraint requirements.lock \
		--no-emit-index-url --no-emit-find-links --no-annotate --extra evm --extra tracing -o requirements-runtime.lock pyproject.toml

clean: ## remove the environment and every cache (data in .stoa stays)
	@rm -rf .venv .stoa/boot .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.stoa/boot/bin/uv:
	@python=$$(sh scripts/find-python.sh) && { "$$python" $(PIP) 'uv>=0.13,<0.14' || python3 $(PIP) 'uv>=0.13,<0.14'; }

.venv/.ok: pyproject.toml requirements.lock $(filter .stoa/%,$(UV))
	@python=$$(sh scripts/find-python.sh) \
		&& $(UV) venv --quiet --allow-existing --python "$$python" .venv \
		&& $(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock \
		&& $(UV) pip install --quiet --no-deps --python $(BIN)/python --editable . \
		&& touch $@
