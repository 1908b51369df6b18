// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the wire form of accounts and markets. What is accepted must be sound and must encode
// back to exactly the bytes that were read.
//   clang -fsanitize=fuzzer,address,undefined -Ihost -Itests/unit tests/fuzz/fuzz_codec.c <accounts and base
//   sources>
//   ./fuzz_codec -max_len=4096
// No corpus is needed: bit 0 of the first byte chooses account or market; with bit 1 the next eight bytes
// seed a random valid one, and the rest edits its encoding ({ u16 position, u8 xor } ...), so that mutations
// begin behind the checks that random bytes never pass.
#include <stdio.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/store.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MARKET = 1, STRUCTURED = 2, SMALL = 8 };

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static uint8_t again[MARKET_BYTES_MAX], made[MARKET_BYTES_MAX];
static struct market market;

static void decode(bool is_market, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1); // exact size: the sanitizer sees every byte read beyond it
    struct account a;
    HOLDS(copy);
    memcpy(copy, bytes, len);
    size_t n = is_market ? market_decode(copy, len, &market) : account_decode(copy, len, &a);
    HOLDS(n <= len);
    if (n) {
        HOLDS((is_market ? market_check(&market, NULL) : account_check(NULL, &a, NULL)) == 0);
        size_t k =
            is_market ? market_encode(&market, again, sizeof again) : account_encode(&a, again, sizeof again);
        HOLDS(k == n && memcmp(again, copy, n) == 0);
        HOLDS((is_market ? market_encode(&market, again, n - 1) : account_encode(&a, again, n - 1)) == 0);
    }
    free(copy);
}

static size_t make(bool is_market, uint64_t seed)
{
    struct prng r;
    struct account a;
    prng_seed(&r, seed);
    if (is_market) {
        random_market(&r, &market, 2 * (1 + (unsigned)prng_below(&r, SMALL)),
                      (unsigned)prng_below(&r, SMALL));
        return market_encode(&market, made, sizeof made);
    }
    random_account(&r, &a);
    return account_encode(&a, made, sizeof made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool is_market = data[0] & MARKET;
    if (!(data[0] & STRUCTURED) || size < 9) {
        decode(is_market, data + 1, size - 1);
        return 0;
    }
    size_t n = make(is_market, le64_load(data + 1));
    HOLDS(n > 0);
    for (size_t i = 9; i + 3 <= size; i += 3)
        made[le16_load(data + i) % n] ^= data[i + 2];
    decode(is_market, made, n);
    return 0;
}
