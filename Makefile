# The one door. `make up` and `make test` do everything on a fresh machine; the rest are parts of them.
STACK ?= dev
export STACK

.PHONY: up preview down test test-all bench unit lint fmt lock lab-up lab-down schema

up:        ; @ops/run.sh up
preview:   ; @ops/run.sh preview
down:      ; @ops/run.sh down
lab-up:    ; @ops/run.sh lab-up
lab-down:  ; @ops/run.sh lab-down

test:      ; @ops/run.sh test
test-all:  ; @ops/run.sh test-all
bench:     ; @ops/run.sh bench
unit: .venv/.gpu-metal-lock   ; @.venv/bin/python -m pytest tests/unit tests/policy
lint: .venv/.gpu-metal-lock   ; @ops/lint.sh

fmt: .venv/.gpu-metal-lock
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

schema: .venv/.gpu-metal-lock
	@.venv/bin/python -m stacks.schema > site.schema.json
	@.venv/bin/python -m ops.reference

.venv/.gpu-metal-lock: requirements.lock
	@lab/tools/get.sh python

lock:
	@lab/tools/get.sh uv
	@"$${XDG_CACHE_HOME:-$$HOME/.cache}/gpu-metal/tools/bin/uv" pip compile pyproject.toml --quiet --universal \
	  --group policy --group lab --group dev --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.lock
