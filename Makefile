# SPDX-License-Identifier: Apache-2.0
# tripline. `make help` lists the targets. Everything is built below $(B); VARIANT picks the flags.
# Verilator's makefile and make itself split paths at blanks.
ifneq ($(words $(CURDIR)),1)
$(error the path of this directory, '$(CURDIR)', contains a blank: make cannot build there, move it)
endif
SHELL    := /bin/bash
VARIANT  ?= release
B        ?= build$(if $(filter-out release,$(VARIANT)),/$(VARIANT))
# Whose Verilated device is linked: no VARIANT changes it.
SIM_B    ?= $(B)
CC       ?= gcc
CXX      ?= g++
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
PYTHON   ?= python3
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unversioned)

WARN   := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
OPT_release := -O2 -g
OPT_debug   := -O0 -g
# -g1: lines are all that a sanitizer's report names, and the rest is a fifth of the compiler's time.
OPT_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# gcc's TSan knows no fences; those of the card's driver order it against the device, not against threads.
OPT_tsan    := -O1 -g1 -fsanitize=thread $(if $(findstring clang,$(CC)),,-Wno-tsan)
OPT    := $(OPT_$(VARIANT))
# A test's own code with a sanitizer: more of it would be compiled than is run. And a linker that is quick with large files.
OPT_unit := $(if $(findstring -fsanitize,$(OPT)),-O0 -Wno-format-truncation $(if $(shell command -v ld.gold),-fuse-ld=gold))
# No contraction into fused multiply-adds: rows are ordered by doubles, and a replay must order them alike everywhere.
CFLAGS += -std=c17 -D_GNU_SOURCE -ffp-contract=off $(OPT) $(WARN) -Ihost -Idrivers -I$(B)/gen -MMD -MP
LDFLAGS += $(filter -fsanitize=%,$(OPT))

