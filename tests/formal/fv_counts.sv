// SPDX-License-Identifier: Apache-2.0
// hc_usage with PARITY. One bit of its memories, any, flips once, at any time; beside that any old value may come as one
// that cannot be trusted, and is then anything. An asset for which some row holds a nonzero coefficient counts
// as used in every cycle but one at most: the one after a write that read a flipped count, and in that one flipped_o is up
// and hc_lane_array still says busy (fv_flips), so that no tick is left out (fv_front). Nothing is reported without a flip.
`default_nettype none
`include "fv.svh"
module fv_counts #(
  parameter int unsigned ROWS   = 3,
  parameter int unsigned ASSETS = 3,
  localparam int unsigned IndexW = $clog2(ASSETS),
  localparam int unsigned RowW   = $clog2(ROWS)
) (
  input wire logic              clk_i,
  input wire logic              rst_ni,
  input wire logic              rd_i,
  input wire logic [IndexW-1:0] index_i,
  input wire logic              we_i,
  input wire logic [RowW-1:0]   row_i,
  input wire logic [IndexW-1:0] we_index_i,
  input wire logic              new_nonzero_i,
  input wire logic              clear_i,
  input wire logic              old_flipped_i,
  input wire logic              old_nonzero_i,  // what a flipped coefficient looks like
  input wire logic              flip_i
);
  `FV_RESET
  (* anyconst *) logic [1:0]        flip_kind;   // count, use, their copies (fi_usage.svh)
  (* anyconst *) logic [IndexW-1:0] flip_index;
  (* anyconst *) logic [2:0]        flip_bit;
  logic used, flipped, old_nonzero, ready, we, again;
  logic [ROWS*ASSETS-1:0] nonzero_q;
  logic [IndexW:0]        cleared_q;
  logic [IndexW-1:0]      we_index;
  logic [31:0]            at;
  logic                   was_flip_q, we_q;
  // ---- environment: as fv_usage
  assign ready       = cleared_q == (IndexW + 1)'(ASSETS);
  assign at          = 32'(row_i) * ASSETS + 32'(we_index_i);
  assign old_nonzero = old_flipped_i ? old_nonzero_i : nonzero_q[at[$clog2(ROWS*ASSETS)-1:0]];
  assign we          = we_i || clear_i;
  assign we_index    = clear_i ? cleared_q[IndexW-1:0] : we_index_i;
  assign again       = was_flip_q && flip_i;
  initial was_flip_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cleared_q <= '0;
      nonzero_q <= '0;
    end else begin
      if (clear_i) cleared_q <= cleared_q + (IndexW + 1)'(1);
      if (we_i) nonzero_q[at[$clog2(ROWS*ASSETS)-1:0]] <= new_nonzero_i;
    end
    if (flip_i) was_flip_q <= 1'b1;
    we_q <= rst_ni && we;
  end
  `FV_ASSUME(m_clear, clear_i == !ready)
  `FV_ASSUME(m_write, !we_i || (ready && 32'(row_i) < ROWS && 32'(we_index_i) < ASSETS))
  `FV_ASSUME(m_index, 32'(index_i) < ASSETS && (!rd_i || ready))
  always_comb begin
    m_once:  assume (!again);
    m_apart: assume (!(flip_i && we && we_index == flip_index));  // before or after a write, not in it
  end
  hc_usage #(
    .ROWS  (ROWS),
    .ASSETS(ASSETS),
    .PARITY(1)
  ) u_dut (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .fv_flip_i    (flip_i),
    .fv_kind_i    (flip_kind),
    .fv_index_i   (flip_index),
    .fv_bit_i     (flip_bit),
    .rd_i         (rd_i),
    .index_i      (index_i),
    .used_o       (used),
    .check_i      (rd_i),
    .we_i         (we),
    .we_index_i   (we_index),
    .old_nonzero_i(old_nonzero),
    .new_nonzero_i(new_nonzero_i),
    .clear_i      (clear_i),
    .old_flipped_i(old_flipped_i),
    .flipped_o    (flipped)
  );
  logic some, trusted_q;
  always_comb begin
    some = 1'b0;
    for (int unsigned r = 0; r < ROWS; r++) begin
      for (int unsigned a = 0; a < ASSETS; a++) begin
        if (32'(index_i) == a && nonzero_q[r*ASSETS + a]) some = 1'b1;
      end
    end
  end
  // No flip since power-up and no untrusted value since reset: exact, as without PARITY.
  always_ff @(posedge clk_i) trusted_q <= !rst_ni || (trusted_q && !(we_i && old_flipped_i));
  `FV_ASSERT(a_used, !(rd_i && some) || used || (flipped && we_q))
  `FV_ASSERT(a_exact, !(rd_i && trusted_q && !was_flip_q) || used == some)
  `FV_ASSERT(a_no_alarm, was_flip_q || !flipped)
  `FV_COVER(c_window, rd_i && some && !used)
  `FV_COVER(c_use_flipped, flipped && !we_q && some)
  `FV_COVER(c_doubt, rd_i && ready && used && !some && !was_flip_q)
endmodule
`default_nettype wire
