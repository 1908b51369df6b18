# SPDX-License-Identifier: Apache-2.0
# RTL: lint in both tools, co-simulation against the model, the generated register page. Included at the end of the Makefile.
include sim/sim.mk

YOSYS ?= yosys
COSIM_GEOMETRIES ?= 32x16x256 4x4x16 8x2x32 4x1x16 1x8x16
COSIM := $(COSIM_GEOMETRIES:%=$(B)/cosim/%)

lint-rtl: $(B)/gen/abi_pkg.sv
	@echo "  LINT  verilator"
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_core $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@$(VERILATOR) --lint-only -Wall -Irtl --top-module hc_core -GLANES=4 -GSLOTS=1 -GASSETS=16 $(B)/gen/abi_pkg.sv $(RTL_SRC)
	@echo "  LINT  yosys"
	@$(YOSYS) -q -l $(B)/lint-yosys.log -p "read_verilog -sv -Irtl $(B)/gen/abi_pkg.sv $(RTL_SRC); \
	  hierarchy -check -top hc_core -chparam LANES 4 -chparam SLOTS 4 -chparam ASSETS 16; proc; check -assert"
	@! grep -i 'implicitly declared' $(B)/lint-yosys.log

# The committed page must be what the definition gives (tests/cosim/test_registers.py checks it).
registers: drivers/abi/abi.toml
	$(PYTHON) drivers/abi/gen_abi.py md $< > docs/registers.md

$(B)/obj/tests/cosim/cosim.o: CFLAGS += -Isim
$(B)/cosim/%: $(B)/obj/tests/cosim/cosim.o $(B)/obj/tests/cosim/stream.o $(B)/sim/%/sim.a $(B)/lib/drivers.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
.PRECIOUS: $(B)/cosim/%
.SECONDARY: $(B)/obj/tests/cosim/cosim.o $(B)/obj/tests/cosim/stream.o $(B)/obj/sim/dev_sim.o

cosim-build: $(COSIM)
test-cosim: $(COSIM) test-registers
	@$(PYTHON) tests/cosim/test_geometries.py $(B)
test-check: $(B)/tripline
	@TRIPLINE=$< $(PYTHON) tests/cosim/test_check.py
test-registers: $(B)/gen/abi_pkg.sv
	@$(PYTHON) tests/cosim/test_registers.py
.PHONY: lint-rtl registers cosim-build test-cosim test-check test-registers
