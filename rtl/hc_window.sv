// SPDX-License-Identifier: Apache-2.0
// Command window: an AXI4 write slave in front, whole command beats in index order behind.
// Beat k is written to slot k mod DEPTH, in pieces of any size from a 32-bit word up, in any order. A
// word's completeness is one bit, the parity of the pass over the window in which it was written;
// which pass a write belongs to follows from the beats taken, since the host writes a slot again only
// after its beat was taken (credit). So nothing has to be cleared when a beat leaves.
// Latency: beat valid 1 cycle after the W beat that completes it, when its predecessor has left.
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
  output      logic         waiting_o,           // a beat is offered, or words are there; falls up to 3 cycles late
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
  logic        cur_valid_q, cur_bad_q, nxt_valid_q, nxt_valid_d, nxt_bad_q, err_q;
  logic [3:0]  cur_id_q, nxt_id_q;
  logic [16:0] cur_addr_q, step_addr;  // one bit more, so that running over the top is noticed
  logic [15:0] nxt_addr_q;
  logic [2:0]  cur_size_q, nxt_size_q;
  logic        aw_fire, w_fire, w_end, cur_free, not_incr, b_ready, bad;

  assign aw_fire     = awvalid_i && awready_o;
  assign w_fire      = wvalid_i && wready_o;
  assign w_end       = w_fire && wlast_i;
  assign cur_free    = !cur_valid_q || w_end;
  assign nxt_valid_d = !cur_free && (nxt_valid_q || aw_fire);
  assign not_incr    = awburst_i != BurstIncr;
  assign wready_o    = cur_valid_q && b_ready;
  assign step_addr   = (cur_addr_q & (17'h1ffff << cur_size_q)) + (17'd1 << cur_size_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awready_o   <= 1'b0;
      cur_valid_q <= 1'b0;
      nxt_valid_q <= 1'b0;
    end else begin
      awready_o   <= !nxt_valid_d && !quiesce_i && !clearing_o;
      nxt_valid_q <= nxt_valid_d;
      if (cur_free) cur_valid_q <= nxt_valid_q || aw_fire;
    end
    if (cur_free) begin
      cur_id_q   <= nxt_valid_q ? nxt_id_q : awid_i;
      cur_size_q <= nxt_valid_q ? nxt_size_q : awsize_i;
      cur_bad_q  <= nxt_valid_q ? nxt_bad_q : not_incr;
      cur_addr_q <= {1'b0, nxt_valid_q ? nxt_addr_q : awaddr_i};
    end else if (w_fire) begin
      cur_addr_q <= step_addr;
    end
    if (awready_o) begin
      nxt_id_q   <= awid_i;
      nxt_size_q <= awsize_i;
      nxt_bad_q  <= not_incr;
      nxt_addr_q <= awaddr_i;
    end
    if (cur_free) err_q <= 1'b0;
    else if (w_fire && bad) err_q <= 1'b1;
  end

  // ---- write data
  logic [IndexW-1:0] slot;
  logic [Words-1:0]  full, part;
  logic              partial;
  assign slot    = cur_addr_q[IndexW+4:5];
  assign bad     = cur_bad_q || (cur_addr_q >> (IndexW + 5)) != '0;
  assign partial = part != '0;
  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      full[i] = wstrb_i[i*4 +: 4] == 4'hf;
      part[i] = wstrb_i[i*4 +: 4] != 4'hf && wstrb_i[i*4 +: 4] != 4'h0;
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

  // ---- which beat a slot stands for: the next one to leave is rd_q
  logic [31:0]       rd_q;
  logic [IndexW-1:0] rd_slot;
  logic [7:0]        gen_q, gen_next_q;  // of this pass, and of the next
  logic              parity, slot_parity, behind, hit, gen_here, gen_next, load;
  assign rd_slot     = rd_q[IndexW-1:0];
  assign parity      = gen_q[0];
  assign behind      = slot < rd_slot;
  assign slot_parity = parity ^ behind;
  assign hit         = w_fire && slot == rd_slot;
  assign gen_here    = wdata_i[255:248] == gen_q;
  assign gen_next    = wdata_i[255:248] == gen_next_q;

  // ---- memories: a write that is at fault may go in, since nothing leaves after it
  logic [IndexW:0]  clear_q;
  logic [Words-1:0] have, twice;
  logic [255:0]     mem_data;
  assign clearing_o = !clear_q[IndexW];
  for (genvar g = 0; g < Words; g++) begin : g_word
    (* ram_style = "distributed" *) logic [31:0] data_mem[DEPTH];
    (* ram_style = "distributed" *) logic        parity_mem[DEPTH];
    logic [IndexW-1:0] parity_addr;
    assign parity_addr            = clearing_o ? clear_q[IndexW-1:0] : slot;
    assign mem_data[g*32 +: 32]   = data_mem[rd_slot];
    assign have[g]                = parity_mem[rd_slot] == parity;
    assign twice[g]               = full[g] && parity_mem[slot] == slot_parity;
    always_ff @(posedge clk_i) begin
      if (w_fire && full[g]) data_mem[slot] <= wdata_i[g*32 +: 32];
      if (clearing_o || (w_fire && full[g])) parity_mem[parity_addr] <= slot_parity && !clearing_o;
    end
  end

  // ---- words in the window: a beat of which nothing has come keeps complete ones behind it waiting
  logic [CountW-1:0] words_q, change_q;  // change_q: two's complement
  logic [Words-1:0]  in_q;
  logic [3:0]        words_in;
  logic              out_q, words;
  assign words = in_q != '0 || change_q != '0 || words_q != '0;
  always_comb begin
    words_in = '0;
    for (int unsigned i = 0; i < Words; i++) words_in = words_in + 4'(in_q[i]);
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_q     <= '0;
      out_q    <= 1'b0;
      change_q <= '0;
      words_q  <= '0;
    end else begin
      in_q     <= w_fire ? full : '0;
      out_q    <= load;
      change_q <= CountW'(words_in) - (out_q ? CountW'(Words) : '0);
      words_q  <= words_q + change_q;
    end
  end

  // ---- beats out: what comes in right now may be what was missing
  logic here_good;
  assign here_good = hit && !bad && !partial && (gen_here || !full[Words-1]);
  // Exactly what was missing: a word that comes a second time is a fault, and its beat is not offered.
  assign load = (have == '1 || (here_good && have == ~full)) && !halted_o &&
                (!cmd_valid_o || cmd_ready_i) && !clearing_o;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clear_q     <= '0;
      rd_q        <= '0;
      gen_q       <= 8'd1;
      gen_next_q  <= 8'd2;
      cmd_valid_o <= 1'b0;
      taken_o     <= '0;
      waiting_o   <= 1'b0;
    end else begin
      if (clearing_o) clear_q <= clear_q + (IndexW + 1)'(1);
      if (load) begin
        rd_q <= rd_q + 32'd1;
        if (rd_slot == '1) begin
          gen_q      <= gen_next_q;
          gen_next_q <= gen_next_q + 8'd1;
        end
      end
      if (!cmd_valid_o || cmd_ready_i) cmd_valid_o <= load;
      if (cmd_valid_o && cmd_ready_i) taken_o <= taken_o + 32'd1;
      waiting_o <= cmd_valid_o || (!halted_o && words);
    end
    if (load) begin
      for (int unsigned i = 0; i < Words; i++) begin
        cmd_data_o[i*32 +: 32] <= have[i] ? mem_data[i*32 +: 32] : wdata_i[i*32 +: 32];
      end
    end
  end

  // ---- faults: seen in the cycle of the W beat, before anything it wrote can leave
  logic bad_gen, bad_part, bad_addr;
  assign bad_addr = w_fire && bad;
  assign bad_part = w_fire && !bad && partial;
  assign bad_gen  = w_fire && !bad && ((full[Words-1] && !(behind ? gen_next : gen_here)) || twice != '0);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      halted_o           <= 1'b0;
      fault_generation_o <= 1'b0;
      fault_partial_o    <= 1'b0;
      fault_address_o    <= 1'b0;
    end else begin
      if (bad_gen || bad_part || bad_addr) halted_o <= 1'b1;
      fault_generation_o <= bad_gen && !halted_o;
      fault_partial_o    <= bad_part && !halted_o;
      fault_address_o    <= bad_addr;
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
      arready_o <= !quiesce_i && !clearing_o && (rvalid_o ? rready_i && rlast_o : !(arvalid_i && arready_o));
      if (!rvalid_o) rvalid_o <= arvalid_i && arready_o;
      else if (rready_i && rlast_o) rvalid_o <= 1'b0;
    end
    if (!rvalid_o) begin
      rid_o   <= arid_i;
      reads_q <= arlen_i;
      rlast_o <= arlen_i == 8'd0;
    end else if (rready_i) begin
      reads_q <= reads_q - 8'd1;
      rlast_o <= reads_q == 8'd1;
    end
  end

  assign drained_o = !awready_o && !cur_valid_q && !nxt_valid_q && !bvalid_o && !arready_o && !rvalid_o;

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
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    aw_wait_q  <= awvalid_i && !awready_o;
    w_wait_q   <= wvalid_i && !wready_o;
    b_wait_q   <= bvalid_o && !bready_i;
    ar_wait_q  <= arvalid_i && !arready_o;
    r_wait_q   <= rvalid_o && !rready_i;
    cmd_wait_q <= cmd_valid_o && !cmd_ready_i;
    aw_q       <= {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i};
    w_q        <= {wdata_i, wstrb_i, wlast_i};
    b_q        <= {bid_o, bresp_o};
    ar_q       <= {arid_i, arlen_i};
    r_q        <= {rid_o, rlast_o};
    cmd_q      <= cmd_data_o;
    if (!rst_ni) answers_q <= '0;
    else answers_q <= answers_q + {1'b0, w_end} - {1'b0, bvalid_o && bready_i};
    if (cur_free) cur_left_q <= nxt_valid_q ? nxt_len_q : awlen_i;
    else if (w_fire) cur_left_q <= cur_left_q - 8'd1;
    if (awready_o) nxt_len_q <= awlen_i;
  end
  // AXI4, the master's part
  `HC_ASSUME_IN(m_aw_holds, !(past_q && aw_wait_q) ||
                (awvalid_i && aw_q == {awid_i, awaddr_i, awlen_i, awsize_i, awburst_i}))
  `HC_ASSUME_IN(m_w_holds, !(past_q && w_wait_q) || (wvalid_i && w_q == {wdata_i, wstrb_i, wlast_i}))
  `HC_ASSUME_IN(m_ar_holds, !(past_q && ar_wait_q) || (arvalid_i && ar_q == {arid_i, arlen_i}))
  `HC_ASSUME_IN(m_w_last, !w_fire || wlast_i == (cur_left_q == 8'd0))
  `HC_ASSUME_IN(m_size, !awvalid_i || awsize_i <= 3'd5)
  // AXI4 and AXI4-Stream, ours
  `HC_ASSERT(a_b_holds, !(past_q && b_wait_q) || (bvalid_o && b_q == {bid_o, bresp_o}))
  `HC_ASSERT(a_b_after_last, !bvalid_o || answers_q != '0)
  `HC_ASSERT(a_b_all, (answers_q != '0) == bvalid_o)
  `HC_ASSERT(a_r_holds, !(past_q && r_wait_q) || (rvalid_o && r_q == {rid_o, rlast_o}))
  `HC_ASSERT(a_w_after_aw, !wready_o || cur_valid_q)
  `HC_ASSERT(a_cmd_holds, !(past_q && cmd_wait_q) || (cmd_valid_o && cmd_q == cmd_data_o))
  // The window
  `HC_ASSERT(a_taken, rd_q == taken_o + {31'd0, cmd_valid_o})
  `HC_ASSERT(a_pass, gen_q == 8'(rd_q >> IndexW) + 8'd1 && gen_next_q == gen_q + 8'd1)
  `HC_ASSERT(a_offered_in_order, !cmd_valid_o ||
             cmd_data_o[255:248] == 8'(taken_o >> IndexW) + 8'd1)
  `HC_ASSERT(a_no_write_while_clearing, !clearing_o || !cur_valid_q)
  `HC_ASSERT(a_halt_offers_nothing, !halted_o || !load)
  `HC_ASSERT(a_words, halted_o || words_q + change_q <= CountW'(DEPTH * Words))
  `HC_ASSERT(a_words_next, halted_o || clearing_o || have == '0 || words)
`endif
endmodule
`default_nettype wire
