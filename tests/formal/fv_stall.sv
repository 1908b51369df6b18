// SPDX-License-Identifier: Apache-2.0
// How many operations that may have an event are still under way when the queue says it is nearly full:
// hc_frontend with hc_lane_array behind it, any commands, stall_i at any time. Issue stops with the beat that is
// being taken when stall_i rises, so in the Under-th cycle of a stall and later none reaches the queue. With
// what the queue takes after nearly full (fv_pick, fi_collector: Room) it can not overflow.
`default_nettype none
`include "fv.svh"
module fv_stall #(
  parameter int unsigned LANES   = 2,
  parameter int unsigned SLOTS   = 2,
  parameter int unsigned ASSETS  = 2,
  parameter int unsigned MUL_REG = 1,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1,
  localparam int unsigned Groups = (LANES > hc_pkg::GroupLanes) ? LANES / hc_pkg::GroupLanes : 1,
  localparam int unsigned Wide   = (LANES > hc_pkg::GroupLanes) ? 1 : 0,
  localparam int unsigned Under  = 3 + MUL_REG + Wide,  // cycles of a stall in which an operation may arrive
  localparam int unsigned Margin = 12,                  // hc_collector's
  localparam int unsigned Room   = Margin - 3 - Wide    // what it takes after nearly full
) (
  input wire logic         clk_i,
  input wire logic         rst_ni,
  input wire logic         cmd_valid_i,
  input wire logic [255:0] cmd_data_i,
  input wire logic         stall_i,
  input wire logic         used_we_i,     // free: what hc_usage hears decides only whether a tick is walked
  input wire logic [IndexW-1:0] used_index_i,
  input wire logic         used_old_i,
  input wire logic         used_new_i,
  input wire logic         used_clear_i,
  input wire logic         used_busy_i,
  input wire logic         fault_valid_i  // free: a report is an event of its own
);
  `FV_RESET
  hc_pkg::ctl_t      ctl;
  hc_pkg::meta_t     meta, h_meta;
  logic [LaneW-1:0]  lane;
  logic [SlotW-1:0]  slot, h_slot;
  logic [IndexW-1:0] index, used_index;
  logic signed [hc_pkg::CoefW-1:0]  coef;
  logic signed [hc_pkg::DeltaW-1:0] delta;
  logic              valid, cmd_ready, meta_we, delta_we, is_outside, clearing, loading, busy, stalled, did_tick, did_row, fault_taken, array_busy;
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
    .used_we_i   (used_we_i),
    .used_index_i(used_index_i),
    .used_old_i  (used_old_i),
    .used_new_i  (used_new_i),
    .used_clear_i(used_clear_i),
    .used_busy_i (used_busy_i),
    .used_flipped_i(1'b0),
    .fault_valid_i (fault_valid_i),
    .fault_taken_o (fault_taken),
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
    .DEPTH (2),
    .MUL_REG(MUL_REG)
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

  logic [3:0] age_q;    // cycles for which stall_i has been up, at most 15
  logic [3:0] came_q;   // operations that may have an event and arrived meanwhile
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !stall_i) begin
      age_q  <= '0;
      came_q <= '0;
    end else begin
      if (age_q != '1) age_q <= age_q + 4'd1;
      came_q <= came_q + 4'(h_may);
    end
  end
  `FV_ASSERT(a_issue, !(stall_i && age_q != '0 && valid) || clearing)
  `FV_ASSERT(a_no_event_while_clearing, !clearing || !(ctl.judge || ctl.arm_set || ctl.read || ctl.emit || ctl.check))
  `FV_ASSERT(a_last, !(stall_i && h_may) || 32'(age_q) < Under)
  `FV_ASSERT(a_under, 32'(came_q) <= Under)
  `FV_ASSERT(a_room, 32'(came_q) + 32'(h_may && stall_i) <= Room)
  `FV_COVER(c_report_under, stall_i && 32'(age_q) != 0 && h_may && h_meta.cause == abi_pkg::ErrParity && h_meta.error)
  `FV_COVER(c_all_under, stall_i && 32'(came_q) == Under - 1 && 32'(age_q) == Under - 1 && h_may)
endmodule
`default_nettype wire
