// SPDX-License-Identifier: Apache-2.0
// hc_pick at its real depth, counts only (fv_pick has the contents, at a small depth): no slot too many is ever
// in use, with up to MARGIN - 3 vectors after nearly full. Two facts are taken from fv_pick: what hc_select
// says, and that no vector in the memory is empty.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  localparam logic [SlotW:0] FvHigh = (SlotW + 1)'(DEPTH - MARGIN);
  logic           fv_enter, fv_old;
  logic [SlotW:0] fv_left_q, fv_inside;
  assign fv_enter  = in_emit_i || in_vec_i != '0;
  assign fv_old    = cur_any && !cur_fresh_q;
  assign fv_inside = used + (SlotW + 1)'(prev_any_o);
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !nearly_full_o) fv_left_q <= (SlotW + 1)'(MARGIN - 3);
    else if (fv_enter) fv_left_q <= fv_left_q - (SlotW + 1)'(1);
  end
  always_comb if (rst_ni) begin
    m_select: assume (any_i == (vec_o != '0) && more_i == (rest_i != '0) && (rest_i & ~vec_o) == '0);
    m_credit: assume (!nearly_full_o || !fv_enter || fv_left_q != '0);
    m_take: assume (!take_i || cur_any);
    m_none_empty: assume (!from_mem || head != '0);
  end
  `HC_ASSERT(f_never_over, fv_inside + (SlotW + 1)'(fv_enter) <= (SlotW + 1)'(DEPTH))
  // What makes it inductive.
  `HC_ASSERT(f_low, nearly_full_o || (used_q <= FvHigh && used <= FvHigh + (SlotW + 1)'(1)
                                      && fv_inside <= FvHigh + (SlotW + 1)'(2)))
  `HC_ASSERT(f_high, !nearly_full_o || (fv_left_q <= (SlotW + 1)'(MARGIN - 3)
                                        && fv_inside + fv_left_q <= (SlotW + 1)'(DEPTH)))
  `HC_ASSERT(f_slots, used >= (SlotW + 1)'(fv_old) && some_q == (used > (SlotW + 1)'(fv_old)))
  `HC_ASSERT(f_fresh, !(cur_fresh_q && cur_any) || (used == '0 && !late_any))
  always_ff @(posedge clk_i) if (rst_ni) begin
    c_used_up: cover (nearly_full_o && fv_left_q == '0 && used == (SlotW + 1)'(DEPTH));
  end
