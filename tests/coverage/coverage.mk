# SPDX-License-Identifier: Apache-2.0
# Coverage of rtl/: lines and functional bins (test-coverage, in `make test`), toggles (`make coverage`). The instrumented
# simulations are builds of their own; the harness adds each core's counts to the files COVERAGE.N.
COVERAGE_GEOMETRIES ?= 4x4x16 64x2x16
COVERAGE_LINE   := $(B)/coverage/line
COVERAGE_TOGGLE := $(B)/coverage/toggle
COVERAGE_MONITOR := tests/coverage/hc_monitor.sv
COVERAGE_BEATS  ?= 6000
# The host interface does not depend on the lanes: the way over PCIe in the first geometry only. Parity: by flipped bits.
coverage_programs = $(COVERAGE_GEOMETRIES:%=$(1)/cosim/%) $(1)/pcie/$(firstword $(COVERAGE_GEOMETRIES)) $(1)/flip/4x4x16-parity
# Toggles take longer and want every width there is: a full group of lanes, and all rows on one asset in the largest.
TOGGLE_GEOMETRIES ?= 4x4x16 32x1x16 64x2x16
TOGGLE_BEATS      ?= 3000
toggle_programs = $(TOGGLE_GEOMETRIES:%=$(1)/cosim/%) $(1)/pcie/$(firstword $(TOGGLE_GEOMETRIES)) $(1)/pcie/$(lastword $(TOGGLE_GEOMETRIES)) \
  $(1)/flip/4x4x16-parity

# Initial values are 0, not random: what random values make of a device before its first reset is no coverage.
COVERAGE_INITIAL := --x-assign 0 --x-initial 0

# -O1: these are compiled more often than they run. The monitor is no source to sim.mk: a new one makes all anew.
coverage-build: $(SIM_RUNTIME_OBJS) $(SIM_RUNTIME)/verilated_cov.o
	@mkdir -p $(COVERAGE_LINE)
	@[ $(COVERAGE_LINE)/stamp -nt $(COVERAGE_MONITOR) ] || rm -rf $(COVERAGE_LINE)/sim; touch $(COVERAGE_LINE)/stamp
	@$(MAKE) --no-print-directory B=$(COVERAGE_LINE) SIM_RUNTIME=$(SIM_RUNTIME) SIM_OPT=-O1 \
	  SIM_VEXTRA='--coverage-line $(COVERAGE_INITIAL) +define+HC_MONITOR=$(CURDIR)/$(COVERAGE_LINE)/monitor.log $(COVERAGE_MONITOR)' \
	  $(call coverage_programs,$(COVERAGE_LINE))
test-coverage: coverage-build
	@$(PYTHON) tests/coverage/test_coverage.py $(COVERAGE_LINE) $(COVERAGE_BEATS)

coverage: deps
	@$(MAKE) --no-print-directory test-coverage
	@$(MAKE) --no-print-directory B=$(COVERAGE_TOGGLE) SIM_RUNTIME=$(SIM_RUNTIME) SIM_OPT=-O1 \
	  SIM_VEXTRA='--coverage-toggle $(COVERAGE_INITIAL)' \
	  $(call toggle_programs,$(COVERAGE_TOGGLE))
	@$(PYTHON) tests/coverage/toggle.py $(COVERAGE_TOGGLE) $(COVERAGE_LINE) docs/coverage.md $(TOGGLE_BEATS)
.PHONY: coverage-build test-coverage coverage

include tests/waves/waves.mk
