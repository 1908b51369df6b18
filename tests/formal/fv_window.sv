// SPDX-License-Identifier: Apache-2.0
// hc_window against a model of the window as abi.toml describes it. The host may write anything: any bursts,
// addresses, strobes, data, in any order. Shown: a beat is offered only when each of its eight words has been
// written once since the slot's last beat left, with the data written, in index order, and at once; anything
// else halts the window before it can do harm; and each burst is answered once, as it deserves.
// The window writes a W beat and judges it in the cycle after it was accepted: so does the model.
// Of the data the last word's top byte (generation) and one further bit, WORD and BIT, are followed.
`default_nettype none
`include "fv.svh"
module fv_window #(
  parameter int unsigned DEPTH = 4,
  parameter int unsigned WORD  = 0,
  parameter int unsigned BIT   = 5,
  localparam int unsigned IndexW = $clog2(DEPTH)
) (
  input wire logic         clk_i,
  input wire logic         rst_ni,
  input wire logic [3:0]   awid_i,
  input wire logic [15:0]  awaddr_i,
  input wire logic [7:0]   awlen_i,
  input wire logic [2:0]   awsize_i,
  input wire logic [1:0]   awburst_i,
  input wire logic         awvalid_i,
  input wire logic [255:0] wdata_i,
  input wire logic [31:0]  wstrb_i,
  input wire logic         wlast_i,
  input wire logic         wvalid_i,
  input wire logic         bready_i,
  input wire logic [3:0]   arid_i,
  input wire logic [7:0]   arlen_i,
  input wire logic         arvalid_i,
  input wire logic         rready_i,
  input wire logic         quiesce_i,
  input wire logic         cmd_ready_i,
  input wire logic         mark_i
);
  `FV_RESET
  logic         awready, wready, bvalid, arready, rlast, rvalid, cmd_valid, waiting, clearing, halted, drained;
  logic         fault_generation, fault_partial, fault_address;
  logic [3:0]   bid, rid;
  logic [1:0]   bresp, rresp;
  logic [255:0] cmd_data;
  logic [31:0]  taken;
  hc_window #(
    .DEPTH(DEPTH)
  ) u_dut (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .quiesce_i         (quiesce_i),
    .drained_o         (drained),
    .awid_i            (awid_i),
    .awaddr_i          (awaddr_i),
    .awlen_i           (awlen_i),
    .awsize_i          (awsize_i),
    .awburst_i         (awburst_i),
    .awvalid_i         (awvalid_i),
    .awready_o         (awready),
    .wdata_i           (wdata_i),
    .wstrb_i           (wstrb_i),
    .wlast_i           (wlast_i),
    .wvalid_i          (wvalid_i),
    .wready_o          (wready),
    .bid_o             (bid),
    .bresp_o           (bresp),
    .bvalid_o          (bvalid),
    .bready_i          (bready_i),
    .arid_i            (arid_i),
    .arlen_i           (arlen_i),
    .arvalid_i         (arvalid_i),
    .arready_o         (arready),
    .rid_o             (rid),
    .rresp_o           (rresp),
    .rlast_o           (rlast),
    .rvalid_o          (rvalid),
    .rready_i          (rready_i),
    .cmd_valid_o       (cmd_valid),
    .cmd_ready_i       (cmd_ready_i),
    .cmd_data_o        (cmd_data),
    .taken_o           (taken),
    .waiting_o         (waiting),
    .clearing_o        (clearing),
    .halted_o          (halted),
    .fault_generation_o(fault_generation),
    .fault_partial_o   (fault_partial),
    .fault_address_o   (fault_address)
  );

  // ---- the master keeps the rules of AXI4: payloads hold, wlast where the burst ends
  logic [32:0]  aw;
  logic [41:0]  w;  // of the data only what is followed; nothing else depends on the rest
  logic [11:0]  ar;
  assign aw = {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i};
  assign w  = {wdata_i[255:248], wdata_i[WORD*32 + BIT], wstrb_i, wlast_i};
  assign ar = {arid_i, arlen_i};
  `FV_STREAM(m_aw, assume, awvalid_i, awready, aw)
  `FV_STREAM(m_w, assume, wvalid_i, wready, w)
  `FV_STREAM(m_ar, assume, arvalid_i, arready, ar)
  `FV_ASSUME(m_size, awsize_i <= 3'd5)

  // Bursts whose address was accepted and whose data has not all come, oldest first.
  logic        aw_fire, w_fire, w_end;
  logic [1:0]  bursts_q;
  logic [32:0] b0_q, b1_q;
  logic [7:0]  beat_q;  // of b0
  logic [16:0] addr_q;
  assign aw_fire = awvalid_i && awready;
  assign w_fire  = wvalid_i && wready;
  assign w_end   = w_fire && wlast_i;
  logic [3:0]  b_id;
  logic [15:0] b_addr;
  logic [7:0]  b_len;
  logic [2:0]  b_size;
  logic [1:0]  b_burst;
  assign {b_id, b_addr, b_len, b_size, b_burst} = b0_q;
  logic [32:0] next_burst;
  assign next_burst = (bursts_q == 2'd2) ? b1_q : aw;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bursts_q <= '0;
    end else begin
      bursts_q <= bursts_q + 2'(aw_fire) - 2'(w_end);
    end
    if (w_end || bursts_q == '0) begin
      b0_q   <= next_burst;
      beat_q <= '0;
      addr_q <= {1'b0, next_burst[28:13]};
    end else if (w_fire) begin
      beat_q <= beat_q + 8'd1;
      // AXI4: the first beat at the address given, the following ones aligned to the size
      addr_q <= ((addr_q >> b_size) << b_size) + (17'd1 << b_size);
    end
    if (aw_fire) b1_q <= aw;
  end
  `FV_ASSERT(a_two_bursts, bursts_q <= 2'd2 && !(aw_fire && bursts_q == 2'd2))
  `FV_ASSERT(a_data_after_address, !w_fire || bursts_q != '0)
  `FV_ASSUME(m_wlast, !w_fire || wlast_i == (beat_q == b_len))

  // ---- the window
  logic [DEPTH*8-1:0]  written_q, written_base, written_d;
  logic [DEPTH-1:0]    value_q, value_d;
  logic [DEPTH*8-1:0]  gen_q;        // generation of the beat that each slot stands for
  logic [IndexW-1:0]   next_q, slot; // slot of the next beat to be offered
  logic                offer, was_valid_q, was_ready_q, fault, fault_q;
  logic [7:0]          full, gen;
  logic                outside, part;
  // The W beat accepted in the last cycle.
  logic                in_q, in_outside_q, in_part_q, in_bit_q;
  logic [IndexW-1:0]   in_slot_q;
  logic [7:0]          in_full_q, in_gen_q;
  // A beat is offered anew when valid comes up, or stays up after the last one was taken.
  assign offer   = cmd_valid && (!was_valid_q || was_ready_q);
  assign slot    = addr_q[IndexW+4:5];
  assign outside = (addr_q >> (IndexW + 5)) != '0 || b_burst != 2'b01;
  always_comb begin
    part = 1'b0;
    for (int unsigned i = 0; i < 8; i++) begin
      full[i] = wstrb_i[i*4 +: 4] == 4'hf;
      if (wstrb_i[i*4 +: 4] != 4'hf && wstrb_i[i*4 +: 4] != 4'h0) part = 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin
    in_q         <= rst_ni && w_fire;
    in_slot_q    <= slot;
    in_full_q    <= full;
    in_part_q    <= part;
    in_outside_q <= outside;
    in_gen_q     <= wdata_i[255:248];
    in_bit_q     <= wdata_i[WORD*32 + BIT];
  end
  assign gen = gen_q[32'(in_slot_q)*8 +: 8] + 8'(offer && in_slot_q == next_q);
  always_comb begin
    written_base = written_q;
    if (offer) written_base[32'(next_q)*8 +: 8] = '0;
    written_d = written_base;
    value_d   = value_q;
    fault     = 1'b0;
    if (in_q) begin
      written_d[32'(in_slot_q)*8 +: 8] = written_base[32'(in_slot_q)*8 +: 8] | in_full_q;
      if (in_full_q[WORD] && !written_base[32'(in_slot_q)*8 + WORD]) value_d[in_slot_q] = in_bit_q;
      fault = in_outside_q || in_part_q || (written_base[32'(in_slot_q)*8 +: 8] & in_full_q) != '0
           || (in_full_q[7] && in_gen_q != gen);
    end
  end
  always_ff @(posedge clk_i) begin
    was_valid_q <= rst_ni && cmd_valid;
    was_ready_q <= cmd_ready_i;
    if (!rst_ni) begin
      written_q <= '0;
      fault_q   <= 1'b0;
      next_q    <= '0;
      gen_q     <= {DEPTH{8'd1}};
    end else begin
      written_q <= written_d;
      if (fault) fault_q <= 1'b1;
      if (offer) begin
        next_q                        <= next_q + IndexW'(1);
        gen_q[32'(next_q)*8 +: 8] <= gen_q[32'(next_q)*8 +: 8] + 8'd1;
      end
    end
    value_q <= value_d;
  end
  // The beat offered stands in the slot of its index (next_q), complete, as written.
  `FV_ASSERT(a_whole, !offer || written_q[32'(next_q)*8 +: 8] == '1)
  `FV_ASSERT(a_data, !offer || cmd_data[WORD*32 + BIT] == value_q[next_q])
  `FV_ASSERT(a_index, !offer || cmd_data[255:248] == gen_q[32'(next_q)*8 +: 8])
  `FV_ASSERT(a_taken, IndexW'(taken[IndexW-1:0] + IndexW'(cmd_valid)) == next_q + IndexW'(offer))
  `FV_ASSERT(a_halts, halted == fault_q)
  // Nothing is offered once halted; in the cycle of the fault itself only what was complete without it.
  logic was_halted_q, was_fault_q, was_whole_q;
  always_ff @(posedge clk_i) begin
    was_halted_q <= rst_ni && halted;
    was_fault_q  <= rst_ni && fault;
    was_whole_q  <= written_base[32'(IndexW'(next_q + IndexW'(offer)))*8 +: 8] == '1;
  end
  `FV_ASSERT(a_halt_stops, !(offer && was_halted_q))
  `FV_ASSERT(a_fault_stays_out, !(offer && was_fault_q) || was_whole_q)
  // At once: a beat complete after the last cycle (its last W beat accepted in the one before) is offered now, unless another is in front.
  `FV_ASSERT(a_at_once, cmd_valid || halted || written_q[32'(next_q)*8 +: 8] != '1)
  logic [8:0] c;
  assign c = {cmd_data[255:248], cmd_data[WORD*32 + BIT]};
  `FV_STREAM(a_cmd, assert, cmd_valid, cmd_ready_i, c)

  // ---- answers: one for each burst, in order, SLVERR if and only if a beat of it lay outside
  logic       error_q, marked_q, want_error_q;
  logic [3:0] want_id_q;
  logic [1:0] open_q, ahead_q;  // bursts ended and not answered; those before the marked one
  logic       mark, b_fire;
  assign mark   = mark_i && w_end && !marked_q;
  assign b_fire = bvalid && bready_i;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_q  <= 1'b0;
      open_q   <= '0;
      marked_q <= 1'b0;
    end else begin
      if (w_end) error_q <= 1'b0;
      else if (w_fire && outside) error_q <= 1'b1;
      open_q <= open_q + 2'(w_end) - 2'(b_fire);
      if (mark) marked_q <= 1'b1;
      else if (b_fire && ahead_q == '0) marked_q <= 1'b0;
    end
    if (mark) begin
      ahead_q      <= open_q - 2'(b_fire);
      want_id_q    <= b_id;
      want_error_q <= error_q || outside;
    end else if (b_fire) begin
      ahead_q <= ahead_q - 2'd1;
    end
  end
  logic [5:0] b;
  assign b = {bid, bresp};
  `FV_ASSERT(a_answers, bvalid == (open_q != '0))
  `FV_ASSERT(a_answer, !(marked_q && ahead_q == '0) || (bid == want_id_q && bresp == (want_error_q ? 2'b10 : 2'b00)))
  `FV_STREAM(a_b, assert, bvalid, bready_i, b)

  // ---- reads: arlen + 1 beats, all OKAY, the last one marked
  logic       reading_q;
  logic [7:0] read_left_q;
  logic [3:0] read_id_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) reading_q <= 1'b0;
    else if (arvalid_i && arready) reading_q <= 1'b1;
    else if (rvalid && rready_i && read_left_q == '0) reading_q <= 1'b0;
    if (arvalid_i && arready) {read_id_q, read_left_q} <= {arid_i, arlen_i};
    else if (rvalid && rready_i) read_left_q <= read_left_q - 8'd1;
  end
  logic [4:0] r;
  assign r = {rid, rlast};
  `FV_ASSERT(a_reads, rvalid == reading_q && !(reading_q && arready))
  `FV_ASSERT(a_read, !rvalid || (rid == read_id_q && rresp == 2'b00 && rlast == (read_left_q == '0)))
  `FV_STREAM(a_r, assert, rvalid, rready_i, r)

  `FV_ASSERT(a_drained, !drained || (bursts_q == '0 && open_q == '0 && !reading_q && !in_q))
  `FV_ASSERT(a_clearing, !clearing || (!awready && !cmd_valid))
  `FV_ASSERT(a_pulses, !(fault_generation || fault_partial || fault_address) || halted)
  `FV_ASSERT(a_waiting, waiting || clearing || halted || !cmd_valid || !was_valid_q)
  // Never at rest with a W beat that is still to be written, or a word of a beat that has not left.
  `FV_ASSERT(a_waiting_in, waiting || halted || !(in_q || (written_q != '0)))

  `FV_COVER(c_second_pass, offer && taken == 32'(DEPTH))
  `FV_COVER(c_bypass, offer && taken == 32'd1 && $past(in_q && in_full_q == 8'h80 && in_slot_q == IndexW'(1)))
  `FV_COVER(c_far_first, offer && taken == '0 && written_q[(DEPTH-1)*8 +: 8] == '1)
  `FV_COVER(c_overrun, fault_generation && taken == 32'd2)
  `FV_COVER(c_burst, offer && taken == 32'd1 && $past(in_q && $past(beat_q == 8'd1 && b_size == 3'd5)))
  // Words of the next beat come in while the one in front of it leaves.
  `FV_COVER(c_moves_up, offer && taken == 32'd1 && $past(cmd_valid && cmd_ready_i && in_q && in_slot_q == IndexW'(2)))
  `FV_COVER(c_marked_error, marked_q && ahead_q == 2'd1 && want_error_q && b_fire)
  `FV_COVER(c_read_burst, rvalid && rlast && rid == 4'd3 && $past(rvalid && !rlast))
endmodule
`default_nettype wire
