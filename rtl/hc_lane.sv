// SPDX-License-Identifier: Apache-2.0
// One lane: the coefficients and H of SLOTS rows. Each piece of state is touched in one stage only
// (coefficients in a, H in h), so operations need no forwarding however close they follow. Never stands
// still. Armed bits and what makes a hit are hc_lane_array's.
//   a  read or write the coefficient      m  coefficient and change meet the multipliers
//   p  two partial products [their sum one stage later with MUL_REG]      h  H and its sign
// The sum of a hit waits in a small ring until the collector has made an event of it.
// With PARITY each coefficient is kept with the parity it was written with, compared in m. Of H the parity is worked out a cycle
// behind h (v), so that it is no part of h's path; it is kept and compared in hc_lane_array, one word a slot for all lanes.
// Latency: a coefficient address in a gives h_negative_o 2 + MUL_REG cycles later.
`default_nettype none
module hc_lane #(
  parameter int unsigned SLOTS   = 16,
  parameter int unsigned ASSETS  = 256,
  parameter int unsigned DEPTH   = 32,  // of the ring
  parameter int unsigned MUL_REG = 1,
  parameter int unsigned PARITY  = 0,
  localparam int unsigned SlotW = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned AddrW = (SLOTS * ASSETS > 1) ? $clog2(SLOTS * ASSETS) : 1,
  localparam int unsigned RingW = $clog2(DEPTH)
) (
  input  wire logic                             clk_i,
  // a
  input  wire logic                             a_rd_i,      // with every write too
  input  wire logic                             a_we_i,
  input  wire logic        [AddrW-1:0]          a_addr_i,
  input  wire logic signed [hc_pkg::CoefW-1:0]  a_coef_i,
  input  wire logic                             a_parity_i,  // of a_coef_i
  // m
  input  wire logic                             m_acc_i,
  input  wire logic signed [hc_pkg::DeltaW-1:0] m_delta_i,
  output      logic                             m_nonzero_o, // the coefficient that a read, or wrote over
  output      logic                             m_flipped_o, // it is not what was written; 0 without PARITY
  // p, with MUL_REG
  input  wire logic                             p_acc_i,
  // h
  input  wire logic                             h_act_i,     // there is an operation
  input  wire logic        [SlotW-1:0]          h_slot_i,
  input  wire logic                             h_val_i,     // start from the value, not from H
  input  wire logic        [hc_pkg::HW-1:0]     h_value_i,
  input  wire logic                             h_we_i,      // the sum becomes H
  output      logic                             h_negative_o,
  input  wire logic                             h_hit_i,     // the sum is to be kept
  input  wire logic        [RingW-1:0]          h_ring_i,    // and where
  // v: a cycle after h; 0 without PARITY
  output      logic                             v_old_o,     // parity of the H that h read
  output      logic                             v_sum_o,     // and of the sum
  // sum of an earlier hit
  input  wire logic        [RingW-1:0]          pick_ring_i,
  output      logic        [hc_pkg::HW-1:0]     pick_h_o
);
  // The change is split so that each product fits one DSP: 27 x 18 signed twice.
  localparam int unsigned LowW  = 17;
  localparam int unsigned HighW = hc_pkg::DeltaW - LowW;
  // A partial product fits CoefW + HighW bits. It is held in 64, which a simulator adds as they are;
  // synthesis drops the copies of the sign.
  localparam int unsigned PartW = hc_pkg::HW;

  // ---- a: coefficients. A write reads what it overwrites; it may be a blocking one, since nothing else
  // reads the memory, and is cheaper to simulate.
  localparam int unsigned WordW = hc_pkg::CoefW + ((PARITY != 0) ? 1 : 0);
  logic        [WordW-1:0]         coef_mem[SLOTS*ASSETS];
  logic        [WordW-1:0]         m_word_q;
  logic signed [hc_pkg::CoefW-1:0] m_coef;
  always_ff @(posedge clk_i) begin
    if (a_rd_i) begin
      m_word_q <= coef_mem[a_addr_i];
      /* verilator lint_off BLKSEQ */
      if (a_we_i) coef_mem[a_addr_i] = WordW'({a_parity_i, a_coef_i});
      /* verilator lint_on BLKSEQ */
    end
  end
  assign m_coef      = $signed(m_word_q[hc_pkg::CoefW-1:0]);
  assign m_nonzero_o = m_coef != '0;

  // Parity is worked out by sixes, since a LUT takes six.
  localparam int unsigned Six = 6;
  localparam int unsigned CoefSixes = (hc_pkg::CoefW + 1 + Six - 1) / Six;
  logic [CoefSixes*Six-1:0] m_padded;
  logic [CoefSixes-1:0]     m_sixes;
  assign m_padded    = (CoefSixes * Six)'(m_word_q);
  for (genvar i = 0; i < CoefSixes; i++) begin : g_six
    assign m_sixes[i] = ^m_padded[i*Six +: Six];
  end
  assign m_flipped_o = (PARITY != 0) && (^m_sixes);

  // ---- m, p: product
  logic signed [HighW-1:0]            low, high;
  logic signed [PartW-1:0]            p_low_q, p_high_q;
  /* verilator lint_off UNUSEDSIGNAL */ // above ProductW there is only the sign again
  logic signed [PartW-1:0]            p_product;
  /* verilator lint_on UNUSEDSIGNAL */
  logic signed [hc_pkg::ProductW-1:0] product;
  assign low  = $signed({1'b0, m_delta_i[LowW-1:0]});
  assign high = $signed(m_delta_i[hc_pkg::DeltaW-1:LowW]);
  // Zero for every operation that does not accumulate, so that h adds without a gate.
  always_ff @(posedge clk_i) begin
    if (m_acc_i) begin
      p_low_q  <= PartW'(m_coef) * PartW'(low);
      p_high_q <= PartW'(m_coef) * PartW'(high);
    end else begin
      p_low_q  <= '0;
      p_high_q <= '0;
    end
  end
  assign p_product = p_low_q + (p_high_q <<< LowW);
  if (MUL_REG != 0) begin : g_mul_reg
    logic signed [hc_pkg::ProductW-1:0] h_product_q;
    always_ff @(posedge clk_i) begin
      if (p_acc_i) h_product_q <= hc_pkg::ProductW'(p_product);
      else h_product_q <= '0;
    end
    assign product = h_product_q;
  end else begin : g_no_mul_reg
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused  = p_acc_i;
    assign product = hc_pkg::ProductW'(p_product);
  end

  // ---- h. The sum is written with the narrower operand first and extended by the `+` itself: Yosys then
  // spends one LUT a bit on it.
  (* ram_style = "distributed" *) logic [hc_pkg::HW-1:0] h_mem[SLOTS];
  logic [hc_pkg::HW-1:0] sum;
  always_comb begin
    /* verilator lint_off WIDTH */
    if (h_act_i) sum = $signed(product) + $signed(h_val_i ? h_value_i : h_mem[h_slot_i]);
    /* verilator lint_on WIDTH */
    else sum = 'x;  // not looked at
  end
  assign h_negative_o = sum[hc_pkg::HW-1];
  always_ff @(posedge clk_i) if (h_we_i) h_mem[h_slot_i] <= sum;

  // ---- v: what h read and wrote, a cycle later
  if (PARITY != 0) begin : g_parity
    localparam int unsigned Sixes = (hc_pkg::HW + Six - 1) / Six;
    logic [Sixes*Six-1:0] h_old, h_sum;
    logic [Sixes-1:0]     v_old_q, v_sum_q;
    assign h_old = (Sixes * Six)'(h_mem[h_slot_i]);
    assign h_sum = (Sixes * Six)'(sum);
    always_ff @(posedge clk_i) begin
      if (h_act_i) begin
        for (int unsigned i = 0; i < Sixes; i++) begin
          v_old_q[i] <= ^h_old[i*Six +: Six];
          v_sum_q[i] <= ^h_sum[i*Six +: Six];
        end
      end
    end
    assign v_old_o = ^v_old_q;
    assign v_sum_o = ^v_sum_q;
  end else begin : g_no_parity
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused  = a_parity_i;
    assign v_old_o = 1'b0;
    assign v_sum_o = 1'b0;
  end

  // ---- sums of hits. The write may be a blocking one, too: what is picked is never in the place that is
  // being written (a_ring_apart in hc_collector).
  (* ram_style = "distributed" *) logic [hc_pkg::HW-1:0] ring_mem[DEPTH];
  always_ff @(posedge clk_i) begin
    /* verilator lint_off BLKSEQ */
    if (h_hit_i) ring_mem[h_ring_i] = sum;
    /* verilator lint_on BLKSEQ */
  end
  assign pick_h_o = ring_mem[pick_ring_i];
endmodule
`default_nettype wire
