// SPDX-License-Identifier: Apache-2.0
// Micro-operations: what flows through the pipeline, one per cycle and in order. The widths repeat
// those of abi_pkg (Yosys takes no package that refers to another one); hc_core checks that they
// agree.
package hc_pkg;
  localparam int unsigned PriceW = 34;
  localparam int unsigned DeltaW = PriceW + 1;
  localparam int unsigned CoefW = 27;
  localparam int unsigned ProductW = DeltaW + CoefW;
  localparam int unsigned HW = 64;
  // Cycles from a TICK beat taken to its trigger in slot 0, without the multiplier's second register
  // and with at most GroupLanes lanes; wider cores have a broadcast and a join stage more.
  localparam int unsigned BaseLatency = 4;
  localparam int unsigned GroupLanes = 32;

  // What the micro-operation does, stage by stage (hc_core names the stages). "Selected" is the lane
  // given beside it, or every lane with all.
  typedef struct packed {
    logic all;      // selects every lane (clearing)
    logic coef_we;  // a: write the coefficient of the selected lanes
    logic acc;      // a: read the coefficient of every lane; h: add its product
    logic val;      // h: start from the value given beside it, not from H
    logic h_all;    // h: write the sum to H of every lane
    logic h_set;    // h: write the sum to H of the selected lanes and disarm them
    logic judge;    // h: every armed lane with a negative sum hits and is disarmed
    logic arm_set;  // h: arm the selected lanes as arm_val; with a negative sum one hits instead
    logic arm_val;
    logic read;     // h: the selected lane hits without further effect
    logic check;    // m: an event of its own if the price is outside its band
    logic emit;     // one event of its own, before those of the hits
  } ctl_t;

  // What its events say.
  typedef struct packed {
    logic        read;  // hits are READ events, not triggers
    logic        error; // the event of its own is ERROR
    logic        sync;  // or SYNC; else BAND_EXIT
    logic        hide_asset;  // m: asset and row are to be told as 0
    logic        hide_row;
    logic [3:0]  cause; // of a trigger; an error's code; of a READ all but its armed bit
    logic [11:0] asset;
    logic [23:0] row;   // of an error
    logic [39:0] price; // of a tick; an error's opcode in the low byte
    logic [63:0] value; // to start from, or a SYNC's token
    logic [31:0] group;
    logic [31:0] cycle_in;
  } meta_t;

  // What the core tells the registers.
  typedef struct packed {
    logic       idle;      // nothing in progress, no event left (a row load may wait for its next beat)
    logic       clearing;
    logic       loading;   // a row load is open
    logic       command;   // from here on one cycle each time
    logic       tick;
    logic       row;
    logic       event_made;
    logic       trigger;
    logic       band_exit;
    logic       error;
    logic [3:0] error_code;
    logic       stall_in;
    logic       stall_out;
    logic       stall_events;
  } status_t;
endpackage
