# SPDX-License-Identifier: Apache-2.0
# Tests against real lending contracts on a local node (docs/chain.md). Only these targets need npm and node.
CHAIN_DIR ?= build/chain
CHAIN_PACKAGES := nodejs npm
CHAIN_ENV = CHAIN_DIR=$(CHAIN_DIR) B=$(B)

deps-chain:
	@command -v node >/dev/null && command -v npm >/dev/null || $(MAKE) --no-print-directory deps PACKAGES="$(CHAIN_PACKAGES)"
	@$(CHAIN_ENV) $(PYTHON) tests/chain/fixture.py --build

# The rules, asked line by line.
$(B)/chain/rules_driver: $(call obj,tests/diff/rules_driver.c) $(B)/lib/accounts.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_accounts) -o $@
# Calls of the liquidation contract, made and read.
$(call obj,tests/chain/flash_driver.c): CFLAGS += -Itests/unit
$(B)/chain/flash_driver: $(call obj,tests/chain/flash_driver.c) $(B)/lib/exec.a $(B)/lib/evm.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
# The sender, driven line by line.
SENDER_LIBS := $(patsubst %,$(B)/lib/%.a,$(DEPS_exec))
$(B)/chain/sender_live: $(call obj,tests/chain/sender_live.c) $(SENDER_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
# The gateway to a chain, likewise.
$(B)/chain/gateway_live: $(call obj,tests/chain/gateway_live.c) $(SENDER_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_exec) -o $@
# What a consumer of a market's prices would get, as text.
$(B)/chain/prices_live: $(call obj,tests/chain/prices_live.c) $(B)/lib/chain.a $(B)/lib/evm.a $(B)/lib/accounts.a $(B)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_chain) -o $@
# What a session would be told of a chain, as text.
LINE_LIBS := $(patsubst %,$(B)/lib/%.a,$(DEPS_run))
$(B)/chain/line_live: $(call obj,tests/chain/line_live.c) $(LINE_LIBS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $^ $(LDFLAGS) $(LIBS_run) -o $@
chain-build: $(B)/chain/rules_driver $(B)/chain/flash_driver $(B)/chain/sender_live $(B)/chain/gateway_live \
             $(B)/chain/prices_live $(B)/chain/line_live build

# Without npm, node or the registry the suites are skipped, with the reason.
test-chain: deps
	@$(MAKE) --no-print-directory chain-build
	@$(MAKE) --no-print-directory deps-chain || echo "test-chain: make deps-chain failed (above)" >&2
	@$(CHAIN_ENV) TRIPLINE_CHAIN=1 $(PYTHON) tests/run_tests.py --jobs 1 --only '$(or $(ONLY),chain/*)'

# The whole of it on a local node, held against the chain (RUN_CHAIN='--seconds 120 --others 500' and the like: --help).
run-chain: deps
	@$(MAKE) --no-print-directory chain-build
	@$(MAKE) --no-print-directory deps-chain
	@$(CHAIN_ENV) $(PYTHON) tests/chain/run_chain.py $(RUN_CHAIN)

# The liquidation contract, compiled: build/chain/flash/Liquidator.json (docs/flash.md).
contract: deps-chain
	@$(CHAIN_ENV) $(PYTHON) tests/chain/flashbench.py
.PHONY: deps-chain chain-build test-chain run-chain contract
