// SPDX-License-Identifier: Apache-2.0
// What every property module uses. FV_RESET: reset in the first cycle, free afterwards, so each proof
// also covers a reset in the middle of things. Properties are judged outside reset.
`ifndef FV_SVH
`define FV_SVH
`include "hc_assert.svh"
`define FV_RESET \
  logic fv_begun_q; \
  initial fv_begun_q = 1'b0; \
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1; \
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
`define FV_ASSERT(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: assert (cond); end
`define FV_ASSUME(name, cond) \
  always_comb if (rst_ni) begin name: assume (cond); end
`define FV_COVER(name, cond) \
  always_ff @(posedge clk_i) if (rst_ni) begin name: cover (cond); end
// Valid and data of a stream hold while it waits. Only judged when no reset lies between. `kind` is
// assert (the design's side) or assume (the other's).
`define FV_STREAM(name, kind, valid, ready, data) \
  logic name``_wait_q; \
  logic [$bits(data)-1:0] name``_data_q; \
  initial name``_wait_q = 1'b0; \
  always_ff @(posedge clk_i) begin \
    name``_wait_q <= rst_ni && valid && !ready; \
    name``_data_q <= data; \
  end \
  always_comb if (rst_ni && name``_wait_q) begin \
    name``_valid: kind (valid); \
    name``_data: kind (data == name``_data_q); \
  end
`endif