# ---- modules: one static library each; DEPS_x is everything module x may use, so layering is checked by the linker
MODULES := base page econ risk evm feed oracle accounts protocols chain journal drivers engine exec lab run bench
SRC_base     := $(wildcard host/base/*.c)
SRC_page     := $(wildcard host/page/*.c)
SRC_econ     := $(wildcard host/econ/*.c)
SRC_risk     := $(wildcard host/risk/*.c)
SRC_evm      := $(wildcard host/evm/*.c)
SRC_feed     := $(wildcard host/feed/*.c)
SRC_oracle   := $(wildcard host/oracle/*.c)
SRC_accounts := $(wildcard host/accounts/*.c host/accounts/rules/*.c host/accounts/rules/*/*.c)
SRC_protocols := $(wildcard host/protocols/*.c)
SRC_chain    := $(wildcard host/chain/*.c)
SRC_journal  := $(wildcard host/journal/*.c)
SRC_drivers  := $(wildcard drivers/*.c)
SRC_engine   := $(wildcard host/engine/*.c)
SRC_exec     := $(wildcard host/exec/*.c host/exec/exit/*.c host/exec/evm/*.c host/exec/paper/*.c)
SRC_lab      := $(wildcard host/lab/*.c host/lab/html/*.c)
SRC_run      := $(wildcard host/run/*.c)
SRC_bench    := $(wildcard host/bench/*.c host/bench/html/*.c)
DEPS_base     := base
DEPS_page     := page base
DEPS_econ     := econ accounts base
DEPS_risk     := risk base
DEPS_evm      := evm base
DEPS_feed     := feed base
DEPS_oracle   := oracle feed accounts base
DEPS_accounts := accounts base
DEPS_protocols := protocols econ accounts base
DEPS_chain    := chain evm accounts base
DEPS_journal  := journal base
DEPS_drivers  := drivers base
DEPS_engine   := engine accounts drivers base
DEPS_exec     := exec evm journal risk econ accounts base
DEPS_bench    := bench run exec chain evm engine oracle feed journal risk econ accounts drivers page base
DEPS_lab      := lab page risk exec evm journal protocols econ accounts base
DEPS_run      := run exec chain evm engine oracle feed journal risk econ accounts drivers base
LIBS_base     := -lm -lpthread -lz
LIBS_page     := $(LIBS_base)
LIBS_econ     := $(LIBS_base)
LIBS_risk     := $(LIBS_base)
LIBS_feed     := -lpcap $(LIBS_base)
LIBS_accounts := -lsqlite3 $(LIBS_base)
LIBS_protocols := $(LIBS_accounts)
LIBS_oracle   := $(LIBS_feed) $(LIBS_accounts)
LIBS_journal  := $(LIBS_base)
LIBS_drivers  := $(LIBS_base)
LIBS_engine   := $(LIBS_accounts)
LIBS_evm      := -lsecp256k1 -lnettle -lcurl $(LIBS_base)
LIBS_chain    := $(LIBS_evm) $(LIBS_accounts)
LIBS_exec     := $(LIBS_accounts) $(LIBS_evm)
LIBS_lab      := $(LIBS_exec) -lyaml
LIBS_run      := $(LIBS_feed) $(LIBS_accounts) $(LIBS_evm)
LIBS_bench    := $(LIBS_run)
TESTLIBS_evm  := -ljansson
TESTLIBS_bench := -ljansson

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
define module_rules
$(B)/lib/$(1).a: $(call obj,$(SRC_$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
unit-$(1): $(patsubst tests/unit/$(1)/%.c,$(B)/unit/$(1)/%,$(wildcard tests/unit/$(1)/test_*.c))
	@for t in $$^; do echo "== $$$$t"; CK_VERBOSITY=normal $$$$t || exit 1; done
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(patsubst %,$(B)/lib/%.a,$(DEPS_$(1)))
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	@$(CC) $(CFLAGS) $(OPT_unit) -MF $$@.d -Itests/unit -include check_marks.h $$< $(patsubst %,$(B)/lib/%.a,$(DEPS_$(1))) $(LDFLAGS) $$$$(pkg-config --libs check) $(LIBS_$(1)) $(TESTLIBS_$(1)) -o $$@
.PHONY: unit-$(1)
endef

all: build
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

# ---- definition file -> C header, SystemVerilog package
$(B)/gen/abi.h: drivers/abi/abi.toml drivers/abi/gen_abi.py
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(PYTHON) drivers/abi/gen_abi.py c $< > $@.tmp && mv $@.tmp $@
$(sort $(B)/gen/abi_pkg.sv $(SIM_B)/gen/abi_pkg.sv): drivers/abi/abi.toml drivers/abi/gen_abi.py
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(PYTHON) drivers/abi/gen_abi.py sv $< > $@.tmp && mv $@.tmp $@

# ---- the laboratory's built-in scenarios -> a C table of strings
LAB_SCENARIOS := $(sort $(wildcard host/lab/scenarios/*.yaml))
$(B)/gen/lab_scenarios.h: $(LAB_SCENARIOS)
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@{ echo 'static const struct { const char *name, *text; } LAB_SCENARIOS[] = {'; for f in $(LAB_SCENARIOS); do \
	  echo "{\"$$(basename $$f .yaml)\","; sed -e 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $$f; echo '},'; done; echo '};'; } > $@.tmp && mv $@.tmp $@
$(call obj,host/lab/scenario_path.c): $(B)/gen/lab_scenarios.h

# Objects are made anew when compiler or flags change; the binary when the commit it names does.
define note # (text): writes it to the target, but only when it is new
@mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
endef
$(B)/flags: FORCE
	$(call note,$(CC) $(CXX) $(OPT) $(WARN))
$(B)/version: FORCE
	$(call note,$(VERSION))
FORCE:
.PHONY: FORCE

# What a report says of the compiler.
$(call obj,host/bench/machine.c): CFLAGS += -DTRIPLINE_OPT='"$(OPT)"'
$(B)/obj/%.o: %.c $(B)/flags | $(B)/gen/abi.h
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS) -c $< -o $@

# ---- the binary: all modules, the subcommands, DPDK ports, the Verilated device
DPDK_CFLAGS = $(shell pkg-config --cflags libdpdk 2>/dev/null | sed 's/-I/-isystem /g')
DPDK_LIBS   = $(shell pkg-config --libs libdpdk 2>/dev/null)
SRC_cli     := $(wildcard host/cli/*.c)
SRC_dpdk    := $(wildcard host/feed/dpdk/*.c)
CLI_OBJS    := $(call obj,$(SRC_cli) $(SRC_dpdk))
CORE_LIBS   := $(patsubst %,$(B)/lib/%.a,lab $(DEPS_run) chain evm protocols risk econ page base)

$(call obj,$(SRC_dpdk)): CFLAGS += $(DPDK_CFLAGS)
$(call obj,host/cli/main.c): $(B)/version
$(call obj,host/cli/main.c): CFLAGS += -DTRIPLINE_VERSION='"$(VERSION)"'

$(B)/tripline: $(CLI_OBJS) $(B)/lib/bench.a $(CORE_LIBS) $(B)/lib/sim.a
	@echo "  LINK  $@"
	@$(CXX) $(CLI_OBJS) $(B)/lib/bench.a $(CORE_LIBS) $(B)/lib/sim.a $(CORE_LIBS) $(LDFLAGS) $(DPDK_LIBS) $(LIBS_run) $(LIBS_chain) -lyaml -o $@

build: $(B)/tripline
	@:

# ---- the main job: a capture and accounts (made here unless CAPTURE= and ACCOUNTS= name some) through DPDK's net_pcap
# and the Verilated RTL, audited by brute force
SEED     ?= 7
RUN_DIR  := $(B)/run
CAPTURE  ?=
ACCOUNTS ?=
RUN_CAPTURE  := $(if $(CAPTURE),$(CAPTURE),$(RUN_DIR)/crash.pcap)
RUN_ACCOUNTS := $(if $(ACCOUNTS),$(ACCOUNTS),$(RUN_DIR)/accounts.db)

run: deps
	@for f in "$(CAPTURE)" "$(ACCOUNTS)"; do [ -z "$$f" ] || [ -r "$$f" ] || \
	  { echo "make run: $$f cannot be read" >&2; exit 1; }; done
	@$(MAKE) --no-print-directory build
	@mkdir -p $(RUN_DIR) && rm -f $(RUN_DIR)/journal $(RUN_DIR)/venue.*
ifeq ($(CAPTURE),)
	@$(B)/tripline gen -o "$(RUN_CAPTURE)" --path crash --seconds 60 --rate 200 --seed $(SEED)
endif
ifeq ($(ACCOUNTS),)
	@$(B)/tripline accounts gen --force --db "$(RUN_ACCOUNTS)" --accounts 240 --seed $(SEED) $(if $(CAPTURE),--capture "$(CAPTURE)")
endif
	@$(B)/tripline run --accounts "$(RUN_ACCOUNTS)" --capture "$(RUN_CAPTURE)" --device sim+model --audit --dir $(RUN_DIR)

# ---- the README's latency table: the device's cycles on the RTL, then the host's stages with the gateway on a core of its own
LAT_DIR := $(B)/latency
latency: deps
	@$(MAKE) --no-print-directory build
	@rm -rf $(LAT_DIR) && mkdir -p $(LAT_DIR)
	@$(B)/tripline gen -q -o $(LAT_DIR)/crash.pcap --path crash --seconds 60 --rate 200 --seed $(SEED)
	@$(B)/tripline accounts gen --db $(LAT_DIR)/accounts.db --accounts 240 --seed $(SEED) >/dev/null
	@$(B)/tripline run --quiet --accounts $(LAT_DIR)/accounts.db --capture $(LAT_DIR)/crash.pcap --device sim \
	  --dir $(LAT_DIR)/rtl | sed -n '/^latency/,/^  trigger/p'
	@$(B)/tripline run --quiet --accounts $(LAT_DIR)/accounts.db --capture $(LAT_DIR)/crash.pcap --device model \
	  --no-lockstep --spin --dir $(LAT_DIR)/host | sed -n '/^            host/,$$p'

# ---- docs/latency-report.html: the latency laboratory's page (docs/latency_report.md)
REPORT_BENCH ?= --load t0:B --packets 300000 --rates 20000,50000,100000,200000,1000000 --title "A million accounts, from tick to order"
REPORT_CARD  ?= --load crash --seconds 40 --max --timeline --title "240 accounts, with a card reckoned beside"
REPORT_PAGE  ?= docs/latency-report.html
latency-report: deps
	@$(MAKE) --no-print-directory build
	@mkdir -p $(LAT_DIR)
	@$(B)/tripline bench $(REPORT_BENCH) --json $(LAT_DIR)/bench.json
	@$(B)/tripline bench $(REPORT_CARD) --json $(LAT_DIR)/card.json
	@$(B)/tripline report --html $(REPORT_PAGE) $(LAT_DIR)/bench.json $(LAT_DIR)/card.json && echo "$(REPORT_PAGE)"

# ---- speed of the feed decoders: nanoseconds and instructions beside two references. Measured, not a test
BENCH_CAPTURES ?= ../shared/captures
BENCH_PASSES   ?= 200
$(B)/bench/feed_bench: $(call obj,$(wildcard tests/bench/*.c)) $(B)/lib/feed.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_feed) -o $@
bench: $(B)/bench/feed_bench
	@$(PYTHON) tests/bench/feed_bench.py $< --captures "$(BENCH_CAPTURES)" --passes $(BENCH_PASSES) \
	  --compiler "$$($(CC) --version | head -n 1), $(OPT)"
.PHONY: bench

# ---- large books: accounts a second from SQLite, CSV and the generator, bytes an account. SIZE=10000000 wants 4 GB of disk
SIZE     ?= 100000
LOAD_DIR ?= $(B)/bench
$(B)/bench/accounts_bench: $(call obj,$(wildcard tests/bench/accounts/*.c)) $(B)/lib/accounts.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_accounts) -o $@
bench-load: $(B)/bench/accounts_bench
	@$(B)/bench/accounts_bench "$(LOAD_DIR)" $(SIZE)
.PHONY: bench-load
# ---- time of an update from ten thousand to ten million accounts; PEERS= a folder with the libraries keepers use
SCALE_SIZES   ?= 1e4,1e5,1e6,1e7
SCALE_UPDATES ?= 1000000
SCALE_DEVICE  ?= vector
SCALE_ROWS    ?= 4096
PEERS         ?=
$(B)/bench/scale_bench: $(call obj,$(wildcard tests/bench/scale/scale_*.c)) $(B)/lib/engine.a $(B)/lib/accounts.a $(B)/lib/drivers.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_engine) -o $@
bench-scale: $(B)/bench/scale_bench
	@$(PYTHON) tests/bench/scale/scale.py $< --sizes $(SCALE_SIZES) --updates $(SCALE_UPDATES) --device $(SCALE_DEVICE) \
	  --rows $(SCALE_ROWS) --svg docs/scale.svg --json $(B)/bench/scale.json $(if $(PEERS),--peers "$(PEERS)")
.PHONY: bench-scale

# ---- everything side by side in one run: the README's table. PEERS= a folder with the libraries keepers use
TABLE_PEERS ?= $(wildcard ../shared/peers)
bench-table: deps
	@$(MAKE) --no-print-directory build $(B)/bench/scale_bench
	@$(PYTHON) tests/bench/table.py $(B)/tripline --scale $(B)/bench/scale_bench --dir $(B)/bench/table \
	  $(if $(PEERS)$(TABLE_PEERS),--peers "$(or $(PEERS),$(TABLE_PEERS))")
.PHONY: bench-table

# ---- many accounts breach at one update: from the frame to the last order. Measured, not a test
$(B)/bench/burst: tests/bench/burst/burst.c $(CORE_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) -MF $@.d $< $(CORE_LIBS) $(LDFLAGS) $(LIBS_run) -o $@
# Does a price wait for accounts' states? UPDATES_ACCOUNTS=n UPDATES_PRICES=n UPDATES_DEVICE=model|vector
UPDATES_ACCOUNTS ?= 1000000
UPDATES_PRICES   ?= 200000
UPDATES_DEVICE   ?= vector
$(B)/bench/updates: $(call obj,tests/bench/scale/updates_bench.c tests/bench/scale/scale_book.c) $(CORE_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_engine) -o $@
bench-updates: $(B)/bench/updates
	@$(B)/bench/updates $(UPDATES_ACCOUNTS) $(UPDATES_PRICES) $(UPDATES_DEVICE)
.PHONY: bench-updates
# ... and for new parameters of an instrument? The same settings.
$(B)/bench/params: $(call obj,tests/bench/scale/params_bench.c tests/bench/scale/scale_book.c) $(CORE_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_engine) -o $@
bench-parameters: $(B)/bench/params
	@$(B)/bench/params $(UPDATES_ACCOUNTS) $(UPDATES_PRICES) $(UPDATES_DEVICE)
.PHONY: bench-parameters

# ---- handing a request made beforehand to the kernel, by Unix socket and TCP
RPC_SENDS ?= 200000
$(B)/bench/rpc_send: $(call obj,tests/bench/evm/rpc_send.c) $(B)/lib/evm.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_evm) -o $@
bench-rpc: $(B)/bench/rpc_send
	@$< $(RPC_SENDS)
.PHONY: bench-rpc

# ---- what it costs to ask whether a liquidation is worth it
$(B)/bench/worth: $(call obj,tests/bench/worth/worth_bench.c) $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
$(B)/bench/worth_desk: $(call obj,tests/bench/worth/desk_bench.c) $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
$(B)/bench/route: $(call obj,tests/bench/worth/route_bench.c) $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
bench-worth: $(B)/bench/worth $(B)/bench/worth_desk $(B)/bench/route
	@$(B)/bench/worth
	@$(B)/bench/worth_desk
	@$(B)/bench/route
.PHONY: bench-worth

# ---- value at risk: a million accounts on ten thousand price paths, the naive way beside it: docs/lab/risk.md
VAR_ACCOUNTS ?= 1000000
VAR_PATHS    ?= 10000
VAR_THREADS  ?= 2
bench-var: deps
	@$(MAKE) --no-print-directory build
	@$(B)/tripline lab var --generate $(VAR_ACCOUNTS) --paths $(VAR_PATHS) --threads $(VAR_THREADS) --seed 1
.PHONY: bench-var

bench-burst: $(B)/bench/burst
	@$<
.PHONY: bench-burst

# ---- what encoding, hashing and signing of a transaction cost: docs/evm.md
$(B)/bench/evm: $(call obj,tests/bench/evm/evm_bench.c) $(B)/lib/evm.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_evm) -o $@
bench-evm: $(B)/bench/evm
	@$<
.PHONY: bench-evm

# ---- from the trigger to the last byte of a ready order in the kernel's hands: docs/transactions.md
ORDERS_ROUNDS ?= 300
$(B)/bench/orders: $(call obj,tests/bench/exec/orders_bench.c) $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
$(B)/bench/gateway: $(call obj,tests/bench/exec/gateway_bench.c) $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
bench-orders: $(B)/bench/orders $(B)/bench/gateway
	@$< $(B)/bench $(ORDERS_ROUNDS)
	@$(B)/bench/gateway $(B)/bench $(ORDERS_ROUNDS)
.PHONY: bench-orders

# ---- other builds of the same tree, each below its own directory
debug:
	@$(MAKE) --no-print-directory VARIANT=debug B=build/debug SIM_B=$(B) build
asan tsan:
	@$(MAKE) --no-print-directory VARIANT=$@ B=build/$@ SIM_B=$(B) build unit-build

# ---- checks that run nothing
C_SOURCES  := $(wildcard host/*/*.c host/*/*/*.c drivers/*.c sim/*.c tests/*/*.c tests/*/*/*.c)
C_FORMATTED := $(C_SOURCES) $(wildcard host/*/*.h host/*/*/*.h drivers/*.h sim/*.h sim/*.cpp tests/*/*.h tests/*/*/*.h)
lint: deps lint-format lint-clang lint-layers lint-rtl
lint-layers:
	@$(PYTHON) tests/layers.py $(foreach m,$(MODULES),'$(m)=$(DEPS_$(m))')
