// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: results and events of contracts (host/evm/abi.h). The first byte says how many of the
// next ones tell what is asked for in which order; the rest is the data. Nothing is read outside it, a count
// of items has room for their heads, and after something was wrong all values are zero.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_abi.c <evm and base sources>
#include <stdio.h>
#include <stdlib.h>

#include "evm/abi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 8, WHAT = 10 };

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static const uint8_t *begin, *end;

static void get_dynamic(struct abi_in *stack, size_t *depth, unsigned what)
{
    struct abi_in *in = &stack[*depth];
    size_t n, words = 1 + what % 3;
    if (what < 2) {
        const uint8_t *p = abi_get_bytes(in, &n);
        HOLDS(*in->bad ? n == 0 : p >= begin && p <= end && n <= (size_t)(end - p));
    } else if (*depth + 1 < DEPTH) {
        struct abi_in tail = what < 5 ? abi_get_array(in, words, &n) : abi_get_tuple(in);
        if (what < 5)
            HOLDS(*in->bad ? n == 0 : n * words * WORD_BYTES <= tail.size && n <= (size_t)(end - begin));
        HOLDS(*in->bad || (tail.base >= begin && tail.base <= end && tail.size <= (size_t)(end - tail.base)));
        stack[++*depth] = tail;
    }
}

static void get_static(struct abi_in *in, unsigned what)
{
    bool was = *in->bad;
    struct word w = {{0}};
    switch (what) {
    case 0:
        w = abi_get_word(in);
        break;
    case 1:
        w = word_from_u64(abi_get_u64(in));
        break;
    case 2:
        w = word_from_signed(abi_get_signed(in));
        break;
    default: {
        struct evm_address a = abi_get_address(in);
        w = word_from_address(&a);
    }
    }
    HOLDS(!was || word_is_zero(&w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool bad = false;
    struct abi_in stack[DEPTH];
    size_t depth = 0, asked = size ? data[0] % 32 : 0;
    if (size < 1 + asked)
        return 0;
    size_t n = size - 1 - asked;
    uint8_t *copy = malloc(n ? n : 1); // exact size: the sanitizer sees every byte read beyond it
    HOLDS(copy);
    memcpy(copy, data + 1 + asked, n);
    begin = copy;
    end = copy + n;
    stack[0] = abi_in_of(copy, n, &bad);
    for (size_t i = 1; i <= asked; i++) {
        unsigned what = data[i] % (WHAT + 1);
        if (what < 6)
            get_dynamic(stack, &depth, what);
        else if (what < WHAT)
            get_static(&stack[depth], what - 6);
        else if (depth)
            depth--;
    }
    free(copy);
    return 0;
}
