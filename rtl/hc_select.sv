// SPDX-License-Identifier: Apache-2.0
// Lowest set bit of a vector, by a tree of fours. path_o steers a multiplexer tree of the same shape over
// data that belongs to the bits: a LUT of six inputs is a four-way multiplexer, so that 32 elements take
// three levels, and the selects of its first level are known after one.
// Latency: combinational.
`default_nettype none
module hc_select #(
  parameter int unsigned N = 32,  // at most 64
  localparam int unsigned IdxW = (N > 1) ? $clog2(N) : 1
) (
  input  wire logic [N-1:0]    vec_i,
  output      logic            any_o,
  output      logic            more_o,   // at least two bits are set
  output      logic [IdxW-1:0] index_o,  // of the lowest set bit; anything if there is none
  output      logic [N-1:0]    rest_o,   // the vector without it
  output      logic [41:0]     path_o    // first of every quad, of every 16, of 64: 2 bits each
);
  localparam int unsigned Q0 = (N + 3) / 4;   // groups of 4 bits
  localparam int unsigned Q1 = (Q0 + 3) / 4;  // groups of 16
  if (N < 1 || N > 64) begin : g_bad_n
    $error("N must be 1 to 64");
  end

  function automatic logic [1:0] first4(input logic [2:0] v);  // bit 3 needs no look
    first4 = v[0] ? 2'd0 : v[1] ? 2'd1 : v[2] ? 2'd2 : 2'd3;
  endfunction
  function automatic logic two_of(input logic [5:0] v);  // at least two of six
    logic one;
    one    = 1'b0;
    two_of = 1'b0;
    for (int unsigned i = 0; i < 6; i++) begin
      two_of = two_of || (one && v[i]);
      one    = one || v[i];
    end
  endfunction

  // Level 0: quads of bits; level 1: quads of quads; level 2: up to four of those.
  logic [63:0] v;
  logic [15:0] any0;
  logic [31:0] idx0;
  /* verilator lint_off UNUSEDSIGNAL */ // the last of four needs no look
  logic [3:0]  any1;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [7:0]  idx1;
  logic [1:0]  idx2;
  assign v = 64'(vec_i);
  // A simulator may pass over all of it when no bit is set, as in nearly every cycle. Gates may not: the
  // condition would cost a level and changes nothing that anybody looks at (proofs select and select_gates).
`ifdef SYNTHESIS
`define HC_SELECT_ANY 1'b1
`else
`define HC_SELECT_ANY (vec_i != '0)
`endif
  always_comb begin
    if (`HC_SELECT_ANY) begin
      any0 = '0;
      idx0 = '0;
      for (int unsigned g = 0; g < Q0; g++) begin
        any0[g]         = |v[4*g +: 4];
        idx0[2*g +: 2]  = first4(v[4*g +: 3]);
      end
      any1 = '0;
      idx1 = '0;
      for (int unsigned g = 0; g < Q1; g++) begin
        any1[g]        = |any0[4*g +: 4];
        idx1[2*g +: 2] = first4(any0[4*g +: 3]);
      end
      idx2 = first4(any1[2:0]);
    end else begin
      {any0, idx0, any1, idx1, idx2} = 'x;
    end
  end
  assign any_o  = |vec_i;

  // At least two, by sixes: two levels and the last OR.
  localparam int unsigned Sixes = (N + 5) / 6;
  logic [65:0]     w;
  logic [11:0]     any6, two6;
  assign w = 66'(vec_i);
  always_comb begin
    any6   = '0;
    two6   = '0;
    more_o = 1'b0;
    if (`HC_SELECT_ANY) begin
      for (int unsigned g = 0; g < Sixes; g++) begin
        any6[g] = |w[6*g +: 6];
        two6[g] = two_of(w[6*g +: 6]);
      end
      more_o = two_of(any6[5:0]) || two_of(any6[11:6]) || ((|any6[5:0]) && (|any6[11:6])) || (|two6);
    end
  end

  logic [1:0] at1, at0;
  assign at1     = idx1[{idx2, 1'b0} +: 2];
  assign at0     = idx0[{idx2, at1, 1'b0} +: 2];
  /* verilator lint_off UNUSEDSIGNAL */ // a small vector needs not all six bits
  logic [5:0] index;
  /* verilator lint_on UNUSEDSIGNAL */
  assign index   = {idx2, at1, at0};
  assign path_o  = {idx0, idx1, idx2};
  assign index_o = index[IdxW-1:0];

  // Bit i stays if it is not the lowest of its quad, or its quad is not the first.
  always_comb begin
    rest_o = '0;
    if (`HC_SELECT_ANY) begin
      for (int unsigned i = 0; i < N; i++) begin
        rest_o[i] = v[i] && !(idx0[2*(i/4) +: 2] == 2'(i % 4) && idx1[2*(i/16) +: 2] == 2'((i / 4) % 4)
                              && idx2 == 2'(i / 16));
      end
    end
  end
endmodule
`undef HC_SELECT_ANY
`default_nettype wire
