// SPDX-License-Identifier: Apache-2.0
// With PARITY: keeps what is to be told of flipped bits until hc_frontend has made an ERROR event of it. One row
// is named, with the asset whose coefficient was read. More rows than one, or memory that all rows share, before
// the report is taken: the report names no row, and the host loads all.
// Latency: flipped rows at the input are at the output 2 cycles later.
`default_nettype none
module hc_fault #(
  parameter int unsigned LANES  = 32,
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned PARITY = 0,
  localparam int unsigned LaneW = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW = (SLOTS > 1) ? $clog2(SLOTS) : 1
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic [LANES-1:0] flipped_i,  // lanes, of the slot
  input  wire logic [SlotW-1:0] slot_i,
  input  wire logic [11:0]      asset_i,
  input  wire logic             shared_i,   // prices, bands, counts of use
  output      logic             valid_o,    // holds until taken
  input  wire logic             taken_i,
  output      logic [23:0]      row_o,      // abi_pkg::RowAll: no single one
  output      logic [11:0]      asset_o,
  output      logic             busy_o      // one is at the output or will be
);
  if (PARITY != 0) begin : g_parity
    // Which lanes, by each bit of their number: both values of one bit mean two lanes.
    logic [LaneW-1:0] one_d, zero_d, one_q, zero_q;
    logic [SlotW-1:0] slot_q;
    logic [11:0]      asset_q;
    logic             shared_q, found, several, other, all_q;
    logic [23:0]      row, row_q;
    logic [11:0]      row_asset_q;
    always_comb begin
      one_d  = '0;
      zero_d = '0;
      for (int unsigned l = 0; l < LANES; l++) begin
        one_d  = one_d | (flipped_i[l] ? LaneW'(l) : '0);
        zero_d = zero_d | (flipped_i[l] ? LaneW'(~l) : '0);
      end
    end
    assign found   = one_q[0] || zero_q[0];
    assign several = (one_q & zero_q) != '0;
    assign row     = 24'(slot_q) * 24'(LANES) + 24'(one_q);
    assign other   = valid_o && !taken_i && (row != row_q || asset_q != row_asset_q);
    always_ff @(posedge clk_i) begin
      one_q   <= one_d;
      zero_q  <= zero_d;
      slot_q  <= slot_i;
      asset_q <= asset_i;
      if (found && (!valid_o || taken_i)) begin
        row_q       <= row;
        row_asset_q <= asset_q;
      end
      if (!rst_ni) begin
        one_q    <= '0;
        zero_q   <= '0;
        shared_q <= 1'b0;
        valid_o  <= 1'b0;
        all_q    <= 1'b0;
      end else begin
        shared_q <= shared_i;
        valid_o  <= found || shared_q || (valid_o && !taken_i);
        all_q    <= shared_q || (found && (several || other)) || (all_q && valid_o && !taken_i);
      end
    end
    assign row_o   = all_q ? abi_pkg::RowAll : row_q;
    assign asset_o = all_q ? '0 : row_asset_q;
    assign busy_o  = found || shared_q || valid_o;
  end else begin : g_no_parity
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused  = (&{1'b0, clk_i, rst_ni, slot_i, asset_i, shared_i, taken_i}) || (|flipped_i);
    assign valid_o = 1'b0;
    assign row_o   = '0;
    assign asset_o = '0;
    assign busy_o  = 1'b0;
  end
endmodule
`default_nettype wire
