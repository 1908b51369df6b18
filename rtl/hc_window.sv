// SPDX-License-Identifier: Apache-2.0
// Command window: an AXI4 write slave in front, whole command beats in index order behind.
// Beat k is written to slot k mod DEPTH, in pieces of any size from a 32-bit word up, in any order. A
// word's completeness is one bit, the parity of the pass over the window in which it was written;
// which pass a write belongs to follows from the beats taken, since the host writes a slot again only
// after its beat was taken (credit). So nothing has to be cleared when a beat leaves.
// A W beat is accepted and answered in one cycle, written and checked in the next: all that depends on
// it stands under beat_q, and no path leads from the bus through the memories.
// Latency: beat valid 2 cycles after the W beat that completes it, when its predecessor has left.
// Throughput: one W beat a cycle (bursts of one beat included) and one command beat a cycle.
// Contract: a generation byte that is not that of the slot's beat, a word written twice in a pass, a
// write of part of a word, a burst that is not INCR or leaves the window: fault pulse, and no further
// beat is offered until reset (one already offered stays). Writes go on being answered and are
// dropped. Reads are answered with zeros, and OKAY: a processor may read write-combining memory ahead of
// its program.
// DEPTH cycles after reset no address is accepted (clearing_o): the parities are cleared.
`default_nettype none
`include "hc_assert.svh"
module hc_window #(
  parameter int unsigned DEPTH = 64  // beats, a power of two, 8 to 2048
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,
  // soft reset: with quiesce no address is accepted; drained when no burst and no answer is pending
  input  wire logic         quiesce_i,
  output      logic         drained_o,
  // AXI4 slave
  input  wire logic [3:0]   awid_i,
  input  wire logic [15:0]  awaddr_i,
  input  wire logic [7:0]   awlen_i,
  input  wire logic [2:0]   awsize_i,
  input  wire logic [1:0]   awburst_i,
  input  wire logic         awvalid_i,
  output      logic         awready_o,
  input  wire logic [255:0] wdata_i,
  input  wire logic [31:0]  wstrb_i,
  input  wire logic         wlast_i,
  input  wire logic         wvalid_i,
  output      logic         wready_o,
  output      logic [3:0]   bid_o,
  output      logic [1:0]   bresp_o,
  output      logic         bvalid_o,
  input  wire logic         bready_i,
  input  wire logic [3:0]   arid_i,
  input  wire logic [7:0]   arlen_i,
  input  wire logic         arvalid_i,
  output      logic         arready_o,
  output      logic [3:0]   rid_o,
  output      logic [1:0]   rresp_o,
  output      logic         rlast_o,
  output      logic         rvalid_o,
  input  wire logic         rready_i,
  // commands, AXI4-Stream
  output      logic         cmd_valid_o,
  input  wire logic         cmd_ready_i,
  output      logic [255:0] cmd_data_o,
  // state
  output      logic [31:0]  taken_o,             // beats taken since reset
  output      logic         waiting_o,           // beat offered, or words there or on the way; falls up to 3 cycles late
  output      logic         clearing_o,
  output      logic         halted_o,
  output      logic         fault_generation_o,  // pulses
  output      logic         fault_partial_o,
  output      logic         fault_address_o
);
  localparam int unsigned Words = 256 / abi_pkg::WindowWordBits;
  localparam int unsigned IndexW = $clog2(DEPTH);
  localparam logic [1:0] BurstIncr = 2'b01;
  localparam int unsigned CountW = $clog2(DEPTH * Words) + 2;
  localparam logic [1:0] RespOkay = 2'b00;
  localparam logic [1:0] RespSlverr = 2'b10;

  if (DEPTH < 8 || (DEPTH & (DEPTH - 1)) != 0 ||
      DEPTH * 32 > 1 << abi_pkg::WindowAddressBits) begin : g_bad_depth
    $error("WINDOW_DEPTH must be a power of two from 8 to what the slave's address reaches");
  end
  if (abi_pkg::WindowWordBits != 32 || abi_pkg::WindowAddressBits != 16) begin : g_bad_window
    $error("the window is written for words of 32 bits and 16 bits of address");
  end

  // ---- write address: the burst in progress and one more
  logic        cur_valid_q, cur_bad_q, nxt_valid_q, nxt_bad_q, err_q;
  logic [3:0]  cur_id_q, nxt_id_q;
  logic [16:0] cur_addr_q;  // one bit more, so that running over the top is noticed
  logic [15:0] nxt_addr_q;
  logic [2:0]  cur_size_q, nxt_size_q;
  logic        w_end, b_ready, bad;

  assign wready_o = cur_valid_q && b_ready;
  assign w_end    = wvalid_i && wready_o && wlast_i;
  assign bad      = cur_bad_q || (cur_addr_q >> (IndexW + 5)) != '0;

  always_ff @(posedge clk_i) begin
    if (!cur_valid_q || w_end) begin
      cur_valid_q <= 1'b0;
      nxt_valid_q <= 1'b0;
      awready_o   <= !quiesce_i && !clearing_o;
      err_q       <= 1'b0;
      if (nxt_valid_q) begin
        cur_valid_q <= 1'b1;
        cur_id_q    <= nxt_id_q;
        cur_size_q  <= nxt_size_q;
        cur_bad_q   <= nxt_bad_q;
        cur_addr_q  <= {1'b0, nxt_addr_q};
      end else if (awvalid_i) begin
        cur_valid_q <= awready_o;
        cur_id_q    <= awid_i;
        cur_size_q  <= awsize_i;
        cur_bad_q   <= awburst_i != BurstIncr;
        cur_addr_q  <= {1'b0, awaddr_i};
      end
    end else begin
      awready_o <= !quiesce_i && !clearing_o && !nxt_valid_q && !(awvalid_i && awready_o);
      if (awvalid_i && awready_o) nxt_valid_q <= 1'b1;
      if (wvalid_i && wready_o) begin
        cur_addr_q <= (cur_addr_q & (17'h1ffff << cur_size_q)) + (17'd1 << cur_size_q);
        if (bad) err_q <= 1'b1;
      end
    end
    if (awvalid_i && awready_o) begin
      nxt_id_q   <= awid_i;
      nxt_size_q <= awsize_i;
      nxt_bad_q  <= awburst_i != BurstIncr;
      nxt_addr_q <= awaddr_i;
    end
    if (!rst_ni) begin
      awready_o   <= 1'b0;
      cur_valid_q <= 1'b0;
      nxt_valid_q <= 1'b0;
    end
  end

  // ---- write data, as it is accepted
  logic              beat_q, partial_q, bad_q;
  logic [IndexW-1:0] slot_q;
  logic [Words-1:0]  full_q;
  logic [255:0]      data_q;
  always_ff @(posedge clk_i) begin
    beat_q <= 1'b0;
    if (wvalid_i && wready_o) begin
      beat_q    <= rst_ni;
      slot_q    <= cur_addr_q[IndexW+4:5];
      bad_q     <= bad;
      data_q    <= wdata_i;
      partial_q <= 1'b0;
      for (int unsigned i = 0; i < Words; i++) begin
        full_q[i] <= wstrb_i[i*4 +: 4] == 4'hf;
        if (wstrb_i[i*4 +: 4] != 4'hf && wstrb_i[i*4 +: 4] != 4'h0) partial_q <= 1'b1;
      end
    end
  end

  hc_skid #(
    .WIDTH(6)
  ) u_answer (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (w_end),
    .in_ready_o (b_ready),
    .in_data_i  ({cur_id_q, (bad || err_q) ? RespSlverr : RespOkay}),
    .out_valid_o(bvalid_o),
    .out_ready_i(bready_i),
    .out_data_o ({bid_o, bresp_o})
  );

  // ---- beats out: the next one to leave is rd_q. Of its words those that are there are kept in have_q,
  // so no memory is in front of the decision; of the one behind they are read when it moves up.
  logic [31:0]       rd_q;
  logic [IndexW-1:0] rd_slot, next_slot_q;
  logic [7:0]        gen_q, gen_next_q;  // of this pass, and of the next
  logic [Words-1:0]  have_q;
  logic              parity, next_parity_q, hit, here_good, load;
  assign rd_slot = rd_q[IndexW-1:0];
  assign parity  = gen_q[0];
  always_comb begin
    hit       = 1'b0;
    here_good = 1'b0;  // what is being written may be what was missing
    // Exactly what was missing: a word that comes a second time is a fault, and its beat is not offered.
    if (beat_q) begin
      hit       = slot_q == rd_slot;
      here_good = hit && have_q == ~full_q && !bad_q && !partial_q && (data_q[255:248] == gen_q || !full_q[Words-1]);
    end
    load = 1'b0;
    if (!cmd_valid_o || cmd_ready_i) load = (have_q == '1 || here_good) && !halted_o;
  end

  // ---- which beat a slot stands for, and faults: seen before anything that the W beat wrote can leave
  logic [Words-1:0] old, there;  // of the slot that is written: parities, and words that are there if not behind
  logic             behind, slot_parity;
  (* ram_style = "distributed" *) logic [Words-1:0] parity_mem[DEPTH];
  always_comb begin
    old         = '0;
    slot_parity = 1'b0;
    there       = '0;
    behind      = 1'b0;
    if (beat_q) begin
      old         = parity_mem[slot_q];
      there       = ~(old ^ {Words{parity}});
      behind      = slot_q < rd_slot;
      slot_parity = parity ^ behind;
    end
  end
  // A word that is there, or another beat's generation, in this pass and in the next. Looked at in twos, and
  // the rest behind a register: the way from the memory to it is long enough.
  localparam int unsigned Twos = Words / 2;
  logic            halted_q, first_q, behind_q, wrong_here_q, wrong_next_q, part_q;
  logic [Twos-1:0] here_q, next_q;
  always_ff @(posedge clk_i) begin
    first_q         <= 1'b0;
    fault_address_o <= 1'b0;
    halted_q        <= halted_o;
    if (!rst_ni) begin
      halted_q <= 1'b0;
    end else if (beat_q) begin
      first_q         <= !bad_q && !halted_o;
      behind_q        <= behind;
      wrong_here_q    <= full_q[Words-1] && data_q[255:248] != gen_q;
      wrong_next_q    <= full_q[Words-1] && data_q[255:248] != gen_next_q;
      part_q          <= partial_q;
      fault_address_o <= bad_q;
      for (int unsigned i = 0; i < Twos; i++) begin
        here_q[i] <= (full_q[2*i +: 2] & there[2*i +: 2]) != '0;
        next_q[i] <= (full_q[2*i +: 2] & ~there[2*i +: 2]) != '0;
      end
    end
  end
  assign fault_generation_o = first_q && (behind_q ? wrong_next_q || next_q != '0 : wrong_here_q || here_q != '0);
  assign fault_partial_o    = first_q && part_q;
  assign halted_o           = halted_q || fault_generation_o || fault_partial_o || fault_address_o;

  // ---- memories: a write that is at fault may go in, since nothing leaves after it
  logic [IndexW:0] clear_q;
  assign clearing_o = !clear_q[IndexW];
  always_ff @(posedge clk_i) begin
    if (!rst_ni) clear_q <= '0;
    else if (clearing_o) clear_q <= clear_q + (IndexW + 1)'(1);
    if (clearing_o || beat_q) begin
      parity_mem[clearing_o ? clear_q[IndexW-1:0] : slot_q] <=
        clearing_o ? '0 : (old & ~full_q) | (full_q & {Words{slot_parity}});
    end
  end
  // A write may be a blocking one, since nothing else reads the memory, and is cheaper to simulate.
  for (genvar g = 0; g < Words; g++) begin : g_word
    (* ram_style = "distributed" *) logic [31:0] data_mem[DEPTH];
    always_ff @(posedge clk_i) begin
      if (load) cmd_data_o[g*32 +: 32] <= have_q[g] ? data_mem[rd_slot] : data_q[g*32 +: 32];
      /* verilator lint_off BLKSEQ */
      if (beat_q) begin
        if (full_q[g]) data_mem[slot_q] = data_q[g*32 +: 32];
      end
      /* verilator lint_on BLKSEQ */
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rd_q          <= '0;
      next_slot_q   <= IndexW'(1);
      next_parity_q <= 1'b1;
      gen_q         <= 8'd1;
      gen_next_q    <= 8'd2;
      have_q        <= '0;
      cmd_valid_o   <= 1'b0;
      taken_o       <= '0;
    end else begin
      if (load) begin
        rd_q        <= rd_q + 32'd1;
        next_slot_q <= next_slot_q + IndexW'(1);
        if (next_slot_q == '1) next_parity_q <= !next_parity_q;
        if (rd_slot == '1) begin
          gen_q      <= gen_next_q;
          gen_next_q <= gen_next_q + 8'd1;
        end
        have_q <= ~(parity_mem[next_slot_q] ^ {Words{next_parity_q}}) |
                  ((beat_q && slot_q == next_slot_q) ? full_q : '0);
      end else if (hit) begin
        have_q <= have_q | full_q;
      end
      if (!cmd_valid_o || cmd_ready_i) cmd_valid_o <= load;
      if (cmd_valid_o && cmd_ready_i) taken_o <= taken_o + 32'd1;
    end
  end

  // ---- words in the window: a beat of which nothing has come keeps complete ones behind it waiting
  logic [CountW-1:0] words_q, change_q;  // change_q: two's complement
  logic [3:0]        words_in, words_in_q;
  logic              out_q, words;
  assign words = (beat_q && full_q != '0) || words_in_q != '0 || change_q != '0 || words_q != '0;
  always_comb begin
    words_in = '0;
    if (beat_q) begin
      for (int unsigned i = 0; i < Words; i++) words_in = words_in + 4'(full_q[i]);
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      words_in_q <= '0;
      out_q      <= 1'b0;
      change_q   <= '0;
      words_q    <= '0;
      waiting_o  <= 1'b0;
    end else begin
      words_in_q <= words_in;
      out_q      <= load;
      change_q   <= CountW'(words_in_q) - CountW'({out_q, 3'b000});  // Words is 8
      words_q    <= words_q + change_q;
      waiting_o  <= 1'b1;
      if (!cmd_valid_o) waiting_o <= !halted_o && (words || (wvalid_i && wready_o));
    end
  end

  // ---- reads: nothing to see, one burst at a time
  logic [7:0] reads_q;
  assign rresp_o = RespOkay;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arready_o <= 1'b0;
      rvalid_o  <= 1'b0;
    end else begin
      arready_o <= 1'b0;
      if (rvalid_o) begin
        if (rready_i && rlast_o) begin
          rvalid_o  <= 1'b0;
          arready_o <= !quiesce_i && !clearing_o;
        end
      end else if (arvalid_i && arready_o) begin
        rvalid_o <= 1'b1;
      end else begin
        arready_o <= !quiesce_i && !clearing_o;
      end
    end
    if (!rvalid_o) begin
      if (arvalid_i) begin
        rid_o   <= arid_i;
        reads_q <= arlen_i;
        rlast_o <= arlen_i == 8'd0;
      end
    end else if (rready_i) begin
      reads_q <= reads_q - 8'd1;
      rlast_o <= reads_q == 8'd1;
    end
  end

  // Without quiesce a port may begin something at any time.
  always_comb begin
    drained_o = 1'b0;
    if (quiesce_i) begin
      drained_o = !awready_o && !cur_valid_q && !nxt_valid_q && !beat_q && !bvalid_o && !arready_o && !rvalid_o;
    end
  end

`ifndef SYNTHESIS
  logic         past_q, aw_wait_q, w_wait_q, b_wait_q, ar_wait_q, r_wait_q, cmd_wait_q;
  logic [32:0]  aw_q;
  logic [288:0] w_q;
  logic [5:0]   b_q;
  logic [11:0]  ar_q;
  logic [4:0]   r_q;
  logic [255:0] cmd_q;
  logic [1:0]   answers_q;            // bursts ended and not answered
  logic [7:0]   cur_left_q, nxt_len_q;  // W beats after this one
  logic         stir_q;               // beats moved in the last cycle
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    aw_wait_q  <= 1'b0;
    w_wait_q   <= 1'b0;
    b_wait_q   <= 1'b0;
    ar_wait_q  <= 1'b0;
    r_wait_q   <= 1'b0;
    cmd_wait_q <= 1'b0;
    if (awvalid_i && !awready_o) begin
      aw_wait_q <= 1'b1;
      aw_q      <= {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i};
    end
    if (wvalid_i && !wready_o) begin
      w_wait_q <= 1'b1;
      w_q      <= {wdata_i, wstrb_i, wlast_i};
    end
    if (bvalid_o && !bready_i) begin
      b_wait_q <= 1'b1;
      b_q      <= {bid_o, bresp_o};
    end
    if (arvalid_i && !arready_o) {ar_wait_q, ar_q} <= {1'b1, arid_i, arlen_i};
    if (rvalid_o && !rready_i) begin
      r_wait_q <= 1'b1;
      r_q      <= {rid_o, rlast_o};
    end
    if (cmd_valid_o && !cmd_ready_i) begin
      cmd_wait_q <= 1'b1;
      if (!cmd_wait_q) cmd_q <= cmd_data_o;
    end
    stir_q <= 1'b0;
    if (beat_q) stir_q <= rst_ni;
    if (!cmd_valid_o || cmd_ready_i) begin
      if (load || cmd_valid_o) stir_q <= rst_ni;
    end
    if (!rst_ni) answers_q <= '0;
    else if (w_end || bvalid_o) answers_q <= answers_q + {1'b0, w_end} - {1'b0, bvalid_o && bready_i};
    if (!cur_valid_q || w_end) begin
      if (nxt_valid_q) cur_left_q <= nxt_len_q;
      else if (awvalid_i) cur_left_q <= awlen_i;
    end else if (wvalid_i && wready_o) begin
      cur_left_q <= cur_left_q - 8'd1;
    end
    if (awvalid_i && awready_o) nxt_len_q <= awlen_i;
  end
  // All of these look only when something has come that they speak of: a simulator skips the rest.
  // AXI4, the master's part
  `HC_ASSUME_IN_IF(m_aw_holds, past_q && aw_wait_q,
                   awvalid_i && aw_q == {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i})
  `HC_ASSUME_IN_IF(m_w_holds, past_q && w_wait_q, wvalid_i && w_q == {wdata_i, wstrb_i, wlast_i})
  `HC_ASSUME_IN_IF(m_ar_holds, past_q && ar_wait_q, arvalid_i && ar_q == {arid_i, arlen_i})
  `HC_ASSUME_IN_IF(m_w_last, wvalid_i && wready_o, wlast_i == (cur_left_q == 8'd0))
  `HC_ASSUME_IN_IF(m_size, awvalid_i, awsize_i <= 3'd5)
  // AXI4 and AXI4-Stream, ours
  `HC_ASSERT_IF(a_b_holds, past_q && b_wait_q, bvalid_o && b_q == {bid_o, bresp_o})
  `HC_ASSERT_IF(a_r_holds, past_q && r_wait_q, rvalid_o && r_q == {rid_o, rlast_o})
  `HC_ASSERT_IF(a_cmd_holds, past_q && cmd_wait_q, cmd_valid_o && cmd_q == cmd_data_o)
  `HC_ASSERT_IF(a_b_after_last, bvalid_o, answers_q != '0)
  `HC_ASSERT_IF(a_b_all, bvalid_o || answers_q != '0, (answers_q != '0) == bvalid_o)
  `HC_ASSERT_IF(a_w_after_aw, wready_o, cur_valid_q)
  // The window
  `HC_ASSERT_IF(a_taken, stir_q, rd_q == taken_o + {31'd0, cmd_valid_o})
  `HC_ASSERT_IF(a_pass, stir_q, gen_q == 8'(rd_q >> IndexW) + 8'd1 && gen_next_q == gen_q + 8'd1)
  `HC_ASSERT_IF(a_offered_in_order, stir_q && cmd_valid_o, cmd_data_o[255:248] == 8'(taken_o >> IndexW) + 8'd1)
  `HC_ASSERT_IF(a_have, stir_q, clearing_o || have_q == ~(parity_mem[rd_slot] ^ {Words{parity}}))
  `HC_ASSERT_IF(a_no_write_while_clearing, clearing_o, !(cur_valid_q || beat_q))
  `HC_ASSERT_IF(a_halt_offers_nothing, load, !halted_o && !clearing_o)
  `HC_ASSERT_IF(a_words, change_q != '0, halted_o || words_q + change_q <= CountW'(DEPTH * Words))
  `HC_ASSERT_IF(a_words_next, !waiting_o, halted_o || clearing_o || have_q == '0 || words)
`endif
endmodule
`default_nettype wire
