// SPDX-License-Identifier: Apache-2.0
// LANES lanes and the control that travels beside them. Takes one micro-operation a cycle at c1 and
// hands its hits to the collector in c4, its other results in c5. Everything stands still while
// en_i is low.
// Latency: c1 to c5, 4 cycles.
`default_nettype none
`include "hc_assert.svh"
module hc_lane_array #(
  parameter int unsigned LANES  = 32,
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic                             en_i,
  input  wire hc_pkg::ctl_t                     c1_ctl_i,
  input  wire hc_pkg::meta_t                    c1_meta_i,
  input  wire logic        [LaneW-1:0]          c1_lane_i,
  input  wire logic        [SlotW-1:0]          c1_slot_i,
  input  wire logic        [IndexW-1:0]         c1_index_i,
  input  wire logic signed [hc_pkg::CoefW-1:0]  c1_coef_i,
  input  wire logic signed [hc_pkg::DeltaW-1:0] c1_delta_i,
  output      logic        [LANES-1:0]          c4_hit_o,
  output      logic                             c4_emit_o,
  output      hc_pkg::meta_t                    c5_meta_o,
  output      logic                             c5_read_o,
  output      logic        [SlotW-1:0]          c5_slot_o,
  output      logic        [LANES*hc_pkg::HW-1:0] c5_h_o,
  output      logic        [LANES-1:0]          c5_armed_o,
  output      logic                             busy_o      // an operation is between c1 and c4
);
  localparam int unsigned AddrW = (SLOTS * ASSETS > 1) ? $clog2(SLOTS * ASSETS) : 1;

  hc_pkg::ctl_t  c2_ctl_q, c3_ctl_q, c4_ctl_q;
  hc_pkg::meta_t c2_meta_q, c3_meta_q, c4_meta_q;
  logic [LaneW-1:0] c2_lane_q, c3_lane_q, c4_lane_q;
  logic [SlotW-1:0] c2_slot_q, c3_slot_q, c4_slot_q;
  logic signed [hc_pkg::DeltaW-1:0] c2_delta_q;

  // Control is reset (an operation of all zeros does nothing), data is not.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      c2_ctl_q <= '0;
      c3_ctl_q <= '0;
      c4_ctl_q <= '0;
    end else if (en_i) begin
      c2_ctl_q <= c1_ctl_i;
      c3_ctl_q <= c2_ctl_q;
      c4_ctl_q <= c3_ctl_q;
    end
    if (en_i) begin
      c2_meta_q  <= c1_meta_i;
      c2_lane_q  <= c1_lane_i;
      c2_slot_q  <= c1_slot_i;
      c2_delta_q <= c1_delta_i;
      c3_meta_q  <= c2_meta_q;
      c3_lane_q  <= c2_lane_q;
      c3_slot_q  <= c2_slot_q;
      c4_meta_q  <= c3_meta_q;
      c4_lane_q  <= c3_lane_q;
      c4_slot_q  <= c3_slot_q;
      c5_meta_o  <= c4_meta_q;
      c5_read_o  <= c4_ctl_q.read;
      c5_slot_o  <= c4_slot_q;
    end
  end

  assign c4_emit_o = c4_ctl_q.emit;
  assign busy_o    = (|c1_ctl_i) || (|c2_ctl_q) || (|c3_ctl_q) || (|c4_ctl_q);

  logic [AddrW-1:0] c1_addr;
  assign c1_addr = AddrW'(c1_slot_i) * AddrW'(ASSETS) + AddrW'(c1_index_i);

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    localparam logic [LaneW-1:0] Lane = LaneW'(l);
    hc_lane #(
      .SLOTS (SLOTS),
      .ASSETS(ASSETS)
    ) u_lane (
      .clk_i     (clk_i),
      .en_i      (en_i),
      .c1_we_i   (c1_ctl_i.coef_we && (c1_ctl_i.all || c1_lane_i == Lane)),
      .c1_acc_i  (c1_ctl_i.acc),
      .c1_addr_i (c1_addr),
      .c1_coef_i (c1_coef_i),
      .c2_acc_i  (c2_ctl_q.acc),
      .c2_delta_i(c2_delta_q),
      .c3_acc_i  (c3_ctl_q.acc),
      .c4_slot_i (c4_slot_q),
      .c4_sel_i  (c4_ctl_q.all || c4_lane_q == Lane),
      .c4_ctl_i  (c4_ctl_q),
      .c4_value_i(c4_meta_q.value),
      .c4_hit_o  (c4_hit_o[l]),
      .c5_h_o    (c5_h_o[l*hc_pkg::HW +: hc_pkg::HW]),
      .c5_armed_o(c5_armed_o[l])
    );
  end

  `HC_ASSERT(a_judge, !c4_ctl_q.judge || c4_ctl_q.acc)
  `HC_ASSERT(a_one_effect, !(c4_ctl_q.acc && (c4_ctl_q.h_set || c4_ctl_q.arm_set || c4_ctl_q.read)))
endmodule
`default_nettype wire
