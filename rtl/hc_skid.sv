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
  logic             skid_valid_q, skid_valid_d, enter, out_free;
  logic [WIDTH-1:0] skid_q;

  assign out_free     = !out_valid_o || out_ready_i;
  assign enter        = in_valid_i && in_ready_o;
  assign skid_valid_d = !out_free && (skid_valid_q || enter);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_ready_o   <= 1'b0;
      skid_valid_q <= 1'b0;
      out_valid_o  <= 1'b0;
    end else begin
      in_ready_o   <= !skid_valid_d;
      skid_valid_q <= skid_valid_d;
      if (out_free) out_valid_o <= skid_valid_q || enter;
    end
    if (out_free) out_data_o <= skid_valid_q ? skid_q : in_data_i;
    if (in_ready_o) skid_q <= in_data_i;
  end

  `HC_ASSERT(a_room, !in_ready_o || !skid_valid_q)
  `HC_ASSERT(a_output_first, out_valid_o || !skid_valid_q)
endmodule
`default_nettype wire
