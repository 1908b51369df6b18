// SPDX-License-Identifier: Apache-2.0
// hc_usage counts exactly: an asset is "used" if and only if some row holds a nonzero coefficient for it. A
// shadow table of all nonzero bits is kept beside it. Contract of the writer: old_nonzero_i says what the
// coefficient was (the lanes' memory knows), and after reset each asset is cleared before it is written.
`default_nettype none
`include "fv.svh"
module fv_usage #(
  parameter int unsigned ROWS   = 5,
  parameter int unsigned ASSETS = 3,
  localparam int unsigned IndexW = $clog2(ASSETS),
  localparam int unsigned RowW   = $clog2(ROWS)
) (
  input wire logic              clk_i,
  input wire logic              rst_ni,
  input wire logic [IndexW-1:0] index_i,
  input wire logic              we_i,
  input wire logic [RowW-1:0]   row_i,
  input wire logic [IndexW-1:0] we_index_i,
  input wire logic              new_nonzero_i,
  input wire logic              clear_i
);
  `FV_RESET
  logic used;
  // ---- environment: clears every asset after reset, once, in order; writes rows and assets that exist
  logic [ROWS*ASSETS-1:0] nonzero_q;
  logic [IndexW:0]        cleared_q;
  logic                   ready, old_nonzero;
  logic [31:0]            at;
  assign ready       = cleared_q == (IndexW + 1)'(ASSETS);
  assign at          = 32'(row_i) * ASSETS + 32'(we_index_i);
  assign old_nonzero = nonzero_q[at[$clog2(ROWS*ASSETS)-1:0]];
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cleared_q <= '0;
      nonzero_q <= '0;
    end else begin
      if (clear_i) cleared_q <= cleared_q + (IndexW + 1)'(1);
      if (we_i) nonzero_q[at[$clog2(ROWS*ASSETS)-1:0]] <= new_nonzero_i;
    end
  end
  `FV_ASSUME(m_clear, clear_i == !ready)
  `FV_ASSUME(m_write, !we_i || (ready && 32'(row_i) < ROWS && 32'(we_index_i) < ASSETS))
  `FV_ASSUME(m_index, 32'(index_i) < ASSETS)
  hc_usage #(
    .ROWS  (ROWS),
    .ASSETS(ASSETS)
  ) u_dut (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .rd_i         (1'b1),
    .index_i      (index_i),
    .used_o       (used),
    .check_i      (1'b1),
    .we_i         (we_i || clear_i),
    .we_index_i   (clear_i ? cleared_q[IndexW-1:0] : we_index_i),
    .old_nonzero_i(old_nonzero),
    .new_nonzero_i(new_nonzero_i),
    .clear_i      (clear_i)
  );
  logic some;
  always_comb begin
    some = 1'b0;
    for (int unsigned r = 0; r < ROWS; r++) begin
      for (int unsigned a = 0; a < ASSETS; a++) begin
        if (32'(index_i) == a && nonzero_q[r*ASSETS + a]) some = 1'b1;
      end
    end
  end
  `FV_ASSERT(a_exact, !ready || used == some)
  `FV_COVER(c_all, ready && nonzero_q == '1)
  logic was_used_q;
  always_ff @(posedge clk_i) was_used_q <= rst_ni && (was_used_q || (ready && used));
  `FV_COVER(c_again_unused, ready && was_used_q && nonzero_q == '0 && !used)
endmodule
`default_nettype wire
