// SPDX-License-Identifier: Apache-2.0
// The core's two streams, read inside hc_core. Its own assertions say that valid and data hold; here: the
// other side's part.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  logic         fv_wait_q, fv_out_wait_q;
  logic [255:0] fv_in_q, fv_out_q;
  initial fv_wait_q = 1'b0;
  initial fv_out_wait_q = 1'b0;
  always_ff @(posedge clk_i) begin
    fv_wait_q     <= rst_ni && s_axis_tvalid && !s_axis_tready;
    fv_in_q       <= s_axis_tdata;
    fv_out_wait_q <= rst_ni && m_axis_tvalid && !m_axis_tready;
    fv_out_q      <= m_axis_tdata;
  end
  always_comb if (rst_ni && fv_wait_q) begin
    m_holds: assume (s_axis_tvalid && s_axis_tdata == fv_in_q);
  end
  `HC_ASSERT(f_holds, !fv_out_wait_q || (m_axis_tvalid && m_axis_tdata == fv_out_q))
  `HC_ASSERT(f_not_in_reset, !clearing || !s_axis_tready)
  logic [3:0] fv_waits_q;  // cycles an event has waited
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !m_axis_tvalid || m_axis_tready) fv_waits_q <= '0;
    else if (fv_waits_q != '1) fv_waits_q <= fv_waits_q + 4'd1;
  end
  always_ff @(posedge clk_i) if (rst_ni) begin
    c_waits: cover (m_axis_tready && fv_waits_q == 4'd2);
    c_trigger: cover (m_axis_tvalid && m_axis_tready && m_axis_tdata[7:0] == abi_pkg::EvtTrigger && fv_out_wait_q);
    c_band_exit: cover (m_axis_tvalid && m_axis_tdata[7:0] == abi_pkg::EvtBandExit);
  end
