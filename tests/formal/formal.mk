# SPDX-License-Identifier: Apache-2.0
# Formal proofs (docs/formal.md). ONLY=regex picks proofs by name. Included by rtl/rtl.mk.
FORMAL := $(PYTHON) tests/formal/prove.py --build $(B) $(if $(ONLY),--only '$(ONLY)')

formal: $(B)/gen/abi_pkg.sv
	@$(FORMAL) --set quick run
formal-full: $(B)/gen/abi_pkg.sv
	@$(FORMAL) --set full run
formal-mutants: $(B)/gen/abi_pkg.sv
	@$(FORMAL) --set full mutants
formal-mutants-quick: $(B)/gen/abi_pkg.sv
	@$(FORMAL) --set quick mutants
# The table of docs/formal.md, from the last formal-full and formal-mutants.
formal-table:
	@$(FORMAL) table
.PHONY: formal formal-full formal-mutants formal-mutants-quick formal-table
