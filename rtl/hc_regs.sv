// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite slave: identity, geometry, status, error flags, counters (docs/registers.md). One
// access at a time. Reading the low word of a 64-bit register latches its high word, so the pair is
// consistent.
// Latency: read data is valid in the cycle after the address is taken.
`default_nettype none
`include "hc_assert.svh"
module hc_regs #(
  parameter int unsigned LANES  = 32,
  parameter int unsigned SLOTS  = 16,
  parameter int unsigned ASSETS = 256,
  parameter logic [63:0] BUILD_HASH = 64'd0
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  // AXI4-Lite
  input  wire logic        awvalid_i,
  output      logic        awready_o,
  input  wire logic [11:0] awaddr_i,
  input  wire logic        wvalid_i,
  output      logic        wready_o,
  input  wire logic [31:0] wdata_i,
  input  wire logic [3:0]  wstrb_i,
  output      logic        bvalid_o,
  input  wire logic        bready_i,
  input  wire logic        arvalid_i,
  output      logic        arready_o,
  input  wire logic [11:0] araddr_i,
  output      logic        rvalid_o,
  input  wire logic        rready_i,
  output      logic [31:0] rdata_o,
  // status
  input  wire logic        idle_i,
  input  wire logic        clearing_i,
  input  wire logic        loading_i,
  // what is counted
  input  wire logic        command_i,
  input  wire logic        event_i,
  input  wire logic        tick_i,
  input  wire logic        row_i,
  input  wire logic        trigger_i,
  input  wire logic        band_exit_i,
  input  wire logic        error_i,
  input  wire logic [3:0]  error_code_i,
  input  wire logic        stall_in_i,
  input  wire logic        stall_out_i,
  input  wire logic        frozen_i,
  output      logic [31:0] cycle_o
);
  logic [63:0] commands_q, events_q, ticks_q, rows_q, triggers_q, band_exits_q, errors_q;
  logic [63:0] cycles_q, stall_in_q, stall_out_q, frozen_q;
  logic [31:0] flags_q, clear_flags, high_q, word;
  logic [63:0] value;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      commands_q   <= '0;
      events_q     <= '0;
      ticks_q      <= '0;
      rows_q       <= '0;
      triggers_q   <= '0;
      band_exits_q <= '0;
      errors_q     <= '0;
      cycles_q     <= '0;
      stall_in_q   <= '0;
      stall_out_q  <= '0;
      frozen_q     <= '0;
    end else begin
      commands_q   <= commands_q + 64'(command_i);
      events_q     <= events_q + 64'(event_i);
      ticks_q      <= ticks_q + 64'(tick_i);
      rows_q       <= rows_q + 64'(row_i);
      triggers_q   <= triggers_q + 64'(trigger_i);
      band_exits_q <= band_exits_q + 64'(band_exit_i);
      errors_q     <= errors_q + 64'(error_i);
      cycles_q     <= cycles_q + 64'd1;
      stall_in_q   <= stall_in_q + 64'(stall_in_i);
      stall_out_q  <= stall_out_q + 64'(stall_out_i);
      frozen_q     <= frozen_q + 64'(frozen_i);
    end
  end
  assign cycle_o = cycles_q[31:0];

  // ---- writes: only the error flags
  logic write;
  assign write     = awvalid_i && wvalid_i && !bvalid_o;
  assign awready_o = write;
  assign wready_o  = write;
  always_comb begin
    clear_flags = '0;
    if (write && awaddr_i == abi_pkg::RegErrorFlags) begin
      for (int unsigned i = 0; i < 4; i++) begin
        if (wstrb_i[i]) clear_flags[i*8 +: 8] = wdata_i[i*8 +: 8];
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bvalid_o <= 1'b0;
      flags_q  <= '0;
    end else begin
      if (write) bvalid_o <= 1'b1;
      else if (bready_i) bvalid_o <= 1'b0;
      flags_q <= (flags_q & ~clear_flags) | (error_i ? (32'd1 << error_code_i) : 32'd0);
    end
  end

  // ---- reads
  logic read, is_high;
  assign read      = arvalid_i && arready_o;
  assign arready_o = !rvalid_o;
  always_comb begin
    case ({araddr_i[11:3], 3'b000})
      abi_pkg::RegMagic:      value = {abi_pkg::Version, abi_pkg::Magic};
      abi_pkg::RegAbiHash:    value = abi_pkg::Hash;
      abi_pkg::RegBuildHash:  value = BUILD_HASH;
      abi_pkg::RegLanes:      value = {32'(SLOTS), 32'(LANES)};
      abi_pkg::RegAssets:     value = {29'd0, loading_i, clearing_i, idle_i, 32'(ASSETS)};
      abi_pkg::RegErrorFlags: value = {32'd0, flags_q};
      abi_pkg::RegCommands:   value = commands_q;
      abi_pkg::RegEvents:     value = events_q;
      abi_pkg::RegTicks:      value = ticks_q;
      abi_pkg::RegRows:       value = rows_q;
      abi_pkg::RegTriggers:   value = triggers_q;
      abi_pkg::RegBandExits:  value = band_exits_q;
      abi_pkg::RegErrors:     value = errors_q;
      abi_pkg::RegCycles:     value = cycles_q;
      abi_pkg::RegStallIn:    value = stall_in_q;
      abi_pkg::RegStallOut:   value = stall_out_q;
      abi_pkg::RegFrozen:     value = frozen_q;
      default:                value = '0;
    endcase
  end
  // Below the counters two 32-bit registers share a 64-bit place; there the high half is live.
  assign is_high = araddr_i[2];
  always_comb begin
    if (!is_high) word = value[31:0];
    else if (araddr_i < abi_pkg::RegCommands) word = value[63:32];
    else word = high_q;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rvalid_o <= 1'b0;
    end else begin
      if (read) rvalid_o <= 1'b1;
      else if (rready_i) rvalid_o <= 1'b0;
    end
    if (read) begin
      rdata_o <= word;
      if (!is_high) high_q <= value[63:32];
    end
  end

  // The pairing above rests on these places.
  if (abi_pkg::RegAbiVersion != abi_pkg::RegMagic + 12'd4 ||
      abi_pkg::RegSlots != abi_pkg::RegLanes + 12'd4 ||
      abi_pkg::RegStatus != abi_pkg::RegAssets + 12'd4) begin : g_bad_map
    $error("register pairs moved: adapt the read multiplexer");
  end
  `HC_ASSERT(a_error_code, !error_i || error_code_i != 4'd0)
endmodule
`default_nettype wire
