// SPDX-License-Identifier: Apache-2.0
// LANES lanes and the control that travels beside them. Takes one micro-operation a cycle in c0 and
// never stands still. Armed bits and hits are here, all lanes of a slot in one word. With more than GroupLanes lanes the operation is registered once before it goes to
// all of them (stage a is c1 then, else c0).
//   a  coefficient   m  multiplier inputs   p  partial products   [s sum, with MUL_REG]   h  H, hits
// With PARITY two stages follow in which nothing is decided: v compares what the lanes read with its parity, w tells which rows have
// had a bit flipped. Armed bits are kept twice; a row counts as armed when either says so, so that no flip keeps it from firing.
// Latency: c0 to hits in h (combinational there) 2 + MUL_REG cycles, one more with the broadcast.
`default_nettype none
`include "hc_assert.svh"
module hc_lane_array #(
  parameter int unsigned LANES   = 32,
  parameter int unsigned SLOTS   = 16,
  parameter int unsigned ASSETS  = 256,
  parameter int unsigned DEPTH   = 32,
  parameter int unsigned MUL_REG = 1,
  parameter int unsigned PARITY  = 0,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1,
  localparam int unsigned RingW  = $clog2(DEPTH),
  localparam int unsigned GroupL = (LANES > hc_pkg::GroupLanes) ? hc_pkg::GroupLanes : LANES,
  localparam int unsigned Groups = LANES / GroupL
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  // c0: the operation
  input  wire logic                             c0_valid_i,    // low: all of ctl is
  input  wire hc_pkg::ctl_t                     c0_ctl_i,
  input  wire logic                             c0_meta_we_i,  // else the meta data stays what it was
  input  wire hc_pkg::meta_t                    c0_meta_i,
  input  wire logic        [LaneW-1:0]          c0_lane_i,
  input  wire logic        [SlotW-1:0]          c0_slot_i,
  input  wire logic        [IndexW-1:0]         c0_index_i,
  input  wire logic signed [hc_pkg::CoefW-1:0]  c0_coef_i,
  input  wire logic                             c0_delta_we_i, // else the change stays what it was
  input  wire logic signed [hc_pkg::DeltaW-1:0] c0_delta_i,
  input  wire logic                             c0_outside_i,  // the price is outside its band
  // a coefficient was written (hc_usage), and whether such is still to come
  output      logic                             used_we_o,
  output      logic        [IndexW-1:0]         used_index_o,
  output      logic                             used_old_o,
  output      logic                             used_new_o,
  output      logic                             used_clear_o,  // all coefficients of the asset
  output      logic                             used_busy_o,
  output      logic                             used_flipped_o, // used_old_o cannot be trusted
  // h: what the operation found
  output      logic        [LANES-1:0]          h_hit_o,
  output      logic                             h_may_o,       // it may have hit or has an event
  output      logic                             h_emit_o,
  output      hc_pkg::meta_t                    h_meta_o,
  output      logic        [SlotW-1:0]          h_slot_o,
  output      logic                             h_armed_o,     // armed bit of the selected row, before the operation
  input  wire logic        [Groups*RingW-1:0]   h_ring_i,
  // findings by ring place
  input  wire logic        [Groups*RingW-1:0]   pick_ring_i,
  output      logic        [LANES*hc_pkg::HW-1:0] pick_h_o,
  // w: lanes that read something else than was written, by an operation two cycles ago in h; 0 without PARITY
  output      logic        [LANES-1:0]          w_flipped_o,
  output      logic        [SlotW-1:0]          w_slot_o,
  output      logic        [11:0]               w_asset_o,    // whose coefficient it read, if it read one
  output      logic                             busy_o        // an operation is between c0 and h, or w with PARITY
);
  localparam int unsigned AddrW = (SLOTS * ASSETS > 1) ? $clog2(SLOTS * ASSETS) : 1;
  localparam bit Broadcast = LANES > hc_pkg::GroupLanes;

  // ---- a
  hc_pkg::ctl_t                     a_ctl;
  hc_pkg::meta_t                    a_meta;
  logic        [LaneW-1:0]          a_lane;
  logic        [SlotW-1:0]          a_slot;
  logic        [IndexW-1:0]         a_index;
  logic signed [hc_pkg::CoefW-1:0]  a_coef;
  logic signed [hc_pkg::DeltaW-1:0] a_delta;
  logic                             a_valid, a_meta_we, a_delta_we, a_outside, a_waits;
  if (Broadcast) begin : g_broadcast
    hc_pkg::ctl_t                     ctl_q;
    hc_pkg::meta_t                    meta_q;
    logic        [LaneW-1:0]          lane_q;
    logic        [SlotW-1:0]          slot_q;
    logic        [IndexW-1:0]         index_q;
    logic signed [hc_pkg::CoefW-1:0]  coef_q;
    logic signed [hc_pkg::DeltaW-1:0] delta_q;
    logic                             valid_q, meta_we_q, delta_we_q, outside_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) ctl_q <= '0;
      else ctl_q <= c0_ctl_i;
      valid_q    <= c0_valid_i;
      meta_we_q  <= c0_meta_we_i;
      delta_we_q <= c0_delta_we_i;
      if (c0_meta_we_i) meta_q <= c0_meta_i;
      if (c0_valid_i) begin
        lane_q  <= c0_lane_i;
        slot_q  <= c0_slot_i;
        index_q <= c0_index_i;
        coef_q  <= c0_coef_i;
        delta_q <= c0_delta_i;
        outside_q <= c0_outside_i;
      end
    end
    assign a_valid    = valid_q;
    assign a_meta_we  = meta_we_q;
    assign a_ctl      = ctl_q;
    assign a_meta     = meta_q;
    assign a_lane     = lane_q;
    assign a_slot     = slot_q;
    assign a_index    = index_q;
    assign a_coef     = coef_q;
    assign a_delta    = delta_q;
    assign a_outside  = outside_q;
    assign a_delta_we = delta_we_q;
    assign a_waits    = |ctl_q;
  end else begin : g_direct
    assign a_valid    = c0_valid_i;
    assign a_meta_we  = c0_meta_we_i;
    assign a_ctl      = c0_ctl_i;
    assign a_meta     = c0_meta_i;
    assign a_lane     = c0_lane_i;
    assign a_slot     = c0_slot_i;
    assign a_index    = c0_index_i;
    assign a_coef     = c0_coef_i;
    assign a_delta    = c0_delta_i;
    assign a_outside  = c0_outside_i;
    assign a_delta_we = c0_delta_we_i;
    assign a_waits    = 1'b0;
  end
  // A tick of one asset walks all slots in one line of the memory.
  logic [AddrW-1:0] a_addr;
  assign a_addr = AddrW'(a_index) * AddrW'(SLOTS) + AddrW'(a_slot);

  // ---- m, p, h. Control is reset (an operation of all zeros does nothing), data is not.
  hc_pkg::ctl_t  m_ctl_q, p_ctl_q, h_ctl;
  hc_pkg::meta_t m_meta_q, p_meta_q, h_meta;
  logic [LaneW-1:0] m_lane_q, p_lane_q, h_lane;
  logic [SlotW-1:0] m_slot_q, p_slot_q, h_slot;
  logic signed [hc_pkg::DeltaW-1:0] m_delta_q;
  logic             h_waits, w_waits, h_act, m_valid_q, p_valid_q, m_meta_we_q, p_meta_we_q, m_outside_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_ctl_q <= '0;
      p_ctl_q <= '0;
    end else begin
      m_ctl_q <= a_ctl;
      p_ctl_q <= m_ctl_q;
      p_ctl_q.emit <= m_ctl_q.emit || (m_ctl_q.check && m_outside_q);
    end
    m_valid_q <= a_valid;
    p_valid_q <= m_valid_q;
    m_meta_we_q <= a_meta_we;
    p_meta_we_q <= m_meta_we_q;
    if (a_meta_we) m_meta_q <= a_meta;
    if (a_delta_we) begin
      m_delta_q   <= a_delta;
      m_outside_q <= a_outside;
    end
    if (a_valid) begin
      m_lane_q <= a_lane;
      m_slot_q <= a_slot;
    end
    if (m_meta_we_q) begin
      p_meta_q <= m_meta_q;
      if (m_meta_q.hide_asset) p_meta_q.asset <= '0;
      if (m_meta_q.hide_row) p_meta_q.row <= '0;
    end
    if (m_valid_q) begin
      p_lane_q <= m_lane_q;
      p_slot_q <= m_slot_q;
    end
  end
  if (MUL_REG != 0) begin : g_mul_reg
    hc_pkg::ctl_t     ctl_q;
    hc_pkg::meta_t    meta_q;
    logic [LaneW-1:0] lane_q;
    logic [SlotW-1:0] slot_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) ctl_q <= '0;
      else ctl_q <= p_ctl_q;
      if (p_meta_we_q) meta_q <= p_meta_q;
      if (p_valid_q) begin
        lane_q <= p_lane_q;
        slot_q <= p_slot_q;
      end
    end
    assign h_ctl   = ctl_q;
    assign h_meta  = meta_q;
    assign h_lane  = lane_q;
    assign h_slot  = slot_q;
    assign h_waits = |ctl_q;
  end else begin : g_no_mul_reg
    assign h_ctl   = p_ctl_q;
    assign h_meta  = p_meta_q;
    assign h_lane  = p_lane_q;
    assign h_slot  = p_slot_q;
    assign h_waits = 1'b0;
    /* verilator lint_off UNUSEDSIGNAL */
    logic  unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused  = p_valid_q || p_meta_we_q;
  end
  assign h_may_o  = h_ctl.judge || h_ctl.arm_set || h_ctl.read || h_ctl.emit;
  assign h_act    = |h_ctl;
  assign h_emit_o = h_ctl.emit;
  // Only a tick's triggers name an asset and a price; so do events of an operation's own, and READ the asset.
  always_comb begin
    h_meta_o = h_meta;
    if (!h_meta.sync) h_meta_o.value = '0;  // was for H
    if (!(h_ctl.emit || h_ctl.judge)) h_meta_o.price = '0;
    if (!(h_ctl.emit || h_ctl.judge || h_ctl.read)) h_meta_o.asset = '0;
  end
  assign h_slot_o = h_slot;
  assign busy_o   = a_waits || (|m_ctl_q) || (|p_ctl_q) || h_waits || w_waits;

  // ---- lanes
  logic [LANES-1:0] a_we, h_we, negative, p_nonzero_q, m_flipped, v_old, v_sum;
  logic             m_we;
  assign m_we = m_ctl_q.coef_we;
  // Statements, not expressions: a simulator then works the words out once, not once more in each lane.
  always_comb begin
    a_we = '0;
    if (a_ctl.coef_we) begin
      a_we = LANES'(1) << a_lane;
      if (a_ctl.all) a_we = '1;
    end
  end
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    localparam int unsigned Group = l / GroupL;
    logic m_nonzero;
    always_ff @(posedge clk_i) if (m_we) p_nonzero_q[l] <= m_nonzero;
    hc_lane #(
      .SLOTS  (SLOTS),
      .ASSETS (ASSETS),
      .DEPTH  (DEPTH),
      .MUL_REG(MUL_REG),
      .PARITY (PARITY)
    ) u_lane (
      .clk_i       (clk_i),
      .a_rd_i      (a_valid),
      .a_we_i      (a_we[l]),
      .a_addr_i    (a_addr),
      .a_coef_i    (a_coef),
      .a_parity_i  ((PARITY != 0) && (^a_coef)),
      .m_acc_i     (m_ctl_q.acc),
      .m_delta_i   (m_delta_q),
      .m_nonzero_o (m_nonzero),
      .m_flipped_o (m_flipped[l]),
      .p_acc_i     (p_ctl_q.acc),
      .h_act_i     (h_act),
      .h_slot_i    (h_slot),
      .h_val_i     (h_ctl.val),
      .h_value_i   (h_meta.value),
      .h_we_i      (h_we[l]),
      .h_negative_o(negative[l]),
      .h_hit_i     (h_hit_o[l]),
      .h_ring_i    (h_ring_i[Group*RingW +: RingW]),
      .v_old_o     (v_old[l]),
      .v_sum_o     (v_sum[l]),
      .pick_ring_i (pick_ring_i[Group*RingW +: RingW]),
      .pick_h_o    (pick_h_o[l*hc_pkg::HW +: hc_pkg::HW])
    );
  end

  // ---- h: armed bits, one word a slot, and hits
  (* ram_style = "distributed" *) logic [LANES-1:0] armed_mem[SLOTS];
  logic [LANES-1:0] selected, armed, armed_d, fires;
  logic             armed_we;
  assign selected  = h_ctl.all ? '1 : LANES'(1) << h_lane;
  assign armed_we  = h_ctl.judge || h_ctl.h_set || h_ctl.arm_set;
  assign fires     = (h_ctl.judge ? armed : '0) | (h_ctl.arm_set && h_ctl.arm_val ? selected : '0);
  assign h_hit_o   = (fires & negative) | (h_ctl.read ? selected : '0);
  assign h_armed_o = |(armed & selected);
  always_comb begin
    h_we = '0;
    if (h_ctl.h_set) h_we = selected;
    if (h_ctl.h_all) h_we = '1;
  end
  always_comb begin
    armed_d = armed;
    if (h_ctl.h_set || h_ctl.arm_set) armed_d = armed & ~selected;
    if (h_ctl.judge || h_ctl.arm_set) armed_d = (armed_d | fires) & ~(fires & negative);
  end
  always_ff @(posedge clk_i) if (armed_we) armed_mem[h_slot] <= armed_d;

  // ---- v, w: flipped bits. What an operation overwrites without having used it is not reported: that is how a row is mended.
  if (PARITY != 0) begin : g_parity
    (* ram_style = "distributed" *) logic [LANES-1:0] again_mem[SLOTS];
    (* ram_style = "distributed" *) logic [LANES-1:0] parity_mem[SLOTS];  // of H; read and written in v only
    logic [LANES-1:0] p_flipped_q, h_flipped, differ, v_flipped_q, v_we_q, v_parity;
    logic [SlotW-1:0] v_slot_q;
    logic [11:0]      v_asset_q;
    logic             v_any_q, v_check_q, v_waits_q, w_waits_q, p_all_q, u_flipped_q;
    assign armed  = armed_mem[h_slot] | again_mem[h_slot];
    assign differ = armed_mem[h_slot] ^ again_mem[h_slot];
    assign v_parity = parity_mem[v_slot_q];
    always_ff @(posedge clk_i) begin
      if (armed_we) again_mem[h_slot] <= armed_d;
      if (m_ctl_q.acc || m_we) p_flipped_q <= m_flipped;
      if (m_we) p_all_q <= m_ctl_q.all;
      u_flipped_q <= p_flipped_q[p_lane_q] && !p_all_q;
      v_we_q      <= h_we;
      if (v_any_q) parity_mem[v_slot_q] <= (v_parity & ~v_we_q) | (v_sum & v_we_q);
      v_any_q     <= h_ctl.h_set || h_ctl.h_all;
      v_slot_q    <= h_slot;
      v_asset_q   <= h_meta.asset;
      v_flipped_q <= ((h_ctl.acc && (h_ctl.h_all || h_ctl.read)) ? h_flipped : '0) |  // not for a READ that is refused
                     ((armed_we || h_ctl.read) ? differ & ~((h_ctl.h_set || h_ctl.arm_set) ? selected : '0) : '0);
      v_check_q   <= (h_ctl.h_all || h_ctl.arm_set || h_ctl.read) && !h_ctl.val;
      w_flipped_o <= v_flipped_q | (v_check_q ? v_old ^ v_parity : '0);
      w_slot_o    <= v_slot_q;
      w_asset_o   <= v_asset_q;
      if (!rst_ni) begin
        v_flipped_q <= '0;
        v_check_q   <= 1'b0;
        w_flipped_o <= '0;
        v_waits_q   <= 1'b0;
        w_waits_q   <= 1'b0;
      end else begin
        v_waits_q <= h_act;
        w_waits_q <= v_waits_q;
      end
    end
    if (MUL_REG != 0) begin : g_late
      logic [LANES-1:0] flipped_q;
      always_ff @(posedge clk_i) if (p_ctl_q.acc) flipped_q <= p_flipped_q;
      assign h_flipped = flipped_q;
    end else begin : g_prompt
      assign h_flipped = p_flipped_q;
    end
    assign w_waits        = v_waits_q || w_waits_q;
    assign used_flipped_o = u_flipped_q;
  end else begin : g_no_parity
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused         = (|m_flipped) || (|v_old) || (|v_sum);
    assign armed          = armed_mem[h_slot];
    assign w_waits        = 1'b0;
    assign w_flipped_o    = '0;
    assign w_slot_o       = '0;
    assign w_asset_o      = '0;
    assign used_flipped_o = 1'b0;
  end

  // ---- use of assets, counted three stages behind a
  if (SLOTS > 1) begin : g_usage
    logic              m_new_q, p_new_q, p_we_q, p_clear_q, u_new_q, u_we_q, u_old_q, u_clear_q, late_q;
    logic [IndexW-1:0] m_index_q, p_index_q, u_index_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        p_we_q <= 1'b0;
        u_we_q <= 1'b0;
      end else begin
        p_we_q <= m_we;
        u_we_q <= p_we_q;
      end
      late_q <= (PARITY != 0) && rst_ni && u_we_q;  // what hc_usage read of its own was flipped: it says so a cycle late
      if (a_ctl.coef_we) begin
        m_new_q   <= a_coef != '0;
        m_index_q <= a_index;
      end
      if (m_we) begin
        p_clear_q   <= m_ctl_q.all;
        p_new_q     <= m_new_q;
        p_index_q   <= m_index_q;
      end
      if (p_we_q) begin
        u_old_q   <= p_nonzero_q[p_lane_q];
        u_new_q   <= p_new_q;
        u_clear_q <= p_clear_q;
        u_index_q <= p_index_q;
      end
    end
    assign used_we_o    = u_we_q;
    assign used_index_o = u_index_q;
    assign used_old_o   = u_old_q;
    assign used_new_o   = u_new_q;
    assign used_clear_o = u_clear_q;
    assign used_busy_o  = (a_waits && a_ctl.coef_we) || m_we || p_we_q || u_we_q || late_q;
  end else begin : g_no_usage
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused       = |p_nonzero_q;
    assign used_we_o    = 1'b0;
    assign used_index_o = '0;
    assign used_old_o   = 1'b0;
    assign used_new_o   = 1'b0;
    assign used_clear_o = 1'b0;
    assign used_busy_o  = 1'b0;
  end

  `HC_ASSERT_IF(a_judge, h_ctl.judge, h_ctl.acc && h_ctl.h_all)
  `HC_ASSERT_IF(a_one_effect, h_ctl.h_all, !(h_ctl.h_set || h_ctl.arm_set || h_ctl.read))
  `HC_ASSERT_IF(a_read_is_single, h_ctl.read, (h_hit_o & (h_hit_o - LANES'(1))) == '0)
endmodule
`default_nettype wire
