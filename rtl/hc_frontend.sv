// SPDX-License-Identifier: Apache-2.0
// Turns command beats into micro-operations, one a cycle and in order (docs/device.md has the rules).
//   TICK   SLOTS operations; one if no row uses the asset and no judgement is due
//   ROW    one, with the first coefficient; one more for each further coefficient it brings
//   COEF   one a coefficient; the last of a load also arms the row
//   ARM, READ, SYNC, BAND, refused commands: one
// A beat is taken first and worked off after: cmd_ready_o is a register and knows nothing of the beat.
// After reset all memories are cleared: SLOTS * ASSETS operations, during which no beat is taken.
// Latency: none; the operation of a beat that is taken in this cycle is at the outputs (c0).
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
  input  wire logic        [31:0]               cycle_i,
  // command stream
  input  wire logic                             cmd_valid_i,
  output      logic                             cmd_ready_o,
  input  wire logic        [abi_pkg::BeatW-1:0] cmd_data_i,
  input  wire logic                             stall_i,      // issue nothing after the beat that is being taken
  // micro-operation
  output      logic                             valid_o,      // there may be one
  output      hc_pkg::ctl_t                     ctl_o,
  output      hc_pkg::meta_t                    meta_o,
  output      logic        [LaneW-1:0]          lane_o,
  output      logic        [SlotW-1:0]          slot_o,
  output      logic        [IndexW-1:0]         index_o,
  output      logic signed [hc_pkg::CoefW-1:0]  coef_o,
  output      logic                             delta_we_o,
  output      logic signed [hc_pkg::DeltaW-1:0] delta_o,
  output      logic                             outside_o,    // the price is outside its band
  // coefficients written (hc_usage)
  input  wire logic                             used_we_i,
  input  wire logic        [IndexW-1:0]         used_index_i,
  input  wire logic                             used_old_i,
  input  wire logic                             used_new_i,
  input  wire logic                             used_clear_i,
  input  wire logic                             used_busy_i,
  // status and counters
  output      logic                             clearing_o,
  output      logic                             loading_o,    // a row load is open
  output      logic                             busy_o,       // a beat still has operations to give
  output      logic                             stalled_o,    // there is work, but stall_i
  output      logic                             tick_o,       // a TICK is carried out
  output      logic                             row_o         // a ROW is carried out
);
  localparam int unsigned LaneB = $clog2(LANES);
  localparam logic [31:0] Rows = LANES * SLOTS;
  localparam logic [SlotW-1:0] SlotLast = SlotW'(SLOTS - 1);
  localparam logic [IndexW-1:0] IndexLast = IndexW'(ASSETS - 1);
  localparam int unsigned PairW  = 40;  // coefficient and asset, as they stand in ROW and COEF
  localparam int unsigned Kept   = 5;   // pairs of a beat beyond the first
  localparam logic [15:0] RowPairs = 16'd3;
  localparam logic [7:0] LastOpcode = abi_pkg::CmdSync;
  localparam logic [15:0] CoefPairs = 16'd6;

  if (abi_pkg::CmdNop != 8'd1 || abi_pkg::CmdSync != 8'd8) begin : g_bad_opcodes
    $error("opcodes are taken to be 1 to 8");
  end

  // ---- the beat, seen as each command
  /* verilator lint_off UNUSEDSIGNAL */ // no view uses the others' fields and the reserved bits
  abi_pkg::cmd_tick_t tick;
  abi_pkg::cmd_band_t band;
  abi_pkg::cmd_row_t  row;
  abi_pkg::cmd_coef_t coef;
  abi_pkg::cmd_arm_t  arm;
  abi_pkg::cmd_read_t read;
  abi_pkg::cmd_sync_t sync;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [7:0]         opcode;
  assign tick   = cmd_data_i;
  assign band   = cmd_data_i;
  assign row    = cmd_data_i;
  assign coef   = cmd_data_i;
  assign arm    = cmd_data_i;
  assign read   = cmd_data_i;
  assign sync   = cmd_data_i;
  assign opcode = tick.opcode;

  // ---- state
  logic              clearing_q;
  logic [SlotW-1:0]  clear_slot_q;
  logic [IndexW-1:0] clear_index_q;
  logic              ready_q;
  logic              ticking_q;      // a TICK has slots left, the next is slot_q
  logic              judging_q;      // and it ends its group
  logic [SlotW-1:0]  slot_q;
  logic [IndexW-1:0] index_q;
  logic              dirty_q;        // some H has moved since signs were judged
  logic [31:0]       group_q;
  hc_pkg::meta_t     meta_q;         // of the TICK, ROW or COEF at work
  logic              load_open_q, load_discard_q, load_bad_q, load_armed_q;
  logic [23:0]       load_row_q;
  logic [15:0]       load_left_q;    // coefficients due
  logic              load_one_q;     // exactly one
  logic [2:0]        kept_n_q;       // of them in kept_q
  logic [Kept*PairW-1:0] kept_q;
  logic [7:0]        kept_opcode_q;

  // ---- operands
  logic [11:0]                asset;
  logic [23:0]                cmd_row;
  logic                       asset_ok, row_ok, tick_price_ok, band_price_ok;
  logic [hc_pkg::PriceW-1:0]  old_price, lo, hi, new_price;
  logic                       used;

  assign asset         = tick.asset;  // BAND and READ have it in the same place
  assign cmd_row       = row.row;     // so have ROW, ARM and READ their row
  assign asset_ok      = 32'(asset) < ASSETS;
  assign row_ok        = 32'(cmd_row) < Rows;
  assign tick_price_ok = tick.price[39:hc_pkg::PriceW] == '0;
  assign band_price_ok = band.lo[39:hc_pkg::PriceW] == '0 && band.hi[39:hc_pkg::PriceW] == '0
                      && (!band.set_price || band.price[39:hc_pkg::PriceW] == '0);
  assign new_price     = tick.price[hc_pkg::PriceW-1:0];
  assign outside_o     = new_price < lo || new_price > hi;

  // ---- what happens in this cycle: a beat is taken, or work goes on. Data is steered by the bare
  // opcode (op_*), effects by whether the command is carried out (is_*, do_*): shorter paths.
  logic fresh, go_tick, go_pair;
  assign fresh   = cmd_valid_i && ready_q;
  assign go_tick = ticking_q && !stall_i;
  assign go_pair = kept_n_q != 3'd0 && !stall_i;

  logic op_tick, op_band, op_row, op_coef, op_arm, op_read, op_sync, op_none, live, fenced, obeyed;
  assign op_tick = opcode == abi_pkg::CmdTick;
  assign op_band = opcode == abi_pkg::CmdBand;
  assign op_row  = opcode == abi_pkg::CmdRow;
  assign op_coef = opcode == abi_pkg::CmdCoef;
  assign op_arm  = opcode == abi_pkg::CmdArm;
  assign op_read = opcode == abi_pkg::CmdRead;
  assign op_sync = opcode == abi_pkg::CmdSync;
  assign op_none = opcode == 8'd0 || opcode > LastOpcode;
  assign live    = load_open_q && !load_discard_q;
  assign fenced  = fresh && live && !op_coef;   // the command that cuts a load is refused
  assign obeyed  = fresh && (!live || op_coef);

  logic is_tick, is_band, is_row, is_coef, is_arm, is_read, is_sync;
  assign is_tick = obeyed && op_tick;
  assign is_band = obeyed && op_band;
  assign is_row  = obeyed && op_row;
  assign is_coef = obeyed && op_coef;
  assign is_arm  = obeyed && op_arm;
  assign is_read = obeyed && op_read;
  assign is_sync = obeyed && op_sync;

  logic do_tick, do_band, do_row, do_arm, do_read, full_tick, walk;
  assign do_tick   = is_tick && asset_ok && tick_price_ok;
  assign do_band   = is_band && asset_ok && band_price_ok;
  assign do_row    = is_row && row_ok;
  assign do_arm    = is_arm && row_ok;
  assign do_read   = is_read && row_ok && (!read.coef || asset_ok);
  assign full_tick = SLOTS == 1 || used || used_busy_i || (tick.last && dirty_q);
  assign walk      = do_tick && full_tick && SLOTS > 1;

  // ---- coefficients: the one at hand comes from a ROW, a COEF or those kept of either. Each place is
  // judged by itself, then one is chosen.
  logic                        row_pair, row_good, coef_good, kept_good, write, commit;
  logic                        pair_asset_ok;
  logic [11:0]                 pair_asset;
  /* verilator lint_off UNUSEDSIGNAL */ // bit 27 is checked before
  logic signed [27:0]          pair_coef;
  /* verilator lint_on UNUSEDSIGNAL */
  function automatic logic asset_fits(input logic [11:0] a);
    asset_fits = 32'(a) < ASSETS;
  endfunction
  function automatic logic pair_fits(input logic [11:0] a, input logic [1:0] top);
    pair_fits = asset_fits(a) && top[1] == top[0];
  endfunction
  assign row_pair  = row.n != 16'd0;
  assign row_good  = pair_fits(row.asset0, row.coef0[27:26]);
  assign coef_good = pair_fits(coef.asset0, coef.coef0[27:26]);
  assign kept_good = pair_fits(kept_q[PairW-1 -: 12], kept_q[27:26]);
  always_comb begin
    if (!ready_q) begin
      {pair_asset, pair_coef} = kept_q[PairW-1:0];
      pair_asset_ok           = asset_fits(kept_q[PairW-1 -: 12]);
    end else if (op_row) begin
      {pair_asset, pair_coef} = {row.asset0, row.coef0};
      pair_asset_ok           = asset_fits(row.asset0);
    end else begin
      {pair_asset, pair_coef} = {coef.asset0, coef.coef0};
      pair_asset_ok           = asset_fits(coef.asset0);
    end
  end
  assign write  = (is_row && (row_ok && row_pair && row_good)) || (is_coef && (live && coef_good))
               || (go_pair && kept_good);
  assign commit = (is_row && (row_ok && (!row_pair || (row.n == 16'd1 && row_good))))
               || (is_coef && (live && load_one_q && coef_good && !load_bad_q))
               || (go_pair && (load_one_q && kept_good && !load_bad_q));

  // ---- coefficients due after this cycle, and those of the beat that are kept. A load whose row does
  // not exist counts in whole beats.
  logic [15:0] left_d;
  logic        open_d, one_d, counts;
  logic [2:0]  kept_row, kept_coef;
  logic        left_many;
  assign left_many = (|load_left_q[15:3]) || (load_left_q[2:0] == 3'd7);  // more than a beat holds
  always_comb begin
    if (ready_q && op_row) begin
      left_d = row_ok ? row.n - 16'd1 : row.n - RowPairs;
      open_d = row_ok ? (|row.n[15:1]) : (|row.n[15:2]);
      one_d  = row.n == 16'd2;
    end else if (load_discard_q) begin
      left_d = load_left_q - CoefPairs;
      open_d = left_many;
      one_d  = 1'b0;
    end else begin
      left_d = load_left_q - 16'd1;
      open_d = !load_one_q;
      one_d  = load_left_q == 16'd2;
    end
  end
  assign counts    = is_row || (is_coef && load_open_q) || go_pair;
  assign kept_row  = ((|row.n[15:2]) || row.n[1:0] == 2'd3) ? 3'd2 : {2'd0, row.n[1:0] == 2'd2};
  assign kept_coef = (left_many || load_left_q[2:0] == 3'd6) ? 3'd5 : load_left_q[2:0] - 3'd1;

  // ---- what is refused, and as what. Terms side by side, not one behind the other.
  logic       refused, bad, tick_fine, row_fine, coef_fine, read_fine;
  logic [3:0] cause, pair_code;
  assign tick_fine = asset_ok && tick_price_ok;
  assign row_fine  = row_ok && (!row_pair || row_good);
  assign coef_fine = load_open_q && (load_discard_q || coef_good);
  assign read_fine = row_ok && (!read.coef || asset_ok);
  assign pair_code = pair_asset_ok ? abi_pkg::ErrCoefValue : abi_pkg::ErrCoefAsset;
  assign refused   = (op_tick && !tick_fine) || (op_band && !(asset_ok && band_price_ok))
                  || (op_row && !row_fine) || (op_coef && !coef_fine) || (op_arm && !row_ok)
                  || (op_read && !read_fine) || op_none;
  assign bad       = fenced || (obeyed && refused) || (go_pair && !kept_good);
  // The cause of its trigger, or why it is refused.
  always_comb begin
    cause = abi_pkg::ErrOpcode;
    if (op_tick) cause = tick_fine ? abi_pkg::CauseTick : (asset_ok ? abi_pkg::ErrPrice : abi_pkg::ErrAsset);
    if (op_band) cause = asset_ok ? abi_pkg::ErrPrice : abi_pkg::ErrAsset;
    if (op_row)  cause = !row_ok ? abi_pkg::ErrRow : (row_pair && !row_good ? pair_code : abi_pkg::CauseRow);
    if (op_coef) cause = !load_open_q ? abi_pkg::ErrCoefOrder : (!coef_good ? pair_code : abi_pkg::CauseRow);
    if (op_arm)  cause = row_ok ? abi_pkg::CauseArm : abi_pkg::ErrRow;
    if (op_read) cause = !row_ok ? abi_pkg::ErrRow
                                 : (read.coef && !asset_ok ? abi_pkg::ErrAsset : {2'd0, read.coef, 1'b0});
    if (live && !op_coef) cause = abi_pkg::ErrRowCut;
  end

  // ---- the operation
  logic [23:0] at_row;
  assign at_row = (ready_q && (op_row || op_arm || op_read)) ? cmd_row : load_row_q;
  assign valid_o = clearing_q || fresh || go_tick || go_pair;
  always_comb begin
    ctl_o         = '0;
    ctl_o.all     = clearing_q;
    ctl_o.coef_we = clearing_q || write;
    ctl_o.acc     = go_tick || (do_tick && full_tick) || (is_read && read.coef);
    ctl_o.val     = clearing_q || do_row || (is_read && read.coef);
    ctl_o.h_all   = go_tick || (do_tick && full_tick);
    ctl_o.h_set   = clearing_q || do_row;
    ctl_o.judge   = (go_tick && judging_q) || (do_tick && full_tick && tick.last);
    ctl_o.arm_set = commit || do_arm;
    ctl_o.arm_val = do_arm ? arm.armed : (commit && (is_row ? row.armed : load_armed_q));
    ctl_o.read    = do_read;
    ctl_o.check   = do_tick;
    ctl_o.emit    = bad || is_sync;
  end

  // Everything its event or triggers may need; ctl_o says what there will be. Asset and price of a
  // trigger that no TICK caused are masked later (hc_lane_array). A trigger of a load is told with the
  // beat that brought its last coefficient.
  always_comb begin
    meta_o = meta_q;
    if (!ticking_q) begin
      meta_o          = '0;
      meta_o.read     = ready_q && op_read;
      meta_o.group    = do_tick ? tick.group : group_q;
      meta_o.cycle_in = ready_q ? cycle_i : meta_q.cycle_in;
      meta_o.error    = 1'b1;
      if (!ready_q) begin  // a kept coefficient, or clearing
        meta_o.cause = kept_good ? abi_pkg::CauseRow : pair_code;
        meta_o.row   = load_row_q;
        meta_o.asset = pair_asset;
        meta_o.price = 40'(kept_opcode_q);
      end else begin
        meta_o.row   = (op_row || op_arm || op_read) ? cmd_row : load_row_q;
        meta_o.price = 40'(opcode);
        meta_o.cause = cause;
        meta_o.asset = asset;
        if (op_row) meta_o.asset = row.asset0;
        if (op_coef) meta_o.asset = coef.asset0;
        meta_o.hide_asset = op_none || op_arm || (op_row && !row_ok) || (op_coef && !live)
                         || (op_read && !(row_ok && read.coef)) || op_sync;
        meta_o.hide_row   = op_tick || op_band || op_none || (op_coef && !live) || (op_read && row_ok) || op_sync;
        if (op_row) meta_o.value = row.h;
        if (op_tick && tick_fine) begin
          meta_o.error = 1'b0;
          meta_o.price = tick.price;
        end
        if (op_sync) begin
          meta_o.error = 1'b0;
          meta_o.sync  = 1'b1;
          meta_o.value = sync.token;
          meta_o.price = '0;
        end
        if (live && !op_coef) begin  // fenced
          meta_o.error      = 1'b1;
          meta_o.row        = load_row_q;
          meta_o.hide_row   = 1'b0;
          meta_o.hide_asset = 1'b1;
          meta_o.price      = 40'(opcode);
          meta_o.value      = '0;
        end
      end
    end
  end

  always_comb begin
    if (clearing_q) begin
      index_o = clear_index_q;
      slot_o  = clear_slot_q;
    end else if (ticking_q) begin
      index_o = index_q;
      slot_o  = slot_q;
    end else begin
      index_o = (ready_q && (op_tick || op_read)) ? IndexW'(asset) : IndexW'(pair_asset);
      slot_o  = (ready_q && op_tick) ? '0 : SlotW'(at_row >> LaneB);
    end
  end
  assign lane_o     = LaneW'(at_row & 24'(LANES - 1));
  assign coef_o     = clearing_q ? '0 : pair_coef[hc_pkg::CoefW-1:0];
  assign delta_we_o = fresh;
  assign delta_o    = op_read ? hc_pkg::DeltaW'(1)
                              : $signed({1'b0, new_price}) - $signed({1'b0, old_price});

  // ---- prices
  hc_price_file #(
    .ASSETS(ASSETS)
  ) u_price_file (
    .clk_i     (clk_i),
    .index_i   (IndexW'(asset)),
    .we_index_i(clearing_q ? clear_index_q : IndexW'(asset)),
    .price_we_i(clearing_q || do_tick || (do_band && band.set_price)),
    .price_i   (clearing_q ? '0 : (op_band ? band.price[hc_pkg::PriceW-1:0] : new_price)),
    .band_we_i (clearing_q || do_band),
    .lo_i      (clearing_q ? '0 : band.lo[hc_pkg::PriceW-1:0]),
    .hi_i      (clearing_q ? '1 : band.hi[hc_pkg::PriceW-1:0]),
    .price_o   (old_price),
    .lo_o      (lo),
    .hi_o      (hi)
  );

  if (SLOTS > 1) begin : g_usage
    hc_usage #(
      .ROWS  (LANES * SLOTS),
      .ASSETS(ASSETS)
    ) u_usage (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .index_i      (IndexW'(asset)),
      .used_o       (used),
      .we_i         (used_we_i),
      .we_index_i   (used_index_i),
      .old_nonzero_i(used_old_i),
      .new_nonzero_i(used_new_i),
      .clear_i      (used_clear_i)
    );
  end else begin : g_no_usage
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused = used_we_i || used_old_i || used_new_i || used_clear_i || (|used_index_i);
    assign used   = 1'b1;
  end

  // ---- next state
  logic [2:0] kept_n_d;
  logic       ticking_d, kept_none_d, clear_end;
  assign clear_end = clear_index_q == IndexLast && clear_slot_q == SlotLast;
  assign ticking_d = go_tick ? slot_q != SlotLast : (ticking_q || walk);
  always_comb begin
    kept_n_d    = kept_n_q;
    kept_none_d = kept_n_q == 3'd0;
    if (go_pair) begin
      kept_n_d    = kept_n_q - 3'd1;
      kept_none_d = kept_n_q == 3'd1;
    end else if (is_row) begin
      kept_n_d    = row_ok ? kept_row : 3'd0;
      kept_none_d = !row_ok || kept_row == 3'd0;
    end else if (is_coef) begin
      kept_n_d    = live ? kept_coef : 3'd0;
      kept_none_d = !live || load_one_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clearing_q    <= 1'b1;
      clear_slot_q  <= '0;
      clear_index_q <= '0;
      ready_q       <= 1'b0;
      ticking_q     <= 1'b0;
      dirty_q       <= 1'b0;
      group_q       <= '0;
      load_open_q   <= 1'b0;
      kept_n_q      <= '0;
    end else begin
      if (clearing_q) begin
        clear_index_q <= clear_index_q + IndexW'(1);
        if (clear_index_q == IndexLast) begin
          clear_index_q <= '0;
          clear_slot_q  <= clear_slot_q + SlotW'(1);
        end
        clearing_q <= !clear_end;
      end
      ready_q   <= (!clearing_q || clear_end) && !stall_i && !ticking_d && kept_none_d;
      ticking_q <= ticking_d;
      kept_n_q  <= kept_n_d;
      if (do_tick && full_tick) dirty_q <= !tick.last;
      if (do_tick) group_q <= tick.group;
      if (counts) load_open_q <= open_d;
      else if (fresh) load_open_q <= 1'b0;  // any other command ends a load
    end
    if (fresh) begin
      slot_q    <= SlotW'(1);
      index_q   <= IndexW'(asset);
      judging_q <= tick.last;
      meta_q    <= meta_o;
    end else if (go_tick) begin
      slot_q <= slot_q + SlotW'(1);
    end
    if (fresh) begin
      kept_opcode_q <= opcode;
      kept_q        <= op_row ? {120'd0, row.asset2, row.coef2, row.asset1, row.coef1}
                              : {coef.asset5, coef.coef5, coef.asset4, coef.coef4, coef.asset3, coef.coef3,
                                 coef.asset2, coef.coef2, coef.asset1, coef.coef1};
    end else if (go_pair) begin
      kept_q <= kept_q >> PairW;
    end
    if (counts) begin
      load_left_q <= left_d;
      load_one_q  <= one_d;
    end
    if (is_row) begin
      load_discard_q <= !row_ok;
      load_armed_q   <= row.armed;
      load_row_q     <= cmd_row;
      load_bad_q     <= row_pair && !row_good;
    end else if ((is_coef && !coef_good) || (go_pair && !kept_good)) begin
      load_bad_q <= 1'b1;
    end
  end

  assign cmd_ready_o = ready_q;
  assign clearing_o  = clearing_q;
  assign loading_o   = load_open_q;
  assign busy_o      = ticking_q || kept_n_q != 3'd0;
  assign stalled_o   = stall_i && (busy_o || (cmd_valid_i && !ready_q && !clearing_q));
  assign tick_o      = do_tick;
  assign row_o       = do_row;

  `HC_ASSERT(a_one_source, !(ticking_q && kept_n_q != 3'd0) && !(ready_q && busy_o))
  `HC_ASSERT(a_clear_first, !clearing_q || (!busy_o && !load_open_q && !ready_q))
  `HC_ASSERT(a_kept_range, kept_n_q <= 3'd5 && 16'(kept_n_q) <= load_left_q)
  `HC_ASSERT(a_refused_has_no_effect, !bad || !(ctl_o.h_all || ctl_o.arm_set || ctl_o.coef_we || ctl_o.read || ctl_o.check))
  `HC_ASSERT(a_valid, valid_o || ctl_o == '0)
endmodule
`default_nettype wire
