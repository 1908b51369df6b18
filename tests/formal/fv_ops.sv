// SPDX-License-Identifier: Apache-2.0
// The contract between hc_frontend and hc_lane_array: which operations there are. ok_o is asserted of the
// frontend (fv_front) and assumed by the lanes (fv_lanes, fv_flips), so the proofs join.
`default_nettype none
module fv_ops (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,
  input  wire logic         valid_i,  // low: no operation
  input  wire hc_pkg::ctl_t ctl_i,
  input  wire logic         delta_we_i,
  output      logic         ok_o
);
  logic delta_good_q;  // the newest change given belongs to an operation that accumulates
  always_ff @(posedge clk_i) begin
    if (!rst_ni) delta_good_q <= 1'b0;
    else if (delta_we_i) delta_good_q <= ctl_i.acc;
  end
  always_comb begin
    ok_o = valid_i || (ctl_i == '0 && !delta_we_i);
    if (ctl_i.all) begin  // clearing
      if (!(ctl_i.coef_we && ctl_i.val && ctl_i.h_set) || ctl_i.acc || ctl_i.h_all || ctl_i.judge || ctl_i.arm_set
          || ctl_i.read || ctl_i.check || ctl_i.emit) ok_o = 1'b0;
    end
    if (ctl_i.check && !delta_we_i) ok_o = 1'b0;  // what is outside is told with the change
    if (ctl_i.acc && (ctl_i.coef_we || ctl_i.h_set || ctl_i.arm_set)) ok_o = 1'b0;
    if (ctl_i.acc && !(delta_we_i || delta_good_q)) ok_o = 1'b0;
    if (ctl_i.acc && !ctl_i.h_all && !ctl_i.val) ok_o = 1'b0;                // READ of a coefficient, refused or not
    if (ctl_i.h_all && !(ctl_i.acc && !ctl_i.val)) ok_o = 1'b0;
    if (ctl_i.h_set && !ctl_i.val) ok_o = 1'b0;                          // ROW, clearing
    if (ctl_i.val && !ctl_i.h_set && !ctl_i.acc) ok_o = 1'b0;
    if (ctl_i.judge && !ctl_i.h_all) ok_o = 1'b0;
    if (ctl_i.read && (ctl_i.coef_we || ctl_i.h_all || ctl_i.h_set || ctl_i.judge || ctl_i.arm_set)) ok_o = 1'b0;
  end
endmodule

// And one with memory: after a reset every word is cleared before anything else happens, and none afterwards.
module fv_cleared #(
  parameter int unsigned SLOTS  = 2,
  parameter int unsigned ASSETS = 2,
  localparam int unsigned SlotW  = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned IndexW = (ASSETS > 1) ? $clog2(ASSETS) : 1
) (
  input  wire logic              clk_i,
  input  wire logic              rst_ni,
  input  wire hc_pkg::ctl_t      ctl_i,
  input  wire logic [SlotW-1:0]  slot_i,
  input  wire logic [IndexW-1:0] index_i,
  output      logic              done_o,
  output      logic              ok_o
);
  logic [SLOTS*ASSETS-1:0] cleared_q;
  initial cleared_q = '0;
  assign done_o = &cleared_q;
  assign ok_o   = ctl_i == '0 || ctl_i.all == !done_o;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) cleared_q <= '0;
    else if (ctl_i.all) cleared_q[32'(index_i) * SLOTS + 32'(slot_i)] <= 1'b1;
  end
endmodule
`default_nettype wire
