/* SPDX-License-Identifier: Apache-2.0
 * What a simulated device's core does cycle by cycle, for pictures of it: a ring of the last cycles, in the
 * caller's memory. Nothing is kept, and nothing costs anything, while none is attached. Cycles in which
 * nothing happens may be left out (their numbers tell). The thread that owns the device. */
#ifndef TRIPLINE_DRIVERS_PROBE_H
#define TRIPLINE_DRIVERS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct device;

struct probe_cycle {
    uint64_t cycle;            /* of the device's counter: that of cycle_in and cycle_out, in full */
    bool cmd_valid, cmd_ready; /* at the core's command port */
    uint8_t cmd;               /* opcode, when valid */
    bool a, m, p, h;           /* an operation is in that stage (docs/device.md, RTL); a: it is issued */
    uint8_t a_slot, h_slot;    /* of which slot */
    uint16_t hits;             /* rows that fire in h */
    bool evt_valid, evt_ready; /* at the core's event port */
    uint8_t evt;               /* kind, when valid */
    uint32_t row;              /* of a trigger */
};
struct probe {
    struct probe_cycle *ring; /* the caller's */
    uint32_t size;            /* of the ring */
    uint64_t seen;            /* cycles since it was attached; the last is ring[(seen - 1) % size] */
};

/* Attaches p, whose `seen` becomes 0; NULL takes away what is attached. The caller keeps p until then. 0, or
 * -1: this device has nothing to see (no RTL, or a netlist). */
int device_probe(struct device *d, struct probe *p);

#endif
