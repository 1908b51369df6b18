/* SPDX-License-Identifier: Apache-2.0
 * A simulated board: the Verilated hc_top, the PCIe between it and this program (sim/pcie.hpp), and the host
 * memory it writes. What a driver does with a card it does here through the same registers, window and ring.
 *
 * Latencies are modelled: nanoseconds turned into device cycles at a stated clock; struct device_card
 * (device.h) has them and where they come from. The program itself takes no simulated time. Cycles pass only
 * inside board_read32, board_advance, board_run, board_reset, and in writes when the link is full. A device
 * that breaks a rule of AXI or of the ring ends the program with a message. One thread; nothing allocates
 * after board_open (writing a waveform does). */
#ifndef TRIPLINE_SIM_BOARD_H
#define TRIPLINE_SIM_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "device.h"
#include "probe.h"

#ifdef __cplusplus
extern "C" {
#endif

struct board;

struct board_config {
    const char *trace;      /* FST file, or NULL */
    uint64_t seed;          /* of everything random below, and of the state before reset */
    unsigned stall_in_pct;  /* 0..99: percent of cycles in which a write that waits is not offered */
    unsigned stall_out_pct; /* 0..99: percent of cycles in which a record that is offered is not taken; 100:
                               a bus that is stuck */
    const struct device_card *card; /* NULL: device_card_default */
    bool every_cycle;               /* also evaluate cycles in which nothing can happen */
};

/* NULL when out of memory or when the waveform cannot be written; *why then says which. The device is in the
 * state after its reset input; its memories may still be clearing. */
struct board *board_open(const struct board_config *c, const char **why);
/* Reset input; what is under way on the links is lost, as when the link goes down. */
void board_reset(struct board *b);
void board_close(struct board *b);

uint32_t board_read32(struct board *b, uint32_t offset);
void board_write32(struct board *b, uint32_t offset, uint32_t value);
void board_write_beat(struct board *b, uint32_t offset, const struct beat *beat);
void board_fence(struct board *b);
/* One window write as it is: 1 to 64 bytes inside a 64-byte line, burst type as on AXI (0 FIXED, 1 INCR, 2
 * WRAP). */
void board_write_raw(struct board *b, uint32_t offset, const void *bytes, unsigned size, unsigned burst);
/* Percent of the INCR window writes that come as beats narrower than 32 bytes (AWSIZE), as many as they take.
 */
void board_narrow(struct board *b, unsigned pct);
/* The device's next n records are answered with an error and not written. */
void board_refuse(struct board *b, unsigned n);
/* Reads 1 to 256 beats of the window; returns when each has been answered with zeros, with what the device
 * did meanwhile. */
void board_read_window(struct board *b, uint32_t offset, unsigned beats, unsigned id);

/* Runs until something new stands in ring or status memory (true), or nothing is left that could bring
 * anything (false): links and device are empty, or have been stuck for board_patience cycles. With
 * idle_is_enough also (false) as soon as no command and no event is left, though a status record may follow.
 */
bool board_advance(struct board *b, bool idle_is_enough);
extern const uint64_t board_patience;
void board_run(struct board *b, uint64_t cycles);
uint64_t board_cycles(const struct board *b);    /* since the reset input was released */
uint64_t board_evaluated(const struct board *b); /* cycles that were simulated one by one */
uint64_t board_refused(const struct board *b);   /* window writes the device answered with an error */

/* Memories of the device that keep state, each with what their words are. */
enum board_memory {
    BOARD_COEF,        /* of a lane: asset * SLOTS + slot; bit 27: parity */
    BOARD_H,           /* of a lane: slot */
    BOARD_H_PARITY,    /* slot; a bit a lane */
    BOARD_ARMED,       /* slot; a bit a lane */
    BOARD_ARMED_AGAIN, /* its copy */
    BOARD_PRICE,       /* asset; bit 34: parity */
    BOARD_BAND_LO,     /* likewise */
    BOARD_BAND_HI,     /* likewise */
    BOARD_USED,        /* asset, one bit; not with SLOTS = 1 */
    BOARD_COUNT,       /* asset; not with SLOTS = 1 */
    BOARD_USE_AGAIN,   /* copy of both */
    BOARD_MEMORIES
};
/* Flips a bit, as radiation would; the device meets it when it next reads the word. lane is looked at for
 * memories of a lane. False, and nothing done: no such word or bit, or the device has no parity. */
bool board_flip(struct board *b, enum board_memory memory, unsigned lane, unsigned index, unsigned bit);

/* device_probe() of drivers/probe.h. False: a netlist has no names to look behind. */
bool board_probe(struct board *b, struct probe *p);

/* Host memory. */
struct beat *board_ring(struct board *b, uint64_t *bus);
struct beat *board_status(struct board *b, uint64_t *bus);
/* What BUILD_HASH must read: that of the RTL this harness was built with. */
uint64_t board_build_hash(void);

#ifdef __cplusplus
}
#endif
#endif
