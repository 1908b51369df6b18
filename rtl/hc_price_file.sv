// SPDX-License-Identifier: Apache-2.0
// Price and guard band of every asset. Read and written in the same cycle, so a tick right after
// another tick of the same asset sees its price: no forwarding.
// Latency: 0 cycles (read is combinational, a write is seen from the next cycle on).
`default_nettype none
module hc_price_file #(
  parameter int unsigned ASSETS = 256,
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
  output      logic [hc_pkg::PriceW-1:0] hi_o
);
  (* ram_style = "distributed" *) logic [hc_pkg::PriceW-1:0] price_mem[ASSETS];
  (* ram_style = "distributed" *) logic [hc_pkg::PriceW-1:0] lo_mem[ASSETS];
  (* ram_style = "distributed" *) logic [hc_pkg::PriceW-1:0] hi_mem[ASSETS];

  always_comb begin
    price_o = 'x;
    lo_o    = 'x;
    hi_o    = 'x;
    if (rd_i) begin
      price_o = price_mem[index_i];
      lo_o    = lo_mem[index_i];
      hi_o    = hi_mem[index_i];
    end
  end

  always_ff @(posedge clk_i) begin
    if (price_we_i) price_mem[we_index_i] <= price_i;
    if (band_we_i) begin
      lo_mem[we_index_i] <= lo_i;
      hi_mem[we_index_i] <= hi_i;
    end
  end
endmodule
`default_nettype wire
