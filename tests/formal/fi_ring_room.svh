// SPDX-License-Identifier: Apache-2.0
// hc_ring, for any number of cycles: no unread record is written over, whatever is
// written to RING_CONSUMED and whenever. Counts and places only (fi_ring has the channels). The host reads any
// record that was begun, in order; the register holds its true count, an older one, or anything that does not
// claim a record it has not read. Read inside the module: the invariants speak of its registers.
  logic fv_begun_q;
  initial fv_begun_q = 1'b0;
  always_ff @(posedge clk_i) fv_begun_q <= 1'b1;
  always_comb if (!fv_begun_q) begin m_reset_first: assume (!rst_ni); end
  (* anyconst *) logic [4:0]  fv_log2;
  localparam logic [63:0]     fv_base = 64'h0000_0001_0000_0fc0;  // a page's end lies in the rings
  localparam int unsigned     FvW = $bits(issued_q);
  (* anyseq *)   logic        fv_read;
  logic [FvW-1:0] fv_host_q, fv_size, fv_unread, fv_c1_q, fv_c2_q;  // c1, c2: consumed_q one and two cycles ago
  logic [1:0]  fv_age_q;                               // cycles since reset, at most 3
  assign fv_size   = FvW'(1) << fv_log2;
  assign fv_unread = issued_q - fv_host_q;
  always_comb begin
    m_config: assume (log2_i == fv_log2 && base_i == fv_base && fv_log2 >= 5'd1 && fv_log2 <= 5'(MaxLog2));
    m_host: assume (FvW'(consumed_i) == fv_host_q || FvW'(FvW'(consumed_i) - fv_host_q) > fv_unread);
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fv_host_q <= '0;
      fv_c1_q   <= '0;
      fv_c2_q   <= '0;
      fv_age_q  <= '0;
    end else begin
      if (fv_read && fv_unread != '0) fv_host_q <= fv_host_q + FvW'(1);
      fv_c1_q <= consumed_q;
      fv_c2_q <= fv_c1_q;
      if (fv_age_q != 2'd3) fv_age_q <= fv_age_q + 2'd1;
    end
  end
  // The statement: an event goes only where its place has been read, and its place is that of its number.
  `HC_ASSERT(f_unread_kept, fv_unread <= fv_size)
  `HC_ASSERT(f_taken_if_free, !push_event || fv_unread < fv_size)
  `HC_ASSERT(f_place, !push_event || addr_q == fv_base + 64'({issued_q & FvW'(fv_size - FvW'(1)), 5'd0}))
  `HC_ASSERT(f_phase, !push_event || phase_q == ((issued_q & fv_size) == '0))
  // What makes it inductive: c2 <= c1 <= consumed <= read <= issued <= c2 + size, counted from c2.
  logic [FvW-1:0] fv_d1, fv_d, fv_dh, fv_di;
  assign fv_d1 = fv_c1_q - fv_c2_q;
  assign fv_d  = consumed_q - fv_c2_q;
  assign fv_dh = fv_host_q - fv_c2_q;
  assign fv_di = issued_q - fv_c2_q;
  `HC_ASSERT(f_order, fv_d1 <= fv_d && fv_d <= fv_dh && fv_dh <= fv_di && fv_di <= fv_size)
  `HC_ASSERT(f_inc, issued_inc_q == FvW'(issued_q + FvW'(1)))
  `HC_ASSERT(f_size, FvW'(size_q) == fv_size && mask_q == MaxLog2'(fv_size - FvW'(1)))
  `HC_ASSERT(f_addr, phase_q == ((issued_q & fv_size) == '0) || fv_age_q == '0)
  `HC_ASSERT(f_addr_base, fv_age_q == '0 || addr_q == fv_base + 64'({issued_q & FvW'(fv_size - FvW'(1)), 5'd0}))
  `HC_ASSERT(f_limit, fv_age_q == '0 || limit_q == (MaxLog2 + 1)'(fv_c1_q + fv_size))
  `HC_ASSERT(f_room, fv_age_q < 2'd2 || !room_q || fv_di != fv_size)
  `HC_ASSERT(f_on, (!enable_q[0] || fv_age_q >= 2'd1) && (!enable_q[1] || fv_age_q >= 2'd2)
             && (!enable_q[2] || fv_age_q == 2'd3) && (!go_q || fv_age_q == 2'd3))
  `HC_ASSERT(f_look, look_q == 3'b001 || look_q == 3'b010 || look_q == 3'b100)
  logic [FvW-1:0] fv_step, fv_used, fv_behind;
  assign fv_step   = look_value_q - consumed_q;
  assign fv_used   = issued_q - consumed_q;
  assign fv_behind = fv_host_q - consumed_q;
  `HC_ASSERT(f_look_kept, look_q[0] || (look_step_q == fv_step && look_used_q <= fv_used
             && (look_step_q > look_used_q || look_step_q <= fv_behind)))
  `HC_ASSERT(f_look_good, !look_q[2] || look_good_q == (look_step_q <= look_used_q))
  always_ff @(posedge clk_i) if (rst_ni) begin
    c_full: cover (fv_unread == fv_size && fv_age_q == 2'd3 && s_valid_i && go_q && consumed_q != '0);
    c_wrap: cover (push_event && issued_q == FvW'(4) && fv_log2 == 5'd2);
    c_nonsense: cover (look_q[2] && !look_good_q && push_event);
    c_late: cover (look_q[2] && look_good_q && look_value_q != fv_host_q && look_step_q != '0);
  end
