// SPDX-License-Identifier: Apache-2.0
// hc_lane_array with PARITY. In one word, any (a coefficient, an H, its parity, one copy of an armed bit), one bit, any, flips at
// any time, and again once the word has been written. Operations: any stream within the contract of fv_ops and fv_cleared. For
// any lane: w_flipped_o is up exactly when an operation used a flipped word of that lane, two cycles after that
// operation was in h, with its slot and asset; so never without a flip, and for no lane but the word's.
//   a  coefficient  h  H and armed bits  v  parity of H
// With that the row is compared with the specification's (fv_row), as in fv_lanes: its first wrong hit, sum or armed bit is told
// of at most two cycles later (a_row_told); a flip in an armed bit keeps no row from firing (a_row_fires).
`default_nettype none
`include "fv.svh"
module fv_flips #(
  parameter int unsigned LANES   = 2,
  parameter int unsigned SLOTS   = 2,
  parameter int unsigned ASSETS  = 2,
  parameter int unsigned DEPTH   = 2,
  parameter int unsigned MUL_REG = 1,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1,
  localparam int unsigned RingW  = $clog2(DEPTH),
  localparam int unsigned Groups = (LANES > hc_pkg::GroupLanes) ? LANES / hc_pkg::GroupLanes : 1,
  localparam int unsigned Wide   = (LANES > hc_pkg::GroupLanes) ? 1 : 0,
  localparam int unsigned Delay  = 2 + MUL_REG + Wide
) (
  input wire logic                             clk_i,
  input wire logic                             rst_ni,
  input wire logic                             valid_i,
  input wire logic                             meta_we_i,
  input wire hc_pkg::ctl_t                     ctl_i,
  input wire logic        [hc_pkg::HW-1:0]     value_i,
  input wire logic        [1:0]                asset_i,
  input wire logic        [LaneW-1:0]          lane_i,
  input wire logic        [SlotW-1:0]          slot_i,
  input wire logic        [IndexW-1:0]         index_i,
  input wire logic signed [hc_pkg::CoefW-1:0]  coef_i,
  input wire logic                             delta_we_i,
  input wire logic signed [hc_pkg::DeltaW-1:0] delta_i,
  input wire logic        [Groups*RingW-1:0]   ring_i,
  input wire logic                             flip_i
);
  `FV_RESET
  localparam logic [2:0] Coef = 3'd0, H = 3'd1, Parity = 3'd2, Armed = 3'd3, Again = 3'd4;
  (* anyconst *) logic [2:0]        kind;       // of the word
  (* anyconst *) logic [LaneW-1:0]  flip_lane;  // its place
  (* anyconst *) logic [SlotW-1:0]  at_slot;
  (* anyconst *) logic [IndexW-1:0] at_index;
  (* anyconst *) logic [2:0]        flip_bit;
  (* anyconst *) logic [LaneW-1:0]  at_lane;    // the lane that is watched
  logic                        ok, cleared_ok, cleared;
  logic [LANES-1:0]            h_hit, w_flipped;
  logic [LANES*hc_pkg::HW-1:0] pick_h;
  logic [SlotW-1:0]            h_slot, w_slot;
  logic [11:0]                 w_asset;
  logic                        h_may, h_emit, busy, h_armed;
  hc_pkg::meta_t               meta, h_meta;
  logic                        used_we, used_old, used_new, used_clear, used_busy, used_flipped;
  logic [IndexW-1:0]           used_index;
  logic [Groups*RingW-1:0]     ring_q;
  logic [1:0]                  asset, asset_q;
  logic                        bad_q;  // the word is flipped
  logic                        meta_known_q;
  hc_pkg::ctl_t                ctl;
  assign ctl = rst_ni ? ctl_i : '0;
  always_comb begin
    meta       = '0;
    meta.value = 64'(value_i);
    meta.asset = 12'(asset_i);
  end
  fv_ops u_ops (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (valid_i),
    .ctl_i     (ctl_i),
    .delta_we_i(delta_we_i),
    .ok_o      (ok)
  );
  fv_cleared #(
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_cleared (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .ctl_i  (ctl),
    .slot_i (slot_i),
    .index_i(index_i),
    .done_o (cleared),
    .ok_o   (cleared_ok)
  );
  `FV_ASSUME(m_ops, ok && cleared_ok && 32'(index_i) < ASSETS)
  `FV_ASSUME(m_meta, meta_we_i ? valid_i : !valid_i || (meta_known_q && !ctl_i.val))
  assign asset = meta_we_i ? asset_i : asset_q;
  always_ff @(posedge clk_i) begin
    meta_known_q <= rst_ni && (meta_known_q || meta_we_i);
    asset_q      <= asset;
    ring_q       <= ring_i;
  end
  hc_lane_array #(
    .LANES  (LANES),
    .SLOTS  (SLOTS),
    .ASSETS (ASSETS),
    .DEPTH  (DEPTH),
    .MUL_REG(MUL_REG),
    .PARITY (1)
  ) u_dut (
    .clk_i        (clk_i),
    .fv_flip_i    (flip_i),
    .fv_kind_i    (kind),
    .fv_lane_i    (flip_lane),
    .fv_slot_i    (at_slot),
    .fv_index_i   (at_index),
    .fv_bit_i     (flip_bit),
    .rst_ni       (rst_ni),
    .c0_valid_i   (valid_i),
    .c0_ctl_i     (ctl_i),
    .c0_meta_we_i (meta_we_i),
    .c0_meta_i    (meta),
    .c0_lane_i    (lane_i),
    .c0_slot_i    (slot_i),
    .c0_index_i   (index_i),
    .c0_coef_i    (coef_i),
    .c0_delta_we_i(delta_we_i),
    .c0_delta_i   (delta_i),
    .c0_outside_i (1'b0),
    .used_we_o    (used_we),
    .used_index_o (used_index),
    .used_old_o   (used_old),
    .used_new_o   (used_new),
    .used_clear_o (used_clear),
    .used_busy_o  (used_busy),
    .used_flipped_o(used_flipped),
    .h_hit_o      (h_hit),
    .h_may_o      (h_may),
    .h_emit_o     (h_emit),
    .h_meta_o     (h_meta),
    .h_slot_o     (h_slot),
    .h_armed_o    (h_armed),
    .h_ring_i     (ring_i),
    .pick_ring_i  (ring_q),
    .pick_h_o     (pick_h),
    .w_flipped_o  (w_flipped),
    .w_slot_o     (w_slot),
    .w_asset_o    (w_asset),
    .busy_o       (busy)
  );

  // ---- the operations again at each stage: a is c0 or one later, h Delay later, v behind it
  localparam int unsigned OpW = hc_pkg::ProductW + hc_pkg::HW + 2 + IndexW + SlotW + LaneW + $bits(ctl_i);
  logic [(Delay+1)*OpW-1:0] op_q;
  logic [(Delay+2)*OpW-1:0] op;
  hc_pkg::ctl_t      a_ctl, h_ctl, v_ctl;
  logic [LaneW-1:0]  a_lane, h_lane, v_lane;
  logic [SlotW-1:0]  a_slot, h_slot_x, v_slot;
  logic [IndexW-1:0] a_index, h_index, v_index;
  logic [1:0]        a_asset, h_asset, v_asset;
  logic signed [hc_pkg::ProductW-1:0] product, a_product, h_product, v_product;
  logic [hc_pkg::HW-1:0] a_value, h_value, v_value;
  initial op_q = '0;
  assign op = {op_q, product, value_i, asset, index_i, slot_i, lane_i, ctl};
  assign {a_product, a_value, a_asset, a_index, a_slot, a_lane, a_ctl} = op[Wide*OpW +: OpW];
  assign {h_product, h_value, h_asset, h_index, h_slot_x, h_lane, h_ctl} = op[Delay*OpW +: OpW];
  assign {v_product, v_value, v_asset, v_index, v_slot, v_lane, v_ctl} = op[(Delay+1)*OpW +: OpW];
  always_ff @(posedge clk_i) begin
    op_q <= op[(Delay+1)*OpW-1:0];
    if (!rst_ni) op_q <= '0;
  end

  // ---- the word: flipped from the flip on until it is written, in the stage in which it is touched
  logic writes, rewrites, uses_a, uses_h, uses_v, loses_a;
  logic a_here, h_here, v_here, h_writes, v_writes, h_mine, h_sums, v_sums, watched;
  assign a_here   = a_slot == at_slot && a_index == at_index;
  assign h_here   = h_slot_x == at_slot;
  assign v_here   = v_slot == at_slot;
  assign h_mine   = h_ctl.all || h_lane == flip_lane;
  assign h_writes = h_here && (h_ctl.h_all || (h_ctl.h_set && h_mine));
  assign v_writes = v_here && (v_ctl.h_all || (v_ctl.h_set && (v_ctl.all || v_lane == flip_lane)));
  assign watched  = at_lane == flip_lane;
  assign h_sums   = (h_ctl.h_all || h_ctl.arm_set || h_ctl.read) && !h_ctl.val;
  assign v_sums   = (v_ctl.h_all || v_ctl.arm_set || v_ctl.read) && !v_ctl.val;
  always_comb begin
    writes   = 1'b0;  // the word is written
    rewrites = 1'b0;  // what is read of it is written back
    uses_a   = 1'b0;  // its contents matter to what is done
    loses_a  = 1'b0;  // they matter to the count of use only
    uses_h   = 1'b0;
    uses_v   = 1'b0;
    case (kind)
      Coef: begin
        writes  = a_here && a_ctl.coef_we && (a_ctl.all || a_lane == flip_lane);
        uses_a  = a_here && a_ctl.acc && (a_ctl.h_all || a_ctl.read);
        loses_a = writes && !a_ctl.all;
      end
      H: begin
        writes = h_writes;
        uses_h = h_here && h_sums;
      end
      Parity: begin
        writes   = v_writes;
        rewrites = v_here && v_ctl.h_set;
        uses_v   = v_here && v_sums;
      end
      default: begin
        writes = h_here && (h_ctl.judge || h_ctl.h_set || h_ctl.arm_set);
        uses_h = (writes || (h_here && h_ctl.read)) && !(h_mine && (h_ctl.h_set || h_ctl.arm_set));
      end
    endcase
  end
  initial bad_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (flip_i) bad_q <= 1'b1;
    else if (writes) bad_q <= 1'b0;
  end
  always_comb begin
    m_kind:  assume (kind <= Again && 32'(at_index) < ASSETS);
    m_bit:   assume (32'(flip_bit) < (kind == Coef ? hc_pkg::CoefW + 1 : hc_pkg::HW));
    m_again: assume (!(flip_i && bad_q));                 // twice would be none
    m_apart: assume (!(flip_i && (writes || rewrites)));  // before or after a write, not in it
  end
  // From a to h, from h to w, with the asset of the operation.
  logic [MUL_REG+1:0] due_a_q;
  logic [2:0]         lost_q;
  logic               due_v_q, due_w_q;
  logic [1:0]         w_asset_q;
  initial begin
    due_a_q = '0;
    due_v_q = 1'b0;
    due_w_q = 1'b0;
    lost_q  = '0;
  end
  always_ff @(posedge clk_i) begin
    due_a_q   <= (MUL_REG + 2)'({due_a_q, uses_a && bad_q});
    due_v_q   <= due_a_q[MUL_REG+1] || (uses_h && bad_q);
    due_w_q   <= due_v_q || (uses_v && bad_q);
    lost_q    <= 3'({lost_q, loses_a && bad_q});
    w_asset_q <= v_asset;
    if (!rst_ni) begin
      due_a_q <= '0;
      due_v_q <= 1'b0;
      due_w_q <= 1'b0;
      lost_q  <= '0;
    end
  end
  `FV_ASSERT(a_w_flipped, w_flipped[at_lane] == (due_w_q && watched))
  `FV_ASSERT(a_w_slot, !due_w_q || w_slot == at_slot)
  `FV_ASSERT(a_w_asset, !due_w_q || w_asset == 12'(w_asset_q))
  `FV_ASSERT(a_w_count, !(used_we && !used_clear) || used_flipped == lost_q[2])  // three cycles behind a
  `FV_ASSERT(a_w_busy, used_busy || !(used_we || was_we_q))  // fv_counts: the count may be wrong in the cycle after
  logic was_we_q;
  always_ff @(posedge clk_i) was_we_q <= rst_ni && used_we;
  `FV_COVER(c_count, used_we && lost_q[2] && used_flipped)
  `FV_COVER(c_coef, due_w_q && watched && kind == Coef)
  `FV_COVER(c_h, due_w_q && watched && kind == H)
  `FV_COVER(c_parity, due_w_q && watched && kind == Parity)
  `FV_COVER(c_armed, due_w_q && watched && kind == Armed)
  `FV_COVER(c_mended, cleared && watched && was_bad_q && !bad_q && !due_w_q && kind == Coef && h_ctl.judge)

  // ---- the row that is watched, as the specification has it
  logic                  coef_known, h_known, fires, reads, armed, compare, hit_wrong, armed_wrong, told_q, told;
  logic                  last_hit_q, sum_wrong, hit_wrong_q, late_q;
  logic [hc_pkg::HW-1:0] h, sum, last_sum_q;
  logic [ASSETS-1:0]     nonzero;
  fv_row #(
    .ASSETS(ASSETS)
  ) u_row (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .ctl_i     (ctl),
    .mine_i    (slot_i == at_slot && (ctl.all || lane_i == at_lane)),
    .index_i   (index_i),
    .coef_i    (coef_i),
    .delta_we_i(delta_we_i),
    .delta_i   (delta_i),
    .known_o   (coef_known),
    .product_o (product),
    .nonzero_o (nonzero)
  );
  fv_row_h u_row_h (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .ctl_i    (h_ctl),
    .here_i   (h_here),
    .mine_i   (h_here && (h_ctl.all || h_lane == at_lane)),
    .product_i(h_product),
    .value_i  (h_value),
    .known_o  (h_known),
    .fires_o  (fires),
    .read_o   (reads),
    .armed_o  (armed),
    .h_o      (h),
    .sum_o    (sum)
  );
  assign compare     = h_here && h_ctl != '0 && !h_ctl.all;  // so all was cleared before
  assign hit_wrong   = compare && h_hit[at_lane] != (fires || reads);
  assign armed_wrong = compare && reads && h_armed != armed;
  assign sum_wrong   = last_hit_q && pick_h[32'(at_lane)*hc_pkg::HW +: hc_pkg::HW] != last_sum_q;
  assign told        = told_q || w_flipped[at_lane];
  initial begin
    told_q      = 1'b0;
    hit_wrong_q = 1'b0;
    late_q      = 1'b0;
    last_hit_q  = 1'b0;
  end
  always_ff @(posedge clk_i) begin
    told_q      <= told;
    hit_wrong_q <= rst_ni && (hit_wrong || armed_wrong);
    late_q      <= rst_ni && (hit_wrong_q || sum_wrong);
    last_hit_q  <= rst_ni && compare && (fires || reads) && h_hit[at_lane];
    last_sum_q  <= sum;
  end
  `FV_ASSERT(a_row_told, !late_q || told)
  `FV_ASSERT(a_row_fires, !(compare && fires && (kind == Armed || kind == Again)) || h_hit[at_lane])
  `FV_COVER(c_told, late_q && told && !told_q)
  `FV_COVER(c_fires_flipped, compare && fires && h_hit[at_lane] && h_ctl.judge && bad_q && watched && kind == Again)
  logic was_bad_q;
  initial was_bad_q = 1'b0;
  always_ff @(posedge clk_i) was_bad_q <= was_bad_q || bad_q;
endmodule
`default_nettype wire