lint-format:
	@clang-format --dry-run --Werror $(C_FORMATTED) && echo "format: clean"
# One compiler for all files, by the arguments that the driver would give it: starting one for each takes as long as their work.
lint-clang: $(B)/gen/abi.h $(B)/gen/lab_scenarios.h
	@eval "$$(clang -### -std=c17 -D_GNU_SOURCE $(WARN) -Wno-gnu-zero-variadic-macro-arguments -Wno-newline-eof -fsyntax-only \
	  -Ihost -Idrivers -Isim -I$(B)/gen -Itests/unit $(DPDK_CFLAGS) -Wno-unknown-warning-option $(firstword $(C_SOURCES)) 2>&1 | tail -n 1)" $(C_SOURCES) \
	  && echo "clang: clean"
format:
	@clang-format -i $(C_FORMATTED)

clean:
	rm -rf build

# ---- packages (Debian 12 names)
PACKAGES := gcc g++ make pkg-config python3 libdpdk-dev libpcap-dev verilator check libsqlite3-dev zlib1g-dev \
            libsecp256k1-dev nettle-dev libcurl4-openssl-dev libjansson-dev libyaml-dev \
            yosys z3 nextpnr-ice40 fpga-icestorm clang clang-format libclang-rt-14-dev iproute2 procps strace git valgrind
