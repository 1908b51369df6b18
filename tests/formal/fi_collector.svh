// SPDX-License-Identifier: Apache-2.0
// Properties of hc_collector, read inside the module since only there shows which operation an event is of.
// One operation of the run (fv_mark) and one lane (fv_lane), any, are followed from h to the event port: its own
// event first, then each lane that hit, ascending, each once, with all its fields; operations in order; an event
// in each cycle in which one waits and the port is free. Environment: any operation in any cycle that the queue
// has room for (fv_stall and fi_pick show that no other comes); any sums; the port takes when it likes.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  localparam int unsigned FvLaneW = (LANES > 1) ? $clog2(LANES) : 1;
  (* anyconst *) logic [FvLaneW-1:0] fv_lane;
  (* anyseq *)   logic               fv_mark_i;
  (* anyseq *)   logic [hc_pkg::HW-1:0] fv_sum;  // of fv_lane in h

  logic             fv_enter, fv_finish, fv_last;
  logic [RingW+1:0] fv_count_q, fv_ahead_q;  // operations with events inside; of these before the marked one
  assign fv_enter = h_emit_i || h_hit_i != '0;
  always_comb if (rst_ni) begin
    m_may: assume (h_may_i || !fv_enter);
    m_room: assume (!h_may_i || fv_count_q < (RingW + 2)'(DEPTH));
  end

  // ---- the lane's ring of sums (hc_lane)
  logic [hc_pkg::HW-1:0] fv_ring[DEPTH];
  logic [RingW-1:0]      fv_ring_in, fv_ring_out;
  assign fv_ring_in  = h_ring_o[(32'(fv_lane) / GroupL)*RingW +: RingW];
  assign fv_ring_out = pick_ring_o[(32'(fv_lane) / GroupL)*RingW +: RingW];
  always_ff @(posedge clk_i) if (h_hit_i[fv_lane]) fv_ring[fv_ring_in] <= fv_sum;
  always_comb begin
    m_ring: assume (pick_h_i[32'(fv_lane)*hc_pkg::HW +: hc_pkg::HW] == fv_ring[fv_ring_out]);
  end

  // ---- the operation at hand has no further event
  if (Groups == 1) begin : fv_flat
    assign fv_last = !(emit ? any : g_flat.more);
  end else begin : fv_groups
    assign fv_last = emit ? !any : g_groups.out_last[g_groups.group] && !g_groups.more;
  end
  assign fv_finish = take && fv_last;

  // ---- the marked operation
  logic                  fv_marked_q, fv_emit_q, fv_armed_q, fv_mark, fv_turn, fv_young_q;
  logic [LANES-1:0]      fv_vec_q, fv_rest;
  hc_pkg::meta_t         fv_meta_q;
  logic [SlotW-1:0]      fv_slot_q;
  logic [hc_pkg::HW-1:0] fv_sum_q;
  logic [RingW-1:0]      fv_place_q, fv_ring_place_q;
  assign fv_mark = fv_mark_i && fv_enter && !fv_marked_q;
  assign fv_turn = fv_marked_q && fv_ahead_q == '0;
  assign fv_rest = fv_vec_q & (fv_vec_q - LANES'(1));
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fv_marked_q <= 1'b0;
      fv_count_q  <= '0;
      fv_young_q  <= 1'b0;
    end else begin
      fv_count_q <= fv_count_q + (RingW + 2)'(fv_enter) - (RingW + 2)'(fv_finish);
      fv_young_q <= fv_enter;
      if (fv_mark) fv_marked_q <= 1'b1;
      else if (fv_turn && fv_finish) fv_marked_q <= 1'b0;
    end
    if (fv_mark) begin
      fv_ahead_q      <= fv_count_q - (RingW + 2)'(fv_finish);
      fv_emit_q       <= h_emit_i;
      fv_vec_q        <= h_hit_i;
      fv_meta_q       <= h_meta_i;
      fv_slot_q       <= h_slot_i;
      fv_armed_q      <= h_armed_i;
      fv_sum_q        <= fv_sum;
      fv_ring_place_q <= fv_ring_in;
    end else if (!fv_turn) begin
      fv_ahead_q <= fv_ahead_q - (RingW + 2)'(fv_finish);
    end else if (take) begin
      fv_emit_q <= 1'b0;
      if (!fv_emit_q) fv_vec_q <= fv_rest;
    end
  end

  // ---- its next event
  abi_pkg::evt_trigger_t fv_evt, fv_evt_q;
  logic [23:0]           fv_first;
  logic                  fv_sum_known, fv_mine_q, fv_sum_q_known, fv_valid_q;
  always_comb begin
    fv_first = '0;
    for (int unsigned l = LANES; l > 0; l--) if (fv_vec_q[l-1]) fv_first = 24'(l - 1);
    fv_sum_known     = fv_emit_q || fv_first == 24'(fv_lane);
    fv_evt           = '0;
    fv_evt.group     = 32'(fv_meta_q.group);
    fv_evt.cycle_in  = 32'(fv_meta_q.cycle_in);
    fv_evt.cycle_out = cycle_i + 32'd1;
    fv_evt.asset     = 12'(fv_meta_q.asset);
    fv_evt.price     = 40'(fv_meta_q.price);
    if (fv_emit_q) begin
      fv_evt.kind = abi_pkg::EvtBandExit;
      if (fv_meta_q.sync) fv_evt.kind = abi_pkg::EvtSync;
      if (fv_meta_q.error) fv_evt.kind = abi_pkg::EvtError;
      if (fv_meta_q.error) fv_evt.cause = fv_meta_q.cause;
      fv_evt.row = 24'(fv_meta_q.row);
      fv_evt.h   = 64'(fv_meta_q.value);
    end else begin
      fv_evt.kind  = fv_meta_q.read ? abi_pkg::EvtRead : abi_pkg::EvtTrigger;
      fv_evt.cause = fv_meta_q.cause;
      if (fv_meta_q.read) fv_evt.cause[0] = fv_armed_q;
      fv_evt.row = 24'(fv_slot_q) * 24'(LANES) + fv_first;
      fv_evt.h   = 64'(fv_sum_q);
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fv_valid_q <= 1'b0;
      fv_mine_q  <= 1'b0;
    end else if (take || evt_ready_i) begin
      fv_valid_q <= take;
      fv_mine_q  <= take && fv_turn;
    end
    if (take) begin
      fv_evt_q       <= fv_evt;
      fv_sum_q_known <= fv_sum_known;
    end
  end
  abi_pkg::evt_trigger_t fv_seen;
  logic                  fv_same;
  always_comb begin
    fv_seen = evt_data_o;
    if (!fv_sum_q_known) fv_seen.h = fv_evt_q.h;
    fv_same = fv_seen == fv_evt_q;
  end
  `HC_ASSERT(f_port, evt_valid_o == fv_valid_q && !(take && fv_valid_q && !evt_ready_i))
  `HC_ASSERT(f_made, made_o == take)
  `HC_ASSERT(f_event, !fv_mine_q || fv_same)
  `HC_ASSERT(f_own_first, !(fv_turn && take) || emit == fv_emit_q)
  `HC_ASSERT(f_last, !(fv_turn && take) || fv_finish == ((fv_emit_q ? fv_vec_q : fv_rest) == '0))
  `HC_ASSERT(f_at_once, (take || !out_free) || fv_count_q == (RingW + 2)'(Groups != 1 && fv_young_q))
  `HC_ASSERT(f_only, !take || fv_count_q > (RingW + 2)'(Groups != 1 && fv_young_q))
  `HC_ASSERT(f_busy, busy_o == (fv_count_q != '0 || fv_valid_q))
  `HC_ASSERT(f_told, !(fv_turn && take) || ({trigger_o, band_exit_o, error_o} ==
             {!fv_emit_q && !fv_meta_q.read, fv_emit_q && !fv_meta_q.error && !fv_meta_q.sync, fv_emit_q && fv_meta_q.error}
             && (!error_o || error_code_o == fv_meta_q.cause)))
  // Not ports, but what makes the above hold from one cycle to the next.
  logic fv_stored_q;  // its meta data has been written, to fv_place_q
  if (Groups == 1) begin : fv_flat_place
    always_ff @(posedge clk_i) if (fv_mark) fv_place_q <= meta_in;
    assign fv_stored_q = fv_marked_q;
  end else begin : fv_groups_place
    logic new_q;
    always_ff @(posedge clk_i) begin
      new_q <= rst_ni && fv_mark;
      if (new_q) fv_place_q <= meta_in;
    end
    assign fv_stored_q = fv_marked_q && !new_q;
  end
  `HC_ASSERT(f_kept, !fv_stored_q || meta_mem[fv_place_q] == {fv_armed_q, fv_slot_q, fv_meta_q})
  `HC_ASSERT(f_place, !fv_turn || !(any || emit) || meta_out == fv_place_q)
  if (Groups == 1) begin : fv_flat_sum
    `HC_ASSERT(f_sum_kept, !(fv_marked_q && fv_vec_q[fv_lane]) || fv_ring[fv_ring_place_q] == fv_sum_q)
  end

  always_ff @(posedge clk_i) if (rst_ni) begin
    c_all: cover (fv_mine_q && fv_evt_q.kind == abi_pkg::EvtTrigger && fv_evt_q.row == 24'(2 * LANES - 1) && evt_ready_i && !fv_marked_q);
    c_full: cover (fv_count_q == (RingW + 2)'(DEPTH) && fv_marked_q && fv_ahead_q == (RingW + 2)'(DEPTH - 1));
    c_own_and_hits: cover (fv_turn && take && fv_emit_q && fv_vec_q == '1);
    c_behind_full: cover (fv_turn && fv_finish && fv_count_q == (RingW + 2)'(DEPTH) && fv_lane == '1 && fv_sum_known);
  end
