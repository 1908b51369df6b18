// SPDX-License-Identifier: Apache-2.0
// Makes events of what operations found: for each operation first its own event (BAND_EXIT, SYNC,
// ERROR), then those of the lanes that hit, in ascending lane; operations in order; one event a cycle.
// Nothing here makes the lanes wait: what cannot leave at once is queued, and nearly_full_o stops the
// issue of operations early enough.
// Up to GroupLanes lanes: one hc_pick, whose bit at hand goes to the output register.
// More: each group of lanes has an hc_pick that fetches its next event ahead of time; one more hc_pick
// says which group comes next.
// Latency: hits in h give their first event at the output register 2 cycles later, 3 with groups.
`default_nettype none
`include "hc_assert.svh"
module hc_collector #(
  parameter int unsigned LANES = 32,
  parameter int unsigned SLOTS = 16,
  parameter int unsigned DEPTH = 32,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned RingW  = $clog2(DEPTH),
  localparam int unsigned GroupL = (LANES > hc_pkg::GroupLanes) ? hc_pkg::GroupLanes : LANES,
  localparam int unsigned Groups = LANES / GroupL
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire logic [31:0]                 cycle_i,
  // h
  input  wire logic [LANES-1:0]            h_hit_i,
  input  wire logic                        h_may_i,     // low: neither hits nor an event
  input  wire logic                        h_emit_i,
  input  wire hc_pkg::meta_t               h_meta_i,
  input  wire logic [SlotW-1:0]            h_slot_i,
  input  wire logic                        h_armed_i,   // of the row that READ asks for
  output      logic [Groups*RingW-1:0]     h_ring_o,
  // findings
  output      logic [Groups*RingW-1:0]     pick_ring_o,
  input  wire logic [LANES*hc_pkg::HW-1:0] pick_h_i,
  output      logic                        nearly_full_o,
  // events, AXI4-Stream
  output      logic                        evt_valid_o,
  input  wire logic                        evt_ready_i,
  output      logic [abi_pkg::BeatW-1:0]   evt_data_o,
  output      logic                        busy_o,
  output      logic                        made_o,      // an event goes to the output register
  output      logic                        trigger_o,   // its kind
  output      logic                        band_exit_o,
  output      logic                        error_o,
  output      logic [3:0]                  error_code_o
);
  localparam int unsigned LaneB = $clog2(LANES);
  localparam int unsigned IdxW  = (GroupL > 1) ? $clog2(GroupL) : 1;
  localparam int unsigned MetaW = $bits(h_meta_i);
  localparam int unsigned Margin = 12;  // operations between the decision to issue and the queue, and spare

  // Multiplexer tree of hc_select's shape; a simulation looks the element up instead, and only where
  // the result is taken.
  function automatic logic [hc_pkg::HW-1:0] first_of(input logic [32*hc_pkg::HW-1:0] data,
                                                     /* verilator lint_off UNUSEDSIGNAL */
                                                     input logic [41:0] path);
                                                     /* verilator lint_on UNUSEDSIGNAL */
