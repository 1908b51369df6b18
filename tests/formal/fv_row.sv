// SPDX-License-Identifier: Apache-2.0
// One row as the specification has it: each operation is carried out at once, one after the other. Two
// parts: the coefficients and the product of the operation at hand here, H and the armed bit in fv_row_h. The
// second may be fed later than the first, by the same number of cycles for every operation: a state machine
// that gets the same sequence later gives the same answers later.
`default_nettype none
module fv_row #(
  parameter int unsigned ASSETS = 2,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic                              clk_i,
  input  wire logic                              rst_ni,      // what was known is known no more
  input  wire hc_pkg::ctl_t                      ctl_i,
  input  wire logic                              mine_i,      // the operation selects this row
  input  wire logic        [IndexW-1:0]          index_i,
  input  wire logic signed [hc_pkg::CoefW-1:0]   coef_i,
  input  wire logic                              delta_we_i,
  input  wire logic signed [hc_pkg::DeltaW-1:0]  delta_i,
  output      logic                              known_o,     // every coefficient has been written
  output      logic signed [hc_pkg::ProductW-1:0] product_o,
  output      logic        [ASSETS-1:0]          nonzero_o    // before the operation
);
  logic [ASSETS*hc_pkg::CoefW-1:0]  coefs_q;
  logic [ASSETS-1:0]                known_q;
  logic signed [hc_pkg::DeltaW-1:0] delta_q, delta;
  logic signed [hc_pkg::CoefW-1:0]  coef;
  initial known_q = '0;
  assign known_o   = known_q == '1;
  assign delta     = delta_we_i ? delta_i : delta_q;
  assign coef      = $signed(coefs_q[32'(index_i)*hc_pkg::CoefW +: hc_pkg::CoefW]);
  assign product_o = hc_pkg::ProductW'(coef) * hc_pkg::ProductW'(delta);
  always_comb begin
    for (int unsigned a = 0; a < ASSETS; a++) nonzero_o[a] = coefs_q[a*hc_pkg::CoefW +: hc_pkg::CoefW] != '0;
  end
  always_ff @(posedge clk_i) begin
    if (delta_we_i) delta_q <= delta_i;
    if (mine_i && ctl_i.coef_we) begin
      coefs_q[32'(index_i)*hc_pkg::CoefW +: hc_pkg::CoefW] <= coef_i;
      known_q[index_i] <= 1'b1;
    end
    if (!rst_ni) known_q <= '0;
  end
endmodule

module fv_row_h (
  input  wire logic                               clk_i,
  input  wire logic                               rst_ni,   // as in fv_row
  input  wire hc_pkg::ctl_t                       ctl_i,
  input  wire logic                               here_i,   // the operation is one of this row's slot
  input  wire logic                               mine_i,   // and selects its lane
  input  wire logic signed [hc_pkg::ProductW-1:0] product_i,
  input  wire logic        [hc_pkg::HW-1:0]       value_i,
  output      logic                               known_o,  // H has been written
  output      logic                               fires_o,
  output      logic                               read_o,   // answers a READ
  output      logic                               armed_o,  // before the operation
  output      logic        [hc_pkg::HW-1:0]       h_o,      // before the operation
  output      logic        [hc_pkg::HW-1:0]       sum_o     // in the operation
);
  logic negative;
  initial known_o = 1'b0;
  assign sum_o    = (ctl_i.val ? value_i : h_o) + (ctl_i.acc ? hc_pkg::HW'(product_i) : '0);
  assign negative = sum_o[hc_pkg::HW-1];
  // At a group's end when armed, at ROW and ARM when it is to be armed: below zero, it fires instead.
  assign fires_o  = negative && ((here_i && ctl_i.judge && armed_o) || (mine_i && ctl_i.arm_set && ctl_i.arm_val));
  assign read_o   = mine_i && ctl_i.read;
  always_ff @(posedge clk_i) begin
    if (here_i && ctl_i.h_all) h_o <= sum_o;
    if (mine_i && ctl_i.h_set) begin
      h_o     <= sum_o;
      known_o <= 1'b1;
      armed_o <= 1'b0;  // unless it is armed in the same operation
    end
    if (mine_i && ctl_i.arm_set) armed_o <= ctl_i.arm_val;
    if (fires_o) armed_o <= 1'b0;
    if (!rst_ni) known_o <= 1'b0;
  end
endmodule
`default_nettype wire
