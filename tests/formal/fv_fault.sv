// SPDX-License-Identifier: Apache-2.0
// hc_fault between flipped rows and reports of them. Followed is one finding, any: a row with an asset. Once
// handed in it is owed until a report is taken, and every report meanwhile covers it: it names this row and asset, or
// none (RowAll). No report is of what was not handed in, and none gives up the name of a row that was alone. Free:
// what is found, and when a report is taken.
`default_nettype none
`include "fv.svh"
module fv_fault #(
  parameter int unsigned LANES = 4,
  parameter int unsigned SLOTS = 2,
  localparam int unsigned LaneW = (LANES > 1) ? $clog2(LANES) : 1,
  localparam int unsigned SlotW = (SLOTS > 1) ? $clog2(SLOTS) : 1
) (
  input wire logic             clk_i,
  input wire logic             rst_ni,
  input wire logic [LANES-1:0] flipped_i,
  input wire logic [SlotW-1:0] slot_i,
  input wire logic [1:0]       asset_i,
  input wire logic             shared_i,
  input wire logic             taken_i
);
  `FV_RESET
  (* anyconst *) logic [LaneW-1:0] at_lane;
  (* anyconst *) logic [SlotW-1:0] at_slot;
  (* anyconst *) logic [1:0]       at_asset;
  logic        valid, busy;
  logic [23:0] row;
  logic [11:0] asset;
  hc_fault #(
    .LANES (LANES),
    .SLOTS (SLOTS),
    .PARITY(1)
  ) u_dut (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .flipped_i(flipped_i),
    .slot_i   (slot_i),
    .asset_i  (12'(asset_i)),
    .shared_i (shared_i),
    .valid_o  (valid),
    .taken_i  (taken_i),
    .row_o    (row),
    .asset_o  (asset),
    .busy_o   (busy)
  );
  `FV_ASSUME(m_taken, !taken_i || valid)
  // New findings reach a report 2 cycles after they were handed in; the report taken in between is of older ones.
  logic same, mine, others, mine_new_q, others_new_q, shared_new_q, mine_q, others_q, shared_q;
  assign same   = slot_i == at_slot && asset_i == at_asset;
  assign mine   = same && flipped_i[at_lane];
  assign others = shared_i || (flipped_i & ~(same ? LANES'(1) << at_lane : '0)) != '0;
  always_ff @(posedge clk_i) begin
    mine_new_q   <= rst_ni && mine;
    others_new_q <= rst_ni && others;
    shared_new_q <= rst_ni && shared_i;
    mine_q       <= rst_ni && (mine_new_q || (mine_q && !taken_i));
    others_q     <= rst_ni && (others_new_q || (others_q && !taken_i));
    shared_q     <= rst_ni && (shared_new_q || (shared_q && !taken_i));
  end
  logic names, all;
  assign names = valid && row == 24'(at_slot) * 24'(LANES) + 24'(at_lane) && asset == 12'(at_asset);
  assign all   = valid && row == abi_pkg::RowAll && asset == '0;
  `FV_ASSERT(a_covered, !mine_q || names || all)
  `FV_ASSERT(a_shared, !shared_q || all)
  `FV_ASSERT(a_alone, !(mine_q && !others_q) || names)
  `FV_ASSERT(a_handed_in, valid == (mine_q || others_q) && (!names || mine_q))
  `FV_ASSERT(a_busy, busy == (mine_new_q || mine_q || others_new_q || others_q))
  logic waits_q;
  always_ff @(posedge clk_i) waits_q <= rst_ni && valid && !taken_i;
  `FV_ASSERT(a_holds, !waits_q || valid)
  `FV_COVER(c_named, names && taken_i && others_new_q)
  `FV_COVER(c_two_lanes, all && mine_q && others_q && !shared_q)
  `FV_COVER(c_again_single, names && was_all_q)
  logic was_all_q;
  always_ff @(posedge clk_i) was_all_q <= rst_ni && (was_all_q || (all && taken_i));
endmodule
`default_nettype wire
