# The set-up, and short names for `vae-course VERB`, which does the work. Made for GNU make 3.81 and later.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
LOCK := requirements.lock
SHELL := /bin/sh
# uv does not read pip's settings: behind a company's own certificates it needs them told.
ifdef PIP_CERT
SSL_CERT_FILE ?= $(PIP_CERT)
export SSL_CERT_FILE
endif
.DELETE_ON_ERROR:
.PHONY: help setup book serve pdf zip lab test test-fast nightly coverage bench zoo maps runs sweeps notebooks equations portable release grade check format clean lock

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

book serve pdf zip lab test nightly coverage bench zoo maps runs sweeps notebooks equations portable release grade check format clean: $(STAMP)
	@$(BIN)/vae-course $@ $(ARGS)
test-fast: $(STAMP)
	@$(BIN)/vae-course test --fast $(ARGS)

book: ## build the book
serve: ## serve the built book to this machine
pdf: ## print the built book into one PDF
zip: ## pack the built book into one zip
lab: ## open JupyterLab
test: ## run all tests: code, package, notebooks, book, browser
test-fast: ## run the tests that take seconds
nightly: ## other seeds: do the verdicts still stand? and the long tests (hours)
coverage: ## which lines of the package the tests run (half an hour)
bench: ## run the benchmarks
zoo: ## train the models of the zoo again
maps: ## compute the stored PCA, t-SNE and UMAP maps again
runs: ## train for the stored training runs again
sweeps: ## train for the stored tables of many trainings again
notebooks: ## execute the notebooks in place
equations: ## set the built book's equations again and keep them: make book equations
portable: ## copies for Colab and VS Code: make portable ARGS='--source ADDRESS --to copies'
release: ## make students' notebooks, without solutions: make release ARGS='--to students'
grade: ## grade a folder of submissions: make grade ARGS='handed-in --to grades'
check: ## check a notebook's answers: make check ARGS=notebooks/01-bottleneck.ipynb
format: ## lay the code out
clean: ## remove what was built
setup: $(STAMP) ## only install what the others need

# Each step can be repeated, and the stamp comes last: an interrupted set-up goes on when make is called again.
$(STAMP): $(LOCK) pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not there; Python 3.11 or later is needed: make PYTHON=...'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is %d.%d; try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@start=$$(date +%s); set -e; \
	echo "Setting up .venv with the versions of $(LOCK) (once; about a minute and 6 GB)"; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "  creating .venv"; $(PYTHON) -m venv --clear .venv; }; \
	echo "  installing uv"; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; \
	echo "  installing the locked packages"; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r $(LOCK) || { \
	  echo "  uv could not (see above); pip, with its own settings, does it (slower)"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(LOCK); }; \
	echo "  installing vae_course from this folder"; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .; \
	echo "Set up in $$(($$(date +%s) - start)) s."
	@touch $@

lock: $(STAMP) ## choose the newest versions anew and lock them
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --extra book --extra test --universal --python-version 3.11 \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links -o $(LOCK)
