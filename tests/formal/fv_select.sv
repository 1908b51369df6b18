// SPDX-License-Identifier: Apache-2.0
// hc_select against the plain definition of "lowest set bit", for every vector: index, rest, and the path
// that leads a multiplexer tree of fours to that bit's data.
`default_nettype none
`include "fv.svh"
module fv_select #(
  parameter int unsigned N = 64,
  localparam int unsigned IdxW = (N > 1) ? $clog2(N) : 1
) (
  input wire logic         clk_i,
  input wire logic [N-1:0] vec_i
);
  logic            rst_ni;
  logic            any, more;
  logic [IdxW-1:0] index;
  logic [N-1:0]    rest;
  logic [41:0]     path;
  assign rst_ni = 1'b1;

  hc_select #(
    .N(N)
  ) u_dut (
    .vec_i  (vec_i),
    .any_o  (any),
    .more_o (more),
    .index_o(index),
    .rest_o (rest),
    .path_o (path)
  );

  logic            found, second;
  logic [IdxW-1:0] at;
  logic [5:0]      where;
  always_comb begin
    found   = 1'b0;
    second  = 1'b0;
    at      = '0;
    for (int unsigned i = 0; i < N; i++) begin
      if (vec_i[i]) begin
        if (found) begin
          second = 1'b1;
        end else begin
          at = IdxW'(i);
        end
        found = 1'b1;
      end
    end
  end
  `FV_ASSERT(a_any, any == found)
  `FV_ASSERT(a_more, more == second)
  assign where = 6'(at);
  `FV_ASSERT(a_index, !found || index == at)
  `FV_ASSERT(a_path, !found || (path[1:0] == where[5:4] && path[2 + 2*where[5:4] +: 2] == where[3:2] &&
             path[10 + 2*where[5:2] +: 2] == where[1:0]))
  `FV_ASSERT(a_rest, rest == (found ? vec_i & ~(N'(1) << at) : '0))
  `FV_COVER(c_none, !any)
  `FV_COVER(c_last, any && index == IdxW'(N - 1))
  `FV_COVER(c_all, vec_i == '1)
endmodule
`default_nettype wire
