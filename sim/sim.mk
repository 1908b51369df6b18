# SPDX-License-Identifier: Apache-2.0
# The Verilated core. $(B)/lib/sim.a holds the default geometry with harness and back end; link it as
# `lib/sim.a -lstdc++ -lz -lm -lpthread`. Tests build further geometries LxSxA as $(B)/sim/LxSxA/sim.a.
# Sanitizers of VARIANT reach the C back end only, not the Verilated code.
VERILATOR ?= verilator
RTL_SRC   := rtl/hc_pkg.sv $(filter-out rtl/hc_pkg.sv,$(sort $(wildcard rtl/hc_*.sv)))
RTL_DEPS  := $(RTL_SRC) $(wildcard rtl/*.svh)
SIM_GEOMETRY ?= 32x16x256
# -fno-const-bit-op-tree: that pass of 5.006 gives wrong results. OPT_FAST has to go through MAKEFLAGS: verilated.mk puts
# its own -Os after CXXFLAGS.
SIM_OPT   ?= -O3
SIM_VFLAGS := --cc -O3 --assert -Wall -fno-const-bit-op-tree --x-assign unique --x-initial unique --trace-fst \
              --threads 1 --top-module hc_core --prefix Vhc_core -Irtl
# SIM_VEXTRA="-O0 -fno-dfg" builds without Verilator's optimisations; results must not change.
SIM_VEXTRA ?=
VERILATOR_ROOT_DIR = $(shell $(VERILATOR) --getenv VERILATOR_ROOT 2>/dev/null)
# Not $(MAKE) in the recipe: `make -n` would run it.
SIM_MAKE := $(MAKE)
sim_word = $(word $(2),$(subst x, ,$(1)))

# In the directory of the target: the C++ that Verilator made, and its library.
define sim_compile
env -u MAKEFLAGS -u MFLAGS $(SIM_MAKE) --no-print-directory -s -C $(@D) -f Vhc_core.mk OPT_FAST="$(SIM_OPT)" OPT_GLOBAL="$(SIM_OPT)" \
  OPT_SLOW=-O0 CXX="$(CXX)" LINK="$(CXX)" CFG_CXXFLAGS_WNO_UNUSED= Vhc_core__ALL.a verilated.o \
  verilated_fst_c.o verilated_threads.o > $(@D)/build.log 2>&1 || { cat $(@D)/build.log; exit 1; }
endef

# The hash covers what the core is made of: sources, definition, geometry.
$(B)/sim/%/Vhc_core__ALL.a: $(B)/gen/abi_pkg.sv $(RTL_DEPS) sim/sim.mk
	@mkdir -p $(@D)
	@echo "  VERILATE $*"
	@hash=$$( (cat $(RTL_DEPS) $(B)/gen/abi_pkg.sv; echo $*) | sha256sum | cut -c1-16); \
	printf '#define SIM_BUILD_HASH UINT64_C(0x%s)\n' $$hash > $(@D)/build_hash.h; \
	$(VERILATOR) $(SIM_VFLAGS) $(SIM_VEXTRA) --Mdir $(@D) \
	  -GLANES=$(call sim_word,$*,1) -GSLOTS=$(call sim_word,$*,2) -GASSETS=$(call sim_word,$*,3) \
	  -GBUILD_HASH="64'h$$hash" $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(sim_compile)

$(B)/sim/%/harness.o: sim/harness.cpp sim/sim_api.h $(B)/gen/abi.h $(B)/sim/%/Vhc_core__ALL.a
	@echo "  CXX   $@"
	@$(CXX) -std=c++17 -O2 -g -Wall -Wextra -Isim -I$(B)/gen -isystem $(@D) -isystem $(VERILATOR_ROOT_DIR)/include \
	  -isystem $(VERILATOR_ROOT_DIR)/include/vltstd -c $< -o $@

$(B)/sim/%/sim.a: $(B)/sim/%/Vhc_core__ALL.a $(B)/sim/%/harness.o $(B)/obj/sim/dev_sim.o
	@echo "  AR    $@"
	@rm -f $@
	@printf 'create %s\naddlib %s\naddmod %s\naddmod %s\naddmod %s\naddmod %s\naddmod %s\nsave\nend\n' $@ $< \
	  $(@D)/harness.o $(B)/obj/sim/dev_sim.o $(@D)/verilated.o $(@D)/verilated_fst_c.o $(@D)/verilated_threads.o | ar -M

$(B)/lib/sim.a: $(B)/sim/$(SIM_GEOMETRY)/sim.a
	@mkdir -p $(@D)
	@cp $< $@

.PRECIOUS: $(B)/sim/%/Vhc_core__ALL.a $(B)/sim/%/harness.o $(B)/sim/%/sim.a
SIM_LIBS := -lstdc++ -lz -lm -lpthread
