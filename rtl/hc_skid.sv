// SPDX-License-Identifier: Apache-2.0
// Register slice of a valid/ready channel: both directions are cut, nothing is lost, order is kept.
// Latency: 1 cycle when the output is free. Throughput: 1 a cycle. in_ready_o is a register, low in
// reset, so that nothing can be handed to a slice that is being reset.
`default_nettype none
`include "hc_assert.svh"
module hc_skid #(
  parameter int unsigned WIDTH = 8
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             in_valid_i,
  output      logic             in_ready_o,
  input  wire logic [WIDTH-1:0] in_data_i,
  output      logic             out_valid_o,
  input  wire logic             out_ready_i,
  output      logic [WIDTH-1:0] out_data_o
);
  logic             skid_valid_q;
  logic [WIDTH-1:0] skid_q;

  // All in the clocked process, data only where some is, what is read before what is written and the reset
  // last: a simulator then keeps no second copy, and a cycle without data costs it little.
  always_ff @(posedge clk_i) begin
    if (!out_valid_o || out_ready_i) begin
      if (skid_valid_q) out_data_o <= skid_q;
      else if (in_valid_i) out_data_o <= in_data_i;
    end else if (in_valid_i && in_ready_o) begin
      skid_q <= in_data_i;
    end
    if (!out_valid_o || out_ready_i) begin
      out_valid_o  <= skid_valid_q || (in_valid_i && in_ready_o);
      skid_valid_q <= 1'b0;
      in_ready_o   <= 1'b1;
    end else if (in_valid_i) begin  // taken now, or waiting in front of a full slice
      skid_valid_q <= 1'b1;
      in_ready_o   <= 1'b0;
    end
    if (!rst_ni) begin
      in_ready_o   <= 1'b0;
      skid_valid_q <= 1'b0;
      out_valid_o  <= 1'b0;
    end
  end

  `HC_ASSERT_IF(a_room, skid_valid_q, !in_ready_o && out_valid_o)
endmodule
`default_nettype wire
