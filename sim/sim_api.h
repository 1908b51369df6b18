/* SPDX-License-Identifier: Apache-2.0
 * The simulated card with its driver: a board (board.h) under drivers/card.c, and a queue of commands that
 * wait for credit. Time passes only inside these calls. A sim belongs to one thread; after sim_open nothing
 * allocates (writing a waveform does). */
#ifndef TRIPLINE_SIM_API_H
#define TRIPLINE_SIM_API_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "device.h"

struct sim;
struct board;
struct card;

struct sim_config {
    const char *trace;              /* FST file, or NULL */
    uint64_t seed;                  /* of stalls, splits, jitter and of the state before reset */
    unsigned stall_in_pct;          /* 0..99: percent of cycles in which a waiting write is not offered */
    unsigned stall_out_pct;         /* 0..99: percent of cycles in which an offered record is not taken */
    const struct device_card *card; /* NULL: device_card_default */
    bool every_cycle;               /* simulate also the cycles in which nothing can happen */
};

/* Resets the card, opens it as a driver does, waits until its memories are cleared. NULL with *why (owned by
 * this module, until the next sim_open) when there is no memory, no waveform, or the card is refused. */
struct sim *sim_open(const struct sim_config *c, const char **why);
/* Lets `cycles` pass, resets the card in the middle of whatever it then does, by its reset input (the links
 * too) or by its register, and opens it anew. Queued beats and events are lost. 0, or -1 when it does not
 * come up. */
int sim_reset(struct sim *s, uint64_t cycles);
int sim_soft_reset(struct sim *s, uint64_t cycles);
/* Queues up to n beats; returns how many there was room for, 0 once the card has stopped. */
size_t sim_submit(struct sim *s, const struct beat *cmd, size_t n);
/* Runs until there is an event or nothing is left to do; returns the events, at most max. */
size_t sim_poll(struct sim *s, struct beat *evt, size_t max);
/* Register accesses over PCIe; the device goes on meanwhile. */
uint32_t sim_read(struct sim *s, uint32_t offset);
void sim_write(struct sim *s, uint32_t offset, uint32_t value);
/* The sim behind a device of this back end; NULL for another's. */
struct sim *sim_of(struct device *d);
/* The parts, for tests. */
struct board *sim_board(struct sim *s);
struct card *sim_card(struct sim *s);
void sim_close(struct sim *s);

#endif
