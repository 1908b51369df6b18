// SPDX-License-Identifier: Apache-2.0
#include "evm/abi.h"
#include "evm/keccak.h"

uint32_t abi_selector(const char *signature)
{
    struct word h = abi_topic(signature);
    return (uint32_t)(be64_load(h.b) >> 32);
}

struct word abi_topic(const char *signature)
{
    struct word h;
    keccak256(signature, strlen(signature), &h);
    return h;
}

// n more bytes at the end of what is used.
static uint8_t *take(struct abi_out *o, size_t n)
{
    if (o->bad || n > o->size - o->used) {
        o->bad = true;
        return NULL;
    }
    o->used += n;
    return o->buf + o->used - n;
}

static struct abi_head row_of(struct abi_out *o, size_t count, size_t words)
{
    size_t n, bytes;
    struct abi_head h = {o->used, o->used, o->used};
    if (__builtin_mul_overflow(count, words, &n) || __builtin_mul_overflow(n, (size_t)WORD_BYTES, &bytes)) {
        o->bad = true;
        return h;
    }
    if (take(o, bytes)) {
        h.end += bytes;
        o->owed += n;
    }
    return h;
}

struct abi_head abi_row(struct abi_out *o, size_t words)
{
    return row_of(o, 1, words);
}

struct abi_head abi_call(struct abi_out *o, uint32_t selector, size_t words)
{
    uint8_t *at = take(o, 4);
    for (unsigned i = 0; at && i < 4; i++)
        at[i] = (uint8_t)(selector >> (24 - 8 * i));
    return row_of(o, 1, words);
}

void abi_put_word(struct abi_out *o, struct abi_head *h, const struct word *v)
{
    if (o->bad || h->at == h->end) {
        o->bad = true;
        return;
    }
    memcpy(o->buf + h->at, v->b, WORD_BYTES);
    h->at += WORD_BYTES;
    o->owed--;
}

void abi_put_u128(struct abi_out *o, struct abi_head *h, u128 v)
{
    struct word w = word_from_u128(v);
    abi_put_word(o, h, &w);
}

void abi_put_u64(struct abi_out *o, struct abi_head *h, uint64_t v)
{
    abi_put_u128(o, h, v);
}

void abi_put_address(struct abi_out *o, struct abi_head *h, const struct evm_address *v)
{
    struct word w = word_from_address(v);
    abi_put_word(o, h, &w);
}

// The tail that begins here: its offset goes into the row.
static void put_offset(struct abi_out *o, struct abi_head *h)
{
    abi_put_u64(o, h, o->used - h->base);
}

static void append_length(struct abi_out *o, size_t n)
{
    struct word w = word_from_u64(n);
    uint8_t *at = take(o, WORD_BYTES);
    if (at)
        memcpy(at, w.b, WORD_BYTES);
}

void abi_put_bytes(struct abi_out *o, struct abi_head *h, const void *data, size_t n)
{
    size_t padding = (0 - n) % WORD_BYTES;
    put_offset(o, h);
    append_length(o, n);
    uint8_t *at = take(o, n);
    if (at && n)
        memcpy(at, data, n);
    at = take(o, padding);
    if (at)
        memset(at, 0, padding);
}

struct abi_head abi_put_array(struct abi_out *o, struct abi_head *h, size_t count, size_t words)
{
    put_offset(o, h);
    append_length(o, count);
    return row_of(o, count, words);
}

struct abi_head abi_put_tuple(struct abi_out *o, struct abi_head *h, size_t words)
{
    put_offset(o, h);
    return row_of(o, 1, words);
}

size_t abi_done(const struct abi_out *o)
{
    return o->bad || o->owed ? 0 : o->used;
}
