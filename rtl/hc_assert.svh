// SPDX-License-Identifier: Apache-2.0
// The one form of assertion that Verilator and Yosys both take: a labelled immediate assertion in a
// clocked block.
// HC_ASSERT: what the module promises. HC_ASSUME_IN: what it asks of its inputs; checked in simulation,
// assumed in a proof (FORMAL). The forms with _IF look at cond only in cycles in which guard holds: the
// same as !(guard) || (cond), but a simulator then works cond out in these cycles only.
// All need clk_i and rst_ni in scope. Gone in synthesis (Yosys defines SYNTHESIS unless it reads for
// formal).
`ifndef HC_ASSERT_SVH
`define HC_ASSERT_SVH
`ifdef SYNTHESIS
`define HC_ASSERT(name, cond)
`define HC_ASSERT_IF(name, guard, cond)
`define HC_ASSUME_IN(name, cond)
`define HC_ASSUME_IN_IF(name, guard, cond)
`else
`define HC_ASSERT(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: assert (cond); end
`define HC_ASSERT_IF(name, guard, cond) \
  always_ff @(posedge clk_i) if (rst_ni && (guard)) begin name: assert (cond); end
`ifdef FORMAL
`define HC_ASSUME_IN(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: assume (cond); end
`define HC_ASSUME_IN_IF(name, guard, cond) \
  always_ff @(posedge clk_i) if (rst_ni && (guard)) begin name: assume (cond); end
`else
`define HC_ASSUME_IN(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: assert (cond); end
`define HC_ASSUME_IN_IF(name, guard, cond) \
  always_ff @(posedge clk_i) if (rst_ni && (guard)) begin name: assert (cond); end
`endif
`endif
`endif