`ifdef SYNTHESIS
    logic [8*hc_pkg::HW-1:0] quad;
    logic [2*hc_pkg::HW-1:0] half;
    for (int unsigned g = 0; g < 8; g++) begin
      case (path[10 + 2*g +: 2])
        2'd0:    quad[g*hc_pkg::HW +: hc_pkg::HW] = data[(4*g)*hc_pkg::HW +: hc_pkg::HW];
        2'd1:    quad[g*hc_pkg::HW +: hc_pkg::HW] = data[(4*g+1)*hc_pkg::HW +: hc_pkg::HW];
        2'd2:    quad[g*hc_pkg::HW +: hc_pkg::HW] = data[(4*g+2)*hc_pkg::HW +: hc_pkg::HW];
        default: quad[g*hc_pkg::HW +: hc_pkg::HW] = data[(4*g+3)*hc_pkg::HW +: hc_pkg::HW];
      endcase
    end
    for (int unsigned g = 0; g < 2; g++) begin
      case (path[2 + 2*g +: 2])
        2'd0:    half[g*hc_pkg::HW +: hc_pkg::HW] = quad[(4*g)*hc_pkg::HW +: hc_pkg::HW];
        2'd1:    half[g*hc_pkg::HW +: hc_pkg::HW] = quad[(4*g+1)*hc_pkg::HW +: hc_pkg::HW];
        2'd2:    half[g*hc_pkg::HW +: hc_pkg::HW] = quad[(4*g+2)*hc_pkg::HW +: hc_pkg::HW];
        default: half[g*hc_pkg::HW +: hc_pkg::HW] = quad[(4*g+3)*hc_pkg::HW +: hc_pkg::HW];
      endcase
    end
    first_of = path[0] ? half[2*hc_pkg::HW-1:hc_pkg::HW] : half[hc_pkg::HW-1:0];
`else
    logic [4:0] index;
    index[4]   = path[0];
    index[3:2] = path[2 + 2*{1'b0, index[4]} +: 2];
    index[1:0] = path[10 + 2*{2'b0, index[4:2]} +: 2];
    first_of   = data[32'(index)*hc_pkg::HW +: hc_pkg::HW];
`endif
  endfunction

  // ---- the bit at hand
  logic               any, emit, out_free, take;
  logic [23:0]        lane;
  logic [41:0]        path;
  logic [32*hc_pkg::HW-1:0] h;    // of the lanes, or of the groups; path leads to the one at hand
  logic [RingW-1:0]   meta_in, meta_out;  // places in the ring of meta data
  logic               meta_we;
  logic [MetaW+SlotW:0] meta_d;

  assign out_free = !evt_valid_o || evt_ready_i;

  if (Groups == 1) begin : g_flat
    logic [GroupL-1:0] vec, rest;
    logic              more, busy;
    logic [IdxW-1:0]   index;
    /* verilator lint_off UNUSEDSIGNAL */
    logic              prev_any;
    /* verilator lint_on UNUSEDSIGNAL */
    hc_pick #(
      .N     (GroupL),
      .DEPTH (DEPTH),
      .MARGIN(Margin)
    ) u_pick (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .in_emit_i    (h_emit_i),
      .in_vec_i     (h_hit_i),
      .in_slot_o    (meta_in),
      .prev_any_o   (prev_any),
      .nearly_full_o(nearly_full_o),
      .emit_o       (emit),
      .vec_o        (vec),
      .any_i        (any),
      .more_i       (more),
      .rest_i       (rest),
      .take_i       (take),
      .slot_o       (meta_out),
      .busy_o       (busy)
    );
    hc_select #(
      .N(GroupL)
    ) u_select (
      .vec_i  (vec),
      .any_o  (any),
      .more_o (more),
      .index_o(index),
      .rest_o (rest),
      .path_o (path)
    );
    assign take        = out_free && (any || emit);
    assign h           = (2048)'(pick_h_i);
    assign lane        = 24'(index);
    assign h_ring_o    = meta_in;
    assign pick_ring_o = meta_out;
    assign busy_o      = busy || evt_valid_o;
    assign meta_we     = h_may_i;  // known earlier than the hits
    assign meta_d      = {h_armed_i, h_slot_i, h_meta_i};
    `HC_ASSERT_IF(a_ring_apart, take && !emit, h_hit_i == '0 || h_ring_o != pick_ring_o)
  end else begin : g_groups
    localparam int unsigned GroupW = $clog2(Groups);
    logic [Groups-1:0]       vec, rest, prev_any, out_valid, out_last, group_busy;
    logic [Groups*IdxW-1:0]  out_index;
    logic                    more, top_busy, emit_q;
    logic [GroupW-1:0]       group;
    hc_pkg::meta_t           meta_q;
    logic [SlotW-1:0]        slot_q;
    logic                    armed_q;
    /* verilator lint_off UNUSEDSIGNAL */
    logic                    top_prev_any;
    /* verilator lint_on UNUSEDSIGNAL */

`ifndef SYNTHESIS
    logic [Groups-1:0]       clash;
`endif
    for (genvar g = 0; g < Groups; g++) begin : g_group
      logic [GroupL-1:0] g_vec, g_rest;
      logic [IdxW-1:0]   g_index;
      logic [41:0]       g_path;
      logic              g_any, g_more, g_load, valid_q, last_q;
      logic [IdxW-1:0]   index_q;
      logic [hc_pkg::HW-1:0] h_q;
      /* verilator lint_off UNUSEDSIGNAL */
      logic              g_emit, g_full;
      /* verilator lint_on UNUSEDSIGNAL */
      hc_pick #(
        .N     (GroupL),
        .DEPTH (DEPTH),
        .MARGIN(Margin)
      ) u_pick (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .in_emit_i    (1'b0),
        .in_vec_i     (h_hit_i[g*GroupL +: GroupL]),
        .in_slot_o    (h_ring_o[g*RingW +: RingW]),
        .prev_any_o   (prev_any[g]),
        .nearly_full_o(g_full),
        .emit_o       (g_emit),
        .vec_o        (g_vec),
        .any_i        (g_any),
        .more_i       (g_more),
        .rest_i       (g_rest),
        .take_i       (g_load),
        .slot_o       (pick_ring_o[g*RingW +: RingW]),
        .busy_o       (group_busy[g])
      );
      hc_select #(
        .N(GroupL)
      ) u_select (
        .vec_i  (g_vec),
        .any_o  (g_any),
        .more_o (g_more),
        .index_o(g_index),
        .rest_o (g_rest),
        .path_o (g_path)
      );
      // The group's next event, fetched when its place is free or becomes so.
      logic g_taken;
      assign g_taken = take && !emit && group == GroupW'(g);
      assign g_load  = g_any && (!valid_q || g_taken);
      always_ff @(posedge clk_i) begin
        if (!rst_ni) valid_q <= 1'b0;
        else valid_q <= g_any || (valid_q && !g_taken);
        if (g_load) begin
          last_q  <= !g_more;
          index_q <= g_index;
          h_q     <= first_of((2048)'(pick_h_i[g*GroupL*hc_pkg::HW +: GroupL*hc_pkg::HW]), g_path);
        end
      end
      assign out_valid[g]           = valid_q;
      assign out_last[g]            = last_q;
      assign out_index[g*IdxW +: IdxW] = index_q;
      assign h[g*hc_pkg::HW +: hc_pkg::HW] = h_q;
`ifndef SYNTHESIS
      assign clash[g] = g_load && h_hit_i[g*GroupL +: GroupL] != '0
                     && h_ring_o[g*RingW +: RingW] == pick_ring_o[g*RingW +: RingW];
`endif
    end

    // Which groups an operation hit is known one cycle after h.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) emit_q <= 1'b0;
      else emit_q <= h_emit_i;
      if (h_may_i) begin
        meta_q  <= h_meta_i;
        slot_q  <= h_slot_i;
        armed_q <= h_armed_i;
      end
    end
    logic group_done;
    assign group_done = take && (emit || out_last[group]);
    hc_pick #(
      .N     (Groups),
      .DEPTH (DEPTH),
      .MARGIN(Margin)
    ) u_top (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .in_emit_i    (emit_q),
      .in_vec_i     (prev_any),
      .in_slot_o    (meta_in),
      .prev_any_o   (top_prev_any),
      .nearly_full_o(nearly_full_o),
      .emit_o       (emit),
      .vec_o        (vec),
      .any_i        (any),
      .more_i       (more),
      .rest_i       (rest),
      .take_i       (group_done),
      .slot_o       (meta_out),
      .busy_o       (top_busy)
    );
    hc_select #(
      .N(Groups)
    ) u_select (
      .vec_i  (vec),
      .any_o  (any),
      .more_o (more),
      .index_o(group),
      .rest_o (rest),
      .path_o (path)
    );
    if (Groups < 32) assign h[32*hc_pkg::HW-1:Groups*hc_pkg::HW] = '0;
    assign take    = out_free && (any || emit);
    assign lane    = 24'(group) * 24'(GroupL) + 24'(out_index[32'(group)*IdxW +: IdxW]);
    assign busy_o  = top_busy || evt_valid_o || (|group_busy) || emit_q;
    assign meta_we = emit_q || (|prev_any);
    assign meta_d  = {armed_q, slot_q, meta_q};
    `HC_ASSERT(a_ring_apart, clash == '0)
    `HC_ASSERT_IF(a_group_is_ready, take && !emit, out_valid[group])
  end

  `HC_ASSERT_IF(a_may, !h_may_i, !(h_emit_i || (|h_hit_i)))

  // ---- meta data of the operation at hand
  (* ram_style = "distributed" *) logic [MetaW+SlotW:0] meta_mem[DEPTH];
  always_ff @(posedge clk_i) if (meta_we) meta_mem[meta_in] <= meta_d;
  /* verilator lint_off UNUSEDSIGNAL */ // the masks have done their work
  hc_pkg::meta_t    meta;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [SlotW-1:0] slot;
  logic             armed;
  assign {armed, slot, meta} = meta_mem[meta_out];

  // All event layouts share the places of kind, cause, asset, row, price and H (docs/registers.md):
  // READ's armed bit is the low bit of the cause, ERROR's opcode the low byte of the price, SYNC's
  // token stands in H.
  abi_pkg::evt_trigger_t evt_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) evt_valid_o <= 1'b0;
    else if (out_free) evt_valid_o <= any || emit;
    if (take) begin
      evt_q           <= '0;
      evt_q.group     <= meta.group;
      evt_q.cycle_in  <= meta.cycle_in;
      evt_q.cycle_out <= cycle_i + 32'd1;
      evt_q.asset     <= meta.asset;
      evt_q.price     <= meta.price;
      if (emit) begin
        evt_q.kind  <= meta.error ? abi_pkg::EvtError : (meta.sync ? abi_pkg::EvtSync : abi_pkg::EvtBandExit);
        evt_q.cause <= meta.error ? meta.cause : 4'd0;
        evt_q.row   <= meta.row;
        evt_q.h     <= meta.value;
      end else begin
        evt_q.kind  <= meta.read ? abi_pkg::EvtRead : abi_pkg::EvtTrigger;
        evt_q.cause <= meta.read ? {meta.cause[3:1], armed} : meta.cause;
        evt_q.row   <= (24'(slot) << LaneB) | lane;
        evt_q.h     <= first_of(h, path);
      end
    end
  end
  assign evt_data_o   = evt_q;
  assign made_o       = take;
  assign trigger_o    = take && !emit && !meta.read;
  assign band_exit_o  = take && emit && !meta.error && !meta.sync;
  assign error_o      = take && emit && meta.error;
  assign error_code_o = meta.cause;
endmodule
`default_nettype wire
