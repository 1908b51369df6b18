// SPDX-License-Identifier: Apache-2.0
// hc_lane_array against one row of the specification (fv_row), any row: it hits in h exactly when the row
// does when operations happen at once, and its findings are the row's H and armed bit. So no operation is
// disturbed by those close to it. Operations: any stream within the contract of fv_ops.
`default_nettype none
`include "fv.svh"
module fv_lanes #(
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
  localparam int unsigned GroupL = LANES / Groups,
  localparam int unsigned Delay  = 2 + MUL_REG + ((LANES > hc_pkg::GroupLanes) ? 1 : 0)
) (
  input wire logic                             clk_i,
  input wire logic                             rst_ni,
  input wire logic                             valid_i,
  input wire logic                             meta_we_i,
  input wire logic                             outside_i,
  input wire hc_pkg::ctl_t                     ctl_i,
  input wire logic        [hc_pkg::HW-1:0]     value_i,
  input wire logic        [LaneW-1:0]          lane_i,
  input wire logic        [SlotW-1:0]          slot_i,
  input wire logic        [IndexW-1:0]         index_i,
  input wire logic signed [hc_pkg::CoefW-1:0]  coef_i,
  input wire logic                             delta_we_i,
  input wire logic signed [hc_pkg::DeltaW-1:0] delta_i,
  input wire logic        [Groups*RingW-1:0]   ring_i
);
  `FV_RESET
  (* anyconst *) logic [LaneW-1:0] at_lane;
  (* anyconst *) logic [SlotW-1:0] at_slot;
  logic                        ok, armed;
  logic [hc_pkg::HW-1:0]       h, sum;
  logic [ASSETS-1:0]           nonzero;
  logic [LANES-1:0]            h_hit;
  logic [LANES*hc_pkg::HW-1:0] pick_h;
  logic [Groups*RingW-1:0]     ring_q;
  logic [SlotW-1:0]            h_slot;
  logic                        h_may, h_emit, busy, h_armed;
  hc_pkg::meta_t               meta, h_meta;
  logic                        used_we, used_old, used_new, used_clear, used_busy;
  logic [IndexW-1:0]           used_index;
  always_comb begin
    meta       = '0;
    meta.value = 64'(value_i);
    meta.group = 32'(ctl_i);  // any tag: it must come out beside the hit
  end
  fv_ops u_ops (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (valid_i),
    .ctl_i     (ctl_i),
    .delta_we_i(delta_we_i),
    .ok_o      (ok)
  );
  `FV_ASSUME(m_ops, ok)
  // What an operation without data of its own says is that of the one before. Only a walk leaves it out.
  logic [31:0] tag, tag_q;
  logic        tag_known_q;
  assign tag = meta_we_i ? meta.group : tag_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_known_q <= 1'b0;
    else if (meta_we_i) tag_known_q <= 1'b1;
    tag_q <= tag;
  end
  `FV_ASSUME(m_meta, meta_we_i ? valid_i : !valid_i || (tag_known_q && !ctl_i.val))
  hc_lane_array #(
    .LANES  (LANES),
    .SLOTS  (SLOTS),
    .ASSETS (ASSETS),
    .DEPTH  (DEPTH),
    .MUL_REG(MUL_REG)
  ) u_dut (
    .clk_i        (clk_i),
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
    .c0_outside_i (outside_i),
    .used_we_o    (used_we),
    .used_index_o (used_index),
    .used_old_o   (used_old),
    .used_new_o   (used_new),
    .used_clear_o (used_clear),
    .used_busy_o  (used_busy),
    .used_flipped_o(),
    .h_hit_o      (h_hit),
    .h_may_o      (h_may),
    .h_emit_o     (h_emit),
    .h_meta_o     (h_meta),
    .h_slot_o     (h_slot),
    .h_armed_o    (h_armed),
    .h_ring_i     (ring_i),
    .pick_ring_i  (ring_q),
    .pick_h_o     (pick_h),
    .w_flipped_o  (),
    .w_slot_o     (),
    .w_asset_o    (),
    .busy_o       (busy)
  );

  // ---- the row: coefficients at c0, H Delay cycles later. A reset in the middle of things forgets operations on
  // their way, so the row is unknown after one until it has been written again, as hc_frontend does at once.
  localparam int unsigned OpW = 37 + $bits(ctl_i) + hc_pkg::ProductW + hc_pkg::HW;
  hc_pkg::ctl_t                       ctl, x_ctl;
  logic                               here, mine, coef_known, h_known, fires, reads;
  logic                               x_here, x_mine, x_known, x_issued, x_event, ok_q;
  logic signed [hc_pkg::ProductW-1:0] product, x_product;
  logic [hc_pkg::HW-1:0]              x_value, last_sum_q;
  logic [31:0]                        x_tag;
  logic [Delay*OpW-1:0]               op_q;
  logic                               last_hit_q, compare;
  assign ctl  = rst_ni ? ctl_i : '0;
  assign here = slot_i == at_slot;
  assign mine = here && (ctl_i.all || lane_i == at_lane);
  fv_row #(
    .ASSETS(ASSETS)
  ) u_row (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .ctl_i     (ctl),
    .mine_i    (mine),
    .index_i   (index_i),
    .coef_i    (coef_i),
    .delta_we_i(delta_we_i),
    .delta_i   (delta_i),
    .known_o   (coef_known),
    .product_o (product),
    .nonzero_o (nonzero)
  );
  assign {x_tag, x_event, x_known, x_issued, x_here, x_mine, x_ctl, x_product, x_value} = op_q[(Delay-1)*OpW +: OpW];
  fv_row_h u_row_h (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .ctl_i    (x_ctl),
    .here_i   (x_here),
    .mine_i   (x_mine),
    .product_i(x_product),
    .value_i  (x_value),
    .known_o  (h_known),
    .fires_o  (fires),
    .read_o   (reads),
    .armed_o  (armed),
    .h_o      (h),
    .sum_o    (sum)
  );
  initial begin
    op_q     = '0;
    ok_q     = 1'b0;
  end
  // ok_q: H was set while all coefficients were known, so no unknown product has gone into it since.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) op_q <= '0;
    else op_q <= (Delay*OpW)'({op_q, tag, ctl_i.emit || (ctl_i.check && outside_i), coef_known, ctl_i != '0, here, mine, ctl, product, value_i});
    if (!rst_ni) ok_q <= 1'b0;
    else if (x_known && x_mine && x_ctl.h_set) ok_q <= 1'b1;
    ring_q     <= ring_i;
    last_hit_q <= compare && (fires || reads) && rst_ni;
    last_sum_q <= sum;
  end
  assign compare = ok_q && x_issued && x_here;
  `FV_ASSERT(a_hit, !compare || h_hit[at_lane] == (fires || reads))
  `FV_ASSERT(a_nothing_else, x_issued || !h_may)  // a reset leaves nothing under way
  `FV_ASSERT(a_slot, !compare || h_slot == at_slot)
  `FV_ASSERT(a_meta, !compare || h_meta.group == x_tag)
  `FV_ASSERT(a_emit, !compare || h_emit == x_event)
  `FV_ASSERT(a_armed, !(compare && reads) || h_armed == armed)
  `FV_ASSERT(a_findings, !last_hit_q || pick_h[32'(at_lane)*hc_pkg::HW +: hc_pkg::HW] == last_sum_q)
  `FV_ASSERT(a_may, h_may || !(h_emit || h_hit != '0))

  // Fires at most once per arming: between two firings lies an operation that arms.
  logic fired_q;
  always_ff @(posedge clk_i) begin
    if (!ok_q) fired_q <= 1'b0;
    else if (x_mine && x_ctl.arm_set && x_ctl.arm_val && !fires) fired_q <= 1'b0;
    else if (fires) fired_q <= 1'b1;
  end
  `FV_ASSERT(a_once, !(ok_q && fired_q && fires && !x_ctl.arm_set))
  `FV_COVER(c_judge, compare && fires && x_ctl.judge && last_hit_q)
  `FV_COVER(c_no_judge, compare && x_here && x_ctl.h_all && sum[hc_pkg::HW-1] && armed && !h_may)
  `FV_COVER(c_arm, compare && fires && x_ctl.arm_set && !x_ctl.h_set)
  `FV_COVER(c_row, compare && fires && x_ctl.arm_set && x_ctl.h_set)
  logic again_q;
  initial again_q = 1'b0;
  always_ff @(posedge clk_i) if (!rst_ni && ok_q) again_q <= 1'b1;
  `FV_COVER(c_after_reset, again_q && compare && fires && x_ctl.judge)
  `FV_COVER(c_coef_read, compare && reads && x_ctl.acc && sum == '1)
endmodule
`default_nettype wire
