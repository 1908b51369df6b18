// SPDX-License-Identifier: Apache-2.0
// In which cycle a card takes a command and makes an event, at any geometry, without simulating it: what
// docs/device.md says under Cycles, and what is behind it in rtl/ (hc_frontend, hc_pick). Simulated time is
// the RTL's; this is a formula for it, and tests/cosim/card_time.c holds it against the RTL's own stamps.
//   A TICK takes SLOTS cycles if a row uses its asset, if a coefficient is still on its way into the memory,
//   or if it ends a group in which some H has moved; else one. A beat of a row load takes one cycle a
//   coefficient. Everything else takes one.
//   The operation of slot s of a TICK is issued s cycles after the beat, that of the last coefficient of a
//   beat as many cycles as come before it. Its first event is at the port `latency` cycles after that, and
//   never in the same cycle as another: events leave in the order of their operations, one a cycle.
// Not in it: a host or a ring that does not take an event (status records, which wait for at most 16 events,
// hold the port for a cycle each), bits that flipped, and that no operation is issued while 20 with events
// wait. The last moves cycle_in of the beats behind but no event: those leave behind the ones that wait.
// One thread; no allocation.
#ifndef TRIPLINE_BENCH_CARD_TIME_H
#define TRIPLINE_BENCH_CARD_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum card_step_kind {
    STEP_PLAIN, // BAND, ARM, READ, SYNC, NOP
    STEP_TICK,
    STEP_LOAD // ROW, COEF
};
struct card_step { // a command, as far as its time goes
    uint8_t kind;
    uint8_t pairs; // STEP_LOAD: coefficients it brings
    bool used;     // STEP_TICK: some row has a coefficient other than 0 for the asset
    bool last;     // STEP_TICK
};

struct card_time {
    uint32_t lanes, slots, latency;
    uint64_t free; // first cycle in which a beat can be taken
    uint64_t busy; // before this cycle every asset counts as used
    uint64_t port; // first cycle in which the event port is free
    bool dirty;    // some H has moved since rows were judged
};

// lanes, slots: powers of two. latency: cycles, card_time_latency() or what the device says (device_info).
void card_time_init(struct card_time *t, uint32_t lanes, uint32_t slots, uint32_t latency);
// Cycles from a TICK to its trigger in slot 0 with the multiplier's second register.
uint32_t card_time_latency(uint32_t lanes);
// The beat is at the core from cycle `offered` on: the cycle in which it is taken (cycle_in).
uint64_t card_time_take(struct card_time *t, const struct card_step *s, uint64_t offered);
// An event of an operation issued in that cycle: when it is at the port (cycle_out). In the events' order.
uint64_t card_time_event(struct card_time *t, uint64_t issued);

#endif
