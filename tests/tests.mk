# SPDX-License-Identifier: Apache-2.0
# Tests: what has to be built for tests/suites.toml, and the targets that run it.
UNIT_PROGRAMS := $(foreach m,$(MODULES),$(patsubst tests/unit/$(m)/%.c,$(B)/unit/$(m)/%,$(wildcard tests/unit/$(m)/test_*.c)))
ONLY ?=
JOBS ?= 2

unit-build: $(UNIT_PROGRAMS)
# With TSan: whatever starts a thread, its own or a module's, that is has pthread_create in the plain build; nothing else. But for
# those whose sessions belong to one thread, are long, and have no thread behind them that journal/, drivers/ and run/test_live do not.
UNIT_NOT_TSAN := run/test_hotpath run/test_next run/test_pairs% run/test_replay run/test_session%
ifeq ($(VARIANT),tsan)
UNIT_TSAN := $(filter-out $(UNIT_NOT_TSAN:%=$(B)/unit/%),$(filter $(shell nm -D -u -A $(UNIT_PROGRAMS:$(B)/%=$(SIM_B)/%) | sed -n 's,^$(SIM_B)/\(.*\): .* pthread_create\b.*,$(B)/\1,p'),$(UNIT_PROGRAMS)))
unit-tsan-build: $(UNIT_TSAN)
	@rm -f $(filter-out $(UNIT_TSAN),$(wildcard $(UNIT_PROGRAMS)))
endif

test-build:
	@$(MAKE) --no-print-directory build unit-build cosim-build vector-build sim-test-build coverage-build diagrams-build fuzz-build rpc-live-build guard-build
	@$(MAKE) --no-print-directory VARIANT=asan B=build/asan SIM_B=$(B) build unit-build vector-build sweep-build
	@$(MAKE) --no-print-directory VARIANT=tsan B=build/tsan SIM_B=$(B) unit-tsan-build vector-build

test: deps
	@$(MAKE) --no-print-directory -j$(JOBS) test-build
	@$(PYTHON) tests/run_tests.py --jobs $(JOBS) $(if $(ONLY),--only '$(ONLY)')
.PHONY: unit-build unit-tsan-build test-build test

# ---- back end `vector`: against the model on random streams; how fast it is
$(B)/vector/cosim: $(call obj,tests/cosim/vector.c tests/cosim/stream.c) $(B)/lib/drivers.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_drivers) -o $@
vector-build: $(B)/vector/cosim

BENCH_TICKS   ?= 200000
BENCH_THREADS ?= 1
$(B)/bench/vector_bench: $(call obj,tests/bench/vector/vector_bench.c) $(B)/lib/drivers.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_drivers) -o $@
bench-vector: $(B)/bench/vector_bench
	@$(PYTHON) tests/bench/vector/vector_bench.py $< --ticks $(BENCH_TICKS) --threads $(BENCH_THREADS) --compiler "$$($(CC) --version | head -n 1), $(OPT)"
.PHONY: vector-build bench-vector

