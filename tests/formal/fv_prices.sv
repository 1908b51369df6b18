// SPDX-License-Identifier: Apache-2.0
// hc_price_file with PARITY. One bit of one word, any (a price, an edge of a band), flips at any time, and again once the word
// has been written. A cycle after what is read was used (check_i) flipped_o is up exactly when that word was read flipped.
// Words that are used have been written before (hc_frontend clears all: fv_cleared).
`default_nettype none
`include "fv.svh"
module fv_prices #(
  parameter int unsigned ASSETS = 2,
  localparam int unsigned IndexW = $clog2(ASSETS)
) (
  input wire logic                      clk_i,
  input wire logic                      rst_ni,
  input wire logic [IndexW-1:0]         index_i,
  input wire logic [IndexW-1:0]         we_index_i,
  input wire logic                      price_we_i,
  input wire logic [hc_pkg::PriceW-1:0] price_i,
  input wire logic                      band_we_i,
  input wire logic [hc_pkg::PriceW-1:0] lo_i,
  input wire logic [hc_pkg::PriceW-1:0] hi_i,
  input wire logic                      check_i,
  input wire logic                      flip_i
);
  `FV_RESET
  (* anyconst *) logic [1:0]        kind;  // price, lower and upper edge
  (* anyconst *) logic [IndexW-1:0] at;
  (* anyconst *) logic [2:0]        flip_bit;
  logic [hc_pkg::PriceW-1:0] price, lo, hi;
  logic flipped, writes, bad_q, due_q;
  logic [ASSETS-1:0] price_known_q, band_known_q;
  hc_price_file #(
    .ASSETS(ASSETS),
    .PARITY(1)
  ) u_dut (
    .clk_i     (clk_i),
    .fv_flip_i (flip_i),
    .fv_kind_i (kind),
    .fv_index_i(at),
    .fv_bit_i  (flip_bit),
    .rd_i      (check_i),
    .index_i   (index_i),
    .we_index_i(we_index_i),
    .price_we_i(price_we_i),
    .price_i   (price_i),
    .band_we_i (band_we_i),
    .lo_i      (lo_i),
    .hi_i      (hi_i),
    .price_o   (price),
    .lo_o      (lo),
    .hi_o      (hi),
    .check_i   (check_i),
    .flipped_o (flipped)
  );
  initial begin
    price_known_q = '0;
    band_known_q  = '0;
    bad_q         = 1'b0;
    due_q         = 1'b0;
  end
  assign writes = we_index_i == at && (kind == 2'd0 ? price_we_i : band_we_i);
  always_ff @(posedge clk_i) begin
    if (price_we_i) price_known_q[we_index_i] <= 1'b1;
    if (band_we_i) band_known_q[we_index_i] <= 1'b1;
    if (flip_i) bad_q <= 1'b1;
    else if (writes) bad_q <= 1'b0;
    due_q <= check_i && index_i == at && bad_q;
  end
  always_comb begin
    m_word:  assume (kind <= 2'd2 && 32'(flip_bit) <= hc_pkg::PriceW);
    m_again: assume (!(flip_i && bad_q));
    m_apart: assume (!(flip_i && writes));
    m_known: assume (!check_i || (price_known_q[index_i] && band_known_q[index_i]));
  end
  logic checked_q;
  initial checked_q = 1'b0;
  always_ff @(posedge clk_i) checked_q <= check_i;
  `FV_ASSERT(a_flipped, !checked_q || flipped == due_q)
  `FV_ASSERT(a_quiet, checked_q || !flipped)
  `FV_COVER(c_price, flipped && kind == 2'd0)
  `FV_COVER(c_edge, flipped && kind == 2'd2)
  `FV_COVER(c_parity_bit, flipped && 32'(flip_bit) == hc_pkg::PriceW)
  `FV_COVER(c_mended, checked_q && !flipped && was_bad_q && $past(index_i == at))
  logic was_bad_q;
  initial was_bad_q = 1'b0;
  always_ff @(posedge clk_i) was_bad_q <= was_bad_q || bad_q;
endmodule
`default_nettype wire
