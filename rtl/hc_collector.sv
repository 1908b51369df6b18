// SPDX-License-Identifier: Apache-2.0
// Holds one micro-operation's results in c5 and makes its events: first the operation's own
// (BAND_EXIT, SYNC, ERROR), then those of the lanes that hit, in ascending lane. One event a cycle;
// while more than one is left the pipeline stands still, so nothing is ever lost and the order is
// the stream's.
// Latency: hits in c4 give their first event in c5 (combinational from registers).
`default_nettype none
`include "hc_assert.svh"
module hc_collector #(
  parameter int unsigned LANES = 32,
  parameter int unsigned SLOTS = 16,
  localparam int unsigned SlotW = (SLOTS > 1) ? $clog2(SLOTS) : 1
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,
  input  wire logic [LANES-1:0]          c4_hit_i,
  input  wire logic                      c4_emit_i,
  input  wire hc_pkg::meta_t             c5_meta_i,
  input  wire logic                      c5_read_i,
  input  wire logic [SlotW-1:0]          c5_slot_i,
  input  wire logic [LANES*hc_pkg::HW-1:0] c5_h_i,
  input  wire logic [LANES-1:0]          c5_armed_i,
  output      logic                      en_o,         // pipeline may advance
  output      logic                      evt_valid_o,
  input  wire logic                      evt_ready_i,
  output      logic [abi_pkg::BeatW-1:0] evt_data_o,   // cycle_out still 0
  output      logic                      trigger_o,    // kind of the event, for the counters
  output      logic                      band_exit_o,
  output      logic                      error_o
);
  localparam int unsigned LaneB = $clog2(LANES);

  logic [LANES-1:0] pend_q, first, rest;
  logic             emit_q, any, more;

  // Lowest pending lane as one bit, and what is left without it.
  assign first = pend_q & (~pend_q + LANES'(1));
  assign rest  = pend_q ^ first;
  assign any   = emit_q || (|pend_q);
  assign more  = emit_q ? (|pend_q) : (|rest);
  assign en_o  = !any || (evt_ready_i && !more);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pend_q <= '0;
      emit_q <= 1'b0;
    end else if (en_o) begin
      pend_q <= c4_hit_i;
      emit_q <= c4_emit_i;
    end else if (evt_ready_i) begin
      emit_q <= 1'b0;
      if (!emit_q) pend_q <= rest;
    end
  end

  // Lane number, H and armed bit of the first hit. Written as an AND-OR over lanes, not as a
  // priority chain.
  logic [hc_pkg::HW-1:0] h;
  logic [23:0]           lane;
  logic                  armed;
  always_comb begin
    h     = '0;
    lane  = '0;
    armed = 1'b0;
    if (|pend_q) begin
      for (int unsigned l = 0; l < LANES; l++) begin
        if (first[l]) begin
          h     = h | c5_h_i[l*hc_pkg::HW +: hc_pkg::HW];
          lane  = lane | 24'(l);
          armed = armed | c5_armed_i[l];
        end
      end
    end
  end

  // All event layouts share the places of kind, cause, asset, row, price and H (docs/registers.md):
  // READ's armed bit is the low bit of the cause, ERROR's opcode the low byte of the price, SYNC's
  // token stands in H.
  abi_pkg::evt_trigger_t evt;
  always_comb begin
    evt          = '0;
    evt.group    = c5_meta_i.group;
    evt.cycle_in = c5_meta_i.cycle_in;
    evt.asset    = c5_meta_i.asset;
    evt.price    = c5_meta_i.price;
    if (emit_q) begin
      evt.kind = c5_meta_i.kind;
      evt.row  = c5_meta_i.row;
      evt.h    = c5_meta_i.value;
      if (c5_meta_i.kind == abi_pkg::EvtError) evt.cause = c5_meta_i.cause;
    end else begin
      evt.kind  = c5_read_i ? abi_pkg::EvtRead : abi_pkg::EvtTrigger;
      evt.cause = c5_read_i ? {3'd0, armed} : c5_meta_i.cause;
      evt.row   = (24'(c5_slot_i) << LaneB) | lane;
      evt.h     = h;
    end
  end
  assign evt_data_o  = evt;
  assign evt_valid_o = any;
  assign trigger_o   = any && evt_ready_i && !emit_q && !c5_read_i;
  assign band_exit_o = any && evt_ready_i && emit_q && c5_meta_i.kind == abi_pkg::EvtBandExit;
  assign error_o     = any && evt_ready_i && emit_q && c5_meta_i.kind == abi_pkg::EvtError;

  `HC_ASSERT(a_first_is_pending, (first & ~pend_q) == '0)
  `HC_ASSERT(a_read_is_single, !c5_read_i || rest == '0)
endmodule
`default_nettype wire
