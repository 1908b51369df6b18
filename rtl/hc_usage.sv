// SPDX-License-Identifier: Apache-2.0
// How many rows have a nonzero coefficient for each asset, so that a tick of an asset that no row
// uses need not walk the slots. Counted where coefficients are written: up for a new value that is not
// zero, down for an old one that was not.
// Latency: used_o is combinational; an update is seen from the next cycle on.
`default_nettype none
`include "hc_assert.svh"
module hc_usage #(
  parameter int unsigned ROWS   = 512,
  parameter int unsigned ASSETS = 256,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic              clk_i,
  input  wire logic              rst_ni,
  input  wire logic              rd_i,     // else used_o is anything
  input  wire logic [IndexW-1:0] index_i,
  output      logic              used_o,
  // a coefficient was written, or with clear_i: the asset has none
  input  wire logic              we_i,
  input  wire logic [IndexW-1:0] we_index_i,
  input  wire logic              old_nonzero_i,
  input  wire logic              new_nonzero_i,
  input  wire logic              clear_i
);
  localparam int unsigned CountW = $clog2(ROWS + 1);

  (* ram_style = "distributed" *) logic [CountW-1:0] count_mem[ASSETS];
  (* ram_style = "distributed" *) logic              used_mem[ASSETS];
  logic [CountW-1:0] count, count_d;
  logic              up, down, used_d;

  assign up      = new_nonzero_i && !old_nonzero_i;
  assign down    = !new_nonzero_i && old_nonzero_i;
  // used_d beside the sum, not of it: a shorter path.
  always_comb begin
    used_o  = 1'bx;
    count   = 'x;
    used_d  = 1'bx;
    count_d = 'x;
    if (rd_i) used_o = used_mem[index_i];
    if (we_i) begin
      count = count_mem[we_index_i];
      if (clear_i) used_d = 1'b0;
      else if (up) used_d = 1'b1;
      else if (down) used_d = count != CountW'(1);
      else used_d = count != '0;
      count_d = clear_i ? '0 : count + {{(CountW - 1){down}}, up || down};
    end
  end
  always_ff @(posedge clk_i) begin
    if (we_i) begin
      count_mem[we_index_i] <= count_d;
      used_mem[we_index_i]  <= used_d;
    end
  end

  `HC_ASSERT(a_no_underflow, !we_i || clear_i || !down || count != '0)
  `HC_ASSERT(a_no_overflow, !we_i || clear_i || !up || count != CountW'(ROWS))
endmodule
`default_nettype wire
