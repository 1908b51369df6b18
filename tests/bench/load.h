// SPDX-License-Identifier: Apache-2.0
// What the benchmark of the feeds works on: frames in memory, from captures or made here, the same at each
// run. Frames made here are synthetic and are called so. Exits with a message where something is missing: no
// library code. One thread.
#ifndef TRIPLINE_BENCH_LOAD_H
#define TRIPLINE_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame { // Ethernet
    uint64_t ts_ns;
    uint8_t *bytes;
    uint32_t caplen, wirelen;
};

struct load {
    struct frame *frame;
    size_t n, room;
    size_t prelude; // frames at the front that are taken before the clock starts: definitions, snapshots
};

// Empty when the file is not there.
bool load_capture(struct load *l, const char *path);
// The messages' datagram of a frame; NULL when it has none. *port: UDP's destination.
uint8_t *load_payload(const struct frame *f, size_t *len, uint16_t *port);
void load_udp(struct load *l, uint64_t ts_ns, uint32_t dst_ip, uint16_t port, const uint8_t *payload,
              size_t len);
void load_free(struct load *l);

// Of a Deribit capture the packets that hold nothing but tickers, numbered anew.
void load_tickers(struct load *out, const struct load *all);
// Of a CME capture one line, or both; in front of it definitions of each instrument that it names, without
// which nothing may be published.
void load_cme(struct load *out, const struct load *all, bool both_lines);

// Made here: Deribit by the generator of `tripline gen`, the rest in load_made.c.
void load_gen(struct load *out);
void load_made_cme(struct load *out);
void load_made_starbase(struct load *out);
void load_made_cde(struct load *out);
// Definition of an instrument (template 54) as its replay feed sends it.
void load_cme_define(struct load *out, uint64_t ts_ns, uint16_t port, int32_t id);

#endif
