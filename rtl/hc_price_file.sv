// SPDX-License-Identifier: Apache-2.0
// Price and guard band of every asset. Read and written in the same cycle, so a tick right after
// another tick of the same asset sees its price: no forwarding.
// With PARITY each is kept with the parity it was written with; what was read is compared a cycle later.
// Latency: 0 cycles (read is combinational, a write is seen from the next cycle on).
`default_nettype none
module hc_price_file #(
  parameter int unsigned ASSETS = 256,
  parameter int unsigned PARITY = 0,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic                      clk_i,
  input  wire logic                      rd_i,        // else what is read is anything
  input  wire logic [IndexW-1:0]         index_i,     // read
  input  wire logic [IndexW-1:0]         we_index_i,  // written
  input  wire logic                      price_we_i,
  input  wire logic [hc_pkg::PriceW-1:0] price_i,
  input  wire logic                      band_we_i,
  input  wire logic [hc_pkg::PriceW-1:0] lo_i,
  input  wire logic [hc_pkg::PriceW-1:0] hi_i,
  output      logic [hc_pkg::PriceW-1:0] price_o,
  output      logic [hc_pkg::PriceW-1:0] lo_o,
  output      logic [hc_pkg::PriceW-1:0] hi_o,
  input  wire logic                      check_i,   // what is read is used
  output      logic                      flipped_o  // a cycle later: it was not what was written; 0 without PARITY
);
  localparam int unsigned WordW = hc_pkg::PriceW + ((PARITY != 0) ? 1 : 0);
  (* ram_style = "distributed" *) logic [WordW-1:0] price_mem[ASSETS];
  (* ram_style = "distributed" *) logic [WordW-1:0] lo_mem[ASSETS];
  (* ram_style = "distributed" *) logic [WordW-1:0] hi_mem[ASSETS];
  logic [WordW-1:0] price, lo, hi;

  always_comb begin
    price = 'x;
    lo    = 'x;
    hi    = 'x;
    if (rd_i) begin
      price = price_mem[index_i];
      lo    = lo_mem[index_i];
      hi    = hi_mem[index_i];
    end
  end
  assign price_o = price[hc_pkg::PriceW-1:0];
  assign lo_o    = lo[hc_pkg::PriceW-1:0];
  assign hi_o    = hi[hc_pkg::PriceW-1:0];

  // The parity is the top bit, and is dropped where there is none.
  always_ff @(posedge clk_i) begin
    if (price_we_i) price_mem[we_index_i] <= WordW'({(PARITY != 0) && (^price_i), price_i});
    if (band_we_i) begin
      lo_mem[we_index_i] <= WordW'({(PARITY != 0) && (^lo_i), lo_i});
      hi_mem[we_index_i] <= WordW'({(PARITY != 0) && (^hi_i), hi_i});
    end
  end

  if (PARITY != 0) begin : g_parity
    logic [WordW-1:0] price_q, lo_q, hi_q;
    logic             check_q;
    always_ff @(posedge clk_i) begin
      check_q <= check_i;
      if (check_i) begin
        price_q <= price;
        lo_q    <= lo;
        hi_q    <= hi;
      end
    end
    assign flipped_o = check_q && ((^price_q) || (^lo_q) || (^hi_q));
  end else begin : g_no_parity
    /* verilator lint_off UNUSEDSIGNAL */
    logic unused;
    /* verilator lint_on UNUSEDSIGNAL */
    assign unused    = check_i;
    assign flipped_o = 1'b0;
  end
endmodule
`default_nettype wire
