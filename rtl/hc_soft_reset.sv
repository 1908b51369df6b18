// SPDX-License-Identifier: Apache-2.0
// Soft reset of core, window and ring, without breaking a transaction on either AXI port: ask both to
// finish what they have begun (quiesce), wait until they have (drained), then hold the reset.
// A bus that does not finish is given DRAIN_LIMIT cycles; then the reset is done all the same, and
// what the bus still owes is lost. undrained_o then stays up until the hard reset: only a reset of the
// whole card helps such a bus.
// Latency: request to reset 3 cycles when nothing is in flight; the reset is held for HOLD cycles.
`default_nettype none
`include "hc_assert.svh"
module hc_soft_reset #(
  parameter int unsigned DRAIN_LIMIT = 65536,  // cycles, a power of two
  parameter int unsigned HOLD        = 8       // cycles, a power of two below DRAIN_LIMIT
) (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic request_i,    // a pulse; ignored while busy
  input  wire logic drained_i,    // means something only two cycles after quiesce_o rose
  output      logic quiesce_o,
  output      logic soft_rst_no,  // reset of core, window, ring; low in a hard reset too
  output      logic busy_o,
  output      logic undrained_o   // a soft reset did not wait to the end since the hard reset
);
  localparam int unsigned CountW = $clog2(DRAIN_LIMIT);
  logic [CountW-1:0] count_q;
  logic              run_q, settled_q, drained_q;

  if ((DRAIN_LIMIT & (DRAIN_LIMIT - 1)) != 0 || (HOLD & (HOLD - 1)) != 0 || HOLD >= DRAIN_LIMIT ||
      HOLD < 2) begin : g_bad_limit
    $error("DRAIN_LIMIT and HOLD must be powers of two, 2 <= HOLD < DRAIN_LIMIT");
  end

  assign busy_o      = quiesce_o || !run_q;
  // The hard reset goes through at once: what it resets must not see one more cycle of a bus in reset.
  assign soft_rst_no = run_q && rst_ni;

  // Read before written, the reset last: a simulator then keeps no second copies.
  always_ff @(posedge clk_i) begin
    if (quiesce_o) begin
      settled_q <= count_q[1];
      if ((settled_q && drained_q) || count_q == '1) begin
        undrained_o <= undrained_o || !(settled_q && drained_q);
        run_q       <= 1'b0;
        quiesce_o   <= 1'b0;
        count_q     <= '0;
      end else begin
        count_q <= count_q + CountW'(1);
      end
      drained_q <= drained_i;
    end else if (!run_q) begin
      settled_q <= 1'b0;
      if (count_q[$clog2(HOLD)-1:0] == '1) begin
        run_q   <= 1'b1;
        count_q <= '0;
      end else begin
        count_q <= count_q + CountW'(1);
      end
    end else if (request_i) begin
      quiesce_o <= 1'b1;
    end
    if (!rst_ni) begin
      count_q     <= '0;
      settled_q   <= 1'b0;
      quiesce_o   <= 1'b0;
      run_q       <= 1'b0;
      undrained_o <= 1'b0;
    end
  end

  `HC_ASSERT_IF(a_one_phase, quiesce_o, run_q)
endmodule
`default_nettype wire
