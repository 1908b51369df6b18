// SPDX-License-Identifier: Apache-2.0
// Margin calls: up to three warning levels above the liquidation threshold (docs/econ/staged.md, "Warning
// levels"). An account is called once when it goes below a level, and the call is taken back when it has come
// clear of it; no order follows. Who has to be looked at is told by the warning rows
// (engine_config.warn_ppm), or with nested boxes by the engine's guard (engine_config.call_ppm); levels are
// compared in the rule's own integers. One thread.
#ifndef TRIPLINE_RUN_CALLS_H
#define TRIPLINE_RUN_CALLS_H

#include "accounts/book.h"
#include "engine/engine.h"

enum { CALL_LEVELS = 3 };

struct calls_config {
    // Below level k: equity * 1e6 < requirement * (1e6 + level_ppm[k - 1]). Each lower than the one before;
    // 0: that level and those behind it are not used.
    uint32_t level_ppm[CALL_LEVELS];
    uint32_t clear_ppm; // so much higher a level is left
};
// 0, or -1 with *e set: levels that do not descend, or one beyond the warning distance.
int calls_check(const struct calls_config *c, uint32_t warn_ppm, struct err *e);
static inline bool calls_wanted(const struct calls_config *c)
{
    return c->level_ppm[0] != 0;
}

// J_MARGIN_CALL; of J_CALLED the deepest level, entered.
struct call_record {
    uint32_t account;
    uint8_t level; // 1 to CALL_LEVELS
    bool entered;  // else left
    uint64_t ns;   // stream time of the prices
};
enum { CALL_BYTES = 4 + 1 + 1 + 8 };
void call_encode(const struct call_record *c, uint8_t buf[CALL_BYTES]);
int call_decode(const uint8_t *buf, size_t len, struct call_record *c); // 0 or -1

// Is it below a level so far above the threshold?
bool calls_below(const struct health *h, uint32_t ppm);
// Levels that the account is below, from `before` on: deeper as soon as it is below one, less deep only when
// it is clear of one.
unsigned calls_level(const struct calls_config *c, const struct health *h, unsigned before);

struct calls_counters {
    uint64_t entered[CALL_LEVELS], left[CALL_LEVELS], standing[CALL_LEVELS]; // by level; standing: now
    uint64_t looks;                                                          // exact evaluations
    uint64_t restored;          // accounts whose calls are of before this session
    uint64_t missed, unfounded; // audit: below a level without its call; with one, though it was clear of it
                                // when it had its turn to be looked at, or has had none
    uint32_t first_missed;      // id of the first account missed, 0: none
};

struct calls;
// For up to `room` accounts; guarded: the engine has nested boxes, and call_ppm. NULL: out of memory.
struct calls *calls_new(const struct calls_config *c, bool guarded, size_t room);
void calls_free(struct calls *c);
// The account's level was that before this session; before the first update. Its level now, to be told to
// the engine.
unsigned calls_restore(struct calls *c, size_t account, unsigned level);
// Guarded: the account is flagged, or its state is new.
void calls_note(struct calls *c, size_t account);
// At prices px, after an update: looks at who is within the warning distance, and who was called. Guarded: at
// who is flagged, and in turn at some of those who were called. Each crossing goes to put. skip: accounts of
// odd index are not looked at (paired books).
void calls_update(struct calls *c, const struct book *b, struct engine *g, const int64_t *px, bool skip,
                  uint64_t now_ns, void (*put)(void *ctx, const uint8_t *data, size_t n), void *ctx);
// Brute force beside it: every account, counted in missed and unfounded.
void calls_audit(struct calls *c, const struct book *b, const int64_t *px, bool skip);
const struct calls_config *calls_settings(const struct calls *c);
const struct calls_counters *calls_counters(const struct calls *c);

#endif
