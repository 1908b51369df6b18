// SPDX-License-Identifier: Apache-2.0
// The device a card instantiates (docs/host-interface.md): the core and its host interface.
//   s_axi   command window: hc_window --AXI4-Stream--> hc_core --AXI4-Stream--> hc_ring: m_axi
//   s_axil  hc_regs: identity, counters, control, watchdogs; hc_soft_reset behind its reset bit
// Latency, nothing waiting: W beat that completes a command + 1 = the core's cycle_in; event at the
// core's port (cycle_out) + 1 = AW and W of its record valid. Between them the core's own Latency.
// Contract: one clock, rst_ni synchronous. Every valid, ready and payload of the AXI ports comes
// from a register or one gate behind registers; no path goes through from port to port.
`default_nettype none
`include "hc_assert.svh"
module hc_top #(
  parameter int unsigned LANES        = 32,  // powers of two
  parameter int unsigned SLOTS        = 16,
  parameter int unsigned ASSETS       = 256,
  parameter int unsigned MUL_REG      = 1,   // 0 or 1: the multiplier's second register
  parameter int unsigned PARITY       = 0,   // 1: memories have parity (docs/device.md)
  parameter int unsigned WINDOW_DEPTH = 64,  // beats, a power of two, 8 to 2048
  parameter logic [63:0] BUILD_HASH   = 64'd0
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,  // synchronous, active low
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
  // command window, AXI4; reads give zeros
  input  wire logic [3:0]   s_axi_awid,
  input  wire logic [15:0]  s_axi_awaddr,
  input  wire logic [7:0]   s_axi_awlen,
  input  wire logic [2:0]   s_axi_awsize,
  input  wire logic [1:0]   s_axi_awburst,
  input  wire logic         s_axi_awvalid,
  output      logic         s_axi_awready,
  input  wire logic [255:0] s_axi_wdata,
  input  wire logic [31:0]  s_axi_wstrb,
  input  wire logic         s_axi_wlast,
  input  wire logic         s_axi_wvalid,
  output      logic         s_axi_wready,
  output      logic [3:0]   s_axi_bid,
  output      logic [1:0]   s_axi_bresp,
  output      logic         s_axi_bvalid,
  input  wire logic         s_axi_bready,
  input  wire logic [3:0]   s_axi_arid,
  input  wire logic [15:0]  s_axi_araddr,
  input  wire logic [7:0]   s_axi_arlen,
  input  wire logic [2:0]   s_axi_arsize,
  input  wire logic [1:0]   s_axi_arburst,
  input  wire logic         s_axi_arvalid,
  output      logic         s_axi_arready,
  output      logic [3:0]   s_axi_rid,
  output      logic [255:0] s_axi_rdata,
  output      logic [1:0]   s_axi_rresp,
  output      logic         s_axi_rlast,
  output      logic         s_axi_rvalid,
  input  wire logic         s_axi_rready,
  // records to host memory, AXI4, writes only
  output      logic [3:0]   m_axi_awid,
  output      logic [63:0]  m_axi_awaddr,
  output      logic [7:0]   m_axi_awlen,
  output      logic [2:0]   m_axi_awsize,
  output      logic [1:0]   m_axi_awburst,
  output      logic         m_axi_awvalid,
  input  wire logic         m_axi_awready,
  output      logic [255:0] m_axi_wdata,
  output      logic [31:0]  m_axi_wstrb,
  output      logic         m_axi_wlast,
  output      logic         m_axi_wvalid,
  input  wire logic         m_axi_wready,
  input  wire logic [3:0]   m_axi_bid,
  input  wire logic [1:0]   m_axi_bresp,
  input  wire logic         m_axi_bvalid,
  output      logic         m_axi_bready
);
  localparam int unsigned Latency =
      hc_pkg::BaseLatency + MUL_REG + ((LANES > hc_pkg::GroupLanes) ? 2 : 0);

  if (MUL_REG > 1) begin : g_bad_mul_reg
    $error("MUL_REG must be 0 or 1");
  end

  logic         soft_rst_n, quiesce, resetting, undrained, reset;
  logic         win_drained, ring_drained, win_clearing, win_waiting, halted;
  logic         bad_generation, bad_partial, bad_address;
  logic         cmd_valid, cmd_ready, evt_valid, evt_ready, idle;
  logic [255:0] cmd_data, evt_data;
  logic [31:0]  taken, produced, consumed, flags;
  logic [63:0]  cycle, ring_base, status_base;
  logic [4:0]   ring_log2;
  logic         enable, quiet;
  logic         ring_waiting, ring_progress, record, status_record, ring_error, ring_full;
  hc_pkg::status_t status;

  hc_soft_reset u_soft_reset (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .request_i  (reset),
    .drained_i  (win_drained && ring_drained),
    .quiesce_o  (quiesce),
    .soft_rst_no(soft_rst_n),
    .busy_o     (resetting),
    .undrained_o(undrained)
  );

  hc_window #(
    .DEPTH(WINDOW_DEPTH)
  ) u_window (
    .clk_i             (clk_i),
    .rst_ni            (soft_rst_n),
    .quiesce_i         (quiesce),
    .drained_o         (win_drained),
    .awid_i            (s_axi_awid),
    .awaddr_i          (s_axi_awaddr),
    .awlen_i           (s_axi_awlen),
    .awsize_i          (s_axi_awsize),
    .awburst_i         (s_axi_awburst),
    .awvalid_i         (s_axi_awvalid),
    .awready_o         (s_axi_awready),
    .wdata_i           (s_axi_wdata),
    .wstrb_i           (s_axi_wstrb),
    .wlast_i           (s_axi_wlast),
    .wvalid_i          (s_axi_wvalid),
    .wready_o          (s_axi_wready),
    .bid_o             (s_axi_bid),
    .bresp_o           (s_axi_bresp),
    .bvalid_o          (s_axi_bvalid),
    .bready_i          (s_axi_bready),
    .arid_i            (s_axi_arid),
    .arlen_i           (s_axi_arlen),
    .arvalid_i         (s_axi_arvalid),
    .arready_o         (s_axi_arready),
    .rid_o             (s_axi_rid),
    .rresp_o           (s_axi_rresp),
    .rlast_o           (s_axi_rlast),
    .rvalid_o          (s_axi_rvalid),
    .rready_i          (s_axi_rready),
    .cmd_valid_o       (cmd_valid),
    .cmd_ready_i       (cmd_ready),
    .cmd_data_o        (cmd_data),
    .taken_o           (taken),
    .waiting_o         (win_waiting),
    .clearing_o        (win_clearing),
    .halted_o          (halted),
    .fault_generation_o(bad_generation),
    .fault_partial_o   (bad_partial),
    .fault_address_o   (bad_address)
  );
  assign s_axi_rdata = '0;

  hc_core #(
    .LANES  (LANES),
    .SLOTS  (SLOTS),
    .ASSETS (ASSETS),
    .MUL_REG(MUL_REG),
    .PARITY (PARITY)
  ) u_core (
    .clk_i        (clk_i),
    .rst_ni       (soft_rst_n),
    .cycle_i      (cycle[31:0]),
    .s_axis_tvalid(cmd_valid),
    .s_axis_tready(cmd_ready),
    .s_axis_tdata (cmd_data),
    .m_axis_tvalid(evt_valid),
    .m_axis_tready(evt_ready),
    .m_axis_tdata (evt_data),
    .status_o     (status)
  );

  hc_ring #(
    .WINDOW_DEPTH(WINDOW_DEPTH)
  ) u_ring (
    .clk_i        (clk_i),
    .rst_ni       (soft_rst_n),
    .quiesce_i    (quiesce),
    .drained_o    (ring_drained),
    .s_valid_i    (evt_valid),
    .s_ready_o    (evt_ready),
    .s_data_i     (evt_data),
    .enable_i     (enable),
    .quiet_i      (quiet),
    .log2_i       (ring_log2),
    .base_i       (ring_base),
    .status_base_i(status_base),
    .consumed_i   (consumed),
    .taken_i      (taken),
    .cycle_i      (cycle),
    .flags_i      (flags),
    .idle_i       (idle),
    .awid_o       (m_axi_awid),
    .awaddr_o     (m_axi_awaddr),
    .awlen_o      (m_axi_awlen),
    .awsize_o     (m_axi_awsize),
    .awburst_o    (m_axi_awburst),
    .awvalid_o    (m_axi_awvalid),
    .awready_i    (m_axi_awready),
    .wdata_o      (m_axi_wdata),
    .wstrb_o      (m_axi_wstrb),
    .wlast_o      (m_axi_wlast),
    .wvalid_o     (m_axi_wvalid),
    .wready_i     (m_axi_wready),
    .bresp_i      (m_axi_bresp),
    .bvalid_i     (m_axi_bvalid),
    .bready_o     (m_axi_bready),
    .produced_o   (produced),
    .waiting_o    (ring_waiting),
    .progress_o   (ring_progress),
    .record_o     (record),
    .status_o     (status_record),
    .error_o      (ring_error),
    .full_o       (ring_full)
  );

  hc_regs #(
    .LANES       (LANES),
    .SLOTS       (SLOTS),
    .ASSETS      (ASSETS),
    .WINDOW_DEPTH(WINDOW_DEPTH),
    .PARITY      (PARITY),
    .LATENCY     (Latency),
    .BUILD_HASH  (BUILD_HASH)
  ) u_regs (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .soft_rst_ni     (soft_rst_n),
    .resetting_i     (resetting),
    .undrained_i     (undrained),
    .awvalid_i       (s_axil_awvalid),
    .awready_o       (s_axil_awready),
    .awaddr_i        (s_axil_awaddr),
    .wvalid_i        (s_axil_wvalid),
    .wready_o        (s_axil_wready),
    .wdata_i         (s_axil_wdata),
    .wstrb_i         (s_axil_wstrb),
    .bvalid_o        (s_axil_bvalid),
    .bready_i        (s_axil_bready),
    .arvalid_i       (s_axil_arvalid),
    .arready_o       (s_axil_arready),
    .araddr_i        (s_axil_araddr),
    .rvalid_o        (s_axil_rvalid),
    .rready_i        (s_axil_rready),
    .rdata_o         (s_axil_rdata),
    .status_i        (status),
    .offered_i       (cmd_valid),
    .win_clearing_i  (win_clearing),
    .halted_i        (halted),
    .taken_i         (taken),
    .win_waiting_i   (win_waiting),
    .bad_generation_i(bad_generation),
    .bad_partial_i   (bad_partial),
    .bad_address_i   (bad_address),
    .produced_i      (produced),
    .ring_waiting_i  (ring_waiting),
    .ring_progress_i (ring_progress),
    .record_i        (record),
    .status_record_i (status_record),
    .ring_error_i    (ring_error),
    .ring_full_i     (ring_full),
    .enable_o        (enable),
    .quiet_o         (quiet),
    .reset_o         (reset),
    .ring_log2_o     (ring_log2),
    .ring_base_o     (ring_base),
    .status_base_o   (status_base),
    .consumed_o      (consumed),
    .cycle_o         (cycle),
    .flags_o         (flags),
    .idle_o          (idle)
  );
  assign s_axil_bresp = 2'b00;
  assign s_axil_rresp = 2'b00;

  // Answered alike, whatever they say.
  logic unused;
  assign unused = &{1'b0, s_axi_araddr, s_axi_arsize, s_axi_arburst, m_axi_bid};

`ifndef SYNTHESIS
  // A soft reset finds both AXI ports at rest, unless the bus did not let them come to rest in time.
  logic soft_q, drained_q;
  always_ff @(posedge clk_i) begin
    soft_q    <= soft_rst_n;
    if (quiesce) drained_q <= win_drained && ring_drained;
  end
  `HC_ASSERT_IF(a_reset_at_rest, !soft_rst_n && soft_q && drained_q,
             !(m_axi_awvalid || m_axi_wvalid || s_axi_awready || s_axi_wready || s_axi_bvalid ||
               s_axi_arready || s_axi_rvalid))
`endif
endmodule
`default_nettype wire
