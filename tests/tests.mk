# SPDX-License-Identifier: Apache-2.0
# Tests: what has to be built for tests/suites.toml, and the targets that run it.
UNIT_PROGRAMS := $(foreach m,$(MODULES),$(patsubst tests/unit/$(m)/%.c,$(B)/unit/$(m)/%,$(wildcard tests/unit/$(m)/test_*.c)))
UNIT_TSAN     := base journal exec
ONLY ?=
JOBS ?= 2

unit-build: $(UNIT_PROGRAMS)
unit-tsan-build: $(foreach m,$(UNIT_TSAN),$(filter $(B)/unit/$(m)/%,$(UNIT_PROGRAMS)))

test-build:
	@$(MAKE) --no-print-directory build unit-build cosim-build sim-test-build coverage-build diagrams-build
	@$(MAKE) --no-print-directory VARIANT=asan B=build/asan build unit-build
	@$(MAKE) --no-print-directory VARIANT=tsan B=build/tsan unit-tsan-build

test: deps
	@$(MAKE) --no-print-directory -j$(JOBS) test-build
	@$(PYTHON) tests/run_tests.py --jobs $(JOBS) $(if $(ONLY),--only '$(ONLY)')
.PHONY: unit-build unit-tsan-build test-build test

# ---- fuzzers: clang's libFuzzer with ASan and UBSan, each FUZZ_SECONDS, on a copy of the kept corpus
FUZZ_SECONDS ?= 30
FUZZ_FLAGS   := -std=c17 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
                -Ihost -Idrivers -Itests/unit
FUZZ_SRC_feed    := $(SRC_feed) $(SRC_base)
FUZZ_SRC_journal := $(SRC_journal) $(SRC_base)
FUZZ_SRC_codec   := $(SRC_accounts) $(SRC_base)
FUZZ_SRC_import  := $(SRC_accounts) $(SRC_base)
FUZZ_SRC_exec    := $(SRC_exec) $(SRC_journal) $(SRC_accounts) $(SRC_base)
FUZZERS := feed journal codec import exec

$(B)/fuzz/%: tests/fuzz/fuzz_%.c
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	@clang $(FUZZ_FLAGS) -I$(B)/gen $< $(FUZZ_SRC_$*) $(LIBS_run) -o $@

fuzz: deps $(B)/gen/abi.h $(FUZZERS:%=$(B)/fuzz/%)
	@for f in $(FUZZERS); do \
	  c=$(B)/fuzz/corpus-$$f; mkdir -p $$c; cp -n tests/fuzz/corpus/$$f/* $$c 2>/dev/null; \
	  d=; [ -f tests/fuzz/fuzz_$$f.dict ] && d=-dict=tests/fuzz/fuzz_$$f.dict; \
	  [ $$f = import ] && cp -n tests/data/accounts/* $$c; \
	  echo "== fuzz $$f, $(FUZZ_SECONDS) s"; \
	  $(B)/fuzz/$$f $$d -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(B)/fuzz/ $$c 2>&1 \
	    | grep -E 'ERROR|stat::number|SUMMARY' ; [ $${PIPESTATUS[0]} -eq 0 ] || exit 1; done
.PHONY: fuzz