# ---- instructions of each unit of work on the hot path (tests/guard/check.py): as in tests/guard/counts.toml?
# Symbols are all that callgrind needs, and it may not know the compiler's debug information.
$(B)/guard/hot_guard: $(call obj,$(wildcard tests/guard/*.c)) $(CORE_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) -Wl,--strip-debug $(LIBS_run) -o $@
guard-build: $(B)/guard/hot_guard
guard: guard-build
	@$(PYTHON) tests/guard/check.py $(B)/guard/hot_guard --table
guard-update: guard-build
	@$(PYTHON) tests/guard/check.py $(B)/guard/hot_guard --update $(if $(NEW_REFERENCE),--new-reference)
# Two commits in one run, by turns. BASE=commit, HEAD=commit (this tree), ROUNDS=n
BASE   ?=
HEAD   ?=
ROUNDS ?= 9
bench-compare: deps
	@$(PYTHON) tests/bench/compare.py --base "$(BASE)" $(if $(HEAD),--head "$(HEAD)") --build $(B) --rounds $(ROUNDS)
.PHONY: guard-build guard guard-update bench-compare

# ---- branches, caches and TLB of the hot path, measured where the machine has counters, else simulated
PERF_PACKETS ?= 20000
HOT_LIBS := $(patsubst %,$(B)/lib/%.a,$(DEPS_run))
$(B)/bench/hot_loop: $(call obj,tests/bench/hot/hot_loop.c) $(HOT_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(HOT_LIBS) $(LDFLAGS) $(LIBS_run) -o $@
perf-stat: $(B)/bench/hot_loop
	@$(PYTHON) tests/bench/hot/perf_stat.py $< --packets $(PERF_PACKETS)
.PHONY: perf-stat

# ---- node connections against real nodes: a program for whoever has some (tests/chain)
$(B)/chain/rpc_live: $(call obj,tests/chain/test_rpc_live.c) $(B)/lib/evm.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_evm) -o $@
rpc-live-build: $(B)/chain/rpc_live
.PHONY: rpc-live-build

# ---- fuzzers: clang's libFuzzer with ASan and UBSan, each FUZZ_SECONDS, on a copy of the kept corpus; then every packet
# of the captures, cut and damaged
FUZZ_SECONDS ?= 30
FUZZ_CC      ?= clang
FUZZ_FLAGS   := -std=c17 -D_GNU_SOURCE -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_INCLUDE := -Ihost -Idrivers -Itests/unit -Itests/fuzz -I$(B)/gen
FUZZ_SRC_feed     := $(SRC_feed) $(SRC_base)
FUZZ_SRC_deribit  := $(FUZZ_SRC_feed)
FUZZ_SRC_cme      := $(FUZZ_SRC_feed)
FUZZ_SRC_starbase := $(FUZZ_SRC_feed)
FUZZ_SRC_cde      := $(FUZZ_SRC_feed)
FUZZ_SRC_journal  := $(SRC_journal) $(SRC_base)
FUZZ_SRC_codec    := $(SRC_accounts) $(SRC_base)
FUZZ_SRC_import   := $(SRC_accounts) $(SRC_base)
FUZZ_SRC_exec     := $(SRC_exec) $(SRC_econ) $(SRC_risk) $(SRC_evm) $(SRC_journal) $(SRC_accounts) $(SRC_base)
FUZZ_SRC_policy   := $(SRC_oracle) $(SRC_feed) $(SRC_accounts) $(SRC_base)
FUZZ_SRC_config   := host/run/config.c host/run/calls_level.c $(FUZZ_SRC_exec)
FUZZ_SRC_rlp      := $(SRC_evm) $(SRC_base)
FUZZ_SRC_events   := host/chain/events.c $(SRC_evm) $(SRC_base)
FUZZ_SRC_abi      := $(FUZZ_SRC_rlp)
FUZZ_SRC_tx       := $(FUZZ_SRC_rlp)
FUZZ_SRC_report   := host/chain/report.c $(FUZZ_SRC_rlp)
FUZZ_SRC_rpc      := $(FUZZ_SRC_rlp)
FUZZ_FEED := feed deribit cme starbase cde
FUZZ_EVM  := rlp abi tx events
FUZZERS   := $(FUZZ_FEED) $(FUZZ_EVM) report journal codec import exec policy config rpc
FUZZ_BOUNDED := $(FUZZ_FEED) $(FUZZ_EVM) report policy rpc

fuzz_obj = $(patsubst %.c,$(B)/fuzz/obj/%.o,$(1))
$(B)/fuzz/obj/%.o: %.c | $(B)/gen/abi.h
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"
	@$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(FUZZ_INCLUDE) -MMD -MP -c $< -o $@
define fuzz_rules
$(B)/fuzz/$(1): $(call fuzz_obj,tests/fuzz/fuzz_$(1).c $(FUZZ_SRC_$(1)))
	@echo "  LINK  $$@"
	@$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer $$^ $(LIBS_run) $(LIBS_evm) $(TESTLIBS_evm) -o $$@
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rules,$(f))))
.SECONDARY: $(foreach f,$(FUZZERS),$(call fuzz_obj,tests/fuzz/fuzz_$(f).c $(FUZZ_SRC_$(f))))
-include $(shell find $(B)/fuzz/obj -name '*.d' 2>/dev/null)

# Fuzzers for the bounded run in `make test`; nothing where this clang has no libFuzzer (the suite says so).
fuzz-build:
	@mkdir -p $(B)/fuzz
	@if echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' | \
	  $(FUZZ_CC) -fsanitize=fuzzer -x c - -o $(B)/fuzz/probe 2>/dev/null; then \
	  $(MAKE) --no-print-directory $(FUZZ_BOUNDED:%=$(B)/fuzz/%); else rm -f $(FUZZ_BOUNDED:%=$(B)/fuzz/%); fi

# Captures cut at every byte and with every byte changed.
SWEEP_LIBS := $(B)/lib/oracle.a $(B)/lib/feed.a $(B)/lib/accounts.a $(B)/lib/base.a
$(B)/sweep: tests/fuzz/sweep_captures.c tests/fuzz/feed_checks.h $(SWEEP_LIBS)
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) -MF $@.d -Itests/fuzz $< $(SWEEP_LIBS) $(LDFLAGS) $(LIBS_oracle) -o $@
sweep-build: $(B)/sweep

fuzz: deps $(B)/gen/abi.h $(FUZZERS:%=$(B)/fuzz/%)
	@for f in $(FUZZERS); do \
	  c=$(B)/fuzz/corpus-$$f; mkdir -p $$c; cp -n tests/fuzz/corpus/$$f/* $$c 2>/dev/null; \
	  d=; [ -f tests/fuzz/fuzz_$$f.dict ] && d=-dict=tests/fuzz/fuzz_$$f.dict; \
	  [ $$f = import ] && cp -n tests/data/accounts/* $$c; \
	  echo "== fuzz $$f, $(FUZZ_SECONDS) s"; \
	  $(B)/fuzz/$$f $$d -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(B)/fuzz/ $$c 2>&1 \
	    | grep -E 'ERROR|stat::number|SUMMARY|does not hold' ; [ $${PIPESTATUS[0]} -eq 0 ] || exit 1; done
	@$(MAKE) --no-print-directory VARIANT=asan B=build/asan sweep-build
	@build/asan/sweep --all
.PHONY: fuzz fuzz-build sweep-build

