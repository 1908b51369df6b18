# SPDX-License-Identifier: Apache-2.0
# Tests: what has to be built for tests/suites.toml, and the targets that run it.
UNIT_PROGRAMS := $(foreach m,$(MODULES),$(patsubst tests/unit/$(m)/%.c,$(B)/unit/$(m)/%,$(wildcard tests/unit/$(m)/test_*.c)))
UNIT_TSAN     := base journal exec
ONLY ?=
JOBS ?= 2

unit-build: $(UNIT_PROGRAMS)
unit-tsan-build: $(foreach m,$(UNIT_TSAN),$(filter $(B)/unit/$(m)/%,$(UNIT_PROGRAMS)))

test-build:
	@$(MAKE) --no-print-directory build unit-build cosim-build
	@$(MAKE) --no-print-directory VARIANT=asan B=build/asan unit-build
	@$(MAKE) --no-print-directory VARIANT=tsan B=build/tsan unit-tsan-build

test: deps
	@$(MAKE) --no-print-directory -j$(JOBS) test-build
	@$(PYTHON) tests/run_tests.py --jobs $(JOBS) $(if $(ONLY),--only '$(ONLY)')
.PHONY: unit-build unit-tsan-build test-build test
