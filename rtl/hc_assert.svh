// SPDX-License-Identifier: Apache-2.0
// The one form of assertion that Verilator and Yosys both take: a labelled immediate assertion in a
// clocked block.
// Needs clk_i and rst_ni in scope. Gone in synthesis (Yosys defines SYNTHESIS unless it reads for
// formal).
`ifndef HC_ASSERT_SVH
`define HC_ASSERT_SVH
`ifdef SYNTHESIS
`define HC_ASSERT(name, cond)
`else
`define HC_ASSERT(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: assert (cond); end
`endif
`endif
