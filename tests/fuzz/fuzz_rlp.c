// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: RLP (host/evm/rlp.h). Any bytes are read as items; what is accepted, written anew, is
// what was read. What is refused stays refused.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_rlp.c <evm and base sources>
#include <stdio.h>
#include <stdlib.h>

#include "evm/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 32, ITEMS = 8192 };

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

// Items in the order read: a string, the begin of a list (p NULL) or its end (p NULL, n 1).
static struct {
    const uint8_t *p;
    size_t n;
} item[ITEMS];
static size_t n_items;
static uint8_t again[1 << 20];

static void note(const uint8_t *p, size_t n)
{
    if (n_items < ITEMS) {
        item[n_items].p = p;
        item[n_items].n = n;
    }
    n_items++;
}

// Reads all; false when it is refused or deeper than looked at here.
static bool read_all(const uint8_t *data, size_t size, bool *bad)
{
    struct rlp_in stack[DEPTH];
    size_t depth = 0;
    stack[0] = rlp_in_of(data, size, bad);
    while (rlp_more(&stack[depth]) || (depth && !*bad)) {
        struct rlp_in *in = &stack[depth];
        HOLDS(in->p >= data && in->left <= size && in->p + in->left <= data + size);
        if (!rlp_more(in)) {
            depth--;
            note(NULL, 1);
        } else if (in->p[0] >= 0xc0) {
            if (depth + 1 == DEPTH)
                return false;
            stack[depth + 1] = rlp_get_list(in);
            depth++;
            note(NULL, 0);
        } else {
            size_t n;
            const uint8_t *p = rlp_get_bytes(in, &n);
            HOLDS(*bad || (p >= data && p + n <= data + size));
            note(p, n);
        }
    }
    return rlp_end(&stack[0]);
}

static void write_all(struct rlp_out *o)
{
    size_t mark[DEPTH], depth = 0;
    for (size_t i = n_items; i-- > 0;) {
        if (item[i].p)
            rlp_put_bytes(o, item[i].p, item[i].n);
        else if (item[i].n)
            mark[depth++] = rlp_mark(o);
        else
            rlp_put_list(o, mark[--depth]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool bad = false;
    uint8_t *copy = malloc(size + 1), fixed[20]; // the first byte is none of its own
    HOLDS(copy);
    memcpy(copy + 1, data, size);
    n_items = 0;
    if (read_all(copy + 1, size, &bad) && n_items <= ITEMS && size <= sizeof again) {
        struct rlp_out o = rlp_out_of(again, size);
        write_all(&o);
        HOLDS(!o.bad && rlp_mark(&o) == size && memcmp(again, data, size) == 0);
    }
    bool was = bad;
    struct rlp_in in = rlp_in_of(copy + 1, size, &bad);
    struct word w = rlp_get_word(&in);
    HOLDS(!was || (bad && word_is_zero(&w)));
    rlp_get_fixed(&in, fixed, sizeof fixed);
    (void)rlp_get_u128(&in);
    struct rlp_in list = rlp_get_list(&in);
    (void)rlp_get_u64(&list);
    HOLDS(!bad || (!rlp_more(&list) && !rlp_end(&in)));
    free(copy);
    return 0;
}
