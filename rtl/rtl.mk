# SPDX-License-Identifier: Apache-2.0
# RTL: lint in both tools, co-simulation against the model, the generated register page. Included at the end of the Makefile.
include sim/sim.mk
include $(wildcard tests/formal/formal.mk rtl/synth/synth.mk tests/coverage/coverage.mk)

YOSYS ?= yosys
COSIM_GEOMETRIES ?= 32x16x256 4x4x16 8x2x32 4x1x16-short 1x8x16 64x2x16 4x4x16-parity 64x2x16-parity netlist-4x4x16
COSIM := $(COSIM_GEOMETRIES:%=$(B)/cosim/%)

lint-rtl: $(B)/gen/abi_pkg.sv
	@echo "  LINT  verilator"
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_top $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_top -GLANES=4 -GSLOTS=1 -GASSETS=16 -GMUL_REG=0 -GWINDOW_DEPTH=8 $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_top -GPARITY=1 $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_top -GLANES=4 -GSLOTS=1 -GASSETS=16 -GMUL_REG=0 -GPARITY=1 $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@echo "  LINT  yosys"
	@$(YOSYS) -q -l $(B)/lint-yosys.log -p "read_verilog -sv -Irtl $(B)/gen/abi_pkg.sv $(RTL_SRC); \
	  hierarchy -check -top hc_top -chparam LANES 4 -chparam SLOTS 4 -chparam ASSETS 16; proc; check -assert"
	@! grep -i 'implicitly declared' $(B)/lint-yosys.log

# The committed page must be what the definition gives (tests/cosim/test_registers.py checks it).
registers: drivers/abi/abi.toml
	$(PYTHON) drivers/abi/gen_abi.py md $< > docs/registers.md

# netlist-LxSxA[-parity]: what Yosys makes of the sources, simulated in their place, so that the simulator and the synthesiser are
# known to read them alike. Without Verilator's optimisations: 5.006 gets the netlist of `opt -full` wrong (any -O above 0).
NETLIST_PASSES := proc; flatten; check -assert; opt -full; memory_dff; memory_collect; opt_clean; check -assert
$(B)/sim/netlist-%/Vhc_top__ALL.a: $(B)/gen/abi_pkg.sv $(RTL_DEPS) rtl/rtl.mk sim/sim.mk
	@mkdir -p $(@D)
	@echo "  NETLIST  $*"
	@hash=$$( (cat $(RTL_DEPS) $(B)/gen/abi_pkg.sv; echo netlist $*) | sha256sum | cut -c1-16); \
	printf '#define SIM_BUILD_HASH UINT64_C(0x%s)\n' $$hash > $(@D)/build_hash.h; \
	$(YOSYS) -q -l $(@D)/yosys.log -p "read_verilog -sv -Irtl $(B)/gen/abi_pkg.sv $(RTL_SRC); \
	  hierarchy -check -top hc_top -chparam LANES $(call sim_word,$*,1) -chparam SLOTS $(call sim_word,$*,2) \
	  -chparam ASSETS $(call sim_word,$*,3) $(if $(filter parity,$(call sim_part,$*)),-chparam PARITY 1) -chparam BUILD_HASH 64'h$$hash; $(NETLIST_PASSES); \
	  rename -top hc_top; write_verilog -noattr $(@D)/netlist.v" && \
	$(VERILATOR) --cc -O0 -fno-dfg --x-assign unique --x-initial unique --trace-fst --threads 1 --top-module hc_top \
	  --prefix Vhc_top -Wno-fatal -Wno-lint -Wno-UNOPTFLAT --Mdir $(@D) $(@D)/netlist.v > $(@D)/verilator.log 2>&1 \
	  || { cat $(@D)/yosys.log $(@D)/verilator.log | tail -n 30; exit 1; }
	@$(sim_compile)
	@touch $@ # as in sim/sim.mk

COSIM_OBJS := $(B)/obj/tests/cosim/cosim.o $(B)/obj/tests/cosim/timing.o $(B)/obj/tests/cosim/stream.o
$(COSIM_OBJS): CFLAGS += -Isim
$(B)/cosim/%: $(COSIM_OBJS) $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
.PRECIOUS: $(B)/cosim/%
.SECONDARY: $(COSIM_OBJS) $(B)/obj/sim/dev_sim.o

# A core that is large enough for every flag of one group; minutes to build and to run.
COSIM_LARGE ?= 256x128x4
cosim-large: $(COSIM_LARGE:%=$(B)/cosim-large/%)
	@for p in $^; do $$p --timing --latency 7 || exit 1; done
$(B)/cosim-large/%: $(COSIM_OBJS) $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@

cosim-build: $(COSIM)
test-cosim: $(COSIM) test-registers
	@$(PYTHON) tests/cosim/test_geometries.py $(B)
netlist-sim: $(B)/cosim/netlist-4x4x16
	@$< --latency 5
test-check: $(B)/tripline
	@TRIPLINE=$< $(PYTHON) tests/cosim/test_check.py
test-registers: $(B)/gen/abi_pkg.sv
	@$(PYTHON) tests/cosim/test_registers.py
.PHONY: lint-rtl registers cosim-build cosim-large netlist-sim test-cosim test-check test-registers