deps:
	@missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo "deps: no apt-get here. Install the equivalents of:$$missing" >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
	  echo "deps: not root and no sudo. As root, run: apt-get install -y$$missing" >&2; exit 1; fi; \
	echo "deps: installing$$missing"; \
	$$sudo apt-get update -q >$${TMPDIR:-/tmp}/tripline-deps.log 2>&1; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing \
	  >>$${TMPDIR:-/tmp}/tripline-deps.log 2>&1 || { tail -n 20 $${TMPDIR:-/tmp}/tripline-deps.log >&2; \
	  echo "deps: apt-get failed (above). Install by hand:$$missing" >&2; exit 1; }

help:
	@echo "make run      build, then the main job (CAPTURE=file ACCOUNTS=store SEED=n)"
	@echo "make test     build, then all tests (ONLY=pattern JOBS=n SEED=n)"
	@echo "make latency  the latency table of the README;  latency-report  docs/latency-report.html (REPORT_BENCH=, REPORT_CARD= 'options of tripline bench')"
	@echo "make build    $(B)/tripline"
	@echo "make deps     install missing packages (apt)"
	@echo "make perf-stat  branches, caches and TLB of the hot path, for each packet"
	@echo "make lint     lint-format, lint-clang (C), lint-layers (who includes whom) and lint-rtl (Verilator, Yosys)"
	@echo "make format   reformat C and C++ sources"
	@echo "make debug    the binary without optimisation, in build/debug"
	@echo "make asan     binary and unit tests with sanitizers, in build/asan; make tsan likewise"
	@echo "make unit-M   unit tests of one module: $(MODULES)"
	@echo "make registers  docs/registers.md anew from drivers/abi/abi.toml"
	@echo "make formal   proofs of the RTL; formal-full all, formal-mutants that each refutes a broken RTL, formal-table docs/formal.md"
	@echo "make synth    area and logic depth (Yosys, UltraScale+), iCE40 place and route, docs/synthesis.md; synth-quick 32 lanes only"
	@echo "make coverage toggle coverage of rtl/, docs/coverage.md (line coverage is part of make test)"
	@echo "make netlist-sim  the co-simulation on what Yosys makes of the RTL;  make cosim-large  32,768 rows, 22,558 flags at once"
	@echo "make bench        ns and instructions of the feed decoders beside two references;  make bench-sim  simulated ticks a second;  bench-fan  several devices as one"
	@echo "make bench-table  devices, a full scan, the libraries keepers use, testpmd, side by side in one run (PEERS=folder)"
	@echo "make bench-vector ns of a tick on the back end vector, by instruction set and rows, beside a bare loop (BENCH_TICKS=n BENCH_THREADS=n)"
	@echo "make guard        instructions of each unit of work on the hot path, beside those kept in tests/guard/counts.toml; guard-update keeps the new ones"
	@echo "make bench-compare BASE=commit  two commits in one run, by turns: times, ratios, instructions (HEAD=commit ROUNDS=n)"
	@echo "make bench-load   accounts a second from SQLite, CSV and the generator, bytes an account (SIZE=n)"
	@echo "make bench-scale  ns of an update for 10 thousand to 10 million accounts (SCALE_SIZES=1e4,1e5 PEERS=folder)"
	@echo "make bench-parameters  what a change of parameters takes, and the latency of prices with one a second (UPDATES_ACCOUNTS=n)"
	@echo "make bench-updates  latency of prices with 0, 1,000 and 5,000 accounts' states a second between them (UPDATES_ACCOUNTS=n)"
	@echo "make bench-var    value at risk of a million accounts on ten thousand price paths, beside the naive way (VAR_ACCOUNTS=n VAR_PATHS=n VAR_THREADS=n)"
	@echo "make bench-burst  22,558 accounts breach at one update: time to the first and to the last order"
	@echo "make bench-evm    ns of hashing, encoding and signing an Ethereum transaction (docs/evm.md)"
	@echo "make bench-rpc    us from the call to a request in the kernel's hands, by Unix socket and TCP (RPC_SENDS=n)"
	@echo "make bench-worth  ns to find the best size of a liquidation and to ask again at the trigger"
	@echo "make bench-orders us from the trigger to the last byte of a ready order in the kernel's hands (ORDERS_ROUNDS=n)"
	@echo "make waves    waveform of one tick that triggers, with marks;  make diagrams  the timing diagrams of docs/ anew"
	@echo "make run-chain   tripline on a lending market of a local node for a minute, held against the chain (docs/chain.md)"
	@echo "make test-chain  rules against real lending contracts on a local node; make deps-chain brings npm packages, compiles (docs/chain.md)"
	@echo "make fuzz     build and run the fuzzers (FUZZ_SECONDS=n each)"
	@echo "make clean    remove build/"
.DEFAULT_GOAL := build
.PHONY: all build run latency latency-report debug asan tsan lint lint-format lint-clang lint-layers format clean deps help

-include rtl/rtl.mk
-include tests/tests.mk
-include tests/chain/chain.mk

-include $(shell find $(B)/obj $(B)/unit -name '*.d' 2>/dev/null)
