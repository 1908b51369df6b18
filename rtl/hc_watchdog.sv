// SPDX-License-Identifier: Apache-2.0
// Counts the cycles in which something waits without progress. expired_o pulses when they reach the
// limit (0: never), and again after every further limit cycles.
// Latency: the pulse comes 2 cycles after the last of `limit` waiting cycles in a row.
`default_nettype none
module hc_watchdog (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic [31:0] limit_i,
  input  wire logic        waiting_i,
  input  wire logic        progress_i,
  output      logic        expired_o
);
  logic [31:0] count_q;
  logic        on_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q   <= '0;
      on_q      <= 1'b0;
      expired_o <= 1'b0;
    end else begin
      on_q      <= limit_i != '0;
      expired_o <= count_q == limit_i && count_q != '0 && !expired_o;
      if (!on_q || !waiting_i || progress_i || expired_o) count_q <= '0;
      else count_q <= count_q + 32'd1;
    end
  end
endmodule
`default_nettype wire
