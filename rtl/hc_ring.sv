// SPDX-License-Identifier: Apache-2.0
// Writes records to host memory over AXI4: events into the host's ring, one 32-byte write each, with
// the phase bit put in, and now and then the status record (credits).
// An event is taken only when its place in the ring is free (RING_CONSUMED) and both channels have
// room. AW and W are independent; all writes have ID 0, so they and their answers stay in order, and
// a status record's `produced` counts records that come before it.
// Status record: when a quarter of the window has been taken since the last one, when a flag changed,
// or when the device has been idle for IDLE_CYCLES and something was taken or produced since. Events go
// first, but a status record waits for at most STARVE cycles in which the channels had room.
// Latency: record valid on AW and W 1 cycle after the event, when nothing is in front of it.
// Throughput: one record a cycle. s_ready_o is one gate behind registers, independent of the data.
// Contract: base, log2, status base and taken change only while not enabled, or by reset. A value of
// RING_CONSUMED that is not from what was consumed to what was issued is not followed. A status record
// is begun for at most 3 cycles after quiet_i rises.
`default_nettype none
`include "hc_assert.svh"
module hc_ring #(
  parameter int unsigned WINDOW_DEPTH = 64,
  parameter int unsigned OUTSTANDING  = 256,  // writes not answered, a power of two, at least 8
  parameter int unsigned IDLE_CYCLES  = 8,    // at most 15
  parameter int unsigned STARVE       = 15    // at most 15
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,
  // soft reset: with quiesce no record is begun; drained when all have been answered
  input  wire logic         quiesce_i,
  output      logic         drained_o,
  // events, AXI4-Stream
  input  wire logic         s_valid_i,
  output      logic         s_ready_o,
  input  wire logic [255:0] s_data_i,
  // registers
  input  wire logic         enable_i,
  input  wire logic         quiet_i,
  input  wire logic [4:0]   log2_i,         // 1 to 24, anything else: not enabled
  input  wire logic [63:0]  base_i,
  input  wire logic [63:0]  status_base_i,  // 0: no status record
  input  wire logic [31:0]  consumed_i,
  // what a status record tells
  input  wire logic [31:0]  taken_i,
  input  wire logic [63:0]  cycle_i,
  input  wire logic [31:0]  flags_i,
  input  wire logic         idle_i,
  // AXI4 master
  output      logic [3:0]   awid_o,
  output      logic [63:0]  awaddr_o,
  output      logic [7:0]   awlen_o,
  output      logic [2:0]   awsize_o,
  output      logic [1:0]   awburst_o,
  output      logic         awvalid_o,
  input  wire logic         awready_i,
  output      logic [255:0] wdata_o,
  output      logic [31:0]  wstrb_o,
  output      logic         wlast_o,
  output      logic         wvalid_o,
  input  wire logic         wready_i,
  input  wire logic [1:0]   bresp_i,
  input  wire logic         bvalid_i,
  output      logic         bready_o,
  // state
  output      logic [31:0]  produced_o,  // event records answered since reset
  output      logic         waiting_o,   // an event waits, or a write has not been answered
  // pulses
  output      logic         progress_o,  // an event was taken or a write answered
  output      logic         record_o,    // an event record was answered
  output      logic         status_o,    // a status record was answered
  output      logic         error_o,     // an answer was an error
  output      logic         full_o       // an event waits for a free place or for enable
);
  localparam int unsigned OutW = $clog2(OUTSTANDING);
  localparam int unsigned QuarterLsb = $clog2(WINDOW_DEPTH) - 2;
  localparam int unsigned MaxLog2 = 24;

  if (OUTSTANDING < 8 || (OUTSTANDING & (OUTSTANDING - 1)) != 0 || IDLE_CYCLES > 15 ||
      STARVE > 15 || WINDOW_DEPTH < 8) begin : g_bad_size
    $error("ring: OUTSTANDING must be a power of two from 8, IDLE_CYCLES and STARVE at most 15");
  end

  logic push_event, push_status, push, aw_ready, w_ready;

  // ---- configuration, decoded; enabled once all of it has come through
  logic [MaxLog2-1:0] mask_q;    // ring size - 1
  logic [MaxLog2:0]   size_q;    // ring size
  logic [2:0]         enable_q;
  logic               on, status_on_q, go_q;
  logic [OutW:0]      open_q;    // writes begun and not answered
  // Here and below what is read stands before what is written and the reset comes last: a simulator then
  // keeps no second copies.
  always_ff @(posedge clk_i) begin
    // While enabled the size does not change, and a simulation need not work it out again.
    if (!on || !rst_ni) begin
      for (int unsigned i = 0; i < MaxLog2; i++) mask_q[i] <= 5'(i) < log2_i;
      for (int unsigned i = 0; i <= MaxLog2; i++) size_q[i] <= 5'(i) == log2_i;
    end
    status_on_q <= on && !quiet_i && status_base_i != '0;
    // 4 places are kept: what is begun in this cycle and the last is not in open_q yet.
    go_q <= on && !quiesce_i && open_q < (OutW + 1)'(OUTSTANDING - 4);
    if (enable_i) begin
      if (!on) enable_q <= {enable_q[1:0], log2_i >= 5'd1 && log2_i <= 5'(MaxLog2)};
    end else begin
      enable_q <= '0;
    end
    if (!rst_ni) begin
      enable_q    <= '0;
      status_on_q <= 1'b0;
      go_q        <= 1'b0;
    end
  end
  assign on = enable_q[2];

  // ---- the ring: record issued_q comes next
  logic [31:0] issued_q, issued_inc_q, consumed_q;
  logic [MaxLog2:0] limit_q;  // the record that would lie where the oldest unread one does
  logic        room_q, phase_q;
  logic [63:0] addr_q;
  always_ff @(posedge clk_i) begin
    // A cycle behind consumed_q, which only moves on: never too far ahead.
    limit_q <= consumed_q[MaxLog2:0] + size_q;
    // While enabled base and size stand, so that only an event makes these new.
    if (push_event || !on) begin
      phase_q <= ((push_event ? issued_inc_q[MaxLog2:0] : issued_q[MaxLog2:0]) & size_q) == '0;
      addr_q  <= base_i + {35'd0, (push_event ? issued_inc_q[MaxLog2-1:0] : issued_q[MaxLog2-1:0]) & mask_q,
                           5'd0};
    end
    if (push_event) room_q <= issued_inc_q[MaxLog2:0] != limit_q;
    else room_q <= issued_q[MaxLog2:0] != limit_q;
    if (push_event) begin
      issued_q     <= issued_inc_q;
      issued_inc_q <= issued_inc_q + 32'd1;
    end
    if (!rst_ni) begin
      issued_q     <= '0;
      issued_inc_q <= 32'd1;
      room_q       <= 1'b0;
    end
  end

  // RING_CONSUMED is looked at every third cycle, and followed if it lies between what was consumed and
  // what was issued: whatever the host writes, no unread record is written over.
  logic [2:0]  look_q;
  logic [31:0] look_value_q, look_step_q, look_used_q;
  logic        look_good_q;
  always_ff @(posedge clk_i) begin
    if (look_q[1]) look_good_q <= look_step_q <= look_used_q;
    if (look_q[0]) begin
      look_value_q <= consumed_i;
      look_step_q  <= consumed_i - consumed_q;
      look_used_q  <= issued_q - consumed_q;
    end
    if (look_q[2] && look_good_q) consumed_q <= look_value_q;
    look_q <= {look_q[1:0], look_q[2]};
    if (!rst_ni) begin
      look_q     <= 3'b001;
      consumed_q <= '0;
    end
  end

  // ---- status record: due?
  logic [31:0] last_taken_q, last_issued_q, last_flags_q, advance_q;
  logic [63:0] serial_q;
  logic [3:0]  idle_q, wait_q;
  logic [1:0]  settle_q;  // after a status record the comparisons need two cycles
  logic        moved_q, flagged_q, due_q, starve_q, rested;
  assign rested = idle_q == 4'(IDLE_CYCLES);
  always_ff @(posedge clk_i) begin
    // An event that goes ahead of a due status record is counted against its patience.
    if (due_q && !push_status) begin
      starve_q <= wait_q == 4'(STARVE);
      if (push_event && wait_q != 4'(STARVE)) wait_q <= wait_q + 4'd1;
    end else begin
      starve_q <= 1'b0;
      wait_q   <= '0;
    end
    if (settle_q != 2'd0) settle_q <= settle_q - 2'd1;
    else if (advance_q != '0 || flagged_q || (rested && moved_q)) due_q <= 1'b1;
    if (!status_on_q) due_q <= 1'b0;
    advance_q <= (taken_i - last_taken_q) >> QuarterLsb;  // in quarters of the window
    flagged_q <= flags_i != last_flags_q;
    if (idle_i && !s_valid_i) begin
      moved_q <= taken_i != last_taken_q || issued_q != last_issued_q;  // looked at when rested
      if (!rested) idle_q <= idle_q + 4'd1;
    end else begin
      idle_q <= '0;
    end
    if (push_status) begin
      last_taken_q  <= taken_i;
      last_issued_q <= issued_q;
      last_flags_q  <= flags_i;
      serial_q      <= serial_q + 64'd1;
      settle_q      <= 2'd2;
      due_q         <= 1'b0;
    end
    if (!rst_ni) begin
      last_taken_q  <= '0;
      last_issued_q <= '0;
      last_flags_q  <= '0;
      advance_q     <= '0;
      serial_q      <= 64'd1;
      idle_q        <= '0;
      wait_q        <= '0;
      settle_q      <= '0;
      moved_q       <= 1'b0;
      flagged_q     <= 1'b0;
      due_q         <= 1'b0;
      starve_q      <= 1'b0;
    end
  end

  // ---- issue
  abi_pkg::rec_status_t status;
  logic [255:0]         data;
  logic [63:0]          addr;
  assign s_ready_o   = go_q && aw_ready && w_ready && room_q && !starve_q;
  assign push_event  = s_valid_i && s_ready_o;
  assign push_status = due_q && on && go_q && aw_ready && w_ready && !push_event;
  assign push        = push_event || push_status;
  always_comb begin
    status = '0;
    data   = '0;  // not looked at when nothing is pushed
    addr   = '0;
    if (push_event) begin
      data = {s_data_i[255:249], phase_q, s_data_i[247:0]};
      addr = addr_q;
    end else if (push_status) begin
      status.taken    = taken_i;
      status.produced = issued_q;
      status.cycle    = cycle_i;
      status.flags    = flags_i;
      status.serial   = serial_q;
      data            = status;
      addr            = status_base_i;
    end
  end

  hc_skid #(
    .WIDTH(64)
  ) u_aw (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (push),
    .in_ready_o (aw_ready),
    .in_data_i  (addr),
    .out_valid_o(awvalid_o),
    .out_ready_i(awready_i),
    .out_data_o (awaddr_o)
  );
  hc_skid #(
    .WIDTH(256)
  ) u_w (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (push),
    .in_ready_o (w_ready),
    .in_data_i  (data),
    .out_valid_o(wvalid_o),
    .out_ready_i(wready_i),
    .out_data_o (wdata_o)
  );
  assign awid_o    = 4'd0;
  assign awlen_o   = 8'd0;
  assign awsize_o  = 3'd5;
  assign awburst_o = 2'b01;
  assign wstrb_o   = '1;
  assign wlast_o   = 1'b1;

  // ---- answers: in order, so a queue of one bit tells whose it is
  logic            kind_mem[OUTSTANDING];
  logic [OutW-1:0] begin_q, end_q;
  always_ff @(posedge clk_i) begin
    if (record_o) produced_o <= produced_o + 32'd1;
    full_o    <= s_valid_i && !(room_q && on);
    waiting_o <= s_valid_i || open_q != '0;
    if (bvalid_i && bready_o && open_q != '0) begin  // an answer
      record_o   <= kind_mem[end_q];
      status_o   <= !kind_mem[end_q];
      error_o    <= bresp_i != 2'b00;
      progress_o <= 1'b1;
      end_q      <= end_q + OutW'(1);
    end else begin
      record_o   <= 1'b0;
      status_o   <= 1'b0;
      error_o    <= 1'b0;
      progress_o <= push_event;
    end
    // one more, or one less
    if (push != (bvalid_i && bready_o && open_q != '0)) open_q <= open_q + {{OutW{!push}}, 1'b1};
    if (push) begin
      /* verilator lint_off BLKSEQ */ // read above and nowhere else: the same, and cheaper to simulate
      kind_mem[begin_q] = push_event;
      /* verilator lint_on BLKSEQ */
      begin_q <= begin_q + OutW'(1);
    end
    bready_o <= 1'b1;
    if (!rst_ni) begin
      bready_o   <= 1'b0;
      open_q     <= '0;
      begin_q    <= '0;
      end_q      <= '0;
      produced_o <= '0;
      record_o   <= 1'b0;
      status_o   <= 1'b0;
      error_o    <= 1'b0;
      full_o     <= 1'b0;
      waiting_o  <= 1'b0;
      progress_o <= 1'b0;
    end
  end
  always_comb begin
    drained_o = 1'b0;
    if (quiesce_i) drained_o = !go_q && open_q == '0;
  end

`ifndef SYNTHESIS
  logic         s_wait_q, aw_wait_q, w_wait_q, b_wait_q, same_q;
  logic [255:0] s_q, w_q;
  logic [63:0]  aw_q, base_q, status_base_q;
  logic [4:0]   log2_q;
  logic [1:0]   b_q;
  logic [OutW:0] aw_open_q, w_open_q;  // sent on the channel and not answered
  logic          enabled_q;
  // What waits stays valid, so that nothing changes here while no channel has something.
  always_ff @(posedge clk_i) begin
    if (s_valid_i) begin
      s_wait_q <= !s_ready_o;
      if (!s_ready_o) s_q <= s_data_i;
    end
    if (awvalid_o || wvalid_o || bvalid_i) begin
      aw_wait_q <= awvalid_o && !awready_i;
      w_wait_q  <= wvalid_o && !wready_i;
      b_wait_q  <= bvalid_i && !bready_o;
      aw_q      <= awaddr_o;
      if (wvalid_o && !wready_i) w_q <= wdata_o;
      b_q       <= bresp_i;
      aw_open_q <= aw_open_q + {{OutW{1'b0}}, awvalid_o && awready_i}
                   - {{OutW{1'b0}}, bvalid_i && bready_o && open_q != '0};
      w_open_q  <= w_open_q + {{OutW{1'b0}}, wvalid_o && wready_i}
                   - {{OutW{1'b0}}, bvalid_i && bready_o && open_q != '0};
    end
    enabled_q <= enable_i;
    if (!enable_i || !enabled_q) begin
      log2_q        <= log2_i;
      base_q        <= base_i;
      status_base_q <= status_base_i;
      // the ring's size has not changed since the first record
      if (log2_i != log2_q && issued_q != '0) same_q <= 1'b0;
    end
    if (!rst_ni) begin
      s_wait_q  <= 1'b0;
      aw_wait_q <= 1'b0;
      w_wait_q  <= 1'b0;
      b_wait_q  <= 1'b0;
      same_q    <= 1'b1;
      aw_open_q <= '0;
      w_open_q  <= '0;
    end
  end
  // What the others owe
  `HC_ASSUME_IN_IF(m_event_holds, s_wait_q, s_valid_i && s_data_i == s_q)
  `HC_ASSUME_IN(m_b_holds, !b_wait_q || (bvalid_i && bresp_i == b_q))
  `HC_ASSUME_IN_IF(m_b_after_request, bvalid_i, aw_open_q != '0 && w_open_q != '0)
  `HC_ASSUME_IN_IF(m_config_stable, push && enabled_q && enable_i,
                   log2_i == log2_q && base_i == base_q && status_base_i == status_base_q)
  // AXI4, ours
  `HC_ASSERT_IF(a_aw_holds, aw_wait_q, awvalid_o && awaddr_o == aw_q)
  `HC_ASSERT_IF(a_w_holds, w_wait_q, wvalid_o && wdata_o == w_q)
  `HC_ASSERT_IF(a_begun, bvalid_i, aw_open_q <= open_q && w_open_q <= open_q)
  `HC_ASSERT_IF(a_aligned, awvalid_o, awaddr_o[4:0] == '0)
  // The ring
  always_ff @(posedge clk_i) if (rst_ni && push) begin
    a_one_push: assert (push_event != push_status);
    a_push_has_room: assert (!push_event || !same_q || issued_q - consumed_q < {7'd0, size_q});
    a_issued_inc: assert (issued_inc_q == issued_q + 32'd1);
    a_open_limit: assert (open_q < (OutW + 1)'(OUTSTANDING));
    a_answered: assert (issued_q - produced_o <= 32'(OUTSTANDING));
    a_quiet: assert (!push_status || on);
  end
  // issued_q changes with an event only, consumed_q behind look_q[2].
  `HC_ASSERT_IF(a_unread_kept, look_q[2], !same_q || !on || issued_q - consumed_q <= {7'd0, size_q})
`endif
endmodule
`default_nettype wire
