// SPDX-License-Identifier: Apache-2.0
// One lane: SLOTS rows with their coefficients, H and armed bit. Each piece of state is touched in
// one stage only (coefficients in c1, H and armed in c4), so operations need no forwarding however
// close they follow.
//   c1 read or write the coefficient   c2 two partial products   c3 their sum   c4 H, sign, armed
// Latency: a coefficient address in c1 gives hit_o in c4 (combinational) and h_o in c5.
`default_nettype none
module hc_lane #(
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  localparam int unsigned SlotW = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned AddrW = (SLOTS * ASSETS > 1) ? $clog2(SLOTS * ASSETS) : 1
) (
  input  wire logic                             clk_i,
  input  wire logic                             en_i,        // pipeline advances
  // c1
  input  wire logic                             c1_we_i,
  input  wire logic                             c1_acc_i,    // the operation accumulates
  input  wire logic        [AddrW-1:0]          c1_addr_i,
  input  wire logic signed [hc_pkg::CoefW-1:0]  c1_coef_i,
  // c2
  input  wire logic                             c2_acc_i,
  input  wire logic signed [hc_pkg::DeltaW-1:0] c2_delta_i,
  // c3
  input  wire logic                             c3_acc_i,
  // c4
  input  wire logic        [SlotW-1:0]          c4_slot_i,
  input  wire logic                             c4_sel_i,    // this lane is selected
  /* verilator lint_off UNUSEDSIGNAL */ // the lane needs not every bit
  input  wire hc_pkg::ctl_t                     c4_ctl_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  wire logic        [hc_pkg::HW-1:0]     c4_value_i,
  output      logic                             c4_hit_o,
  // c5
  output      logic        [hc_pkg::HW-1:0]     c5_h_o,      // of the last hit
  output      logic                             c5_armed_o   // before that operation
);
  // The change is split so that each product fits one DSP: 27 x 18 signed twice.
  localparam int unsigned LowW  = 17;
  localparam int unsigned HighW = hc_pkg::DeltaW - LowW;
  localparam int unsigned PartW = hc_pkg::CoefW + HighW;

  // ---- c1: coefficients
  logic signed [hc_pkg::CoefW-1:0] coef_mem[SLOTS*ASSETS];
  logic signed [hc_pkg::CoefW-1:0] c2_coef_q;
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (c1_we_i) coef_mem[c1_addr_i] <= c1_coef_i;
      else if (c1_acc_i) c2_coef_q <= coef_mem[c1_addr_i];
    end
  end

  // ---- c2, c3: product
  logic signed [HighW-1:0]            low, high;
  logic signed [PartW-1:0]            c3_low_q, c3_high_q;
  logic signed [hc_pkg::ProductW-1:0] c4_product_q;
  assign low  = $signed({1'b0, c2_delta_i[LowW-1:0]});
  assign high = $signed(c2_delta_i[hc_pkg::DeltaW-1:LowW]);
  always_ff @(posedge clk_i) begin
    if (en_i && c2_acc_i) begin
      c3_low_q  <= PartW'(c2_coef_q) * PartW'(low);
      c3_high_q <= PartW'(c2_coef_q) * PartW'(high);
    end
    if (en_i && c3_acc_i) begin
      c4_product_q <= hc_pkg::ProductW'(c3_low_q) + (hc_pkg::ProductW'(c3_high_q) <<< LowW);
    end
  end

  // ---- c4: H and armed
  logic [hc_pkg::HW-1:0] h_mem[SLOTS];
  logic                  armed_mem[SLOTS];
  logic [hc_pkg::HW-1:0] sum;
  logic                  armed, negative, set_h, set_arm;
  assign sum      = h_mem[c4_slot_i] + (c4_ctl_i.acc ? hc_pkg::HW'(c4_product_q) : '0);
  assign armed    = armed_mem[c4_slot_i];
  assign negative = sum[hc_pkg::HW-1];
  assign set_h    = c4_ctl_i.h_set && c4_sel_i;
  assign set_arm  = c4_ctl_i.arm_set && c4_sel_i;
  assign c4_hit_o = (c4_ctl_i.judge && armed && negative)
                 || (set_arm && c4_ctl_i.arm_val && negative)
                 || (c4_ctl_i.read && c4_sel_i);
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (set_h) h_mem[c4_slot_i] <= c4_value_i;
      else if (c4_ctl_i.acc) h_mem[c4_slot_i] <= sum;
      if (set_h || (c4_ctl_i.judge && negative)) armed_mem[c4_slot_i] <= 1'b0;
      else if (set_arm) armed_mem[c4_slot_i] <= c4_ctl_i.arm_val && !negative;
      if (c4_hit_o) begin
        c5_h_o     <= sum;
        c5_armed_o <= armed;
      end
    end
  end
endmodule
`default_nettype wire
