// SPDX-License-Identifier: Apache-2.0
// Ordered queue of hit vectors. Takes one vector a cycle, always; hands out their set bits one by one:
// vectors in the order in which they came, of each first its emit bit, then its other bits from the lowest.
// Vectors without a bit vanish. What belongs to a vector (hc_collector: the lanes' sums, the
// operation's meta data) is kept beside it under a slot number: in_slot_o while it comes in, slot_o
// while it is handed out.
//   cur   the vector that is being handed out
//   late  the newest vector, if cur was not free for it; whether it holds a bit is known only now
//   mem   those between, by slot; none of them is empty
// Latency: bits of a vector that meets an empty queue are handed out in the next cycle; no cycle is
// lost between two vectors. Vectors may come up to MARGIN - 3 cycles after nearly_full_o has risen.
`default_nettype none
`include "hc_assert.svh"
module hc_pick #(
  parameter int unsigned N      = 32,
  parameter int unsigned DEPTH  = 32,  // slots: power of two
  parameter int unsigned MARGIN = 12,
  localparam int unsigned SlotW = $clog2(DEPTH)
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  // in
  input  wire logic             in_emit_i,
  input  wire logic [N-1:0]     in_vec_i,
  output      logic [SlotW-1:0] in_slot_o,    // slot of this vector, should it not be empty
  output      logic             prev_any_o,   // the vector of the last cycle was not empty
  output      logic             nearly_full_o,
  // out; which bit is the lowest says hc_select
  output      logic             emit_o,
  output      logic [N-1:0]     vec_o,
  input  wire logic             any_i,        // of vec_o: hc_select's any, more and rest
  input  wire logic             more_i,
  input  wire logic [N-1:0]     rest_i,
  input  wire logic             take_i,       // the bit at hand is taken (emit_o, else the lowest of vec_o)
  output      logic [SlotW-1:0] slot_o,
  output      logic             busy_o        // something is in here
);
  if (DEPTH < 4 || (DEPTH & (DEPTH - 1)) != 0 || MARGIN >= DEPTH) begin : g_bad_depth
    $error("DEPTH must be a power of two, at least 4, and MARGIN less");
  end

  logic             cur_emit_q, cur_fresh_q, late_emit_q, some_q;
  logic [N-1:0]     cur_vec_q, late_vec_q;
  logic [SlotW-1:0] wr_q, wr_next_q, rd_q, rd_next_q;
  logic             came_q, went_q;      // a slot was given out, given back
  logic [SlotW:0]   used_q;              // slots in use, as of the last cycle
  (* ram_style = "distributed" *) logic [N:0]       mem[DEPTH];

  logic cur_any, late_any, advance, from_mem, from_late, from_in, push, one;
  assign cur_any   = any_i || cur_emit_q;
  assign late_any  = late_emit_q || (|late_vec_q);
  assign advance   = !cur_any || (take_i && !(cur_emit_q ? any_i : more_i));
  assign from_mem  = advance && some_q;
  assign from_late = advance && !some_q && late_any;
  assign from_in   = advance && !some_q && !late_any;
  assign push      = late_any && !from_late;
  assign one       = wr_q - rd_q == SlotW'(2);  // mem holds one vector: slot rd + 1 of rd, (rd + 1), wr

  // The head of mem follows the vector in cur.
  logic [N:0] head;
  assign head = mem[rd_next_q];

  assign prev_any_o = late_any || (cur_fresh_q && cur_any);
  assign in_slot_o  = prev_any_o ? wr_next_q : wr_q;
  assign emit_o     = cur_emit_q;
  assign vec_o      = cur_vec_q;
  assign slot_o     = rd_q;
  assign busy_o     = cur_any || late_any;

  logic         keep_emit;
  logic [N-1:0] keep_vec;
  always_comb begin
    keep_emit = cur_emit_q;
    keep_vec  = cur_vec_q;
    if (from_mem) begin
      {keep_emit, keep_vec} = head;
    end else if (from_late) begin
      keep_emit = late_emit_q;
      keep_vec  = late_vec_q;
    end else if (from_in) begin
      keep_emit = 1'b0;
      keep_vec  = '0;
    end else if (take_i) begin
      keep_emit = 1'b0;
      if (!cur_emit_q) keep_vec = rest_i;
    end
  end

  logic finished;
  assign finished = advance && cur_any;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cur_emit_q    <= 1'b0;
      cur_vec_q     <= '0;
      cur_fresh_q   <= 1'b0;
      late_emit_q   <= 1'b0;
      late_vec_q    <= '0;
      wr_q          <= '0;
      wr_next_q     <= SlotW'(1);
      rd_q          <= '0;
      rd_next_q     <= SlotW'(1);
      some_q        <= 1'b0;
      came_q        <= 1'b0;
      went_q        <= 1'b0;
      used_q        <= '0;
      nearly_full_o <= 1'b0;
    end else begin
      cur_emit_q  <= keep_emit || (from_in && in_emit_i);
      cur_vec_q   <= keep_vec | (from_in ? in_vec_i : '0);
      cur_fresh_q <= from_in;
      late_emit_q <= !from_in && in_emit_i;
      late_vec_q  <= from_in ? '0 : in_vec_i;
      if (prev_any_o) begin
        wr_q      <= wr_next_q;
        wr_next_q <= wr_next_q + SlotW'(1);
      end
      if (finished) begin
        rd_q      <= rd_next_q;
        rd_next_q <= rd_next_q + SlotW'(1);
      end
      if (push) some_q <= 1'b1;
      else if (from_mem) some_q <= !one;
      came_q        <= prev_any_o;
      went_q        <= finished;
      if (came_q && !went_q) used_q <= used_q + (SlotW + 1)'(1);
      if (went_q && !came_q) used_q <= used_q - (SlotW + 1)'(1);
      nearly_full_o <= used_q >= (SlotW + 1)'(DEPTH - MARGIN);
    end
    // Slot wr_q is free as far as mem goes, so a vector that moves on at once does no harm here.
    if (late_any) mem[wr_q] <= {late_emit_q, late_vec_q};
  end

  `HC_ASSERT_IF(a_take_something, take_i, cur_any)
  // Slots in use now; a vector that comes in writes to in_slot_o at once, so that one has to be free.
  logic [SlotW:0] used;
  assign used = used_q + {{SlotW{1'b0}}, came_q} - {{SlotW{1'b0}}, went_q};
  `HC_ASSERT_IF(a_order, !cur_any, !late_any && !some_q)
  `HC_ASSERT(a_used, used[SlotW-1:0] == wr_q - rd_q)
  `HC_ASSERT_IF(a_room, in_emit_i || in_vec_i != '0, used + {{SlotW{1'b0}}, prev_any_o} < (SlotW + 1)'(DEPTH))
endmodule
`default_nettype wire
