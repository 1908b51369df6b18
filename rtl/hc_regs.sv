// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite slave (docs/registers.md): identity, geometry, state, flags, counters, control of the
// host interface, watchdogs. One read and one write at a time.
// Latency: read data 3 cycles after the address (the multiplexer has two registers in it); a write
// takes effect 1 cycle after the later of its address and data. Counters and STATUS lag the core by 2
// cycles. Reading the low word of a counter latches its high word, so the pair is consistent.
// Contract: unknown addresses read 0 and take writes without effect; every answer is OKAY. rst_ni is
// the hard reset; soft_rst_ni clears counters and flags too (but undrained, which no write clears
// either), but not the cycle counter and the host's settings. STATUS says clearing from the cycle of the
// answer to the write that resets. RING_LOG2, RING_BASE and STATUS_BASE do not take writes while enabled.
`default_nettype none
`include "hc_assert.svh"
module hc_regs #(
  parameter int unsigned LANES        = 32,
  parameter int unsigned SLOTS        = 16,
  parameter int unsigned ASSETS       = 256,
  parameter int unsigned WINDOW_DEPTH = 64,
  parameter int unsigned PARITY       = 0,
  parameter int unsigned LATENCY      = 5,
  parameter logic [63:0] BUILD_HASH   = 64'd0
) (
  input  wire logic            clk_i,
  input  wire logic            rst_ni,
  input  wire logic            soft_rst_ni,
  input  wire logic            resetting_i,  // a soft reset is under way
  input  wire logic            undrained_i,  // one gave up waiting for a bus; a level until the hard reset
  // AXI4-Lite
  input  wire logic            awvalid_i,
  output      logic            awready_o,
  input  wire logic [11:0]     awaddr_i,
  input  wire logic            wvalid_i,
  output      logic            wready_o,
  input  wire logic [31:0]     wdata_i,
  input  wire logic [3:0]      wstrb_i,
  output      logic            bvalid_o,
  input  wire logic            bready_i,
  input  wire logic            arvalid_i,
  output      logic            arready_o,
  input  wire logic [11:0]     araddr_i,
  output      logic            rvalid_o,
  input  wire logic            rready_i,
  output      logic [31:0]     rdata_o,
  // core
  input  wire hc_pkg::status_t status_i,
  // window
  input  wire logic            offered_i,     // a command beat is offered
  input  wire logic            win_clearing_i,
  input  wire logic            halted_i,
  input  wire logic [31:0]     taken_i,
  input  wire logic            win_waiting_i,
  input  wire logic            bad_generation_i,
  input  wire logic            bad_partial_i,
  input  wire logic            bad_address_i,
  // ring
  input  wire logic [31:0]     produced_i,
  input  wire logic            ring_waiting_i,
  input  wire logic            ring_progress_i,
  input  wire logic            record_i,
  input  wire logic            status_record_i,
  input  wire logic            ring_error_i,
  input  wire logic            ring_full_i,
  // what the host has set
  output      logic            enable_o,
  output      logic            quiet_o,
  output      logic            reset_o,       // a pulse
  output      logic [4:0]      ring_log2_o,
  output      logic [63:0]     ring_base_o,
  output      logic [63:0]     status_base_o,
  output      logic [31:0]     consumed_o,
  output      logic [63:0]     cycle_o,
  output      logic [31:0]     flags_o,
  output      logic            idle_o         // core idle and no beat offered to it
);
  // ---- counters
  hc_pkg::status_t core_q;
  logic [63:0] commands_q, events_q, ticks_q, rows_q, triggers_q, band_exits_q, errors_q;
  logic [63:0] stall_in_q, stall_out_q, stall_events_q, ring_full_q, records_q, status_records_q;
  logic [63:0] count_lo_q, count_hi_q;  // the one of each group that is read
  logic [11:2] ar_q;
  logic [1:0]  read_q;                  // one-hot place of the read in its pipeline
  // Here and below what is read stands before what is written and the reset comes last: a simulator then
  // keeps no second copies.
  always_ff @(posedge clk_i) begin
    if (read_q[0]) begin
      case ({6'd1, ar_q[5:3], 3'd0})
        abi_pkg::RegCommands:  count_lo_q <= commands_q;
        abi_pkg::RegEvents:    count_lo_q <= events_q;
        abi_pkg::RegTicks:     count_lo_q <= ticks_q;
        abi_pkg::RegRows:      count_lo_q <= rows_q;
        abi_pkg::RegTriggers:  count_lo_q <= triggers_q;
        abi_pkg::RegBandExits: count_lo_q <= band_exits_q;
        abi_pkg::RegErrors:    count_lo_q <= errors_q;
        default:               count_lo_q <= cycle_o;
      endcase
      case ({6'd2, ar_q[5:3], 3'd0})
        abi_pkg::RegStallIn:       count_hi_q <= stall_in_q;
        abi_pkg::RegStallOut:      count_hi_q <= stall_out_q;
        abi_pkg::RegStallEvents:   count_hi_q <= stall_events_q;
        abi_pkg::RegRingFull:      count_hi_q <= ring_full_q;
        abi_pkg::RegRecords:       count_hi_q <= records_q;
        abi_pkg::RegStatusRecords: count_hi_q <= status_records_q;
        default:                   count_hi_q <= '0;
      endcase
    end
    if (core_q.command) commands_q <= commands_q + 64'd1;
    if (core_q.event_made) events_q <= events_q + 64'd1;
    if (core_q.tick) ticks_q <= ticks_q + 64'd1;
    if (core_q.row) rows_q <= rows_q + 64'd1;
    if (core_q.trigger) triggers_q <= triggers_q + 64'd1;
    if (core_q.band_exit) band_exits_q <= band_exits_q + 64'd1;
    if (core_q.error) errors_q <= errors_q + 64'd1;
    if (core_q.stall_in) stall_in_q <= stall_in_q + 64'd1;
    if (core_q.stall_out) stall_out_q <= stall_out_q + 64'd1;
    if (core_q.stall_events) stall_events_q <= stall_events_q + 64'd1;
    if (ring_full_i) ring_full_q <= ring_full_q + 64'd1;
    if (record_i) records_q <= records_q + 64'd1;
    if (status_record_i) status_records_q <= status_records_q + 64'd1;
    if (!soft_rst_ni) begin
      commands_q       <= '0;
      events_q         <= '0;
      ticks_q          <= '0;
      rows_q           <= '0;
      triggers_q       <= '0;
      band_exits_q     <= '0;
      errors_q         <= '0;
      stall_in_q       <= '0;
      stall_out_q      <= '0;
      stall_events_q   <= '0;
      ring_full_q      <= '0;
      records_q        <= '0;
      status_records_q <= '0;
    end
    if (!soft_rst_ni) core_q <= '0;
    else core_q <= status_i;
    if (!rst_ni) cycle_o <= '0;
    else cycle_o <= cycle_o + 64'd1;
  end

  // ---- state, taken with the address of a read
  logic [31:0] state_q;
  logic        reset_now, resetting;  // the write that resets takes effect; and from then to the end, but
                                      // for !soft_rst_ni
  logic        free_q;                // no read is under way
  assign idle_o    = status_i.idle && !offered_i;
  assign resetting = reset_now || reset_o || resetting_i;

  // ---- watchdogs
  logic [31:0] watchdog_q;
  logic        late_commands, late_events, taken_bit_q;
  always_ff @(posedge clk_i) taken_bit_q <= taken_i[0];
  hc_watchdog u_watch_commands (
    .clk_i     (clk_i),
    .rst_ni    (soft_rst_ni),
    .limit_i   (watchdog_q),
    .waiting_i (win_waiting_i),
    .progress_i(taken_bit_q != taken_i[0]),
    .expired_o (late_commands)
  );
  hc_watchdog u_watch_events (
    .clk_i     (clk_i),
    .rst_ni    (soft_rst_ni),
    .limit_i   (watchdog_q),
    .waiting_i (ring_waiting_i),
    .progress_i(ring_progress_i),
    .expired_o (late_events)
  );

  // ---- writes: address and data wait for each other, then act
  logic        aw_full_q, w_full_q, act;
  logic [11:0] aw_q;
  logic [31:0] w_q, w_mask;
  logic [3:0]  strb_q;
  assign awready_o = !aw_full_q && rst_ni;
  assign wready_o  = !w_full_q && rst_ni;
  assign act       = aw_full_q && w_full_q && !bvalid_o;
  always_comb begin
    reset_now = 1'b0;
    w_mask    = '0;
    if (act) begin
      reset_now = aw_q == abi_pkg::RegControl && strb_q[3] && w_q[abi_pkg::ControlReset];
      w_mask    = {{8{strb_q[3]}}, {8{strb_q[2]}}, {8{strb_q[1]}}, {8{strb_q[0]}}};
    end
  end
  always_ff @(posedge clk_i) begin
    if (awvalid_i && !aw_full_q) aw_q <= awaddr_i;
    if (wvalid_i && !w_full_q) begin
      w_q    <= wdata_i;
      strb_q <= wstrb_i;
    end
    if (act) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      bvalid_o  <= 1'b1;
    end else begin
      if (awvalid_i) aw_full_q <= 1'b1;
      if (wvalid_i) w_full_q <= 1'b1;
      if (bready_i) bvalid_o <= 1'b0;
    end
    if (!rst_ni) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      bvalid_o  <= 1'b0;
    end
  end

  // The old value with the bytes written replaced.
  function automatic logic [31:0] merge(input logic [31:0] old, input logic [31:0] new_value,
                                        input logic [31:0] mask);
    merge = (old & ~mask) | (new_value & mask);
  endfunction

  // Registers of the host, bits below a base's alignment always 0.
  localparam logic [31:0] BaseLow = 32'hffff_ffc0;
  function automatic logic [4:0] new_log2(input logic [31:0] value);
    new_log2 = (value[31:5] != '0) ? 5'd31 : value[4:0];
  endfunction
  always_ff @(posedge clk_i) begin
    reset_o <= reset_now;
    if (act) begin
      case (aw_q)
        abi_pkg::RegControl: begin
          if (strb_q[0]) enable_o <= w_q[abi_pkg::ControlEnable];
          if (strb_q[0]) quiet_o <= w_q[abi_pkg::ControlQuiet];
        end
        // A value that does not fit is kept as one that enables nothing.
        abi_pkg::RegRingLog2: if (!enable_o) ring_log2_o <= new_log2(merge({27'd0, ring_log2_o}, w_q, w_mask));
        abi_pkg::RegRingBase:
        if (!enable_o) ring_base_o[31:0] <= merge(ring_base_o[31:0], w_q, w_mask) & BaseLow;
        abi_pkg::RegRingBase + 12'd4:
        if (!enable_o) ring_base_o[63:32] <= merge(ring_base_o[63:32], w_q, w_mask);
        abi_pkg::RegStatusBase:
        if (!enable_o) status_base_o[31:0] <= merge(status_base_o[31:0], w_q, w_mask) & BaseLow;
        abi_pkg::RegStatusBase + 12'd4:
        if (!enable_o) status_base_o[63:32] <= merge(status_base_o[63:32], w_q, w_mask);
        abi_pkg::RegRingConsumed: consumed_o <= merge(consumed_o, w_q, w_mask);
        abi_pkg::RegWatchdog: watchdog_q <= merge(watchdog_q, w_q, w_mask);
        default: ;
      endcase
    end
    if (resetting || !soft_rst_ni) begin
      enable_o   <= 1'b0;
      quiet_o    <= 1'b0;
      consumed_o <= '0;
    end
    if (!rst_ni) begin
      enable_o      <= 1'b0;
      quiet_o       <= 1'b0;
      reset_o       <= 1'b0;
      ring_log2_o   <= '0;
      ring_base_o   <= '0;
      status_base_o <= '0;
      consumed_o    <= '0;
      watchdog_q    <= '0;
    end
  end

  // ---- flags: what is set now wins over what is cleared now
  always_ff @(posedge clk_i) begin
    if (act) begin
      if (aw_q == abi_pkg::RegErrorFlags) flags_o <= flags_o & ~(w_q & w_mask);
    end
    if (core_q.error) begin
      for (int unsigned i = 0; i < 16; i++) if (core_q.error_code == 4'(i)) flags_o[i] <= 1'b1;
    end
    if (bad_generation_i) flags_o[abi_pkg::FlagGeneration] <= 1'b1;
    if (bad_partial_i) flags_o[abi_pkg::FlagPartial] <= 1'b1;
    if (bad_address_i) flags_o[abi_pkg::FlagAddress] <= 1'b1;
    if (ring_error_i) flags_o[abi_pkg::FlagHostWrite] <= 1'b1;
    if (late_commands) flags_o[abi_pkg::FlagWatchdogCommands] <= 1'b1;
    if (late_events) flags_o[abi_pkg::FlagWatchdogEvents] <= 1'b1;
    flags_o[abi_pkg::FlagUndrained] <= undrained_i;  // a level, which stays
    if (!soft_rst_ni) flags_o <= '0;
  end

  // ---- reads: eight 64-bit places a group, then the group, then the word
  logic [63:0] identity_q, index_q, settings_q, value;
  logic [31:0] high_q;
  logic        counter;
  assign arready_o = free_q && rst_ni;
  always_ff @(posedge clk_i) begin
    if (read_q[0]) begin
      case ({6'd0, ar_q[5:3], 3'd0})
        abi_pkg::RegMagic:       identity_q <= {abi_pkg::Version, abi_pkg::Magic};
        abi_pkg::RegAbiHash:     identity_q <= abi_pkg::Hash;
        abi_pkg::RegBuildHash:   identity_q <= BUILD_HASH;
        abi_pkg::RegLanes:       identity_q <= {32'(SLOTS), 32'(LANES)};
        abi_pkg::RegAssets:      identity_q <= {state_q, 32'(ASSETS)};
        abi_pkg::RegErrorFlags:  identity_q <= {32'(LATENCY), flags_o};
        abi_pkg::RegWindowDepth: identity_q <= {32'(PARITY), 32'(WINDOW_DEPTH)};
        default:                 identity_q <= '0;
      endcase
      index_q <= (ar_q[5:3] == 3'd0) ? {produced_i, taken_i} : '0;
      case ({6'd4, ar_q[5:3], 3'd0})
        abi_pkg::RegControl:      settings_q <= {27'd0, ring_log2_o, 30'd0, quiet_o, enable_o};
        abi_pkg::RegRingBase:     settings_q <= ring_base_o;
        abi_pkg::RegStatusBase:   settings_q <= status_base_o;
        abi_pkg::RegRingConsumed: settings_q <= {watchdog_q, consumed_o};
        default:                  settings_q <= '0;
      endcase
    end
    if (read_q[1]) begin
      rdata_o <= !ar_q[2] ? value[31:0] : counter ? high_q : value[63:32];
      if (counter && !ar_q[2]) high_q <= value[63:32];
    end
    if (!free_q) begin
      if (rvalid_o) begin
        if (rready_i) begin
          free_q   <= 1'b1;
          rvalid_o <= 1'b0;
        end
      end else if (read_q[1]) begin
        rvalid_o <= 1'b1;
      end
      read_q <= {read_q[0], 1'b0};
    end else if (arvalid_i) begin
      state_q <= '0;
      state_q[abi_pkg::StatusIdle]     <= core_q.idle && idle_o && !resetting && soft_rst_ni;
      state_q[abi_pkg::StatusClearing] <= core_q.clearing || win_clearing_i || resetting || !soft_rst_ni;
      state_q[abi_pkg::StatusLoading]  <= core_q.loading && soft_rst_ni;
      state_q[abi_pkg::StatusHalted]   <= halted_i && soft_rst_ni;
      ar_q    <= araddr_i[11:2];
      free_q  <= 1'b0;
      read_q  <= 2'b01;
    end
    if (!rst_ni) begin
      free_q   <= 1'b1;
      read_q   <= '0;
      rvalid_o <= 1'b0;
    end
  end
  always_comb begin
    counter = 1'b0;
    value   = '0;
    if (read_q[1]) begin
      case (ar_q[11:6])
        6'd0:    value = identity_q;
        6'd1:    value = count_lo_q;
        6'd2:    value = count_hi_q;
        6'd3:    value = index_q;
        6'd4:    value = settings_q;
        default: ;
      endcase
      counter = ar_q[11:6] == 6'd1 || ar_q[11:6] == 6'd2;
    end
  end

  // The groups and pairs above rest on these places.
  if (abi_pkg::RegAbiVersion != abi_pkg::RegMagic + 12'd4 ||
      abi_pkg::RegSlots != abi_pkg::RegLanes + 12'd4 ||
      abi_pkg::RegStatus != abi_pkg::RegAssets + 12'd4 ||
      abi_pkg::RegLatency != abi_pkg::RegErrorFlags + 12'd4 ||
      abi_pkg::RegWindowDepth != 12'h030 || abi_pkg::RegFeatures != 12'h034 || abi_pkg::RegCommands != 12'h040 ||
      abi_pkg::RegCycles != 12'h078 || abi_pkg::RegStallIn != 12'h080 ||
      abi_pkg::RegStatusRecords >= 12'h0c0 || abi_pkg::RegTaken != 12'h0c0 ||
      abi_pkg::RegProduced != abi_pkg::RegTaken + 12'd4 || abi_pkg::RegControl != 12'h100 ||
      abi_pkg::RegRingLog2 != abi_pkg::RegControl + 12'd4 || abi_pkg::RegWatchdog >= 12'h140 ||
      abi_pkg::RegWatchdog != abi_pkg::RegRingConsumed + 12'd4) begin : g_bad_map
    $error("registers moved: adapt the read multiplexer");
  end

`ifndef SYNTHESIS
  logic        wait_q, aw_wait_q, w_wait_q, b_wait_q, ar_wait_q, r_wait_q;
  logic [11:0] aw_past_q, ar_past_q;
  logic [35:0] w_past_q;
  logic [31:0] r_past_q;
  logic [1:0]  aw_open_q, w_open_q;  // accepted and not answered
  logic        ar_open_q, reset_read_q;
  // What waits stays valid, so that nothing changes here while no channel has something.
  always_ff @(posedge clk_i) begin
    if (awvalid_i || wvalid_i || bvalid_o || arvalid_i || rvalid_o) begin
      wait_q       <= (awvalid_i && !awready_o) || (wvalid_i && !wready_o) || (bvalid_o && !bready_i)
                      || (arvalid_i && !arready_o) || (rvalid_o && !rready_i);
      aw_wait_q    <= awvalid_i && !awready_o;
      w_wait_q     <= wvalid_i && !wready_o;
      b_wait_q     <= bvalid_o && !bready_i;
      ar_wait_q    <= arvalid_i && !arready_o;
      r_wait_q     <= rvalid_o && !rready_i;
      aw_past_q    <= awaddr_i;
      w_past_q     <= {wdata_i, wstrb_i};
      ar_past_q    <= araddr_i;
      r_past_q     <= rdata_o;
      aw_open_q    <= aw_open_q + {1'b0, awvalid_i && awready_o} - {1'b0, bvalid_o && bready_i};
      w_open_q     <= w_open_q + {1'b0, wvalid_i && wready_o} - {1'b0, bvalid_o && bready_i};
      ar_open_q    <= (ar_open_q || (arvalid_i && arready_o)) && !(rvalid_o && rready_i);
      reset_read_q <= arvalid_i && (resetting || !soft_rst_ni);
    end
    if (!rst_ni) begin
      wait_q       <= 1'b0;
      aw_open_q    <= '0;
      w_open_q     <= '0;
      ar_open_q    <= 1'b0;
      reset_read_q <= 1'b0;
    end
  end
  // AXI4-Lite, the master's part
  `HC_ASSUME_IN_IF(m_holds, wait_q, (!aw_wait_q || (awvalid_i && awaddr_i == aw_past_q)) &&
                   (!w_wait_q || (wvalid_i && {wdata_i, wstrb_i} == w_past_q)) &&
                   (!ar_wait_q || (arvalid_i && araddr_i == ar_past_q)))
  `HC_ASSUME_IN_IF(m_error_code, status_i.error, status_i.error_code != 4'd0)
  // AXI4-Lite, ours
  `HC_ASSERT_IF(a_holds, wait_q, (!b_wait_q || bvalid_o) && (!r_wait_q || (rvalid_o && rdata_o == r_past_q)))
  `HC_ASSERT_IF(a_b_after_request, bvalid_o, aw_open_q != '0 && w_open_q != '0)
  `HC_ASSERT_IF(a_r_after_request, rvalid_o, ar_open_q)
  `HC_ASSERT_IF(a_one_read, !free_q, rvalid_o ? read_q == 2'b00 : (read_q[0] ^ read_q[1]))
  // A read whose address comes while a reset takes effect, is answered or lasts sees it.
  `HC_ASSERT_IF(a_reset_seen, read_q[0] && reset_read_q,
                state_q[abi_pkg::StatusClearing] && !state_q[abi_pkg::StatusIdle])
`endif
endmodule
`default_nettype wire
