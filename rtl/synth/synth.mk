# SPDX-License-Identifier: Apache-2.0
# Synthesis for UltraScale+ (Yosys, no vendor tool) and iCE40 (nextpnr): figures, logic depth, budgets.
#   make synth        all runs, docs/synthesis.md anew; results are kept in $(B)/synth by what they depend on
#   make synth-quick  the small runs, against budgets and docs/synthesis.md
#   make synth-check  all runs, against budgets and docs/synthesis.md
SYNTH  = nice env YOSYS=$(YOSYS) $(PYTHON) rtl/synth/synth.py --build $(B)/synth
SYNTH_DOC := docs/synthesis.md

synth: $(B)/gen/abi_pkg.sv
	@$(SYNTH) --write $(SYNTH_DOC) $(B)/gen/abi_pkg.sv $(RTL_SRC)
synth-quick: $(B)/gen/abi_pkg.sv
	@$(SYNTH) --quick --check $(SYNTH_DOC) $(B)/gen/abi_pkg.sv $(RTL_SRC)
synth-check: $(B)/gen/abi_pkg.sv
	@$(SYNTH) --check $(SYNTH_DOC) $(B)/gen/abi_pkg.sv $(RTL_SRC)
test-synth:
	@$(PYTHON) tests/synth/test_depth.py
.PHONY: synth synth-quick synth-check test-synth
