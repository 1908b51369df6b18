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

  // What the micro-operation does, stage by stage. "Selected" is the lane given beside it, or every
  // lane with all.
  typedef struct packed {
    logic all;      // selects every lane (clearing)
    logic coef_we;  // c1: write the coefficient of the selected lanes
    logic acc;      // c4: add the product to H in every lane
    logic judge;    // c4: every armed lane with H < 0 hits and is disarmed
    logic h_set;    // c4: set H of the selected lanes and disarm
    logic arm_set;  // c4: arm as arm_val; armed with H < 0 hits instead and stays disarmed
    logic arm_val;
    logic read;     // c4: the selected lane hits without further effect
    logic emit;     // c5: one event of its own, before those of the hits
  } ctl_t;

  // What its events say.
  typedef struct packed {
    logic [7:0]  kind;  // of the event of its own (emit)
    logic [3:0]  cause; // of a trigger; an error's code
    logic [11:0] asset;
    logic [23:0] row;   // of an error
    logic [39:0] price; // of a tick; an error's opcode in the low byte
    logic [63:0] value; // H to set, or a SYNC's token
    logic [31:0] group;
    logic [31:0] cycle_in;
  } meta_t;
endpackage
