// SPDX-License-Identifier: Apache-2.0
// hc_frontend: commands into operations. From the beats taken, the commands as docs/device.md has them are
// followed: prices and band of one asset (any), the row load, the walk of a tick over the slots. Checked: each
// operation is the one due; BAND_EXIT if and only if the price lies outside the band; the change is the new
// price less the old; no tick acts between a ROW and its last coefficient; a row is armed with its last
// coefficient and only if all were good. Free: beats, stalls, what hc_usage hears, and reports of flipped bits: one is
// taken between beats, soon, is told as it stands and changes no operation of the commands around it.
`default_nettype none
`include "fv.svh"
module fv_front #(
  parameter int unsigned LANES  = 2,
  parameter int unsigned SLOTS  = 2,
  parameter int unsigned ASSETS = 2,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input wire logic              clk_i,
  input wire logic              rst_ni,
  input wire logic              cmd_valid_i,
  input wire logic [255:0]      cmd_data_i,
  input wire logic              stall_i,
  input wire logic              used_we_i,
  input wire logic [IndexW-1:0] used_index_i,
  input wire logic              used_old_i,
  input wire logic              used_new_i,
  input wire logic              used_clear_i,
  input wire logic              used_busy_i,
  input wire logic              used_flipped_i,
  input wire logic              fault_valid_i,
  input wire logic [23:0]       fault_row_i,
  input wire logic [11:0]       fault_asset_i
);
  `FV_RESET
  hc_pkg::ctl_t      ctl;
  hc_pkg::meta_t     meta;
  logic [LaneW-1:0]  lane;
  logic [SlotW-1:0]  slot;
  logic [IndexW-1:0] index;
  logic signed [hc_pkg::CoefW-1:0]  coef;
  logic signed [hc_pkg::DeltaW-1:0] delta;
  logic              cmd_ready, valid, meta_we, delta_we, is_outside, clearing, loading, busy, stalled, did_tick, did_row, ops_ok;
  logic              fault_taken, fault_shared, cleared, cleared_ok;
  hc_frontend #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_dut (
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
    .used_flipped_i(used_flipped_i),
    .fault_valid_i (fault_valid_i),
    .fault_taken_o (fault_taken),
    .fault_row_i   (fault_row_i),
    .fault_asset_i (fault_asset_i),
    .fault_shared_o(fault_shared),
    .clearing_o  (clearing),
    .loading_o   (loading),
    .busy_o      (busy),
    .stalled_o   (stalled),
    .tick_o      (did_tick),
    .row_o       (did_row)
  );
  fv_ops u_ops (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (valid),
    .ctl_i     (ctl),
    .delta_we_i(delta_we && valid),
    .ok_o      (ops_ok)
  );
  `FV_ASSERT(a_ops, ops_ok)
  fv_cleared #(
    .SLOTS (SLOTS),
    .ASSETS(ASSETS)
  ) u_cleared (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .ctl_i  (ctl),
    .slot_i (slot),
    .index_i(index),
    .done_o (cleared),
    .ok_o   (cleared_ok)
  );
  `FV_ASSERT(a_cleared, cleared_ok)
  `FV_ASSERT(a_clearing, clearing == !cleared)
  // What is counted is the real thing's affair (fv_skip); here the counter may only not be broken.
  `FV_ASSUME(m_used, !used_we_i || used_clear_i)

  // ---- the beat taken
  /* verilator lint_off UNUSEDSIGNAL */
  abi_pkg::cmd_tick_t tick;
  abi_pkg::cmd_band_t band;
  abi_pkg::cmd_row_t  row;
  abi_pkg::cmd_arm_t  arm;
  abi_pkg::cmd_coef_t more;
  /* verilator lint_on UNUSEDSIGNAL */
  assign tick = cmd_data_i;
  assign band = cmd_data_i;
  assign row  = cmd_data_i;
  assign arm  = cmd_data_i;
  assign more = cmd_data_i;
  logic        fresh, price_ok, cuts, is_tick, is_band, is_row, is_coef, is_arm;
  logic [15:0] due_q;     // coefficients of the open load of an existing row
  assign fresh    = cmd_valid_i && cmd_ready;
  assign cuts     = fresh && due_q != '0 && tick.opcode != abi_pkg::CmdCoef;  // refused
  assign price_ok = tick.price[39:hc_pkg::PriceW] == '0 && 32'(tick.asset) < ASSETS;
  assign is_tick  = fresh && !cuts && tick.opcode == abi_pkg::CmdTick && price_ok;
  assign is_band  = fresh && !cuts && tick.opcode == abi_pkg::CmdBand && 32'(band.asset) < ASSETS
                 && band.lo[39:hc_pkg::PriceW] == '0 && band.hi[39:hc_pkg::PriceW] == '0
                 && (!band.set_price || band.price[39:hc_pkg::PriceW] == '0);
  assign is_row   = fresh && !cuts && tick.opcode == abi_pkg::CmdRow && 32'(row.row) < LANES * SLOTS;
  assign is_arm   = fresh && !cuts && tick.opcode == abi_pkg::CmdArm && 32'(row.row) < LANES * SLOTS;
  assign is_coef  = fresh && due_q != '0 && tick.opcode == abi_pkg::CmdCoef;

  // ---- prices and band of one asset
  (* anyconst *) logic [IndexW-1:0] at;
  logic [hc_pkg::PriceW-1:0] price_q, lo_q, hi_q;
  logic                      outside, known_q, mine;
  assign mine    = tick.asset == 12'(at);
  assign outside = tick.price < 40'(lo_q) || tick.price > 40'(hi_q);
  // Clearing sets price 0 and the widest band; it is over when the first beat is taken.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      price_q <= '0;
      lo_q    <= '0;
      hi_q    <= '1;
    end else if (is_tick && mine) begin
      price_q <= tick.price[hc_pkg::PriceW-1:0];
    end else if (is_band && mine) begin
      lo_q <= band.lo[hc_pkg::PriceW-1:0];
      hi_q <= band.hi[hc_pkg::PriceW-1:0];
      if (band.set_price) price_q <= band.price[hc_pkg::PriceW-1:0];
    end
    known_q <= rst_ni;
  end
  logic exit;
  assign exit = ctl.check && is_outside;  // what the lanes make an event of (fv_lanes)
  `FV_ASSERT(a_band_exit, !(is_tick && mine) || exit == outside)
  `FV_ASSERT(a_band_exit_tick, !exit || is_tick)
  `FV_ASSERT(a_band_exit_says, !exit || (!meta.error && !meta.sync && !meta.hide_asset && meta.asset == tick.asset && meta.price == tick.price && meta.group == tick.group))
  `FV_ASSERT(a_delta, !(is_tick && mine) || (delta_we &&
             delta == $signed({1'b0, tick.price[hc_pkg::PriceW-1:0]}) - $signed({1'b0, price_q})))
  `FV_ASSERT(a_tick, did_tick == is_tick)
  `FV_ASSERT(a_row, did_row == is_row)

  // ---- the walk: slot 0 with the beat, then each further one once, alike; nothing else in between
  logic              walking_q, walk_last_q;
  logic [SlotW-1:0]  walk_slot_q;
  logic [IndexW-1:0] walk_index_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) walking_q <= 1'b0;
    else if (is_tick && ctl.h_all) walking_q <= SLOTS > 1;
    else if (walking_q && ctl.h_all) walking_q <= slot != SlotW'(SLOTS - 1);
    if (is_tick) begin
      walk_last_q  <= tick.last;
      walk_index_q <= IndexW'(tick.asset);
      walk_slot_q  <= SlotW'(1);
    end else if (ctl.h_all) begin
      walk_slot_q <= walk_slot_q + SlotW'(1);
    end
  end
  `FV_ASSERT(a_walk_first, !(is_tick && ctl.h_all) || (slot == '0 && index == IndexW'(tick.asset) && ctl.judge == tick.last))
  `FV_ASSERT(a_walk_next, !(walking_q && ctl.h_all) ||
             (slot == walk_slot_q && index == walk_index_q && ctl.judge == walk_last_q && !delta_we && !ctl.emit && !ctl.check))
  hc_pkg::ctl_t effect;  // arm_val alone does nothing
  always_comb begin
    effect         = ctl;
    effect.arm_val = 1'b0;
  end
  `FV_ASSERT(a_walk_alone, !walking_q || (!fresh && (effect == '0 || ctl.h_all)))
  `FV_ASSERT(a_meta_holds, !valid || meta_we || (walking_q && ctl.h_all))
  `FV_ASSERT(a_walk_goes_on, !(walking_q && !stall_i) || ctl.h_all)
  `FV_ASSERT(a_walk_only, !ctl.h_all || is_tick || walking_q)
  // The shortcut leaves a tick out only if it may: a group's end with something moved is judged.
  logic moved_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) moved_q <= 1'b0;
    else if (is_tick && ctl.h_all) moved_q <= !tick.last;
  end
  `FV_ASSERT(a_judged, !(is_tick && tick.last && moved_q) || ctl.h_all)
  `FV_ASSERT(a_busy_usage, !(is_tick && used_busy_i) || ctl.h_all)

  // ---- row load: the coefficients of the beats in order, one an operation
  localparam int unsigned PairW = 40;
  logic [6*PairW-1:0] pairs, pairs_q;
  logic [2:0]         have, have_q;   // pairs that have come and not gone, this beat's or an older one's
  logic [15:0]        due;
  logic [23:0]        row_q, row_at;
  logic               bad_q, bad, armed_q, armed, good, go;
  logic [PairW-1:0]   pair;
  always_comb begin
    pairs  = pairs_q;
    have   = have_q;
    due    = due_q;
    row_at = row_q;
    bad    = bad_q;
    armed  = armed_q;
    if (cuts) begin
      due  = '0;
      have = '0;
    end
    if (is_row) begin
      pairs  = {120'd0, row.asset2, row.coef2, row.asset1, row.coef1, row.asset0, row.coef0};
      have   = (row.n < 16'd3) ? row.n[2:0] : 3'd3;
      due    = row.n;
      row_at = row.row;
      bad    = 1'b0;
      armed  = row.armed;
    end else if (is_coef) begin
      pairs = {more.asset5, more.coef5, more.asset4, more.coef4, more.asset3, more.coef3,
               more.asset2, more.coef2, more.asset1, more.coef1, more.asset0, more.coef0};
      have  = (due_q < 16'd6) ? due_q[2:0] : 3'd6;
    end
    pair = pairs[PairW-1:0];
    go   = have != '0 && (fresh || !stall_i);
    good = 32'(pair[39:28]) < ASSETS && pair[27] == pair[26];
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      have_q <= '0;
      due_q  <= '0;
    end else begin
      have_q <= have - 3'(go);
      due_q  <= due - 16'(go);
    end
    pairs_q <= go ? pairs >> PairW : pairs;
    bad_q   <= bad || (go && !good);
    row_q   <= row_at;
    armed_q <= armed;
  end
  logic here, last;
  assign here = 32'(lane) == (32'(row_at) % LANES) && 32'(slot) == 32'(row_at) / LANES;
  assign last = go ? due == 16'd1 : is_row;  // is_row without a coefficient
  `FV_ASSERT(a_no_tick_in_load, !(ctl.h_all && (due_q != '0 || have_q != '0)))
  `FV_ASSERT(a_no_beat_while_kept, !(fresh && have_q != '0))
  `FV_ASSERT(a_coef_we, clearing || ctl.coef_we == (go && good))
  `FV_ASSERT(a_coef, !(go && good) || (coef == pair[hc_pkg::CoefW-1:0] && index == IndexW'(pair[39:28]) && here))
  `FV_ASSERT(a_row_sets_h, clearing || (ctl.h_set == is_row && (!is_row || (meta.value == row.h && here))))
  `FV_ASSERT(a_arms, (ctl.arm_set && ctl.arm_val) == ((is_arm && arm.armed) ||
             (last && armed && !bad && (!go || good))))
  `FV_ASSERT(a_arm_row, !(is_arm && ctl.arm_set) || (32'(lane) == 32'(arm.row) % LANES && 32'(slot) == 32'(arm.row) / LANES))
  `FV_ASSERT(a_loading, !(due_q != '0) || loading)
  `FV_ASSERT(a_refused, !cuts || (ctl.emit && meta.error && !ctl.check && !ctl.h_all && !ctl.h_set && !ctl.coef_we))

  // ---- reports of flipped bits: each waits until taken (hc_fault), what it says may change meanwhile
  logic       report_waits_q;
  logic [2:0] idle_q, waited_q;  // cycles a report has waited without a stall: with no work left, and all
  logic [31:0] group_q;          // of the last tick
  hc_pkg::ctl_t just_emit;
  always_comb begin
    just_emit      = '0;
    just_emit.emit = 1'b1;
  end
  always_ff @(posedge clk_i) begin
    report_waits_q <= rst_ni && fault_valid_i && !fault_taken;
    if (!rst_ni || !fault_valid_i || fault_taken) begin
      idle_q   <= '0;
      waited_q <= '0;
    end else if (!stall_i && !clearing) begin
      if (!busy && idle_q != '1) idle_q <= idle_q + 3'd1;
      if (waited_q != '1) waited_q <= waited_q + 3'd1;
    end
    if (!rst_ni) group_q <= '0;
    else if (is_tick) group_q <= tick.group;
  end
  `FV_ASSUME(m_report_waits, !report_waits_q || fault_valid_i)
  localparam int unsigned Work = (SLOTS > 6) ? SLOTS : 6;  // cycles from a beat until its last operation, and one
  `FV_ASSERT(a_report_alone, !fault_taken || (fault_valid_i && valid && !fresh && have_q == '0 && !walking_q && !stall_i))
  `FV_ASSERT(a_report_says, !fault_taken || (ctl == just_emit && meta_we && !delta_we && meta.error && !meta.sync && !meta.read
             && !meta.hide_asset && !meta.hide_row && meta.cause == abi_pkg::ErrParity && meta.row == fault_row_i
             && meta.asset == fault_asset_i && meta.price == '0 && meta.group == group_q))
  `FV_ASSERT(a_report_only, !(ctl.emit && meta.error && meta.cause == abi_pkg::ErrParity) || fault_taken)
  `FV_ASSERT(a_report_soon, idle_q <= 3'd1 && 32'(waited_q) <= Work)
  `FV_COVER(c_report_in_load, fault_taken && due_q != '0)
  `FV_COVER(c_report_waits, fault_taken && waited_q == 3'd6)
  `FV_COVER(c_report_again, fault_taken && !report_waits_q && told_q)
  logic told_q;
  always_ff @(posedge clk_i) told_q <= rst_ni && (told_q || fault_taken);
  `FV_COVER(c_exit_low, is_tick && mine && exit && lo_q != '0 && tick.price < 40'(lo_q))
  `FV_COVER(c_walk_stalled, walking_q && $past(stall_i && walking_q) && ctl.h_all)
  `FV_COVER(c_skip, is_tick && tick.last && !ctl.h_all)
  `FV_COVER(c_load_end, go && last && good && armed && !bad && !fresh)
  `FV_COVER(c_cut, cuts && due_q == 16'd1)
  `FV_COVER(c_empty_row, is_row && last && ctl.arm_set)
endmodule
`default_nettype wire
