# Everything here needs only Python >= 3.11, make and the package registry.
#
#   make demo     the MNIST program of the courses learns handwritten digits
#   make test     the tests that need nothing but Tideflow
#   make check    format, lint, types, import contracts
#   make parity   compares with TensorFlow 2.21, in an environment of its own
#   make processors   the numeric tests of both, as a smaller processor computes
#   make bench    measures against TensorFlow, PyTorch and JAX, in an environment of its own
#   make libraries   trains with libraries of TensorFlow 1.x and 2.x as they are in the package index
#   make examples runs every example
#   make environments   makes what all of these but bench run in, one after the other: then they may run side by side
#   make protos   makes the descriptors of TensorFlow's messages from their schema, where that was changed
#   make families makes the table of operations that load at first use
#   make private-names   makes the table of the names of TensorFlow's private modules, with TensorFlow's help
#   make clean    removes the environments and everything that was made

PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=

VENV = .venv
ORACLE = .venv-oracle
BENCH = .venv-bench
# Other programs that read graphs and logs; they live beside TensorFlow, which tf2onnx needs and TensorBoard's summaries.
READERS = "openvino==2026.4.*" "tf2onnx==1.17.*" "onnxruntime==1.32.*" "tensorboard==2.21.*"
# Libraries of TensorFlow, and what they import beside it. They lie in a folder of their own, for some ask for TensorFlow.
LIBRARIES = .venv-libraries
OF_1X = tf_slim==1.1.0 tflearn==0.5.0 tensorpack==0.11 edward==1.3.5 six msgpack msgpack-numpy termcolor tabulate psutil tqdm pyzmq
OF_2X = tensorflow-probability==0.25.0 tf_keras==2.21.0 gpflow==2.11.2 dm-tree decorator cloudpickle gast attrs wrapt requests \
    urllib3 idna certifi charset-normalizer check_shapes dropstackframe lark multipledispatch deprecated scipy packaging
PROTOC = .venv-protoc
PROTOS = src/tideflow/_src/graph/protos
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check
# Libraries that read and write files of TensorFlow 2.x's: Hub, Datasets, Sonnet, and what they import.
OF_FILES = tensorflow_hub==0.16.1 tf_keras==2.21.0 "setuptools<81" tensorflow-datasets==4.9.10 tensorflow-metadata \
    googleapis-common-protos etils importlib_resources zipp fsspec immutabledict promise six toml tqdm termcolor dill psutil \
    simple_parsing docstring_parser requests urllib3 idna certifi charset-normalizer dm-sonnet==2.0.2 dm-tree wrapt tabulate

.PHONY: demo test check parity processors bench libraries libraries-of-files examples environments format protos families private-names clean

demo: $(VENV)/demo.stamp
	$(VENV)/bin/python -m tideflow examples/mnist_demo.py out/mnist_demo.png

test: $(VENV)/test.stamp
	$(VENV)/bin/python -m pytest -n auto --ignore=tests/parity $(PYTEST_ARGS)

check: $(VENV)/dev.stamp
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/dev.stamp
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

parity: $(VENV)/test.stamp $(ORACLE)/stamp
	TIDEFLOW_ORACLE_PYTHON=$(CURDIR)/$(ORACLE)/bin/python $(VENV)/bin/python -m pytest -n auto tests/parity $(PYTEST_ARGS)

processors: $(VENV)/test.stamp $(ORACLE)/stamp
	TIDEFLOW_ORACLE_PYTHON=$(CURDIR)/$(ORACLE)/bin/python $(VENV)/bin/python tests/processors.py -n auto $(PYTEST_ARGS)

bench: $(BENCH)/stamp
	$(BENCH)/bin/python benchmarks/run.py $(BENCH_ARGS)

