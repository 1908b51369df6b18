// SPDX-License-Identifier: Apache-2.0
// tripline core: commands in, events out, both in order (docs/device.md). LANES x SLOTS rows over
// ASSETS prices.
//   hc_frontend  c0: decode, hc_price_file, band check, hc_usage
//   hc_lane_array  a: coefficient  m: multiplier inputs  p: partial products  [s: sum]  h: H and hits
//   hc_collector  first hit, output register
//   hc_fault      with PARITY: flipped bits, from the lanes back to the front end, which tells of them
// Stage a is c0, or c1 with more than GroupLanes lanes; s is there with MUL_REG.
// Latency: a TICK taken in cycle t gives the first trigger of slot s in cycle t + Latency + s when no
// event waits; Latency = 4 + MUL_REG, 2 more with more than GroupLanes lanes.
// With PARITY a report of a flipped bit is made between beats, from 4 cycles after the operation that met it was in h; status_o.idle
// waits for it, a SYNC may overtake it.
// Throughput: a TICK every SLOTS cycles, every cycle if no row uses its asset; a coefficient a cycle;
// an event a cycle.
`default_nettype none
`include "hc_assert.svh"
module hc_core #(
  parameter int unsigned LANES   = 32,   // powers of two
  parameter int unsigned SLOTS   = 16,
  parameter int unsigned ASSETS  = 256,
  parameter int unsigned MUL_REG = 1,    // 1: register the sum of the partial products, 0: do not
  parameter int unsigned PARITY  = 0,    // 1: memories have parity, and a flipped bit becomes an ERROR event
  parameter int unsigned EVENT_DEPTH = 32  // operations with events that can wait
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,        // synchronous, active low
  input  wire logic [31:0]  cycle_i,       // for the stamps
  // commands, AXI4-Stream
  input  wire logic         s_axis_tvalid,
  output      logic         s_axis_tready,
  input  wire logic [255:0] s_axis_tdata,
  // events, AXI4-Stream
  output      logic         m_axis_tvalid,
  input  wire logic         m_axis_tready,
  output      logic [255:0] m_axis_tdata,
  output      hc_pkg::status_t status_o
);
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1;
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1;
  localparam int unsigned RingW  = $clog2(EVENT_DEPTH);
  localparam int unsigned GroupL = (LANES > hc_pkg::GroupLanes) ? hc_pkg::GroupLanes : LANES;
  localparam int unsigned Groups = LANES / GroupL;

  if ((LANES & (LANES - 1)) != 0 || (SLOTS & (SLOTS - 1)) != 0 ||
      (ASSETS & (ASSETS - 1)) != 0) begin : g_bad_pow2
    $error("LANES, SLOTS and ASSETS must be powers of two");
  end
  if (LANES * SLOTS > 1 << abi_pkg::RowW || ASSETS > 1 << abi_pkg::AssetW ||
      Groups > 64) begin : g_bad_size
    $error("more rows or assets than a command can address, or more lanes than the collector joins");
  end
  if (MUL_REG > 1) begin : g_bad_mul_reg
    $error("MUL_REG is 0 or 1");
  end
  if (PARITY > 1) begin : g_bad_parity
    $error("PARITY is 0 or 1");
  end
  if (hc_pkg::PriceW != abi_pkg::PriceW || hc_pkg::CoefW != abi_pkg::CoefW ||
      hc_pkg::HW != abi_pkg::HW || abi_pkg::BeatW != 256) begin : g_bad_width
    $error("hc_pkg and abi_pkg disagree on widths");
  end

  hc_pkg::ctl_t  c0_ctl;
  hc_pkg::meta_t c0_meta, h_meta;
  logic [LaneW-1:0]  c0_lane;
  logic [SlotW-1:0]  c0_slot, h_slot;
  logic [IndexW-1:0] c0_index, used_index;
  logic signed [hc_pkg::CoefW-1:0]  c0_coef;
  logic signed [hc_pkg::DeltaW-1:0] c0_delta;
  logic              c0_valid, c0_meta_we, c0_delta_we, c0_outside, used_we, used_old, used_new, used_clear, used_busy,
                     used_flipped;
  logic [LANES-1:0]  h_hit;
  logic              h_may, h_emit, h_armed;
  logic [Groups*RingW-1:0]     h_ring, pick_ring;
  logic [LANES*hc_pkg::HW-1:0] pick_h;
  logic [LANES-1:0]  w_flipped;
  logic [SlotW-1:0]  w_slot;
  logic [11:0]       w_asset, fault_asset;
  logic [23:0]       fault_row;
  logic              fault_valid, fault_taken, fault_shared, fault_busy;
  logic clearing, loading, front_busy, array_busy, events_busy, nearly_full, stalled;
  logic tick, row, made, trigger, band_exit, error;
  logic [3:0] error_code;

  hc_frontend #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS),
    .PARITY(PARITY)
  ) u_frontend (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .cycle_i     (cycle_i),
    .cmd_valid_i (s_axis_tvalid),
    .cmd_ready_o (s_axis_tready),
    .cmd_data_i  (s_axis_tdata),
    .stall_i     (nearly_full),
    .valid_o     (c0_valid),
    .ctl_o       (c0_ctl),
    .meta_we_o   (c0_meta_we),
    .meta_o      (c0_meta),
    .lane_o      (c0_lane),
    .slot_o      (c0_slot),
    .index_o     (c0_index),
    .coef_o      (c0_coef),
    .delta_we_o  (c0_delta_we),
    .delta_o     (c0_delta),
    .outside_o   (c0_outside),
    .used_we_i   (used_we),
    .used_index_i(used_index),
    .used_old_i  (used_old),
    .used_new_i  (used_new),
    .used_clear_i(used_clear),
    .used_busy_i (used_busy),
    .used_flipped_i(used_flipped),
    .fault_valid_i (fault_valid),
    .fault_taken_o (fault_taken),
    .fault_row_i   (fault_row),
    .fault_asset_i (fault_asset),
    .fault_shared_o(fault_shared),
    .clearing_o  (clearing),
    .loading_o   (loading),
    .busy_o      (front_busy),
    .stalled_o   (stalled),
    .tick_o      (tick),
    .row_o       (row)
  );

  hc_lane_array #(
    .LANES  (LANES),
    .SLOTS  (SLOTS),
    .ASSETS (ASSETS),
    .DEPTH  (EVENT_DEPTH),
    .MUL_REG(MUL_REG),
    .PARITY (PARITY)
  ) u_lane_array (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .c0_valid_i   (c0_valid),
    .c0_ctl_i     (c0_ctl),
    .c0_meta_we_i (c0_meta_we),
    .c0_meta_i    (c0_meta),
    .c0_lane_i    (c0_lane),
    .c0_slot_i    (c0_slot),
    .c0_index_i   (c0_index),
    .c0_coef_i    (c0_coef),
    .c0_delta_we_i(c0_delta_we),
    .c0_delta_i   (c0_delta),
    .c0_outside_i (c0_outside),
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
    .h_ring_i     (h_ring),
    .pick_ring_i  (pick_ring),
    .pick_h_o     (pick_h),
    .w_flipped_o  (w_flipped),
    .w_slot_o     (w_slot),
    .w_asset_o    (w_asset),
    .busy_o       (array_busy)
  );

  hc_fault #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .PARITY(PARITY)
  ) u_fault (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .flipped_i(w_flipped),
    .slot_i   (w_slot),
    .asset_i  (w_asset),
    .shared_i (fault_shared),
    .valid_o  (fault_valid),
    .taken_i  (fault_taken),
    .row_o    (fault_row),
    .asset_o  (fault_asset),
    .busy_o   (fault_busy)
  );

  hc_collector #(
    .LANES(LANES),
    .SLOTS(SLOTS),
    .DEPTH(EVENT_DEPTH)
  ) u_collector (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .cycle_i      (cycle_i),
    .h_hit_i      (h_hit),
    .h_may_i      (h_may),
    .h_emit_i     (h_emit),
    .h_meta_i     (h_meta),
    .h_slot_i     (h_slot),
    .h_armed_i    (h_armed),
    .h_ring_o     (h_ring),
    .pick_ring_o  (pick_ring),
    .pick_h_i     (pick_h),
    .nearly_full_o(nearly_full),
    .evt_valid_o  (m_axis_tvalid),
    .evt_ready_i  (m_axis_tready),
    .evt_data_o   (m_axis_tdata),
    .busy_o       (events_busy),
    .made_o       (made),
    .trigger_o    (trigger),
    .band_exit_o  (band_exit),
    .error_o      (error),
    .error_code_o (error_code)
  );

  always_comb begin
    status_o              = '0;
    status_o.idle         = !clearing && !front_busy && !array_busy && !fault_busy && !events_busy;
    status_o.clearing     = clearing;
    status_o.loading      = loading;
    status_o.command      = s_axis_tvalid && s_axis_tready;
    status_o.tick         = tick;
    status_o.row          = row;
    status_o.event_made   = made;
    status_o.trigger      = trigger;
    status_o.band_exit    = band_exit;
    status_o.error        = error;
    status_o.error_code   = error_code;
    status_o.stall_in     = s_axis_tvalid && !s_axis_tready;
    status_o.stall_out    = m_axis_tvalid && !m_axis_tready;
    status_o.stall_events = stalled;
  end

`ifndef SYNTHESIS
  // AXI4-Stream contract: valid and data hold until taken. In is what we ask for, out is what we
  // give.
  logic past_q, in_wait_q, out_wait_q;
  logic [255:0] in_data_q, out_data_q;
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    in_wait_q  <= s_axis_tvalid && !s_axis_tready;
    out_wait_q <= m_axis_tvalid && !m_axis_tready;
    if (s_axis_tvalid && !s_axis_tready) in_data_q <= s_axis_tdata;
    if (m_axis_tvalid && !m_axis_tready) out_data_q <= m_axis_tdata;
  end
  `HC_ASSERT_IF(a_in_holds, past_q && in_wait_q, s_axis_tvalid && s_axis_tdata == in_data_q)
  `HC_ASSERT_IF(a_out_holds, past_q && out_wait_q, m_axis_tvalid && m_axis_tdata == out_data_q)
`endif
endmodule
`default_nettype wire
