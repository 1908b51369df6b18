// SPDX-License-Identifier: Apache-2.0
// Counts the cycles in which something waits without progress. expired_o pulses when they reach the
// limit (0: never; 1 counts as 2), and again after every further limit cycles. A limit that is lowered
// below the count has been reached.
// Latency: the pulse comes in the cycle after the last of `limit` waiting cycles in a row.
`default_nettype none
module hc_watchdog (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic [31:0] limit_i,
  input  wire logic        waiting_i,
  input  wire logic        progress_i,
  output      logic        expired_o
);
  logic [31:0] count_q, last_q;  // last_q: the count in the last cycle but one
  logic        on_q, last_but_one_q;

  // Read before written, the reset last: a simulator then keeps no second copies.
  always_ff @(posedge clk_i) begin
    if (waiting_i && on_q && !progress_i) begin
      if (!last_but_one_q) begin
        last_but_one_q <= count_q >= last_q;
        count_q        <= count_q + 32'd1;
        expired_o      <= 1'b0;
      end else begin
        last_but_one_q <= 1'b0;
        count_q        <= '0;
        expired_o      <= 1'b1;
      end
    end else begin
      last_but_one_q <= 1'b0;
      count_q        <= '0;
      expired_o      <= 1'b0;
    end
    on_q   <= limit_i != '0;
    last_q <= (limit_i <= 32'd2) ? '0 : limit_i - 32'd2;
    if (!rst_ni) begin
      count_q        <= '0;
      last_q         <= '0;
      on_q           <= 1'b0;
      last_but_one_q <= 1'b0;
      expired_o      <= 1'b0;
    end
  end
endmodule
`default_nettype wire
