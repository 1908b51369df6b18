// SPDX-License-Identifier: Apache-2.0
// Turns command beats into micro-operations, one a cycle and in order (docs/device.md has the rules).
//   TICK   SLOTS operations; one if no row uses the asset and no judgement is due
//   ROW    one, with the first coefficient; one more for each further coefficient it brings
//   COEF   one a coefficient; the last of a load also arms the row
//   ARM, READ, SYNC, BAND, refused commands: one
// A beat is taken first and worked off after: cmd_ready_o is a register and knows nothing of the beat.
// After reset all memories are cleared: SLOTS * ASSETS operations, during which no beat is taken.
// A report of flipped bits (PARITY, hc_fault) is an operation too: between beats, its one effect an ERROR event.
// Latency: none; the operation of a beat that is taken in this cycle is at the outputs (c0).
`default_nettype none
module hc_frontend #(
  parameter int unsigned LANES  = 32,
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  parameter int unsigned PARITY = 0,
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
  output      logic                             meta_we_o,    // with meta_o of its own; else that of the one before holds
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
  input  wire logic                             used_flipped_i,
  // flipped bits: a report that waits, and whether prices, bands or counts of use have had one
  input  wire logic                             fault_valid_i,
  output      logic                             fault_taken_o,
  input  wire logic        [23:0]               fault_row_i,
  input  wire logic        [11:0]               fault_asset_i,
  output      logic                             fault_shared_o,
  // status and counters
  output      logic                             clearing_o,
  output      logic                             loading_o,    // a row load is open
  output      logic                             busy_o,       // a beat still has operations to give
  output      logic                             stalled_o,    // there is work, but stall_i
  output      logic                             tick_o,       // a TICK is carried out
  output      logic                             row_o         // a ROW is carried out
);
  localparam int unsigned LaneB = $clog2(LANES);
  localparam int unsigned RowB = $clog2(LANES * SLOTS);
  localparam int unsigned AssetB = $clog2(ASSETS);
  localparam logic [SlotW-1:0] SlotLast = SlotW'(SLOTS - 1);
  localparam logic [IndexW-1:0] IndexLast = IndexW'(ASSETS - 1);
  localparam int unsigned PairW  = 40;  // coefficient and asset, as they stand in ROW and COEF
  localparam int unsigned Kept   = 5;   // pairs of a beat beyond the first
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
  /* verilator lint_on UNUSEDSIGNAL */
  logic [7:0]         opcode;
  assign tick   = cmd_data_i;
  assign band   = cmd_data_i;
  assign row    = cmd_data_i;
  assign coef   = cmd_data_i;
  assign arm    = cmd_data_i;
  assign read   = cmd_data_i;
  assign opcode = tick.opcode;

  // ---- state
  logic              clearing_q;
  logic              ready_q;
  logic              ticking_q;      // a TICK has slots left, the next is slot_q
  logic              judging_q;      // and it ends its group
  logic [SlotW-1:0]  slot_q;         // also while clearing
  logic [IndexW-1:0] index_q;
  logic              dirty_q;        // some H has moved since signs were judged
  logic [31:0]       group_q;
  logic              load_open_q, load_live_q;  // live: of a row that exists
  logic              load_bad_q, load_armed_q;
  logic [23:0]       load_row_q;
  logic [15:0]       load_left_q;    // coefficients due; 2 more than that for a row that does not exist
  logic              load_one_q;     // exactly one
  logic [2:0]        kept_n_q;       // of them in kept_q
  logic [Kept*PairW-1:0] kept_q;
  logic [7:0]        kept_opcode_q;
  logic [31:0]       kept_cycle_q;

  // ---- what happens in this cycle: a beat is taken, or work goes on
  logic fresh, go_tick, go_pair, go_fault, walking;
  assign fresh     = cmd_valid_i && ready_q;
  assign go_tick   = ticking_q && !stall_i;
  assign go_pair   = kept_n_q != 3'd0 && !stall_i;
  assign go_fault  = fault_valid_i && !stall_i && !ready_q && !ticking_q && kept_n_q == 3'd0 && !clearing_q;
  assign walking   = clearing_q || ticking_q;
  assign valid_o   = clearing_q || fresh || go_tick || go_pair || go_fault;
  assign meta_we_o = clearing_q || fresh || go_pair || go_fault;
  assign fault_taken_o = go_fault;

  function automatic logic pair_fits(input logic [11:0] a, input logic [1:0] top);
    pair_fits = (a >> AssetB) == '0 && top[1] == top[0];
  endfunction
  function automatic logic [3:0] pair_code(input logic [11:0] a);
    pair_code = (a >> AssetB) == '0 ? abi_pkg::ErrCoefValue : abi_pkg::ErrCoefAsset;
  endfunction

  // ---- what it does. Worked out only in the cycle it is for, the rest is anything: a simulator skips it.
  // Data is steered by the low bits of the opcode, effects by whether the command is carried out: shorter paths.
  // What comes of a row that does not exist is the last choice, its address is the widest thing looked at.
  localparam logic [2:0] Tick = abi_pkg::CmdTick[2:0], Band = abi_pkg::CmdBand[2:0], Row = abi_pkg::CmdRow[2:0],
                         Coef = abi_pkg::CmdCoef[2:0], Arm = abi_pkg::CmdArm[2:0], Read = abi_pkg::CmdRead[2:0];
  logic        used, do_tick, do_row, walk, full_tick, price_we, band_we, asset_ok, row_ok, row_pair, good;
  logic        open_d, live_d, kept_none_d;
  logic [2:0]  kept_n_d;
  logic [hc_pkg::PriceW-1:0] old_price, lo, hi, new_price, price_d, lo_d, hi_d;
  logic [IndexW-1:0] price_index;
  /* verilator tracing_off */ // else a simulator has to keep them up to date
  logic        price_ok, plain, obeyed, op_none, fenced, refused, error, is_sync, load_many;
  logic [3:0]  cause;
  /* verilator tracing_on */
  assign new_price   = tick.price[hc_pkg::PriceW-1:0];
  assign price_index = clearing_q ? index_q : IndexW'(tick.asset);

  always_comb begin
    ctl_o       = '0;
    meta_o      = 'x;
    do_tick     = 1'b0;
    do_row      = 1'b0;
    walk        = 1'b0;
    full_tick   = 1'bx;
    price_we    = 1'b0;
    band_we     = 1'b0;
    price_d     = 'x;
    lo_d        = 'x;
    hi_d        = 'x;
    open_d      = 1'bx;
    live_d      = 1'bx;
    kept_n_d    = kept_n_q;
    kept_none_d = kept_n_q == 3'd0;
    asset_ok    = 1'bx;
    row_ok      = 1'bx;
    price_ok    = 1'bx;
    row_pair    = 1'bx;
    good        = 1'bx;
    plain       = 1'bx;
    obeyed      = 1'bx;
    op_none     = 1'bx;
    fenced      = 1'bx;
    refused     = 1'bx;
    error       = 1'bx;
    is_sync     = 1'bx;
    load_many   = 1'bx;
    cause       = 'x;
    if (go_tick) begin
      ctl_o.acc   = 1'b1;
      ctl_o.h_all = 1'b1;
      ctl_o.judge = judging_q;
    end
    if (fresh) begin
      asset_ok  = (tick.asset >> AssetB) == '0;  // BAND and READ have it in the same place
      row_ok    = (row.row >> RowB) == '0;  // so have ROW, ARM and READ their row
      row_pair  = row.n != 16'd0;
      load_many = (|load_left_q[15:3]) || load_left_q[2:0] == 3'd7;  // more than a beat holds
      plain     = opcode[7:3] == '0;
      obeyed    = plain && !load_live_q;                    // COEF apart
      fenced    = load_live_q && opcode != abi_pkg::CmdCoef;  // the command that cuts a load is refused
      is_sync   = opcode == abi_pkg::CmdSync && !load_live_q;
      op_none   = opcode == 8'd0 || (!plain && opcode != abi_pkg::CmdSync);
      refused   = 1'b0;
      error     = 1'b1;
      open_d    = 1'b0;  // any other command ends a load
      live_d    = 1'b0;
      // Everything its event or triggers may need; ctl_o says what there will be. Asset and price of a
      // trigger that no TICK caused are masked later (hc_lane_array). A trigger of a load is told with the
      // beat that brought its last coefficient.
      cause             = abi_pkg::ErrOpcode;  // of its trigger, or why it is refused
      meta_o.read       = opcode[2:0] == Read;
      meta_o.sync       = is_sync;
      meta_o.row        = (load_live_q || opcode[2:0] == Coef) ? load_row_q : row.row;
      meta_o.asset      = tick.asset;
      meta_o.hide_asset = 1'b0;
      meta_o.hide_row   = 1'b0;
      meta_o.value      = (opcode[2:0] == Read) ? '0 : row.h;  // or a SYNC's token
      meta_o.cycle_in   = cycle_i;
      case (opcode[2:0])
        Tick: begin
          price_ok        = tick.price[39:hc_pkg::PriceW] == '0;
          full_tick       = SLOTS == 1 || used || used_busy_i || (tick.last && dirty_q);
          do_tick         = obeyed && asset_ok && price_ok;
          walk            = do_tick && full_tick && SLOTS > 1;
          price_we        = do_tick;
          price_d         = new_price;
          ctl_o.check     = do_tick;
          ctl_o.acc       = do_tick && full_tick;
          ctl_o.h_all     = do_tick && full_tick;
          ctl_o.judge     = do_tick && full_tick && tick.last;
          refused         = !(asset_ok && price_ok);
          error           = !do_tick;
          cause           = !asset_ok ? abi_pkg::ErrAsset : (price_ok ? abi_pkg::CauseTick : abi_pkg::ErrPrice);
          meta_o.hide_row = 1'b1;
        end
        Band: begin
          price_ok        = band.lo[39:hc_pkg::PriceW] == '0 && band.hi[39:hc_pkg::PriceW] == '0
                         && (!band.set_price || band.price[39:hc_pkg::PriceW] == '0);
          band_we         = obeyed && asset_ok && price_ok;
          price_we        = band_we && band.set_price;
          price_d         = band.price[hc_pkg::PriceW-1:0];
          lo_d            = band.lo[hc_pkg::PriceW-1:0];
          hi_d            = band.hi[hc_pkg::PriceW-1:0];
          refused         = !(asset_ok && price_ok);
          cause           = asset_ok ? abi_pkg::ErrPrice : abi_pkg::ErrAsset;
          meta_o.hide_row = 1'b1;
        end
        Row: begin
          good              = pair_fits(row.asset0, row.coef0[27:26]);
          do_row            = obeyed && row_ok;
          ctl_o.val         = do_row;
          ctl_o.h_set       = do_row;
          ctl_o.coef_we     = do_row && row_pair && good;
          ctl_o.arm_set     = do_row && (!row_pair || (row.n == 16'd1 && good));
          ctl_o.arm_val     = ctl_o.arm_set && row.armed;
          refused           = !row_ok || (row_pair && !good);
          cause             = (row_pair && !good) ? pair_code(row.asset0) : abi_pkg::CauseRow;
          if (!row_ok) cause = abi_pkg::ErrRow;
          meta_o.asset      = row.asset0;
          meta_o.hide_asset = !row_ok;
          live_d            = do_row && (|row.n[15:1]);
          open_d            = obeyed && ((|row.n[15:2]) || (row_ok && row.n[1]));
          if (do_row && (|row.n[15:1])) begin
            kept_n_d    = ((|row.n[15:2]) || row.n[0]) ? 3'd2 : 3'd1;
            kept_none_d = 1'b0;
          end
        end
        Coef: begin
          good              = pair_fits(coef.asset0, coef.coef0[27:26]);
          ctl_o.coef_we     = plain && load_live_q && good;
          ctl_o.arm_set     = plain && load_live_q && good && load_one_q && !load_bad_q;
          ctl_o.arm_val     = ctl_o.arm_set && load_armed_q;
          refused           = !load_open_q || (load_live_q && !good);
          cause             = !load_open_q ? abi_pkg::ErrCoefOrder : (good ? abi_pkg::CauseRow : pair_code(coef.asset0));
          meta_o.asset      = coef.asset0;
          meta_o.hide_asset = !load_live_q;
          meta_o.hide_row   = !load_live_q;
          // A load whose row does not exist counts in whole beats.
          live_d            = plain && load_live_q && !load_one_q;
          open_d            = plain && load_open_q && (load_live_q ? !load_one_q
                              : ((|load_left_q[15:4]) || (load_left_q[3] && (|load_left_q[2:0]))));
          if (plain && load_live_q && !load_one_q) begin
            kept_n_d    = (load_many || load_left_q[2:0] == 3'd6) ? 3'd5 : load_left_q[2:0] - 3'd1;
            kept_none_d = 1'b0;
          end
        end
        Arm: begin
          ctl_o.arm_set     = obeyed && row_ok;
          ctl_o.arm_val     = obeyed && row_ok && arm.armed;
          refused           = !row_ok;
          cause             = row_ok ? abi_pkg::CauseArm : abi_pkg::ErrRow;
          meta_o.hide_asset = 1'b1;
        end
        Read: begin
          ctl_o.acc         = obeyed && read.coef;
          ctl_o.val         = obeyed && read.coef;
          ctl_o.read        = obeyed && row_ok && (!read.coef || asset_ok);
          refused           = !row_ok || (read.coef && !asset_ok);
          cause             = (read.coef && !asset_ok) ? abi_pkg::ErrAsset : {2'd0, read.coef, 1'b0};
          if (!row_ok) cause = abi_pkg::ErrRow;
          meta_o.hide_asset = !(row_ok && read.coef);
          meta_o.hide_row   = row_ok;
        end
        default: begin  // SYNC, NOP
          error             = !is_sync;
          meta_o.hide_asset = 1'b1;
          meta_o.hide_row   = 1'b1;
        end
      endcase
      if (op_none) begin
        cause             = abi_pkg::ErrOpcode;
        meta_o.hide_asset = 1'b1;
        meta_o.hide_row   = 1'b1;
      end
      if (fenced) begin
        cause             = abi_pkg::ErrRowCut;
        meta_o.hide_asset = 1'b1;
        meta_o.hide_row   = 1'b0;
      end
      ctl_o.emit   = fenced || refused || op_none || is_sync;
      meta_o.error = error;
      meta_o.cause = cause;
      meta_o.group = do_tick ? tick.group : group_q;
      meta_o.price = error ? 40'(opcode) : (is_sync ? '0 : tick.price);
    end
    if (go_pair) begin
      good              = pair_fits(kept_q[PairW-1 -: 12], kept_q[27:26]);
      ctl_o.coef_we     = good;
      ctl_o.arm_set     = good && load_one_q && !load_bad_q;
      ctl_o.arm_val     = good && load_one_q && !load_bad_q && load_armed_q;
      ctl_o.emit        = !good;
      meta_o.read       = 1'b0;
      meta_o.sync       = 1'b0;
      meta_o.hide_asset = 1'b0;
      meta_o.hide_row   = 1'b0;
      meta_o.error      = 1'b1;
      meta_o.cause      = good ? abi_pkg::CauseRow : pair_code(kept_q[PairW-1 -: 12]);
      meta_o.asset      = kept_q[PairW-1 -: 12];
      meta_o.row        = load_row_q;
      meta_o.price      = 40'(kept_opcode_q);
      meta_o.group      = group_q;
      meta_o.cycle_in   = kept_cycle_q;
      open_d            = !load_one_q;
      live_d            = !load_one_q;
      kept_n_d          = kept_n_q - 3'd1;
      kept_none_d       = kept_n_q == 3'd1;
    end
    if (go_fault) begin
      ctl_o.emit        = 1'b1;
      meta_o.read       = 1'b0;
      meta_o.sync       = 1'b0;
      meta_o.hide_asset = 1'b0;
      meta_o.hide_row   = 1'b0;
      meta_o.error      = 1'b1;
      meta_o.cause      = abi_pkg::ErrParity;
      meta_o.asset      = fault_asset_i;
      meta_o.row        = fault_row_i;
      meta_o.price      = '0;
      meta_o.group      = group_q;
      meta_o.cycle_in   = cycle_i;
    end
    if (clearing_q) begin
      ctl_o.all     = 1'b1;
      ctl_o.coef_we = 1'b1;
      ctl_o.val     = 1'b1;
      ctl_o.h_set   = 1'b1;
      meta_o.value  = '0;
      price_we      = 1'b1;
      price_d       = '0;
      band_we       = 1'b1;
      lo_d          = '0;
      hi_d          = '1;
    end
  end

  // ---- where: row, coefficient and change
  always_comb begin
    index_o   = 'x;
    slot_o    = 'x;
    lane_o    = 'x;
    coef_o    = 'x;
    delta_o   = 'x;
    outside_o = 1'bx;
    if (walking) begin
      index_o = index_q;
      slot_o  = slot_q;
      coef_o  = '0;  // clearing
    end else if (!ready_q) begin
      index_o = IndexW'(kept_q[PairW-1 -: 12]);
      slot_o  = SlotW'(load_row_q >> LaneB);
      lane_o  = LaneW'(load_row_q & 24'(LANES - 1));
      coef_o  = kept_q[hc_pkg::CoefW-1:0];
    end else if (cmd_valid_i) begin
      index_o   = IndexW'(tick.asset);
      slot_o    = SlotW'(row.row >> LaneB);
      lane_o    = LaneW'(row.row & 24'(LANES - 1));
      coef_o    = row.coef0[hc_pkg::CoefW-1:0];
      delta_o   = $signed({1'b0, new_price}) - $signed({1'b0, old_price});
      outside_o = new_price < lo || new_price > hi;
      case (opcode[2:0])
        Tick: slot_o  = '0;
        Row:  index_o = IndexW'(row.asset0);
        Coef: begin
          index_o = IndexW'(coef.asset0);
          slot_o  = SlotW'(load_row_q >> LaneB);
          lane_o  = LaneW'(load_row_q & 24'(LANES - 1));
          coef_o  = coef.coef0[hc_pkg::CoefW-1:0];
        end
        Read: delta_o = hc_pkg::DeltaW'(1);  // times the coefficient
        default: ;
      endcase
    end
  end
  assign delta_we_o = fresh;

  // ---- prices
  logic price_flipped, count_flipped;
  assign fault_shared_o = price_flipped || count_flipped;
  hc_price_file #(
    .ASSETS(ASSETS),
    .PARITY(PARITY)
  ) u_price_file (
    .clk_i     (clk_i),
    .rd_i      (fresh),
    .index_i   (IndexW'(tick.asset)),
    .we_index_i(price_index),
    .price_we_i(price_we),
    .price_i   (price_d),
    .band_we_i (band_we),
    .lo_i      (lo_d),
    .hi_i      (hi_d),
    .price_o   (old_price),
    .lo_o      (lo),
    .hi_o      (hi),
    .check_i   (do_tick),
    .flipped_o (price_flipped)
  );

  if (SLOTS > 1) begin : g_usage
    hc_usage #(
      .ROWS  (LANES * SLOTS),
      .ASSETS(ASSETS),
      .PARITY(PARITY)
    ) u_usage (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .rd_i         (fresh),
      .index_i      (IndexW'(tick.asset)),
      .used_o       (used),
      .check_i      (do_tick),
      .we_i         (used_we_i),
      .we_index_i   (used_index_i),
      .old_nonzero_i(used_old_i),
      .new_nonzero_i(used_new_i),
      .clear_i      (used_clear_i),
      .old_flipped_i(used_flipped_i),
      .flipped_o    (count_flipped)
    );
  end else begin : g_no_usage
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused = used_we_i || used_old_i || used_new_i || used_clear_i || used_flipped_i || (|used_index_i);
    assign used   = 1'b1;
    assign count_flipped = 1'b0;
  end

  // ---- next state
  logic ticking_d, clear_end;
  assign clear_end = index_q == IndexLast && slot_q == SlotLast;
  assign ticking_d = go_tick ? slot_q != SlotLast : (ticking_q || walk);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clearing_q  <= 1'b1;
      slot_q      <= '0;
      index_q     <= '0;
      ready_q     <= 1'b0;
      ticking_q   <= 1'b0;
      dirty_q     <= 1'b0;
      group_q     <= '0;
      load_open_q <= 1'b0;
      load_live_q <= 1'b0;
      kept_n_q    <= '0;
    end else begin
      ready_q   <= (!clearing_q || clear_end) && !stall_i && !ticking_d && kept_none_d &&
                   (!fault_valid_i || go_fault);
      ticking_q <= ticking_d;
      kept_n_q  <= kept_n_d;
      if (clearing_q) begin
        index_q <= index_q + IndexW'(1);
        if (index_q == IndexLast) begin
          index_q <= '0;
          slot_q  <= slot_q + SlotW'(1);
        end
        clearing_q <= !clear_end;
      end else if (go_tick) begin
        slot_q <= slot_q + SlotW'(1);
      end else if (fresh) begin
        slot_q  <= SlotW'(1);
        index_q <= IndexW'(tick.asset);
      end
      if (do_tick && full_tick) dirty_q <= !tick.last;
      if (do_tick) group_q <= tick.group;
      if (fresh || go_pair) begin
        load_open_q <= open_d;
        load_live_q <= live_d;
      end
    end
    // What a load needs may be anything when none is open.
    if (fresh) begin
      judging_q     <= tick.last;
      kept_opcode_q <= opcode;
      kept_cycle_q  <= cycle_i;
      if (opcode[2:0] == Coef) begin
        kept_q     <= {coef.asset5, coef.coef5, coef.asset4, coef.coef4, coef.asset3, coef.coef3,
                       coef.asset2, coef.coef2, coef.asset1, coef.coef1};
        load_bad_q <= load_bad_q || !good;
      end else begin
        kept_q       <= {120'd0, row.asset2, row.coef2, row.asset1, row.coef1};
        load_bad_q   <= row_pair && !good;
        load_armed_q <= row.armed;
        load_row_q   <= row.row;
      end
    end else if (go_pair) begin
      kept_q     <= kept_q >> PairW;
      load_bad_q <= load_bad_q || !good;
    end
    if (fresh || go_pair) begin
      if (fresh && opcode[2:0] != Coef) begin
        load_left_q <= row.n - 16'd1;
        load_one_q  <= row.n == 16'd2;
      end else begin
        load_left_q <= load_left_q - (load_live_q ? 16'd1 : CoefPairs);
        load_one_q  <= load_left_q == 16'd2;
      end
    end
  end

  assign cmd_ready_o = ready_q;
  assign clearing_o  = clearing_q;
  assign loading_o   = load_open_q;
  assign busy_o      = ticking_q || kept_n_q != 3'd0;
  assign stalled_o   = stall_i && (busy_o || (cmd_valid_i && !ready_q && !clearing_q));
  assign tick_o      = do_tick;
  assign row_o       = do_row;

`ifndef SYNTHESIS
  // Each under the condition it speaks of: a simulator skips it otherwise.
  always_ff @(posedge clk_i) if (rst_ni) begin
    if (ready_q) begin
      a_one_source: assert (!busy_o);
    end
    if (clearing_q) begin
      a_clear_first: assert (!busy_o && !load_open_q && !ready_q);
    end
    if (load_live_q) begin
      a_live_is_open: assert (load_open_q);
    end
    if (kept_n_q != 3'd0) begin
      a_kept_range: assert (kept_n_q <= 3'd5 && load_live_q && 16'(kept_n_q) <= load_left_q && !ticking_q);
    end
    if (ctl_o.emit) begin
      a_refused_has_no_effect: assert (!(ctl_o.h_all || ctl_o.arm_set || ctl_o.coef_we || ctl_o.read || ctl_o.check));
    end
    if (!valid_o) begin
      a_valid: assert (ctl_o == '0);
    end
  end
`endif
endmodule
`default_nettype wire
