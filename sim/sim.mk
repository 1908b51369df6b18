# SPDX-License-Identifier: Apache-2.0
# The Verilated device. $(B)/lib/sim.a holds the default geometry with board, driver back end and harness; link it as
# `lib/sim.a lib/drivers.a $(SIM_LIBS)`. Tests build further geometries as $(B)/sim/GEOMETRY/sim.a:
#   LxSxA[-short][-parity][-wN]   lanes x slots x assets; -short: MUL_REG = 0; -parity: PARITY = 1, and memories within
#                                 reach of board_flip(); -wN: a window of N beats
# Sanitizers of VARIANT reach the C back end only, not the Verilated code: their builds take it from another one, SIM_B.
VERILATOR ?= verilator
RTL_SRC   := rtl/hc_pkg.sv $(filter-out rtl/hc_pkg.sv,$(sort $(wildcard rtl/hc_*.sv)))
RTL_DEPS  := $(RTL_SRC) $(wildcard rtl/*.svh)
SIM_GEOMETRY ?= 32x16x256
# -fno-const-bit-op-tree: that pass of 5.006 gives wrong results. OPT_FAST has to go through MAKEFLAGS: verilated.mk puts
# its own -Os after CXXFLAGS.
# -O3 where much is run; for the other geometries it takes longer to compile than it saves in all tests.
SIM_OPT   ?= $(if $(filter $(SIM_GEOMETRY) 64x2x16-parity $(COSIM_LARGE),$*),-O3,-O1)
SIM_VFLAGS := --cc -O3 --assert -Wall -fno-const-bit-op-tree --x-assign unique --x-initial unique --trace-fst \
              --threads 1 --top-module hc_top --prefix Vhc_top -Irtl
# SIM_VEXTRA="-O0 -fno-dfg" builds without Verilator's optimisations; results must not change.
SIM_VEXTRA ?=
# With --coverage-... among them the harness writes each board's counts (sim/board.hpp, tests/coverage/coverage.mk).
SIM_COV := $(if $(findstring --coverage,$(SIM_VEXTRA)),verilated_cov.o)
# Verilator's own C++, the same for every geometry; none of it runs in a cycle unless a waveform is written.
SIM_RUNTIME ?= $(SIM_B)/sim/runtime
SIM_RUNTIME_OBJS := $(patsubst %,$(SIM_RUNTIME)/%.o,verilated verilated_fst_c verilated_threads $(basename $(SIM_COV)))
VERILATOR_ROOT_DIR = $(shell $(VERILATOR) --getenv VERILATOR_ROOT 2>/dev/null)
# Not $(MAKE) in the recipe: `make -n` would run it.
SIM_MAKE := $(MAKE)
sim_part = $(subst -, ,$(1))
sim_word = $(word $(2),$(subst x, ,$(firstword $(sim_part))))
sim_flip = $(if $(filter parity,$(sim_part)),sim/flip.vlt)
sim_params = -GLANES=$(call sim_word,$(1),1) -GSLOTS=$(call sim_word,$(1),2) -GASSETS=$(call sim_word,$(1),3) \
  $(if $(filter short,$(sim_part)),-GMUL_REG=0) $(if $(filter parity,$(sim_part)),-GPARITY=1) $(patsubst w%,-GWINDOW_DEPTH=%,$(filter w%,$(sim_part)))

# In the directory of the target: the C++ that Verilator made.
define sim_compile
env -u MAKEFLAGS -u MFLAGS $(SIM_MAKE) --no-print-directory -s -C $(@D) -f Vhc_top.mk OPT_FAST="$(SIM_OPT)" OPT_GLOBAL="$(SIM_OPT)" \
  OPT_SLOW=-O0 CXX="$(CXX)" LINK="$(CXX)" CFG_CXXFLAGS_WNO_UNUSED= Vhc_top__ALL.a > $(@D)/build.log 2>&1 || { cat $(@D)/build.log; exit 1; }
endef
$(SIM_RUNTIME)/%.o: sim/sim.mk
	@mkdir -p $(@D)
	@echo "  CXX   $@"
	@$(CXX) -w -O1 -faligned-new -fcf-protection=none -DVM_COVERAGE=0 -DVM_SC=0 -DVM_TRACE=1 -DVM_TRACE_FST=1 -DVM_TRACE_VCD=0 \
	  -I$(VERILATOR_ROOT_DIR)/include -I$(VERILATOR_ROOT_DIR)/include/vltstd -c $(VERILATOR_ROOT_DIR)/include/$*.cpp -o $@

# The hash covers what the device is made of: sources, definition, geometry.
$(SIM_B)/sim/%/Vhc_top__ALL.a: $(SIM_B)/gen/abi_pkg.sv $(RTL_DEPS) sim/sim.mk sim/public.vlt sim/flip.vlt
	@mkdir -p $(@D)
	@echo "  VERILATE $*"
	@hash=$$( (cat $(RTL_DEPS) $(SIM_B)/gen/abi_pkg.sv; echo $*) | sha256sum | cut -c1-16); \
	printf '#define SIM_BUILD_HASH UINT64_C(0x%s)\n' $$hash > $(@D)/build_hash.h; \
	$(VERILATOR) $(SIM_VFLAGS) $(SIM_VEXTRA) --Mdir $(@D) $(call sim_params,$*) \
	  -GBUILD_HASH="64'h$$hash" sim/public.vlt $(call sim_flip,$*) $(SIM_B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(sim_compile)
	@touch $@ # make leaves what came out the same as it was

# A netlist (rtl/rtl.mk) has no names that the harness could look behind.
$(B)/sim/%/harness.o: sim/harness.cpp sim/board.hpp sim/board.h sim/pcie.hpp sim/skip.hpp sim/flip.hpp sim/probe.hpp drivers/device.h drivers/probe.h $(B)/gen/abi.h $(SIM_B)/sim/%/Vhc_top__ALL.a
	@mkdir -p $(@D)
	@echo "  CXX   $@"
	@$(CXX) -std=c++17 -O2 -g -Wall -Wextra $(if $(filter netlist-%,$*),,-DSIM_SKIP) $(if $(call sim_flip,$*),-DSIM_FLIP) $(if $(SIM_COV),-DVM_COVERAGE=1) -Isim -Ihost -Idrivers -I$(B)/gen \
	  -isystem $(SIM_B)/sim/$* -isystem $(VERILATOR_ROOT_DIR)/include -isystem $(VERILATOR_ROOT_DIR)/include/vltstd -c $< -o $@

$(B)/sim/%/sim.a: $(SIM_B)/sim/%/Vhc_top__ALL.a $(B)/sim/%/harness.o $(B)/obj/sim/dev_sim.o $(SIM_RUNTIME_OBJS)
	@echo "  AR    $@"
	@rm -f $@
	@printf 'create %s\naddlib %s\n$(patsubst %,addmod %\n,$(wordlist 2,9,$^))save\nend\n' $@ $< | ar -M

$(B)/lib/sim.a: $(B)/sim/$(SIM_GEOMETRY)/sim.a
	@mkdir -p $(@D)
	@cp $< $@

.PRECIOUS: $(SIM_B)/sim/%/Vhc_top__ALL.a $(SIM_RUNTIME)/%.o $(B)/sim/%/harness.o $(B)/sim/%/sim.a
SIM_LIBS := -lstdc++ -lz -lm -lpthread

# ---- tests of the way to the device and back
FLIP_TESTS := $(B)/flip/4x4x16-parity $(B)/flip/4x1x16-short-parity $(B)/flip/64x2x16-parity $(B)/mend/4x4x16-parity
FAN_TEST  := $(B)/fan/4x4x16
# The formula for a card's cycles (host/bench/card_time.h) against the RTL's stamps.
TIME_TESTS := $(B)/card_time/32x16x256 $(B)/card_time/4x4x16 $(B)/card_time/8x2x32 $(B)/card_time/64x2x16 $(B)/card_time/1x8x16 $(B)/card_time/4x1x16-short
SIM_TESTS := $(FAN_TEST) $(TIME_TESTS) $(B)/pcie/4x4x16 $(B)/pcie/4x1x16-short-w8 $(B)/card_life/4x4x16 $(FLIP_TESTS)
$(B)/obj/tests/cosim/card_time.o $(B)/obj/tests/cosim/pcie.o $(B)/obj/tests/cosim/card_life.o $(B)/obj/tests/cosim/bench.o $(B)/obj/tests/cosim/flip.o $(B)/obj/tests/cosim/mend.o: CFLAGS += -Isim
$(B)/card_life/%: $(B)/obj/tests/cosim/card_life.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
$(B)/flip/%: $(B)/obj/tests/cosim/flip.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
MEND_LIBS := $(B)/lib/engine.a $(B)/lib/accounts.a $(B)/lib/drivers.a $(B)/lib/base.a
$(B)/mend/%: $(B)/obj/tests/cosim/mend.o $(B)/sim/%/sim.a $(MEND_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(MEND_LIBS) $(LDFLAGS) $(SIM_LIBS) $(LIBS_engine) -o $@
$(B)/pcie/%: $(B)/obj/tests/cosim/pcie.o $(B)/obj/tests/cosim/stream.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
$(B)/card_time/%: $(B)/obj/tests/cosim/card_time.o $(B)/sim/%/sim.a $(B)/lib/bench.a $(B)/lib/drivers.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
$(B)/fan/%: $(B)/obj/tests/cosim/fan.o $(B)/obj/tests/cosim/stream.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
$(B)/bench-sim/%: $(B)/obj/tests/cosim/bench.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
.PRECIOUS: $(B)/card_time/% $(B)/fan/% $(B)/mend/% $(B)/flip/% $(B)/pcie/% $(B)/card_life/% $(B)/bench-sim/%
.SECONDARY: $(B)/obj/tests/cosim/card_time.o $(B)/obj/tests/cosim/fan.o $(B)/obj/tests/cosim/mend.o $(B)/obj/tests/cosim/flip.o $(B)/obj/tests/cosim/pcie.o $(B)/obj/tests/cosim/card_life.o $(B)/obj/tests/cosim/bench.o

sim-test-build: $(SIM_TESTS)
bench-sim: $(B)/bench-sim/$(SIM_GEOMETRY)
	@$<
# What a tick costs through several devices as one, beside its members alone.
bench-fan: $(FAN_TEST)
	@$< --bench
.PHONY: sim-test-build bench-sim bench-fan
