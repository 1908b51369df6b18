// SPDX-License-Identifier: Apache-2.0
// Turns command beats into micro-operations, one a cycle and in order (docs/device.md has the
// rules).
//   TICK   SLOTS operations; the beat is taken with the first, so ticks follow without a gap
//   ROW    one; with n = 0 a second one that arms
//   COEF   one a coefficient; the beat is taken with its last, which also arms the row
//   ARM, READ, SYNC, BAND, refused commands: one. A command that cuts a row load: one more first.
// After reset it first clears all memories: SLOTS * ASSETS operations, during which no beat is
// taken.
// Latency: beat in c0 (combinational: price file, band check), operation in c1.
`default_nettype none
`include "hc_assert.svh"
module hc_frontend #(
  parameter int unsigned LANES  = 32,
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  localparam int unsigned LaneW  = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic                             en_i,        // pipeline advances
  input  wire logic        [31:0]               cycle_i,
  // command stream
  input  wire logic                             cmd_valid_i,
  output      logic                             cmd_ready_o,
  input  wire logic        [abi_pkg::BeatW-1:0] cmd_data_i,
  // micro-operation
  output      hc_pkg::ctl_t                     c1_ctl_o,
  output      hc_pkg::meta_t                    c1_meta_o,
  output      logic        [LaneW-1:0]          c1_lane_o,
  output      logic        [SlotW-1:0]          c1_slot_o,
  output      logic        [IndexW-1:0]         c1_index_o,
  output      logic signed [hc_pkg::CoefW-1:0]  c1_coef_o,
  output      logic signed [hc_pkg::DeltaW-1:0] c1_delta_o,
  // status and counters
  output      logic                             clearing_o,
  output      logic                             loading_o,   // a row load is open
  output      logic                             busy_o,      // a beat still has operations to give
  output      logic                             tick_o,      // a TICK is carried out
  output      logic                             row_o        // a ROW is carried out
);
  localparam int unsigned LaneB = $clog2(LANES);
  localparam logic [31:0] Rows = LANES * SLOTS;
  localparam logic [SlotW-1:0] SlotLast = SlotW'(SLOTS - 1);
  localparam logic [IndexW-1:0] IndexLast = IndexW'(ASSETS - 1);
  localparam logic [15:0] Pairs = 16'd6;

  // ---- the beat, seen as each command
  /* verilator lint_off UNUSEDSIGNAL */ // no view uses the others' fields and the reserved bits
  abi_pkg::cmd_tick_t tick;
  abi_pkg::cmd_band_t band;
  abi_pkg::cmd_row_t  row;
  abi_pkg::cmd_coef_t coef;
  abi_pkg::cmd_arm_t  arm;
  abi_pkg::cmd_sync_t sync;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [7:0]         opcode;
  assign tick   = cmd_data_i;
  assign band   = cmd_data_i;
  assign row    = cmd_data_i;
  assign coef   = cmd_data_i;
  assign arm    = cmd_data_i;
  assign sync   = cmd_data_i;
  assign opcode = tick.opcode;

  // ---- state
  logic              clearing_q;
  logic [SlotW-1:0]  clear_slot_q;
  logic [IndexW-1:0] clear_index_q;
  logic              ticking_q;  // c1 holds a TICK whose next slot is due
  logic              commit_q;   // a ROW without coefficients is to be armed
  logic              load_open_q, load_discard_q, load_bad_q, load_armed_q;
  logic [23:0]       load_row_q;
  logic [15:0]       load_left_q; // coefficients due, including the one at pair_q
  logic [2:0]        pair_q;      // coefficient of the COEF beat at hand
  logic [31:0]       group_q;

  // ---- operands
  logic [11:0]                asset;
  logic [23:0]                cmd_row;
  logic                       asset_ok, row_ok, tick_price_ok, band_price_ok;
  logic [11:0]                pair_asset;
  logic signed [27:0]         pair_coef;
  logic                       pair_asset_ok, pair_coef_ok, pair_ok, beat_done, load_done;
  logic [IndexW-1:0]          index;
  logic [hc_pkg::PriceW-1:0]  old_price, lo, hi, new_price;
  logic                       outside;

  assign asset         = tick.asset;  // BAND has it in the same place
  assign cmd_row       = row.row;     // so have ROW, ARM and READ their row
  assign asset_ok      = 32'(asset) < ASSETS;
  assign row_ok        = 32'(cmd_row) < Rows;
  assign tick_price_ok = tick.price[39:hc_pkg::PriceW] == '0;
  assign band_price_ok = band.lo[39:hc_pkg::PriceW] == '0 && band.hi[39:hc_pkg::PriceW] == '0
                      && (!band.set_price || band.price[39:hc_pkg::PriceW] == '0);
  assign new_price     = tick.price[hc_pkg::PriceW-1:0];
  assign outside       = new_price < lo || new_price > hi;

  always_comb begin
    case (pair_q)
      3'd1:    {pair_asset, pair_coef} = {coef.asset1, coef.coef1};
      3'd2:    {pair_asset, pair_coef} = {coef.asset2, coef.coef2};
      3'd3:    {pair_asset, pair_coef} = {coef.asset3, coef.coef3};
      3'd4:    {pair_asset, pair_coef} = {coef.asset4, coef.coef4};
      3'd5:    {pair_asset, pair_coef} = {coef.asset5, coef.coef5};
      default: {pair_asset, pair_coef} = {coef.asset0, coef.coef0};
    endcase
  end
  assign pair_asset_ok = 32'(pair_asset) < ASSETS;
  assign pair_coef_ok  = pair_coef[27] == pair_coef[hc_pkg::CoefW-1];
  assign pair_ok       = pair_asset_ok && pair_coef_ok;
  assign load_done     = load_discard_q ? load_left_q <= Pairs : load_left_q == 16'd1;
  assign beat_done     = load_discard_q || load_done || pair_q == 3'd5;

  // ---- what happens in this cycle
  logic start;  // a beat is at hand and nothing older is in the way
  logic is_coef, cut, is_tick, is_band, is_row, is_arm, is_read, is_sync, is_nop, take_coef;
  assign start     = cmd_valid_i && !clearing_q && !ticking_q && !commit_q;
  assign is_coef   = start && opcode == abi_pkg::CmdCoef;
  assign cut       = start && load_open_q && opcode != abi_pkg::CmdCoef;
  assign is_tick   = start && !cut && opcode == abi_pkg::CmdTick;
  assign is_band   = start && !cut && opcode == abi_pkg::CmdBand;
  assign is_row    = start && !cut && opcode == abi_pkg::CmdRow;
  assign is_arm    = start && !cut && opcode == abi_pkg::CmdArm;
  assign is_read   = start && !cut && opcode == abi_pkg::CmdRead;
  assign is_sync   = start && !cut && opcode == abi_pkg::CmdSync;
  assign is_nop    = start && !cut && opcode == abi_pkg::CmdNop;
  assign take_coef = is_coef && load_open_q && !load_discard_q;

  logic do_tick, do_band, do_row;
  assign do_tick = is_tick && asset_ok && tick_price_ok;
  assign do_band = is_band && asset_ok && band_price_ok;
  assign do_row  = is_row && row_ok;

  assign cmd_ready_o = en_i && start && !cut && (!is_coef || !load_open_q || beat_done);

  // ---- errors
  logic [3:0] error;  // 0: none
  always_comb begin
    error = 4'd0;
    if (cut) begin
      if (!load_discard_q) error = abi_pkg::ErrRowCut;
    end else if (is_coef) begin
      if (!load_open_q) error = abi_pkg::ErrCoefOrder;
      else if (take_coef && !pair_asset_ok) error = abi_pkg::ErrCoefAsset;
      else if (take_coef && !pair_coef_ok) error = abi_pkg::ErrCoefValue;
    end else if (is_tick || is_band) begin
      if (!asset_ok) error = abi_pkg::ErrAsset;
      else if (is_tick ? !tick_price_ok : !band_price_ok) error = abi_pkg::ErrPrice;
    end else if (is_row || is_arm || is_read) begin
      if (!row_ok) error = abi_pkg::ErrRow;
    end else if (start && !is_sync && !is_nop) begin
      error = abi_pkg::ErrOpcode;
    end
  end

  // ---- the operation
  hc_pkg::ctl_t  ctl;
  hc_pkg::meta_t meta;
  logic [23:0]   op_row;
  logic          commit;  // the row being loaded becomes armed as flagged
  assign commit = commit_q || (take_coef && load_done && pair_ok && !load_bad_q);
  assign op_row = (is_row || is_arm || is_read) ? cmd_row : load_row_q;

  always_comb begin
    ctl         = '0;
    ctl.all     = clearing_q;
    ctl.coef_we = clearing_q || (take_coef && pair_ok);
    ctl.acc     = do_tick;
    ctl.judge   = do_tick && tick.last;
    ctl.h_set   = clearing_q || do_row;
    ctl.arm_set = commit || (is_arm && row_ok);
    ctl.arm_val = commit ? load_armed_q : is_arm && arm.armed;
    ctl.read    = is_read && row_ok;
    ctl.emit    = error != 4'd0 || is_sync || (do_tick && outside);
  end

  always_comb begin
    meta          = '0;
    meta.group    = do_tick ? tick.group : group_q;
    meta.cycle_in = cycle_i;
    if (error != 4'd0) begin
      meta.kind  = abi_pkg::EvtError;
      meta.cause = error;
      meta.price = {32'd0, opcode};
      if (take_coef) meta.asset = pair_asset;
      else if (is_tick || is_band) meta.asset = asset;
      if (take_coef || cut) meta.row = load_row_q;
      else if (is_row || is_arm || is_read) meta.row = cmd_row;
    end else if (do_tick) begin
      meta.kind  = abi_pkg::EvtBandExit;
      meta.cause = abi_pkg::CauseTick;
      meta.asset = asset;
      meta.price = tick.price;
    end else if (is_sync) begin
      meta.kind  = abi_pkg::EvtSync;
      meta.value = sync.token;
    end else begin
      meta.cause = is_arm ? abi_pkg::CauseArm : abi_pkg::CauseRow;
      if (do_row) meta.value = row.h;
    end
  end

  // ---- prices
  assign index = clearing_q ? clear_index_q : IndexW'(asset);
  hc_price_file #(
    .ASSETS(ASSETS)
  ) u_price_file (
    .clk_i     (clk_i),
    .index_i   (index),
    .price_we_i(en_i && (clearing_q || do_tick || (do_band && band.set_price))),
    .price_i   (clearing_q ? '0 : (is_band ? band.price[hc_pkg::PriceW-1:0] : new_price)),
    .band_we_i (en_i && (clearing_q || do_band)),
    .lo_i      (clearing_q ? '0 : band.lo[hc_pkg::PriceW-1:0]),
    .hi_i      (clearing_q ? '1 : band.hi[hc_pkg::PriceW-1:0]),
    .price_o   (old_price),
    .lo_o      (lo),
    .hi_o      (hi)
  );

  // ---- c1
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      c1_ctl_o <= '0;
    end else if (en_i) begin
      if (ticking_q) c1_ctl_o.emit <= 1'b0;  // a band exit is told once
      else c1_ctl_o <= ctl;
    end
    if (en_i) begin
      if (ticking_q) begin
        c1_slot_o <= c1_slot_o + SlotW'(1);
      end else begin
        c1_meta_o  <= meta;
        c1_lane_o  <= LaneW'(op_row & 24'(LANES - 1));
        c1_slot_o  <= clearing_q ? clear_slot_q : (is_tick ? '0 : SlotW'(op_row >> LaneB));
        c1_index_o <= clearing_q ? clear_index_q : (is_coef ? IndexW'(pair_asset) : index);
        c1_coef_o  <= clearing_q ? '0 : pair_coef[hc_pkg::CoefW-1:0];
        c1_delta_o <= $signed({1'b0, new_price}) - $signed({1'b0, old_price});
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clearing_q    <= 1'b1;
      clear_slot_q  <= '0;
      clear_index_q <= '0;
    end else if (en_i && clearing_q) begin
      clear_index_q <= clear_index_q + IndexW'(1);
      if (clear_index_q == IndexLast) begin
        clear_index_q <= '0;
        clear_slot_q  <= clear_slot_q + SlotW'(1);
        if (clear_slot_q == SlotLast) clearing_q <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ticking_q <= 1'b0;
      commit_q  <= 1'b0;
      group_q   <= '0;
    end else if (en_i) begin
      if (ticking_q) ticking_q <= (c1_slot_o + SlotW'(1)) != SlotLast;
      else ticking_q <= do_tick && SLOTS > 1;
      commit_q <= do_row && row.n == 16'd0;
      if (do_tick) group_q <= tick.group;
    end
  end

  // ---- row load
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      load_open_q <= 1'b0;
      pair_q      <= '0;
    end else if (en_i) begin
      if (cut) load_open_q <= 1'b0;
      else if (is_row) load_open_q <= row.n != 16'd0;
      else if (is_coef && load_open_q && load_done) load_open_q <= 1'b0;
      if (is_coef && load_open_q) pair_q <= beat_done ? '0 : pair_q + 3'd1;
    end
    if (en_i) begin
      if (is_row) begin
        load_discard_q <= !row_ok;
        load_bad_q     <= 1'b0;
        load_armed_q   <= row.armed;
        load_row_q     <= cmd_row;
        load_left_q    <= row.n;
      end else if (is_coef && load_open_q) begin
        load_left_q <= load_left_q - (load_discard_q ? Pairs : 16'd1);
        if (take_coef && !pair_ok) load_bad_q <= 1'b1;
      end
    end
  end

  assign clearing_o = clearing_q;
  assign loading_o  = load_open_q;
  assign busy_o     = ticking_q || commit_q;
  assign tick_o     = en_i && do_tick;
  assign row_o      = en_i && do_row;

  `HC_ASSERT(a_clear_first, !clearing_q || (!ticking_q && !load_open_q && !commit_q))
  `HC_ASSERT(a_pair_range, pair_q <= 3'd5)
  `HC_ASSERT(a_load_left, !load_open_q || load_left_q != 16'd0)
  `HC_ASSERT(a_discard_whole_beats, !(load_open_q && load_discard_q) || pair_q == 3'd0)
  `HC_ASSERT(a_error_has_no_effect,
             error == 4'd0 || !(ctl.acc || ctl.h_set || ctl.arm_set || ctl.coef_we))
endmodule
`default_nettype wire
