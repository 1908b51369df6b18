// SPDX-License-Identifier: Apache-2.0
// A protocol's state as JSON: fields read by name, with the line of what is wrong. Amounts are integers in
// the protocol's own smallest units, as numbers or as strings ("0x..." too); no fraction, no exponent.
// The first fault is kept in *e and everything after it reads as 0: look once, at the end, with state_done(),
// which also refuses fields that nobody has read. One thread for each state.
#ifndef TRIPLINE_PROTOCOLS_STATE_H
#define TRIPLINE_PROTOCOLS_STATE_H

#include <stdbool.h>

#include "accounts/json.h"
#include "base/err.h"
#include "base/u256.h"

struct state {
    const struct json *at; // an object
    const char *file;      // for messages
    struct err *e;
    bool failed;       // then *e says why; shared by the objects under it through *top
    struct state *top; // the document's; itself for the root
    uint64_t read;     // bit i: child i has been read
};

void state_open(struct state *s, const struct json *root, const char *file, struct err *e);
void state_fail(struct state *s, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool state_has(const struct state *s, const char *name);
u256 state_u256(struct state *s, const char *name, unsigned bits); // must be there, < 2^bits
u256 state_u256_or(struct state *s, const char *name, unsigned bits, u256 absent);
i256 state_i256(struct state *s, const char *name, unsigned bits); // in [-2^(bits-1), 2^(bits-1))
i256 state_i256_or(struct state *s, const char *name, unsigned bits, i256 absent);
uint64_t state_u64(struct state *s, const char *name, uint64_t most);
uint64_t state_u64_or(struct state *s, const char *name, uint64_t most, uint64_t absent);
bool state_bool_or(struct state *s, const char *name, bool absent);
const char *state_text_or(struct state *s, const char *name,
                          const char *absent); // the document's; at most 100 bytes
// One of n names; its index. Absent: 0 when `absent_ok`, else a fault.
unsigned state_choice(struct state *s, const char *name, const char *const *names, unsigned n,
                      bool absent_ok);
struct state state_object(struct state *s, const char *name,
                          bool *there); // absent is a fault when there is NULL
// Elements of an array of objects, in turn: for (struct state i; state_next(s, "assets", max, &it, &i);) ...
// `it` starts as NULL. More than `most` elements is a fault.
bool state_next(struct state *s, const char *name, unsigned most, const struct json **it,
                struct state *element);
bool state_done(struct state *s); // true: all fine. For objects under it too: call it on each when it is read

#endif
