// SPDX-License-Identifier: Apache-2.0
// The multiplier of hc_lane: a row of one coefficient, loaded, then ticked once by any change, read
// afterwards: H is the start plus coefficient * change modulo 2^HW. All of coefficient, change and start
// are free, so the split into two partial products is checked for every pair of factors.
`default_nettype none
`include "fv.svh"
module fv_product #(
  parameter int unsigned MUL_REG = 1,
  localparam int unsigned Delay = 2 + MUL_REG  // from a to h
) (
  input wire logic                             clk_i,
  input wire logic signed [hc_pkg::CoefW-1:0]  coef_i,
  input wire logic signed [hc_pkg::DeltaW-1:0] delta_i,
  input wire logic        [hc_pkg::HW-1:0]     start_i
);
  (* anyconst *) logic signed [hc_pkg::CoefW-1:0]  coef;
  (* anyconst *) logic signed [hc_pkg::DeltaW-1:0] delta;
  (* anyconst *) logic        [hc_pkg::HW-1:0]     start;
  (* anyconst *) logic                             at;  // place of coefficient and row
  logic       rst_ni;
  logic [3:0] step_q;  // 3 cycles to flush, then: write, accumulate, ... Delay later H
  localparam logic [3:0] T = 4'd3;
  initial step_q = '0;
  always_ff @(posedge clk_i) if (step_q != '1) step_q <= step_q + 4'd1;
  assign rst_ni = 1'b1;

  logic                  negative, nonzero, at_write, at_sum, at_read;
  logic [hc_pkg::HW-1:0] found;
  assign at_write = step_q == T;
  assign at_sum   = step_q == T + 4'(1 + Delay);
  assign at_read  = step_q == T + 4'(2 + Delay);
  // Operands not due are free: nothing but the right one may go in.
  hc_lane #(
    .SLOTS  (2),
    .ASSETS (1),
    .DEPTH  (2),
    .MUL_REG(MUL_REG)
  ) u_dut (
    .clk_i       (clk_i),
    .a_rd_i      (at_write || step_q == T + 4'd1),
    .a_we_i      (at_write),
    .a_addr_i    (at),
    .a_coef_i    (at_write ? coef : coef_i),
    .a_parity_i  (1'b0),
    .m_acc_i     (step_q == T + 4'd2),
    .m_delta_i   (step_q == T + 4'd2 ? delta : delta_i),
    .m_nonzero_o (nonzero),
    .m_flipped_o (),
    .p_acc_i     (step_q == T + 4'd3),
    .h_act_i     (at_write || at_sum || at_read),
    .h_slot_i    (at),
    .h_val_i     (at_write),
    .h_value_i   (at_write ? start : start_i),
    .h_we_i      (at_write || at_sum),
    .h_negative_o(negative),
    .h_hit_i     (at_read),
    .h_ring_i    (1'b0),
    .v_old_o     (),
    .v_sum_o     (),
    .pick_ring_i (1'b0),
    .pick_h_o    (found)
  );
  logic signed [hc_pkg::HW-1:0] wide_coef, wide_delta;
  logic        [hc_pkg::HW-1:0] expected;
  assign wide_coef  = hc_pkg::HW'(coef);
  assign wide_delta = hc_pkg::HW'(delta);
  assign expected   = start + wide_coef * wide_delta;
  `FV_ASSERT(a_exact, step_q != T + 4'(3 + Delay) || found == expected)
  `FV_ASSERT(a_sign, !(at_sum || at_read) || negative == expected[hc_pkg::HW-1])
  `FV_ASSERT(a_nonzero, step_q != T + 4'd2 || nonzero == (coef != '0))
  `FV_COVER(c_extreme, step_q == T + 4'(3 + Delay) && found == expected && coef[hc_pkg::CoefW-1] && coef[hc_pkg::CoefW-2:0] == '0 &&
            delta[hc_pkg::DeltaW-1] && delta[hc_pkg::DeltaW-2:0] == (hc_pkg::DeltaW-1)'(1))
  `FV_COVER(c_wraps, step_q == T + 4'(3 + Delay) && !start[hc_pkg::HW-1] && !coef[hc_pkg::CoefW-1] && delta > '0 && found[hc_pkg::HW-1])
endmodule
`default_nettype wire
