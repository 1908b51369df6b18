// SPDX-License-Identifier: Apache-2.0
// The rules of protocols as their contracts have them: from a state given as JSON to health, liquidatable,
// size and amounts, in exact integers with the protocol's own rounding (docs/protocols.md, one page for each
// under docs/protocols/). Pure functions over caller's memory; any thread.
#ifndef TRIPLINE_PROTOCOLS_PROTOCOL_H
#define TRIPLINE_PROTOCOLS_PROTOCOL_H

#include "protocols/state.h"

enum { OUTCOME_MAX = 256, OUTCOME_NAME_MAX = 64, OUTCOME_TEXT_MAX = 120 };

// What a rule says of a state: named results in a fixed order. Amounts print as decimal integers.
struct outcome {
    size_t n;
    struct {
        char name[OUTCOME_NAME_MAX]; // "health", "seize[0].amount"
        char text[OUTCOME_TEXT_MAX];
        bool quoted; // text is no number and no truth value
    } line[OUTCOME_MAX];
};
void outcome_u256(struct outcome *o, const char *name, u256 v);
void outcome_i256(struct outcome *o, const char *name, i256 v);
void outcome_bool(struct outcome *o, const char *name, bool v);
void outcome_text(struct outcome *o, const char *name, const char *v);
// "name[i].field"
const char *outcome_at(char buf[OUTCOME_NAME_MAX], const char *name, unsigned i, const char *field);

struct protocol {
    const char *name;    // "comet": with its version where there are several
    const char *title;   // one line for `rule list`
    const char *source;  // repository, commit and files that the formulas are from
    const char *example; // a state, JSON text
    // 0, or -1 with *e set: the state is none. A refusal of the protocol is an outcome: "refused" with the
    // contract's own name of the error. Every eval gives at least "liquidatable" (true or false), "health"
    // (or its two sides), and, where an order is in the state, "refused" ("" when it is not) and its amounts.
    int (*eval)(struct state *state, struct outcome *out, struct err *e);
};
const struct protocol *protocol_at(size_t i); // NULL behind the last
// By its name, or by that of its rule of accounts ("comet-1"); NULL: none.
const struct protocol *protocol_find(const char *name);

#endif
