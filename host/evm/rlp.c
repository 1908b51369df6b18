// SPDX-License-Identifier: Apache-2.0
#include "evm/rlp.h"

enum { STRING = 0x80, LIST = 0xc0, SHORT_MAX = 55 };

// ---- encoding

static uint8_t *take(struct rlp_out *o, size_t n)
{
    if (o->bad || n > (size_t)(o->at - o->begin)) {
        o->bad = true;
        return NULL;
    }
    return o->at -= n;
}

static void put_byte(struct rlp_out *o, uint8_t v)
{
    uint8_t *at = take(o, 1);
    if (at)
        *at = v;
}

static void put_header(struct rlp_out *o, uint8_t kind, size_t payload)
{
    if (payload <= SHORT_MAX) {
        put_byte(o, (uint8_t)(kind + payload));
        return;
    }
    uint8_t bytes = 0;
    for (; payload; payload >>= 8, bytes++)
        put_byte(o, (uint8_t)payload);
    put_byte(o, (uint8_t)(kind + SHORT_MAX + bytes));
}

void rlp_put_raw(struct rlp_out *o, const void *data, size_t n)
{
    uint8_t *at = take(o, n);
    if (at && n)
        memcpy(at, data, n);
}

void rlp_put_bytes(struct rlp_out *o, const void *data, size_t n)
{
    rlp_put_raw(o, data, n);
    if (n != 1 || *(const uint8_t *)data >= STRING)
        put_header(o, STRING, n);
}

void rlp_put_word(struct rlp_out *o, const struct word *v)
{
    size_t n = word_length(v);
    rlp_put_bytes(o, v->b + WORD_BYTES - n, n);
}

void rlp_put_u128(struct rlp_out *o, u128 v)
{
    struct word w = word_from_u128(v);
    rlp_put_word(o, &w);
}

void rlp_put_u64(struct rlp_out *o, uint64_t v)
{
    uint8_t b[8];
    be64_store(b, v);
    size_t n = v ? 8 - (size_t)__builtin_clzll(v) / 8 : 0;
    rlp_put_bytes(o, b + 8 - n, n);
}

void rlp_put_list_header(struct rlp_out *o, size_t payload)
{
    put_header(o, LIST, payload);
}

void rlp_put_list(struct rlp_out *o, size_t mark)
{
    put_header(o, LIST, rlp_mark(o) - mark);
}

// ---- decoding

static const uint8_t *refuse(struct rlp_in *in, size_t *n)
{
    *in->bad = true;
    in->left = 0;
    *n = 0;
    return in->p;
}

// A length of 56 or more, in `bytes` bytes behind the first; SIZE_MAX when it is none.
static size_t long_length(const struct rlp_in *in, size_t bytes)
{
    if (bytes >= in->left || in->p[1] == 0)
        return SIZE_MAX;
    size_t n = 0;
    for (size_t i = 1; i <= bytes; i++)
        n = n << 8 | in->p[i];
    return n > SHORT_MAX ? n : SIZE_MAX;
}

// The payload of the next item, which must be of this kind.
static const uint8_t *next(struct rlp_in *in, uint8_t kind, size_t *n)
{
    if (*in->bad || in->left == 0)
        return refuse(in, n);
    uint8_t first = in->p[0];
    size_t head = 1;
    if ((first >= LIST) != (kind == LIST))
        return refuse(in, n);
    if (first < STRING) {
        head = 0;
        *n = 1;
    } else if (first - kind <= SHORT_MAX) {
        *n = (size_t)(first - kind);
    } else {
        size_t bytes = (size_t)(first - kind - SHORT_MAX);
        head += bytes;
        *n = long_length(in, bytes);
    }
    if (head > in->left || *n > in->left - head)
        return refuse(in, n);
    const uint8_t *at = in->p + head;
    if (kind == STRING && head == 1 && *n == 1 && at[0] < STRING)
        return refuse(in, n); // stands for itself
    in->p = at + *n;
    in->left -= head + *n;
    return at;
}

const uint8_t *rlp_get_bytes(struct rlp_in *in, size_t *n)
{
    return next(in, STRING, n);
}

void rlp_get_fixed(struct rlp_in *in, uint8_t *out, size_t n)
{
    size_t got;
    const uint8_t *at = rlp_get_bytes(in, &got);
    if (got != n)
        (void)refuse(in, &got);
    if (*in->bad)
        memset(out, 0, n);
    else if (n)
        memcpy(out, at, n);
}

struct word rlp_get_word(struct rlp_in *in)
{
    struct word w = {{0}};
    size_t n;
    const uint8_t *at = rlp_get_bytes(in, &n);
    if (n > WORD_BYTES || (n && at[0] == 0))
        (void)refuse(in, &n);
    if (n)
        memcpy(w.b + WORD_BYTES - n, at, n);
    return w;
}

u128 rlp_get_u128(struct rlp_in *in)
{
    struct word w = rlp_get_word(in);
    u128 v = 0;
    size_t n;
    if (word_to_u128(&w, &v))
        (void)refuse(in, &n);
    return v;
}

uint64_t rlp_get_u64(struct rlp_in *in)
{
    struct word w = rlp_get_word(in);
    uint64_t v = 0;
    size_t n;
    if (word_to_u64(&w, &v))
        (void)refuse(in, &n);
    return v;
}

struct rlp_in rlp_get_list(struct rlp_in *in)
{
    size_t n;
    const uint8_t *at = next(in, LIST, &n);
    return rlp_in_of(at, n, in->bad);
}

bool rlp_end(struct rlp_in *in)
{
    if (in->left)
        *in->bad = true;
    return !*in->bad;
}
