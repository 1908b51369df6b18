// SPDX-License-Identifier: Apache-2.0
// How many rows have a nonzero coefficient for each asset, so that a tick of an asset that no row
// uses need not walk the slots. Counted where coefficients are written: up for a new value that is not
// zero, down for an old one that was not.
// With PARITY counts are kept twice. Once they differ, or a coefficient that was overwritten had a bit flipped, no count is
// believed and every asset counts as used, until reset: that costs time, never a flag.
// Latency: used_o is combinational; an update is seen from the next cycle on.
`default_nettype none
`include "hc_assert.svh"
module hc_usage #(
  parameter int unsigned ROWS   = 512,
  parameter int unsigned ASSETS = 256,
  parameter int unsigned PARITY = 0,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic              clk_i,
  input  wire logic              rst_ni,
  input  wire logic              rd_i,     // else used_o is anything
  input  wire logic [IndexW-1:0] index_i,
  output      logic              used_o,
  input  wire logic              check_i,  // with rd_i: a tick is decided by it
  // a coefficient was written, or with clear_i: the asset has none
  input  wire logic              we_i,
  input  wire logic [IndexW-1:0] we_index_i,
  input  wire logic              old_nonzero_i,
  input  wire logic              new_nonzero_i,
  input  wire logic              clear_i,
  input  wire logic              old_flipped_i,  // with PARITY: old_nonzero_i cannot be trusted
  output      logic              flipped_o       // for a cycle: the two copies differ; 0 without PARITY
);
  localparam int unsigned CountW = $clog2(ROWS + 1);

  (* ram_style = "distributed" *) logic [CountW-1:0] count_mem[ASSETS];
  (* ram_style = "distributed" *) logic              used_mem[ASSETS];
  logic [CountW-1:0] count, count_d;
  logic              used, up, down, used_d, doubted;

  assign up      = new_nonzero_i && !old_nonzero_i;
  assign down    = !new_nonzero_i && old_nonzero_i;
  // used_d beside the sum, not of it: a shorter path.
  always_comb begin
    used    = 1'bx;
    count   = 'x;
    used_d  = 1'bx;
    count_d = 'x;
    if (rd_i) used = used_mem[index_i];
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
  assign used_o = used || doubted;

  if (PARITY != 0) begin : g_parity
    (* ram_style = "distributed" *) logic [CountW:0] again_mem[ASSETS];
    logic [CountW-1:0] count_q, count_again_q;
    logic              used_q, used_again_q, rd_q, we_q, doubt_q;
    always_ff @(posedge clk_i) begin
      if (we_i) begin
        again_mem[we_index_i] <= {used_d, count_d};
        count_q               <= count;
        count_again_q         <= again_mem[we_index_i][CountW-1:0];
      end
      if (rd_i) begin
        used_q       <= used_mem[index_i];
        used_again_q <= again_mem[index_i][CountW];
      end
      rd_q <= check_i;
      we_q <= we_i && !clear_i;
      if (!rst_ni) begin
        rd_q    <= 1'b0;
        we_q    <= 1'b0;
        doubt_q <= 1'b0;
      end else if (flipped_o || (we_i && !clear_i && old_flipped_i)) begin
        doubt_q <= 1'b1;
      end
    end
    assign flipped_o = !doubt_q && ((rd_q && used_q != used_again_q) || (we_q && count_q != count_again_q));
    assign doubted   = doubt_q || (rd_i && again_mem[index_i][CountW]);
  end else begin : g_no_parity
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused    = old_flipped_i || check_i;
    assign flipped_o = 1'b0;
    assign doubted   = 1'b0;
  end

  `HC_ASSERT(a_no_underflow, PARITY != 0 || !we_i || clear_i || !down || count != '0)
  `HC_ASSERT(a_no_overflow, PARITY != 0 || !we_i || clear_i || !up || count != CountW'(ROWS))
endmodule
`default_nettype wire
