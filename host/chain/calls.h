// SPDX-License-Identifier: Apache-2.0
// Inside of chain: eth_call in batches, results as bytes. Up to CHAIN_RESULT_WORDS words of each are kept.
#ifndef TRIPLINE_CHAIN_CALLS_H
#define TRIPLINE_CHAIN_CALLS_H

#include "chain/link.h"

// Longest: the list of reserves.
enum { CHAIN_RESULT_WORDS = 136 };

struct chain_result {
    bool ok;       // else the node refuses,
    bool reverted; // because the contract does
    size_t n;
    uint8_t bytes[CHAIN_RESULT_WORDS * WORD_BYTES];
};

// Calls of views, each with at most one argument of a word. calls_begin, calls_add as often as there is room
// for, calls_end: then result[i] is the answer to the i-th one, of as many as were added.
struct calls {
    size_t n;
    struct word block;
    char why[200]; // of the first refusal
    struct chain_call call[CHAIN_CALLS_MAX];
    char params[CHAIN_CALLS_MAX][320];
    struct chain_result result[CHAIN_CALLS_MAX];
};

void calls_begin(struct calls *c, const struct word *block);
static inline bool calls_full(const struct calls *c)
{
    return c->n == CHAIN_CALLS_MAX;
}
void calls_add(struct calls *c, const struct evm_address *to, uint32_t selector, const struct word *arg);
int calls_end(struct calls *c, struct chain_link *l, struct err *e);

// -1 with *e set unless result i has at least `words` words.
int calls_need(const struct calls *c, size_t i, size_t words, const char *what, struct err *e);
// Likewise, but the contract may refuse: it has no such function.
int calls_may(const struct calls *c, size_t i, size_t words, const char *what, struct err *e);
// Word w of result i; false where there is none.
bool calls_word(const struct calls *c, size_t i, size_t w, struct word *out);

#endif
