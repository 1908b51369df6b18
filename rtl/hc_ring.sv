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

  logic push_event, push_status, aw_ready, w_ready, answer;

  // ---- configuration, decoded; enabled once all of it has come through
  logic [MaxLog2-1:0] mask_q;    // ring size - 1
  logic [MaxLog2:0]   size_q;    // ring size
  logic [2:0]         enable_q;
  logic               on, status_on_q, go_q;
  logic [OutW:0]      open_q;    // writes begun and not answered
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < MaxLog2; i++) mask_q[i] <= 5'(i) < log2_i;
    for (int unsigned i = 0; i <= MaxLog2; i++) size_q[i] <= 5'(i) == log2_i;
    if (!rst_ni) begin
      enable_q    <= '0;
      status_on_q <= 1'b0;
      go_q        <= 1'b0;
    end else begin
      enable_q    <= {enable_q[1:0], enable_i && log2_i >= 5'd1 && log2_i <= 5'(MaxLog2)} & {3{enable_i}};
      status_on_q <= on && !quiet_i && status_base_i != '0;
      // 4 places are kept: what is begun in this cycle and the last is not in open_q yet.
      go_q <= on && !quiesce_i && open_q < (OutW + 1)'(OUTSTANDING - 4);
    end
  end
  assign on = enable_q[2];

  // ---- the ring: record issued_q comes next
  logic [31:0] issued_q, issued_inc_q, issued_d, consumed_q;
  logic [MaxLog2:0] limit_q;  // the record that would lie where the oldest unread one does
  logic        room_q, phase_q;
  logic [63:0] addr_q;
  assign issued_d  = push_event ? issued_inc_q : issued_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      issued_q     <= '0;
      issued_inc_q <= 32'd1;
      room_q       <= 1'b0;
    end else begin
      if (push_event) issued_inc_q <= issued_inc_q + 32'd1;
      issued_q <= issued_d;
      room_q   <= push_event ? issued_inc_q[MaxLog2:0] != limit_q : issued_q[MaxLog2:0] != limit_q;
    end
    // A cycle behind consumed_q, which only moves on: never too far ahead.
    limit_q <= consumed_q[MaxLog2:0] + size_q;
    phase_q <= (issued_d[MaxLog2:0] & size_q) == '0;
    addr_q  <= base_i + {35'd0, issued_d[MaxLog2-1:0] & mask_q, 5'd0};
  end

  // RING_CONSUMED is looked at every third cycle, and followed if it lies between what was consumed and
  // what was issued: whatever the host writes, no unread record is written over.
  logic [2:0]  look_q;
  logic [31:0] look_value_q, look_step_q, look_used_q;
  logic        look_good_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      look_q     <= 3'b001;
      consumed_q <= '0;
    end else begin
      look_q <= {look_q[1:0], look_q[2]};
      if (look_q[2] && look_good_q) consumed_q <= look_value_q;
    end
    if (look_q[0]) begin
      look_value_q <= consumed_i;
      look_step_q  <= consumed_i - consumed_q;
      look_used_q  <= issued_q - consumed_q;
    end
    look_good_q <= look_step_q <= look_used_q;
  end

  // ---- status record: due?
  logic [31:0] last_taken_q, last_issued_q, last_flags_q, advance_q;
  logic [63:0] serial_q;
  logic [3:0]  idle_q, wait_q;
  logic [1:0]  settle_q;  // after a status record the comparisons need two cycles
  logic        moved_q, flagged_q, due_q, starve_q, rested;
  assign rested = idle_q == 4'(IDLE_CYCLES);
  always_ff @(posedge clk_i) begin
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
    end else begin
      advance_q <= (taken_i - last_taken_q) >> QuarterLsb;  // in quarters of the window
      moved_q   <= taken_i != last_taken_q || issued_q != last_issued_q;
      flagged_q <= flags_i != last_flags_q;
      if (!idle_i || s_valid_i) idle_q <= '0;
      else if (!rested) idle_q <= idle_q + 4'd1;
      if (push_status) begin
        last_taken_q  <= taken_i;
        last_issued_q <= issued_q;
        last_flags_q  <= flags_i;
        serial_q      <= serial_q + 64'd1;
      end
      settle_q <= push_status ? 2'd2 : settle_q - {1'b0, settle_q != 2'd0};
      due_q <= status_on_q && !push_status && (due_q || (settle_q == 2'd0 &&
               (advance_q != '0 || flagged_q || (rested && moved_q))));
      // An event that goes ahead of a due status record is counted against its patience.
      if (!due_q || push_status) wait_q <= '0;
      else if (push_event && wait_q != 4'(STARVE)) wait_q <= wait_q + 4'd1;
      starve_q <= due_q && !push_status && wait_q == 4'(STARVE);
    end
  end

  // ---- issue
  abi_pkg::rec_status_t status;
  logic [255:0]         data;
  assign s_ready_o   = go_q && aw_ready && w_ready && room_q && !starve_q;
  assign push_event  = s_valid_i && s_ready_o;
  assign push_status = due_q && on && go_q && aw_ready && w_ready && !push_event;
  always_comb begin
    status          = '0;
    status.taken    = taken_i;
    status.produced = issued_q;
    status.cycle    = cycle_i;
    status.flags    = flags_i;
    status.serial   = serial_q;
  end
  assign data = push_event ? {s_data_i[255:249], phase_q, s_data_i[247:0]} : status;

  hc_skid #(
    .WIDTH(64)
  ) u_aw (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (push_event || push_status),
    .in_ready_o (aw_ready),
    .in_data_i  (push_event ? addr_q : status_base_i),
    .out_valid_o(awvalid_o),
    .out_ready_i(awready_i),
    .out_data_o (awaddr_o)
  );
  hc_skid #(
    .WIDTH(256)
  ) u_w (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (push_event || push_status),
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
  assign answer = bvalid_i && bready_o && open_q != '0;
  always_ff @(posedge clk_i) begin
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
    end else begin
      bready_o <= 1'b1;
      open_q   <= open_q + {{OutW{1'b0}}, push_event || push_status} - {{OutW{1'b0}}, answer};
      if (push_event || push_status) begin_q <= begin_q + OutW'(1);
      if (answer) end_q <= end_q + OutW'(1);
      if (record_o) produced_o <= produced_o + 32'd1;
      record_o   <= answer && kind_mem[end_q];
      status_o   <= answer && !kind_mem[end_q];
      error_o    <= answer && bresp_i != 2'b00;
      full_o     <= s_valid_i && !(room_q && on);
      waiting_o  <= s_valid_i || open_q != '0;
      progress_o <= push_event || answer;
    end
    if (push_event || push_status) kind_mem[begin_q] <= push_event;
  end
  assign drained_o = quiesce_i && !go_q && open_q == '0;

`ifndef SYNTHESIS
  logic         past_q, s_wait_q, aw_wait_q, w_wait_q, b_wait_q, same_q;
  logic [255:0] s_q, w_q;
  logic [63:0]  aw_q, base_q, status_base_q;
  logic [4:0]   log2_q;
  logic [1:0]   b_q;
  logic [OutW:0] aw_open_q, w_open_q;  // sent on the channel and not answered
  logic          enabled_q;
  always_ff @(posedge clk_i) begin
    past_q        <= rst_ni;
    s_wait_q      <= s_valid_i && !s_ready_o;
    aw_wait_q     <= awvalid_o && !awready_i;
    w_wait_q      <= wvalid_o && !wready_i;
    b_wait_q      <= bvalid_i && !bready_o;
    s_q           <= s_data_i;
    aw_q          <= awaddr_o;
    w_q           <= wdata_o;
    b_q           <= bresp_i;
    log2_q        <= log2_i;
    base_q        <= base_i;
    status_base_q <= status_base_i;
    enabled_q     <= enable_i;
    // the ring's size has not changed since the first record
    if (!rst_ni) same_q <= 1'b1;
    else if (log2_i != log2_q && issued_q != '0) same_q <= 1'b0;
    if (!rst_ni) begin
      aw_open_q <= '0;
      w_open_q  <= '0;
    end else begin
      aw_open_q <= aw_open_q + {{OutW{1'b0}}, awvalid_o && awready_i} - {{OutW{1'b0}}, answer};
      w_open_q  <= w_open_q + {{OutW{1'b0}}, wvalid_o && wready_i} - {{OutW{1'b0}}, answer};
    end
  end
  // What the others owe
  `HC_ASSUME_IN(m_event_holds, !(past_q && s_wait_q) || (s_valid_i && s_data_i == s_q))
  `HC_ASSUME_IN(m_b_holds, !(past_q && b_wait_q) || (bvalid_i && bresp_i == b_q))
  `HC_ASSUME_IN(m_b_after_request, !bvalid_i || (aw_open_q != '0 && w_open_q != '0))
  `HC_ASSUME_IN(m_config_stable, !(past_q && enabled_q && enable_i) ||
                (log2_i == log2_q && base_i == base_q && status_base_i == status_base_q))
  // AXI4, ours
  `HC_ASSERT(a_aw_holds, !(past_q && aw_wait_q) || (awvalid_o && awaddr_o == aw_q))
  `HC_ASSERT(a_w_holds, !(past_q && w_wait_q) || (wvalid_o && wdata_o == w_q))
  `HC_ASSERT(a_aw_begun, aw_open_q <= open_q && w_open_q <= open_q)
  `HC_ASSERT(a_open_limit, open_q <= (OutW + 1)'(OUTSTANDING))
  `HC_ASSERT(a_aligned, !awvalid_o || awaddr_o[4:0] == '0)
  // The ring
  `HC_ASSERT(a_one_push, !(push_event && push_status))
  logic [31:0] used;
  assign used = issued_q - consumed_q;
  `HC_ASSERT(a_push_has_room, !push_event || !same_q || used < {7'd0, size_q})
  `HC_ASSERT(a_unread_kept, !same_q || !on || used <= {7'd0, size_q})
  `HC_ASSERT(a_issued_inc, issued_inc_q == issued_q + 32'd1)
  `HC_ASSERT(a_answered, issued_q - produced_o <= 32'(OUTSTANDING) + 32'd1)
  `HC_ASSERT(a_quiet, !push_status || on)
`endif
endmodule
`default_nettype wire
