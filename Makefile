# The one door. `make up` and `make test` do everything on a fresh machine; the rest are parts of them.
STACK ?= dev
export STACK

# What a site of yours needs: the Python environment, Pulumi and its plugins. Then: . tools/activate
tools:     ; @tools/get.sh site

.PHONY: tools up preview down test test-all bench unit lint fmt lock lab-up lab-down schema

up:        ; @ops/run.sh up
preview:   ; @ops/run.sh preview
down:      ; @ops/run.sh down
lab-up:    ; @ops/run.sh lab-up
lab-down:  ; @ops/run.sh lab-down

test:      ; @ops/run.sh test
test-all:  ; @ops/run.sh test-all
bench:     ; @ops/run.sh bench
unit: .venv/ready   ; @.venv/bin/python -m pytest tests/unit tests/policy tests/parts/*/unit
lint: .venv/ready   ; @ops/lint.sh

fmt: .venv/ready
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .
	@PATH=$$PWD/.venv/bin:$$PATH && ops/bash_files.sh | xargs shfmt -w

schema: .venv/ready
	@.venv/bin/python -m stacks.schema > site.schema.json
	@.venv/bin/python -m ops.reference

.venv/ready: requirements.lock
	@tools/get.sh python

lock:
	@tools/get.sh uv
	@"$${XDG_CACHE_HOME:-$$HOME/.cache}/gpu-metal/tools/bin/uv" pip compile pyproject.toml --quiet --universal \
	  --group policy --group lab --group dev --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.lock
