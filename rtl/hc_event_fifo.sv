// SPDX-License-Identifier: Apache-2.0
// Event queue with a registered output. An event that meets an empty queue goes straight to the
// output register. cycle_out is stamped when the event reaches that register, and stays while the
// receiver makes it wait.
// Latency: 1 cycle when empty. Throughput: 1 event a cycle. in_ready_o is a register.
`default_nettype none
`include "hc_assert.svh"
module hc_event_fifo #(
  parameter int unsigned DEPTH = 16  // power of two, at least 2
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,
  input  wire logic [31:0]               cycle_i,
  input  wire logic                      in_valid_i,
  output      logic                      in_ready_o,
  input  wire logic [abi_pkg::BeatW-1:0] in_data_i,
  output      logic                      out_valid_o,
  input  wire logic                      out_ready_i,
  output      logic [abi_pkg::BeatW-1:0] out_data_o
);
  localparam int unsigned PtrW = $clog2(DEPTH);

  // The pointers wrap by themselves.
  if (DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin : g_bad_depth
    $error("the event queue's depth must be a power of two, at least 2");
  end

  logic [abi_pkg::BeatW-1:0] mem[DEPTH];
  logic [PtrW-1:0]           rd_q, wr_q;
  logic [PtrW:0]             used_q, used_d;
  logic                      out_free, push, pop, enter;
  logic [abi_pkg::BeatW-1:0] next;
  abi_pkg::evt_trigger_t     stamped;

  assign out_free = !out_valid_o || out_ready_i;
  assign enter    = in_valid_i && in_ready_o;
  assign pop      = out_free && used_q != '0;
  assign push     = enter && !(out_free && used_q == '0);
  assign used_d   = used_q + {{PtrW{1'b0}}, push} - {{PtrW{1'b0}}, pop};
  assign next     = (used_q != '0) ? mem[rd_q] : in_data_i;

  always_comb begin
    stamped           = next;
    stamped.cycle_out = cycle_i + 32'd1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rd_q        <= '0;
      wr_q        <= '0;
      used_q      <= '0;
      in_ready_o  <= 1'b0;
      out_valid_o <= 1'b0;
    end else begin
      if (push) wr_q <= wr_q + PtrW'(1);
      if (pop) rd_q <= rd_q + PtrW'(1);
      used_q     <= used_d;
      in_ready_o <= used_d != (PtrW + 1)'(DEPTH);
      if (out_free) out_valid_o <= pop || enter;
    end
    if (push) mem[wr_q] <= in_data_i;
    if (out_free && (pop || enter)) out_data_o <= stamped;
  end

  `HC_ASSERT(a_not_over, used_q <= (PtrW + 1)'(DEPTH))
  `HC_ASSERT(a_ready_means_room, !in_ready_o || used_q < (PtrW + 1)'(DEPTH))
  `HC_ASSERT(a_output_first, out_valid_o || used_q == '0)
endmodule
`default_nettype wire
