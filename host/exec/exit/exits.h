// SPDX-License-Identifier: Apache-2.0
// The ways out of every collateral into every debt, and the price of gas, as the session is told them
// (journal record J_EXITS) and as worth.h asks for them. Told as a whole, once a block at most. The codec is
// little endian with a version byte, trusts nothing, and what decodes encodes to the same bytes.
#ifndef TRIPLINE_EXEC_EXIT_EXITS_H
#define TRIPLINE_EXEC_EXIT_EXITS_H

#include "exec/exit/cpmm.h"
#include "exec/exit/worth.h"

enum { EXITS_POOLS_MAX = 128, EXITS_VIA_MAX = 1 };

struct exits_pool {
    uint16_t a, b;     // instruments whose tokens it holds
    u128 in_a, in_b;   // reserves, token units
    uint32_t keep, of; // as in cpmm.h
    uint32_t gas;      // of one sale in it, at most 2^30
};
struct exits_told {
    uint64_t block;
    uint64_t base_fee; // wei
    uint16_t native;   // instrument whose token is the native coin's, wrapped
    uint16_t n;
    struct exits_pool pool[EXITS_POOLS_MAX]; // no pair of instruments twice
};
enum { EXITS_BYTES_MAX = 32 + EXITS_POOLS_MAX * 48 };
size_t exits_encode(const struct exits_told *t, uint8_t *buf, size_t size); // 0: does not fit, or not sound
int exits_decode(const uint8_t *buf, size_t len, struct exits_told *t);     // 0 or -1

// Ready to be asked. One thread; no allocation after exits_new.
struct exits;
struct exits *exits_new(void); // NULL: no memory
void exits_free(struct exits *x);
// Takes what was told in place of what was there; market: for the instruments' number only. 0, or -1 with *e
// set and the old ones still there.
int exits_take(struct exits *x, const struct exits_told *t, unsigned n_instruments, struct err *e);
bool exits_known(const struct exits *x); // something was told
uint64_t exits_base_fee(const struct exits *x);
uint16_t exits_native(const struct exits *x);
// For worth_exits: by the pool of both tokens, where there is none by those of each with the native coin's.
// ctx: the struct exits. One path, as the liquidation contract sells along one. The answer stands until the
// next exits_find or exits_take; a venue whose pools are as they were keeps its version.
const struct exit_venue *exits_find(void *ctx, uint16_t coll, uint16_t debt);
// The version that exits_find's answer would have, without making it; 0: no way, or nothing to sell.
uint32_t exits_version(const struct exits *x, uint16_t coll, uint16_t debt);
// The ways by pools side by side, the pool of both tokens and the one by the native coin's: how many (0 to
// EXITS_WAYS_MAX), the gas of all, and of each the version.
enum { EXITS_WAYS_MAX = 2 };
unsigned exits_ways(const struct exits *x, uint16_t coll, uint16_t debt, struct cpmm_path way[EXITS_WAYS_MAX],
                    uint32_t version[EXITS_WAYS_MAX], uint64_t *gas);
// The instruments between coll and debt on that way; how many (0: one pool or the same token).
uint8_t exits_via(const struct exits *x, uint16_t coll, uint16_t debt, uint16_t via[EXITS_VIA_MAX]);

#endif
