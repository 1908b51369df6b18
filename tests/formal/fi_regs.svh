// SPDX-License-Identifier: Apache-2.0
// Properties of hc_regs beside its own (prove.py, key `inside`): every request is answered, soon and once; what
// the host sets is kept; a counter's two halves are of one moment.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  always_comb begin
    m_soft: assume (rst_ni || !soft_rst_ni);
  end

  // A read is answered 3 cycles after its address, a write 2 cycles after both its parts, when the last answer
  // has gone; no answer without a request.
  logic [1:0] fv_aw_q, fv_w_q;     // parts accepted and not answered
  logic [2:0] fv_read_q;           // cycles since the address
  logic       fv_reading_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fv_aw_q      <= '0;
      fv_w_q       <= '0;
      fv_reading_q <= 1'b0;
    end else begin
      fv_aw_q <= fv_aw_q + 2'(awvalid_i && awready_o) - 2'(bvalid_o && bready_i);
      fv_w_q  <= fv_w_q + 2'(wvalid_i && wready_o) - 2'(bvalid_o && bready_i);
      if (arvalid_i && arready_o) fv_reading_q <= 1'b1;
      else if (rvalid_o && rready_i) fv_reading_q <= 1'b0;
    end
    if (arvalid_i && arready_o) fv_read_q <= 3'd1;
    else if (fv_read_q != '1) fv_read_q <= fv_read_q + 3'd1;
  end
  `HC_ASSERT(f_r_soon, !fv_reading_q || rvalid_o == (fv_read_q >= 3'd3))
  `HC_ASSERT(f_r_only_asked, fv_reading_q || !rvalid_o)
  `HC_ASSERT(f_b_only_asked, !bvalid_o || (fv_aw_q != '0 && fv_w_q != '0))
  `HC_ASSERT(f_b_soon, bvalid_o || !(fv_aw_q != '0 && fv_w_q != '0) || act)
  `HC_ASSERT(f_few, fv_aw_q <= 2'd2 && fv_w_q <= 2'd2)
  `HC_ASSERT(f_ready, awready_o == !aw_full_q && (fv_reading_q || arready_o))

  // The watchdog's limit stands for the settings: written bytewise, changed by nothing else.
  logic [31:0] fv_limit_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) fv_limit_q <= '0;
    else if (act && aw_q == abi_pkg::RegWatchdog) begin
      for (int unsigned i = 0; i < 4; i++) if (strb_q[i]) fv_limit_q[i*8 +: 8] <= w_q[i*8 +: 8];
    end
  end
  `HC_ASSERT(f_setting, watchdog_q == fv_limit_q)
  // RING_BASE does not move while events may be written.
  logic        fv_enabled_q;
  logic [63:0] fv_base_q;
  always_ff @(posedge clk_i) begin
    fv_enabled_q <= rst_ni && enable_o;
    fv_base_q    <= ring_base_o;
  end
  `HC_ASSERT(f_base_stands, !fv_enabled_q || ring_base_o == fv_base_q)

  // The cycle counter: the high word read after the low one is of the same moment.
  logic [63:0] fv_now_q, fv_moment_q;
  logic        fv_latched_q, fv_is_low_q, fv_is_high_q, fv_other_q;
  always_ff @(posedge clk_i) begin
    fv_now_q <= cycle_o;  // what the first register of the multiplexer holds
    if (arvalid_i && arready_o) begin
      fv_is_low_q  <= {araddr_i[11:2], 2'b00} == abi_pkg::RegCycles;
      fv_is_high_q <= {araddr_i[11:2], 2'b00} == abi_pkg::RegCycles + 12'd4;
      fv_other_q   <= {araddr_i[11:2], 2'b00} != abi_pkg::RegCycles
                   && {araddr_i[11:2], 2'b00} != abi_pkg::RegCycles + 12'd4;
    end
    if (!rst_ni) fv_latched_q <= 1'b0;
    else if (read_q[1]) begin
      fv_latched_q <= (fv_latched_q && !fv_other_q) || fv_is_low_q;
      if (fv_is_low_q) fv_moment_q <= fv_now_q;
    end
  end
  `HC_ASSERT(f_low, !(rvalid_o && fv_is_low_q) || rdata_o == fv_moment_q[31:0])
  `HC_ASSERT(f_high, !(rvalid_o && fv_is_high_q && fv_latched_q) || rdata_o == fv_moment_q[63:32])

  always_ff @(posedge clk_i) if (rst_ni) begin
    c_pair: cover (rvalid_o && fv_is_high_q && fv_latched_q && rready_i);
    c_data_first: cover (bvalid_o && watchdog_q == 32'h00ff0000 && fv_aw_q == 2'd1);
    c_held: cover (rvalid_o && !rready_i && arvalid_i);
    c_two_writes: cover (bvalid_o && fv_aw_q == 2'd2 && fv_w_q == 2'd2);
    c_kept_while_enabled: cover (act && enable_o && aw_q == abi_pkg::RegRingBase && w_q[31:16] != '0);
  end
