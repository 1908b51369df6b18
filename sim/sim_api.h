/* SPDX-License-Identifier: Apache-2.0
 * C interface of the Verilated core: a clock, a command source and an event sink with seeded random
 * back-pressure, register access, an optional waveform. Time passes only inside these calls. A sim belongs to
 * one thread; after sim_open nothing allocates (writing a waveform does). */
#ifndef TRIPLINE_SIM_API_H
#define TRIPLINE_SIM_API_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim;

struct sim_config {
    const char *trace;      /* FST file, or NULL */
    uint64_t seed;          /* of back-pressure and of the state before reset */
    unsigned stall_in_pct;  /* 0..99: percent of cycles in which no new command beat is offered */
    unsigned stall_out_pct; /* 0..99: percent of cycles in which no event beat is taken */
};

/* Resets the core and waits until its memories are cleared. NULL when out of memory, when the waveform cannot
 * be written, or when the core does not come up; *why then says which. */
struct sim *sim_open(const struct sim_config *c, const char **why);
/* Lets `cycles` pass, resets the core in the middle of whatever it then does, and waits as sim_open does.
 * Queued beats and events are lost. 0, or -1 when the core does not come up. */
int sim_reset(struct sim *s, uint64_t cycles);
/* Queues up to n beats; returns how many there was room for. */
size_t sim_submit(struct sim *s, const struct beat *cmd, size_t n);
/* Runs until there is an event or nothing is left to do; returns the events, at most max. */
size_t sim_poll(struct sim *s, struct beat *evt, size_t max);
/* AXI4-Lite accesses; the core goes on meanwhile. */
uint32_t sim_read(struct sim *s, uint32_t offset);
void sim_write(struct sim *s, uint32_t offset, uint32_t value);
/* What the core's BUILD_HASH must read: the hash that the model beside this harness was made with. */
uint64_t sim_build_hash(void);
void sim_close(struct sim *s);

#ifdef __cplusplus
}
#endif
#endif
