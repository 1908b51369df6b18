// SPDX-License-Identifier: Apache-2.0
// Accounts that may be liquidated and are not worth it: the journal record that says why (J_UNWORTH), and a
// pool of such answers, so that one is given again without calculation until something it rests on has moved.
// The codec is little endian with a version byte, trusts nothing, and what decodes encodes to the same bytes.
// One thread; no allocation after unworthy_init.
#ifndef TRIPLINE_EXEC_UNWORTH_H
#define TRIPLINE_EXEC_UNWORTH_H

#include "exec/exit/worth.h"
#include "exec/marks.h"

// enum worth_reason, and one of the desk's own. In journals: these numbers stay.
enum { UNWORTH_NO_GAS_PRICE = WORTH_REASONS, UNWORTH_REASONS };
const char *unworth_reason_name(uint8_t reason); // "no pair", ..., "gas unknown"; "?" for anything else

// Record J_UNWORTH: written when reason or pair is another than the last written for this state of the
// account. The figures are those of the pair and size that come nearest (worth.h), 1e-8 units of account,
// saturated; zero like the pair where the reason has none.
struct unworth {
    uint32_t account, epoch;
    uint8_t reason; // 1..UNWORTH_REASONS - 1
    uint16_t debt, coll;
    int64_t bonus, fee, premium, slippage, gas, profit, expected;
};
enum { UNWORTH_BYTES = 14 + 7 * 8 };
void unworth_encode(const struct unworth *u, uint8_t buf[UNWORTH_BYTES]);
int unworth_decode(const uint8_t *buf, size_t len, struct unworth *u); // 0 or -1
void unworth_of(uint32_t account, uint32_t epoch, uint8_t reason, const struct worth *w, struct unworth *u);

// What an answer rests on.
struct unworthy_now {
    uint64_t stands_on; // hash of the ways out and the parameters (versions)
    uint64_t gas_wei;   // base fee
    int64_t native;     // price of the native coin; 0: not known
    uint64_t ns;        // stream time
};

enum {
    UNWORTHY_NONE = 0,
    UNWORTHY_MAX = 32768, // answers kept at once
    UNWORTHY_ASSETS = 6,  // an account with more assets is asked anew each time
};
#define UNWORTHY_NS UINT64_C(3600000000000) // an answer is as old as this at most: debts grow

struct unworthy {
    struct unworthy_now at;
    int64_t px[UNWORTHY_ASSETS];
    uint16_t asset[UNWORTHY_ASSETS];
    uint32_t epoch;
    uint8_t n_assets, reason;
};

struct unworthy_pool {
    struct unworthy *slot; // named by index + 1, so that 0 is none
    uint32_t *free_slot;
    uint32_t n, n_free;
};

int unworthy_init(struct unworthy_pool *p, uint32_t n); // 0 or -1
void unworthy_free(struct unworthy_pool *p);            // NULL pointers are allowed
// Keeps an answer; its name, UNWORTHY_NONE when the pool is full or the account has too many assets.
uint32_t unworthy_keep(struct unworthy_pool *p, uint32_t epoch, uint8_t reason,
                       const struct marks_assets *assets, const int64_t *px, const struct unworthy_now *now);
// The reason kept, 0 when it has to be asked anew: another state, ways out or parameters, a price moved by
// more than a quarter of tolerance_ppm, gas cheaper by more than that, or too old.
uint8_t unworthy_read(const struct unworthy_pool *p, uint32_t name, uint32_t epoch, const int64_t *px,
                      const struct unworthy_now *now, uint32_t tolerance_ppm);
void unworthy_give(struct unworthy_pool *p, uint32_t name); // forgets it

#endif
