// SPDX-License-Identifier: Apache-2.0
// tripline core: commands in, events out, both in order (docs/device.md). LANES x SLOTS rows over
// ASSETS prices.
//   hc_frontend c0 -> hc_lane_array c1..c4 -> hc_collector c5 -> hc_event_fifo (output register) c6
// Latency: a TICK taken in cycle t gives the first trigger of slot s in cycle t + 6 + s when no
// event waits.
// Throughput: one TICK every SLOTS cycles.
`default_nettype none
`include "hc_assert.svh"
module hc_core #(
  parameter int unsigned LANES  = 32,   // powers of two
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  parameter int unsigned EVENT_DEPTH = 16,
  parameter logic [63:0] BUILD_HASH = 64'd0
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,        // synchronous, active low
  // commands, AXI4-Stream
  input  wire logic         s_axis_tvalid,
  output      logic         s_axis_tready,
  input  wire logic [255:0] s_axis_tdata,
  // events, AXI4-Stream
  output      logic         m_axis_tvalid,
  input  wire logic         m_axis_tready,
  output      logic [255:0] m_axis_tdata,
  // registers, AXI4-Lite
  input  wire logic         s_axil_awvalid,
  output      logic         s_axil_awready,
  input  wire logic [11:0]  s_axil_awaddr,
  input  wire logic         s_axil_wvalid,
  output      logic         s_axil_wready,
  input  wire logic [31:0]  s_axil_wdata,
  input  wire logic [3:0]   s_axil_wstrb,
  output      logic         s_axil_bvalid,
  input  wire logic         s_axil_bready,
  output      logic [1:0]   s_axil_bresp,
  input  wire logic         s_axil_arvalid,
  output      logic         s_axil_arready,
  input  wire logic [11:0]  s_axil_araddr,
  output      logic         s_axil_rvalid,
  input  wire logic         s_axil_rready,
  output      logic [31:0]  s_axil_rdata,
  output      logic [1:0]   s_axil_rresp,
  // nothing in progress: no operation, no event left (an open row load may be waiting for its next
  // beat)
  output      logic         idle_o
);
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1;
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1;

  if ((LANES & (LANES - 1)) != 0 || (SLOTS & (SLOTS - 1)) != 0 ||
      (ASSETS & (ASSETS - 1)) != 0) begin : g_bad_pow2
    $error("LANES, SLOTS and ASSETS must be powers of two");
  end
  if (LANES * SLOTS > 1 << abi_pkg::RowW || ASSETS > 1 << abi_pkg::AssetW) begin : g_bad_size
    $error("more rows or assets than a command can address");
  end
  if (hc_pkg::PriceW != abi_pkg::PriceW || hc_pkg::CoefW != abi_pkg::CoefW ||
      hc_pkg::HW != abi_pkg::HW || abi_pkg::BeatW != 256) begin : g_bad_width
    $error("hc_pkg and abi_pkg disagree on widths");
  end

  hc_pkg::ctl_t  c1_ctl;
  hc_pkg::meta_t c1_meta, c5_meta;
  logic [LaneW-1:0]  c1_lane;
  logic [SlotW-1:0]  c1_slot, c5_slot;
  logic [IndexW-1:0] c1_index;
  logic signed [hc_pkg::CoefW-1:0]  c1_coef;
  logic signed [hc_pkg::DeltaW-1:0] c1_delta;
  logic [LANES-1:0]            c4_hit, c5_armed;
  logic [LANES*hc_pkg::HW-1:0] c5_h;
  logic c4_emit, c5_read;
  logic en, clearing, loading, front_busy, array_busy, tick, row;
  logic evt_valid, evt_ready, trigger, band_exit, error;
  logic [255:0] evt_data;
  logic [31:0]  cycle;

  hc_frontend #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_frontend (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .en_i       (en),
    .cycle_i    (cycle),
    .cmd_valid_i(s_axis_tvalid),
    .cmd_ready_o(s_axis_tready),
    .cmd_data_i (s_axis_tdata),
    .c1_ctl_o   (c1_ctl),
    .c1_meta_o  (c1_meta),
    .c1_lane_o  (c1_lane),
    .c1_slot_o  (c1_slot),
    .c1_index_o (c1_index),
    .c1_coef_o  (c1_coef),
    .c1_delta_o (c1_delta),
    .clearing_o (clearing),
    .loading_o  (loading),
    .busy_o     (front_busy),
    .tick_o     (tick),
    .row_o      (row)
  );

  hc_lane_array #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_lane_array (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .en_i      (en),
    .c1_ctl_i  (c1_ctl),
    .c1_meta_i (c1_meta),
    .c1_lane_i (c1_lane),
    .c1_slot_i (c1_slot),
    .c1_index_i(c1_index),
    .c1_coef_i (c1_coef),
    .c1_delta_i(c1_delta),
    .c4_hit_o  (c4_hit),
    .c4_emit_o (c4_emit),
    .c5_meta_o (c5_meta),
    .c5_read_o (c5_read),
    .c5_slot_o (c5_slot),
    .c5_h_o    (c5_h),
    .c5_armed_o(c5_armed),
    .busy_o    (array_busy)
  );

  hc_collector #(
    .LANES(LANES),
    .SLOTS(SLOTS)
  ) u_collector (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .c4_hit_i   (c4_hit),
    .c4_emit_i  (c4_emit),
    .c5_meta_i  (c5_meta),
    .c5_read_i  (c5_read),
    .c5_slot_i  (c5_slot),
    .c5_h_i     (c5_h),
    .c5_armed_i (c5_armed),
    .en_o       (en),
    .evt_valid_o(evt_valid),
    .evt_ready_i(evt_ready),
    .evt_data_o (evt_data),
    .trigger_o  (trigger),
    .band_exit_o(band_exit),
    .error_o    (error)
  );

  hc_event_fifo #(
    .DEPTH(EVENT_DEPTH)
  ) u_event_fifo (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .cycle_i    (cycle),
    .in_valid_i (evt_valid),
    .in_ready_o (evt_ready),
    .in_data_i  (evt_data),
    .out_valid_o(m_axis_tvalid),
    .out_ready_i(m_axis_tready),
    .out_data_o (m_axis_tdata)
  );

  hc_regs #(
    .LANES     (LANES),
    .SLOTS     (SLOTS),
    .ASSETS    (ASSETS),
    .BUILD_HASH(BUILD_HASH)
  ) u_regs (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .awvalid_i   (s_axil_awvalid),
    .awready_o   (s_axil_awready),
    .awaddr_i    (s_axil_awaddr),
    .wvalid_i    (s_axil_wvalid),
    .wready_o    (s_axil_wready),
    .wdata_i     (s_axil_wdata),
    .wstrb_i     (s_axil_wstrb),
    .bvalid_o    (s_axil_bvalid),
    .bready_i    (s_axil_bready),
    .arvalid_i   (s_axil_arvalid),
    .arready_o   (s_axil_arready),
    .araddr_i    (s_axil_araddr),
    .rvalid_o    (s_axil_rvalid),
    .rready_i    (s_axil_rready),
    .rdata_o     (s_axil_rdata),
    .idle_i      (idle_o),
    .clearing_i  (clearing),
    .loading_i   (loading),
    .command_i   (s_axis_tvalid && s_axis_tready),
    .event_i     (evt_valid && evt_ready),
    .tick_i      (tick),
    .row_i       (row),
    .trigger_i   (trigger),
    .band_exit_i (band_exit),
    .error_i     (error),
    .error_code_i(c5_meta.cause),
    .stall_in_i  (s_axis_tvalid && !s_axis_tready),
    .stall_out_i (m_axis_tvalid && !m_axis_tready),
    .frozen_i    (!en),
    .cycle_o     (cycle)
  );
  assign s_axil_bresp = 2'b00;
  assign s_axil_rresp = 2'b00;

  assign idle_o = !clearing && !front_busy && !array_busy && !evt_valid && !m_axis_tvalid;

`ifndef SYNTHESIS
  // AXI4-Stream contract: valid and data hold until taken. In is what we ask for, out is what we
  // give.
  logic past_q, in_wait_q, out_wait_q;
  logic [255:0] in_data_q, out_data_q;
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    in_wait_q  <= s_axis_tvalid && !s_axis_tready;
    in_data_q  <= s_axis_tdata;
    out_wait_q <= m_axis_tvalid && !m_axis_tready;
    out_data_q <= m_axis_tdata;
  end
  `HC_ASSERT(a_in_holds, !(past_q && in_wait_q) || (s_axis_tvalid && s_axis_tdata == in_data_q))
  `HC_ASSERT(a_out_holds, !(past_q && out_wait_q) || (m_axis_tvalid && m_axis_tdata == out_data_q))
`endif
endmodule
`default_nettype wire
