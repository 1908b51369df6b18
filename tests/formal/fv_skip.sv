// SPDX-License-Identifier: Apache-2.0
// The shortcut of hc_frontend: a tick that is not walked over the slots changes and misses nothing. With the
// lanes behind it, which tell hc_usage late what was written. For any row: when a tick is left out, the
// row's coefficient of that asset is zero, and if the tick ends its group the row is not armed below zero.
// The product is free but for a zero coefficient: only that matters here.
`default_nettype none
`include "fv.svh"
module fv_skip #(
  parameter int unsigned LANES  = 2,
  parameter int unsigned SLOTS  = 2,
  parameter int unsigned ASSETS = 2,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1,
  localparam int unsigned Groups = (LANES > hc_pkg::GroupLanes) ? LANES / hc_pkg::GroupLanes : 1
) (
  input wire logic         clk_i,
  input wire logic         rst_ni,
  input wire logic         cmd_valid_i,
  input wire logic [255:0] cmd_data_i,
  input wire logic         stall_i,
  input wire logic signed [hc_pkg::ProductW-1:0] product_i
);
  `FV_RESET
  hc_pkg::ctl_t      ctl;
  hc_pkg::meta_t     meta, h_meta;
  logic [LaneW-1:0]  lane;
  logic [SlotW-1:0]  slot, h_slot;
  logic [IndexW-1:0] index, used_index;
  logic signed [hc_pkg::CoefW-1:0]  coef;
  logic signed [hc_pkg::DeltaW-1:0] delta;
  logic              valid, cmd_ready, meta_we, delta_we, is_outside, clearing, loading, busy, stalled, did_tick, did_row, array_busy;
  logic              used_we, used_old, used_new, used_clear, used_busy, h_may, h_emit, h_armed;
  logic [LANES-1:0]  h_hit;
  logic [LANES*hc_pkg::HW-1:0] pick_h;
  hc_frontend #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_front (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .cycle_i     (32'd0),
    .cmd_valid_i (cmd_valid_i),
    .cmd_ready_o (cmd_ready),
    .cmd_data_i  (cmd_data_i),
    .stall_i     (stall_i),
    .valid_o     (valid),
    .ctl_o       (ctl),
    .meta_we_o   (meta_we),
    .meta_o      (meta),
    .lane_o      (lane),
    .slot_o      (slot),
    .index_o     (index),
    .coef_o      (coef),
    .delta_we_o  (delta_we),
    .delta_o     (delta),
    .outside_o   (is_outside),
    .used_we_i   (used_we),
    .used_index_i(used_index),
    .used_old_i  (used_old),
    .used_new_i  (used_new),
    .used_clear_i(used_clear),
    .used_busy_i (used_busy),
    .used_flipped_i(1'b0),
    .fault_valid_i (1'b0),
    .fault_taken_o (),
    .fault_row_i   (24'd0),
    .fault_asset_i (12'd0),
    .fault_shared_o(),
    .clearing_o  (clearing),
    .loading_o   (loading),
    .busy_o      (busy),
    .stalled_o   (stalled),
    .tick_o      (did_tick),
    .row_o       (did_row)
  );
  hc_lane_array #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS),
    .DEPTH (2)
  ) u_lanes (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .c0_valid_i   (valid),
    .c0_ctl_i     (ctl),
    .c0_meta_we_i (meta_we),
    .c0_meta_i    (meta),
    .c0_lane_i    (lane),
    .c0_slot_i    (slot),
    .c0_index_i   (index),
    .c0_coef_i    (coef),
    .c0_delta_we_i(delta_we),
    .c0_delta_i   (delta),
    .c0_outside_i (is_outside),
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
    .h_ring_i     ({Groups{1'b0}}),
    .pick_ring_i  ({Groups{1'b0}}),
    .pick_h_o     (pick_h),
    .w_flipped_o  (),
    .w_slot_o     (),
    .w_asset_o    (),
    .busy_o       (array_busy)
  );

  // ---- any one row, carried out at once
  (* anyconst *) logic [LaneW-1:0] at_lane;
  (* anyconst *) logic [SlotW-1:0] at_slot;
  hc_pkg::ctl_t                now;
  logic                        here, mine, coef_known, h_known, fires, reads, armed;
  logic [hc_pkg::HW-1:0]       h, sum;
  logic [ASSETS-1:0]           nonzero;
  logic signed [hc_pkg::ProductW-1:0] real_product;
  assign now  = rst_ni ? ctl : '0;
  assign here = slot == at_slot;
  assign mine = here && (ctl.all || lane == at_lane);
  fv_row #(
    .ASSETS(ASSETS)
  ) u_row (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .ctl_i     (now),
    .mine_i    (mine),
    .index_i   (index),
    .coef_i    (coef),
    .delta_we_i(delta_we),
    .delta_i   (delta),
    .known_o   (coef_known),
    .product_o (real_product),
    .nonzero_o (nonzero)
  );
  fv_row_h u_row_h (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .ctl_i    (now),
    .here_i   (here),
    .mine_i   (mine),
    .product_i(nonzero[index] ? product_i : '0),
    .value_i  (meta.value[hc_pkg::HW-1:0]),
    .known_o  (h_known),
    .fires_o  (fires),
    .read_o   (reads),
    .armed_o  (armed),
    .h_o      (h),
    .sum_o    (sum)
  );
  /* verilator lint_off UNUSEDSIGNAL */
  abi_pkg::cmd_tick_t tick;
  /* verilator lint_on UNUSEDSIGNAL */
  assign tick = cmd_data_i;
  logic skipped;
  assign skipped = did_tick && !ctl.h_all;
  `FV_ASSERT(a_unused, !skipped || !nonzero[tick.asset[IndexW-1:0]])
  `FV_ASSERT(a_not_due, !(skipped && tick.last) || !(armed && h[hc_pkg::HW-1]))
  // At rest and with nothing moved since signs were judged no armed row is below zero.
  `FV_COVER(c_skip_after_use, skipped && tick.last && nonzero != '0)
  `FV_COVER(c_cleared_again, skipped && nonzero == '0 && was_nonzero_q)
  logic was_nonzero_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_nonzero_q <= 1'b0;
    else if (!clearing && nonzero != '0) was_nonzero_q <= 1'b1;
  end
endmodule
`default_nettype wire
