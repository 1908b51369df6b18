# SPDX-License-Identifier: Apache-2.0
# Waveforms: `make waves` (an annotated one for GTKWave), `make diagrams` (docs/timing.md and docs/waves/ from the RTL),
# test-diagrams (they are still true).
WAVES_GEOMETRIES := $(shell sed -n 's/^geometry = "\(.*\)"/\1/p' docs/waves/diagrams.toml | sort -u)
# GTKWave's library for FST, a part of Verilator.
WAVES_FST = $(VERILATOR_ROOT_DIR)/include/gtkwave

$(B)/waves/fst2vcd: $(B)/obj/tests/waves/fst2vcd.o
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -w -O2 -DFST_CONFIG_INCLUDE='"fst_config.h"' -I$(WAVES_FST) $< $(WAVES_FST)/fstapi.c $(WAVES_FST)/lz4.c \
	  $(WAVES_FST)/fastlz.c $(LDFLAGS) -lz -o $@
$(B)/waves/%/run: $(B)/obj/tests/waves/run_commands.o $(B)/sim/%/sim.a $(B)/lib/drivers.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(SIM_LIBS) -o $@
.SECONDARY: $(B)/obj/tests/waves/run_commands.o $(B)/obj/tests/waves/fst2vcd.o

diagrams-build: $(B)/waves/fst2vcd $(WAVES_GEOMETRIES:%=$(B)/waves/%/run)
diagrams: diagrams-build
	@$(PYTHON) tests/waves/diagrams.py write $(B)
test-diagrams: diagrams-build
	@$(PYTHON) tests/waves/diagrams.py check $(B)
waves: $(B)/tripline $(B)/waves/fst2vcd
	@$(PYTHON) tests/waves/waves.py $(B)
.PHONY: diagrams-build diagrams test-diagrams waves