libraries: $(LIBRARIES)/stamp
	@set -e; for program in tests/libraries/*.py; do \
	    echo "== $$program"; \
	    PYTHONPATH=$(LIBRARIES) $(VENV)/bin/python -m tideflow --v1 $$program; \
	done; \
	for program in tests/libraries/of_2x/*.py; do \
	    echo "== $$program"; \
	    PYTHONPATH=$(LIBRARIES) $(VENV)/bin/python -m tideflow $$program; \
	done

libraries: libraries-of-files

libraries-of-files: $(LIBRARIES)/files.stamp
	@set -e; for program in tests/libraries/with_files/*.py; do \
	    echo "== $$program"; \
	    PYTHONPATH=$(LIBRARIES) $(VENV)/bin/python -m tideflow --v2 $$program; \
	done

# Each example says in its docstring how it is run, dialect and all.
examples: $(VENV)/demo.stamp
	@set -e; for program in examples/*.py; do \
	    dialect=$$(sed -n 's/.*python -m tideflow \(--v[012]\) examples.*/\1/p' $$program); \
	    echo "== $$program"; \
	    $(VENV)/bin/python -m tideflow $$dialect $$program; \
	done

# Three of the stamps install into the same environment: never two at a time.
environments:
	@set -e; for stamp in $(VENV)/demo.stamp $(VENV)/dev.stamp $(VENV)/test.stamp $(ORACLE)/stamp $(LIBRARIES)/files.stamp; do \
	    $(MAKE) --no-print-directory --jobs=1 $$stamp; \
	done

protos: $(PROTOC)/stamp
	cd $(PROTOS)/schema && find * -name '*.proto' | LC_ALL=C sort | xargs $(CURDIR)/$(PROTOC)/bin/python -m grpc_tools.protoc \
	    -I. --include_imports --descriptor_set_out=../descriptors.pb

families: $(VENV)/dev.stamp
	$(VENV)/bin/python -m tideflow._src.ops.find_families
	$(VENV)/bin/ruff format --quiet src/tideflow/_src/ops/lazy_families.py

private-names: $(ORACLE)/stamp
	$(ORACLE)/bin/python tests/parity/private_names.py > src/tideflow/_src/compat/private_names.txt

clean:
	rm -rf $(VENV) $(ORACLE) $(BENCH) $(LIBRARIES) $(PROTOC) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# An environment is made anew when what it holds is declared anew.
define make_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tideflow needs Python 3.11 or later; $(PYTHON) is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2])'
	@test -x $(1)/bin/python || { echo "making $(1)"; $(PYTHON) -m venv $(1); }
	@echo 'installing $(2)'
	@$(1)/bin/python $(PIP_INSTALL) $(2)
	@touch $@
endef

$(VENV)/demo.stamp: pyproject.toml
	$(call make_environment,$(VENV),--editable ".[demo]")

$(VENV)/test.stamp: pyproject.toml
	$(call make_environment,$(VENV),--editable ".[test]")

$(VENV)/dev.stamp: pyproject.toml
	$(call make_environment,$(VENV),--editable ".[test$(COMMA)dev]")

$(ORACLE)/stamp: Makefile
	$(call make_environment,$(ORACLE),"tensorflow-cpu==2.21.*" $(READERS))

$(BENCH)/stamp: pyproject.toml Makefile
	$(call make_environment,$(BENCH),--editable . "torch==2.13.0" "tensorflow-cpu==2.21.*" "tensorboard==2.21.*")

$(LIBRARIES)/stamp: $(VENV)/demo.stamp Makefile
	@echo 'installing $(OF_1X) $(OF_2X)'
	@$(VENV)/bin/python $(PIP_INSTALL) --upgrade --no-deps --target $(LIBRARIES) $(OF_1X) $(OF_2X)
	@touch $@

$(LIBRARIES)/files.stamp: $(LIBRARIES)/stamp
	@echo 'installing $(OF_FILES)'
	@$(VENV)/bin/python $(PIP_INSTALL) --upgrade --no-deps --target $(LIBRARIES) $(OF_FILES)
	@touch $@

$(PROTOC)/stamp: Makefile
	$(call make_environment,$(PROTOC),"grpcio-tools>=1.70")

COMMA := ,
