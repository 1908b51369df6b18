// SPDX-License-Identifier: Apache-2.0
// A small hc_core between a few pins, so that it can be placed and routed: commands are shifted in bit
// by bit, what comes out is folded to one bit. For its frequency only; nothing useful can be done with it.
// Each input of the core comes from a register and each output ends in one, the fold a level a cycle, so
// that the longest path is the core's own.
`default_nettype none
module ice40_wrap #(
  parameter int unsigned LANES   = 2,
  parameter int unsigned SLOTS   = 1,
  parameter int unsigned ASSETS  = 4,
  parameter int unsigned MUL_REG = 1
) (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic bit_i,    // commands, lowest bit last
  input  wire logic valid_i,
  input  wire logic ready_i,
  output      logic bit_o
);
  logic         rst_q, valid_q, ready_q;
  logic [31:0]  cycle_q;
  logic [255:0] in_q;
  always_ff @(posedge clk_i) begin
    rst_q   <= rst_ni;
    valid_q <= valid_i;
    ready_q <= ready_i;
    cycle_q <= {cycle_q[30:0], bit_i};
    in_q    <= {in_q[254:0], bit_i};
  end

  logic            in_ready, out_valid;
  logic [255:0]    out;
  hc_pkg::status_t status;
  hc_core #(
    .LANES  (LANES),
    .SLOTS  (SLOTS),
    .ASSETS (ASSETS),
    .MUL_REG(MUL_REG)
  ) u_core (
    .clk_i        (clk_i),
    .rst_ni       (rst_q),
    .cycle_i      (cycle_q),
    .s_axis_tvalid(valid_q),
    .s_axis_tready(in_ready),
    .s_axis_tdata (in_q),
    .m_axis_tvalid(out_valid),
    .m_axis_tready(ready_q),
    .m_axis_tdata (out),
    .status_o     (status)
  );

  // 256 bits by fours in four steps. Status and handshakes have a step of registers of their own.
  localparam int unsigned StatusW = $bits(status);
  logic [63:0]        fold0_q;
  logic [15:0]        fold1_q;
  logic [3:0]         fold2_q;
  logic [StatusW+1:0] status_q;
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < 64; i++) fold0_q[i] <= ^out[4*i +: 4];
    for (int unsigned i = 0; i < 16; i++) fold1_q[i] <= ^fold0_q[4*i +: 4];
    for (int unsigned i = 0; i < 4; i++) fold2_q[i] <= ^fold1_q[4*i +: 4];
    status_q <= {status, in_ready, out_valid};
    bit_o    <= ^{fold2_q, status_q};
  end
endmodule
`default_nettype wire
