// SPDX-License-Identifier: Apache-2.0
#include "evm/abi.h"

static const uint8_t zeros[WORD_BYTES];

// The next head; zeros when there is none.
static const uint8_t *head(struct abi_in *in)
{
    if (*in->bad || in->at > in->size || in->size - in->at < WORD_BYTES) {
        *in->bad = true;
        return zeros;
    }
    in->at += WORD_BYTES;
    return in->base + in->at - WORD_BYTES;
}

struct word abi_get_word(struct abi_in *in)
{
    struct word w;
    memcpy(w.b, head(in), WORD_BYTES);
    return w;
}

uint64_t abi_get_u64(struct abi_in *in)
{
    struct word w = abi_get_word(in);
    uint64_t v = 0;
    if (word_to_u64(&w, &v))
        *in->bad = true;
    return v;
}

i256 abi_get_signed(struct abi_in *in)
{
    struct word w = abi_get_word(in);
    return word_to_signed(&w);
}

struct evm_address abi_get_address(struct abi_in *in)
{
    struct word w = abi_get_word(in);
    struct evm_address a = {{0}};
    if (word_to_address(&w, &a))
        *in->bad = true;
    return a;
}

// Where the next head leads; an empty reader when that is outside.
static struct abi_in tail(struct abi_in *in)
{
    uint64_t offset = abi_get_u64(in);
    if (offset > in->size)
        *in->bad = true;
    if (*in->bad)
        return (struct abi_in){zeros, 0, 0, in->bad};
    return (struct abi_in){in->base + offset, in->size - offset, 0, in->bad};
}

const uint8_t *abi_get_bytes(struct abi_in *in, size_t *n)
{
    struct abi_in t = tail(in);
    *n = abi_get_u64(&t);
    if (*in->bad || *n > t.size - t.at) {
        *in->bad = true;
        *n = 0;
        return zeros;
    }
    return t.base + t.at;
}

struct abi_in abi_get_array(struct abi_in *in, size_t words, size_t *count)
{
    struct abi_in t = tail(in);
    size_t bytes;
    *count = abi_get_u64(&t);
    if (*in->bad || words == 0 || __builtin_mul_overflow(*count, words, &bytes) ||
        __builtin_mul_overflow(bytes, (size_t)WORD_BYTES, &bytes) || bytes > t.size - t.at) {
        *in->bad = true;
        *count = 0;
        return (struct abi_in){zeros, 0, 0, in->bad};
    }
    return (struct abi_in){t.base + t.at, t.size - t.at, 0, in->bad};
}

struct abi_in abi_get_tuple(struct abi_in *in)
{
    return tail(in);
}

bool abi_log_is(const struct abi_log *l, const struct word *event, unsigned indexed)
{
    return l->n_topics == indexed + 1 && word_equal(&l->topic[0], event);
}
