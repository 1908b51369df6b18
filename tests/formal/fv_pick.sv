// SPDX-License-Identifier: Apache-2.0
// The queue of hit vectors: nothing lost, doubled or reordered under any back-pressure. One vector of the
// run, chosen at will (mark_i), is followed through the queue; what holds for an arbitrary one holds for all.
// Environment: any vector in any cycle, with at most MARGIN - 3 that are not empty while nearly_full_o is up; a
// bit is taken whenever the receiver likes.
`default_nettype none
`include "fv.svh"
module fv_pick #(
  parameter int unsigned N      = 3,
  parameter int unsigned DEPTH  = 8,
  parameter int unsigned MARGIN = 5,
  localparam int unsigned SlotW = $clog2(DEPTH)
) (
  input wire logic         clk_i,
  input wire logic         rst_ni,
  input wire logic         in_emit_i,
  input wire logic [N-1:0] in_vec_i,
  input wire logic         take_i,
  input wire logic         mark_i
);
  `FV_RESET
  logic [SlotW-1:0] in_slot, slot;
  logic             prev_any, nearly_full, emit, any, more, busy;
  logic [N-1:0]     vec, rest;
  hc_pick #(
    .N     (N),
    .DEPTH (DEPTH),
    .MARGIN(MARGIN)
  ) u_dut (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .in_emit_i    (in_emit_i),
    .in_vec_i     (in_vec_i),
    .in_slot_o    (in_slot),
    .prev_any_o   (prev_any),
    .nearly_full_o(nearly_full),
    .emit_o       (emit),
    .vec_o        (vec),
    .any_i        (any),
    .more_i       (more),
    .rest_i       (rest),
    .take_i       (take_i),
    .slot_o       (slot),
    .busy_o       (busy)
  );
  /* verilator lint_off PINCONNECTEMPTY */
  hc_select #(
    .N(N)
  ) u_select (
    .vec_i  (vec),
    .any_o  (any),
    .more_o (more),
    .index_o(),
    .rest_o (rest),
    .path_o ()
  );
  /* verilator lint_on PINCONNECTEMPTY */

  // ---- environment
  logic             enter, present, finish;
  logic [SlotW:0]   left_q;  // vectors that may still come while nearly_full
  assign enter   = in_emit_i || in_vec_i != '0;
  assign present = emit || vec != '0;
  assign finish  = take_i && (emit ? vec == '0 : rest == '0);
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !nearly_full) left_q <= (SlotW + 1)'(MARGIN - 3);
    else if (enter) left_q <= left_q - (SlotW + 1)'(1);
  end
  `FV_ASSUME(m_credit, !nearly_full || !enter || left_q != '0)
  `FV_ASSUME(m_take, !take_i || present)

  // ---- the marked vector: how many vectors are before it, what of it has not been taken
  logic             marked_q, g_emit_q;
  logic [N-1:0]     g_vec_q;
  logic [SlotW-1:0] g_slot_q;
  logic [SlotW:0]   count_q, ahead_q;  // vectors inside; of these before the marked one
  logic             mark, turn;
  assign mark = mark_i && enter && !marked_q;
  assign turn = marked_q && ahead_q == '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      marked_q <= 1'b0;
      count_q  <= '0;
    end else begin
      count_q <= count_q + (SlotW + 1)'(enter) - (SlotW + 1)'(finish);
      if (mark) marked_q <= 1'b1;
      else if (turn && finish) marked_q <= 1'b0;
    end
    if (mark) begin
      ahead_q  <= count_q - (SlotW + 1)'(finish);
      g_emit_q <= in_emit_i;
      g_vec_q  <= in_vec_i;
      g_slot_q <= in_slot;
    end else if (!turn) begin
      ahead_q <= ahead_q - (SlotW + 1)'(finish);
    end else if (take_i) begin
      g_emit_q <= 1'b0;
      if (!g_emit_q) g_vec_q <= g_vec_q & (g_vec_q - N'(1));
    end
  end

  `FV_ASSERT(a_present, present == (count_q != '0))           // nothing lost or made up, no bubble
  `FV_ASSERT(a_busy, busy == (count_q != '0))
  `FV_ASSERT(a_turn, !turn || (emit == g_emit_q && vec == g_vec_q))  // in order, bit by bit
  `FV_ASSERT(a_slot, !turn || slot == g_slot_q)               // its own data beside it
  `FV_ASSERT(a_slot_kept, !marked_q || !enter || in_slot != g_slot_q)
  `FV_ASSERT(a_room, count_q <= (SlotW + 1)'(DEPTH))
  `FV_COVER(c_full, count_q == (SlotW + 1)'(DEPTH) && marked_q && ahead_q == (SlotW + 1)'(2))
  `FV_COVER(c_all_bits, turn && take_i && g_vec_q == N'(1) << (N - 1) && $past(take_i && g_vec_q[0]))
  `FV_COVER(c_straight, turn && $past(mark) && take_i && emit && vec == '1)
  `FV_COVER(c_wait_to_end, marked_q && turn && finish && nearly_full)
endmodule
`default_nettype wire
