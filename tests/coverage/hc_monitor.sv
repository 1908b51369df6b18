// SPDX-License-Identifier: Apache-2.0
// Simulation only: writes what passes a core's ports to the file HC_MONITOR, for functional.py. Lines:
//   g LANES SLOTS ASSETS     a core was made
//   r                        reset
//   c OFFERED TAKEN WAIT B   a command: the cycles in which it was first offered and in which it was taken, the number
//                            of cycles since the last command in which no operation was issued because too many
//                            events waited, the beat in hexadecimal
//   e TAKEN B                an event, and the cycle in which it was taken
`default_nettype none
/* verilator coverage_off */
`define HC_MONITOR_NAME `"`HC_MONITOR`"
module hc_monitor #(
  parameter int unsigned LANES  = 1,
  parameter int unsigned SLOTS  = 1,
  parameter int unsigned ASSETS = 1
) (
  input wire logic         clk_i,
  input wire logic         rst_ni,
  input wire logic [31:0]  cycle_i,
  input wire logic         cmd_valid_i,
  input wire logic         cmd_ready_i,
  input wire logic [255:0] cmd_data_i,
  input wire logic         evt_valid_i,
  input wire logic         evt_ready_i,
  input wire logic [255:0] evt_data_i,
  input wire logic         wait_i
);
  int          file;
  logic        reset_q, offered_q;
  logic [31:0] since_q, waited_q;

  initial begin
    file = $fopen(`HC_MONITOR_NAME, "a");
    if (file == 0) $fatal(1, "the monitor's file cannot be written");
    $fwrite(file, "g %0d %0d %0d\n", LANES, SLOTS, ASSETS);
  end
  final $fclose(file);

  always_ff @(posedge clk_i) begin
    reset_q <= !rst_ni;
    if (!rst_ni) begin
      offered_q <= 1'b0;
      waited_q  <= '0;
      if (!reset_q) $fwrite(file, "r\n");
    end else begin
      waited_q <= waited_q + 32'(wait_i);
      if (evt_valid_i && evt_ready_i) $fwrite(file, "e %0d %064h\n", cycle_i, evt_data_i);
      if (cmd_valid_i && !offered_q) since_q <= cycle_i;
      offered_q <= cmd_valid_i && !cmd_ready_i;
      if (cmd_valid_i && cmd_ready_i) begin
        $fwrite(file, "c %0d %0d %0d %064h\n", offered_q ? since_q : cycle_i, cycle_i, waited_q, cmd_data_i);
        waited_q <= '0;
      end
    end
  end
endmodule

bind hc_core hc_monitor #(
  .LANES (LANES),
  .SLOTS (SLOTS),
  .ASSETS(ASSETS)
) u_monitor (
  .clk_i      (clk_i),
  .rst_ni     (rst_ni),
  .cycle_i    (cycle_i),
  .cmd_valid_i(s_axis_tvalid),
  .cmd_ready_i(s_axis_tready),
  .cmd_data_i (s_axis_tdata),
  .evt_valid_i(m_axis_tvalid),
  .evt_ready_i(m_axis_tready),
  .evt_data_i (m_axis_tdata),
  .wait_i     (status_o.stall_events)
);
/* verilator coverage_on */
`default_nettype wire
