// SPDX-License-Identifier: Apache-2.0
// Properties of hc_ring, read inside the module (prove.py, key `inside`) since which write is an event record
// and which a status record shows only there. The host: reads records that were answered, tells its count
// when it likes, and may at any time have nonsense in the register that claims nothing unread.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  (* anyconst *) logic [4:0]  fv_log2;
  localparam logic [63:0]     fv_base = 64'h0000_0001_0000_0fc0;  // a page's end lies in the ring of 4
  localparam logic [63:0]     fv_status_base = 64'h0000_0000_8000_0040;
  (* anyseq *)   logic        fv_mark, fv_read;
  always_comb begin
    m_config: assume (log2_i == fv_log2 && base_i == fv_base && status_base_i == fv_status_base);
    m_small: assume (fv_log2 <= 5'd2);
  end

  // ---- host: how many records it has read, and what RING_CONSUMED holds
  logic [31:0] fv_host_q, fv_claim;
  assign fv_claim = consumed_i - fv_host_q;  // 0: the truth; 1 to what is unread: a lie
  always_ff @(posedge clk_i) begin
    if (!rst_ni) fv_host_q <= '0;
    else if (fv_read && fv_host_q != produced_o) fv_host_q <= fv_host_q + 32'd1;
  end
  always_comb if (rst_ni) begin
    m_host: assume (fv_claim == '0 || fv_claim > issued_q - fv_host_q);
  end
  logic [31:0] fv_unread;
  assign fv_unread = issued_q - fv_host_q;
  `HC_ASSERT(f_unread_kept, fv_unread <= (32'd1 << fv_log2))   // never written over
  `HC_ASSERT(f_taken_if_free, !s_ready_o || fv_unread < (32'd1 << fv_log2))

  // ---- the marked event: where it is in the two channels
  logic        fv_marked_q, fv_aw_done_q, fv_w_done_q, fv_m;
  logic [2:0]  fv_aw_fly_q, fv_w_fly_q, fv_aw_ahead_q, fv_w_ahead_q;
  logic [31:0] fv_index_q;
  logic [15:0] fv_low_q;
  logic [6:0]  fv_high_q;
  logic        fv_push, fv_aw, fv_w;
  assign fv_push = push_event || push_status;
  assign fv_aw   = awvalid_o && awready_i;
  assign fv_w    = wvalid_o && wready_i;
  assign fv_m    = fv_mark && push_event && !fv_marked_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fv_aw_fly_q <= '0;
      fv_w_fly_q  <= '0;
      fv_marked_q <= 1'b0;
    end else begin
      fv_aw_fly_q <= fv_aw_fly_q + 3'(fv_push) - 3'(fv_aw);
      fv_w_fly_q  <= fv_w_fly_q + 3'(fv_push) - 3'(fv_w);
      if (fv_m) fv_marked_q <= 1'b1;
    end
    if (fv_m) begin
      fv_aw_ahead_q <= fv_aw_fly_q - 3'(fv_aw);
      fv_w_ahead_q  <= fv_w_fly_q - 3'(fv_w);
      fv_aw_done_q  <= 1'b0;
      fv_w_done_q   <= 1'b0;
      fv_index_q    <= issued_q;
      fv_low_q      <= s_data_i[15:0];
      fv_high_q     <= s_data_i[255:249];
    end else begin
      if (fv_aw) fv_aw_ahead_q <= fv_aw_ahead_q - 3'd1;
      if (fv_w) fv_w_ahead_q <= fv_w_ahead_q - 3'd1;
      if (fv_aw && fv_aw_ahead_q == '0) fv_aw_done_q <= 1'b1;
      if (fv_w && fv_w_ahead_q == '0) fv_w_done_q <= 1'b1;
    end
  end
  logic fv_aw_turn, fv_w_turn;
  logic [31:0] fv_place;
  assign fv_aw_turn = fv_marked_q && !fv_aw_done_q && fv_aw_ahead_q == '0;
  assign fv_w_turn  = fv_marked_q && !fv_w_done_q && fv_w_ahead_q == '0;
  assign fv_place   = fv_index_q & ((32'd1 << fv_log2) - 32'd1);
  `HC_ASSERT(f_no_write_lost, awvalid_o == (fv_aw_fly_q != '0) && wvalid_o == (fv_w_fly_q != '0))
  `HC_ASSERT(f_address, !fv_aw_turn || awaddr_o == fv_base + {27'd0, fv_place, 5'd0})
  logic fv_w_wait_q;
  logic [23:0] fv_w_q;
  always_ff @(posedge clk_i) begin
    fv_w_wait_q <= rst_ni && wvalid_o && !wready_i;
    fv_w_q      <= {wdata_o[255:248], wdata_o[15:0]};
  end
  `HC_ASSERT(f_w_holds, !fv_w_wait_q || (wvalid_o && fv_w_q == {wdata_o[255:248], wdata_o[15:0]}))
  `HC_ASSERT(f_data, !fv_w_turn || (wdata_o[15:0] == fv_low_q && wdata_o[255:249] == fv_high_q))
  `HC_ASSERT(f_phase, !fv_w_turn || wdata_o[248] == !(fv_log2 == 5'd1 ? fv_index_q[1] : fv_index_q[2]))
  `HC_ASSERT(f_one_beat, awlen_o == '0 && awsize_o == 3'd5 && awburst_o == 2'b01 && wlast_o && wstrb_o == '1)
  // Every event is counted where it is taken: the next one has the next place.
  logic        fv_first_q;
  logic [31:0] fv_issued_q;
  always_ff @(posedge clk_i) begin
    fv_first_q  <= rst_ni;
    fv_issued_q <= issued_q + 32'(s_valid_i && s_ready_o);
  end
  `HC_ASSERT(f_counts, !fv_first_q || issued_q == fv_issued_q)
  logic [1:0] fv_quiet_q;  // cycles of quiet, at most 3
  `HC_ASSERT(f_quiet, !(push_status && fv_quiet_q == 2'd3))
  always_ff @(posedge clk_i) begin
    if (!quiet_i || !rst_ni) fv_quiet_q <= '0;
    else if (fv_quiet_q != 2'd3) fv_quiet_q <= fv_quiet_q + 2'd1;
  end

  always_ff @(posedge clk_i) if (rst_ni) begin
    c_wrap: cover (fv_aw_turn && fv_place == '0 && fv_index_q == 32'd4 && awaddr_o == fv_base);
    c_full: cover (full_o && fv_unread == 32'd4);
    c_second_phase: cover (fv_w_turn && !wdata_o[248] && fv_log2 == 5'd1);
    c_status: cover (push_status && issued_q == 32'd1);
    c_apart: cover (fv_aw_turn && fv_w_done_q);
    c_nonsense: cover (consumed_i == 32'hdeadbeef && fv_host_q == 32'd1 && push_event);
  end
