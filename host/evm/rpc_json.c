// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc_json.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && blank(*p))
        p++;
    return p;
}

// ---- one token each: the position behind it, NULL when it is none

static const char *hex4(const char *p, const char *end, unsigned *out)
{
    if (end - p < 4)
        return NULL;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return NULL;
        *out = *out << 4 | (unsigned)d;
    }
    return p + 4;
}

// Behind the backslash. Surrogates only in pairs.
static const char *escape(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p != 'u')
        return strchr("\"\\/bfnrt", *p) && *p ? p + 1 : NULL;
    unsigned u;
    p = hex4(p + 1, end, &u);
    if (!p || u < 0xd800 || u > 0xdfff)
        return p;
    if (u > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return NULL;
    p = hex4(p + 2, end, &u);
    return p && u >= 0xdc00 && u <= 0xdfff ? p : NULL;
}

// One character of two to four bytes: shortest form, no surrogates, at most U+10FFFF.
static const char *utf8(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || end - p <= more)
        return NULL;
    unsigned second = (unsigned char)p[1];
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
        return NULL;
    for (int i = 1; i <= more; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return NULL;
    return p + more + 1;
}

static const char *string(const char *p, const char *end) // behind the opening quote
{
    while (p && p < end) {
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            return p + 1;
        if (c == '\\')
            p = escape(p + 1, end);
        else if (c < 0x20)
            return NULL;
        else
            p = c < 0x80 ? p + 1 : utf8(p, end);
    }
    return NULL;
}

static const char *digits(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && digit(*q))
        q++;
    return q == p ? NULL : q;
}

static const char *number(const char *p, const char *end)
{
    if (*p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else
        p = digits(p, end);
    if (p && p < end && *p == '.')
        p = digits(p + 1, end);
    if (p && p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = digits(p, end);
    }
    return p;
}

static const char *literal(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

static const char *scalar(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return string(p + 1, end);
    case 't':
        return literal(p, end, "true");
    case 'f':
        return literal(p, end, "false");
    case 'n':
        return literal(p, end, "null");
    default:
        return *p == '-' || digit(*p) ? number(p, end) : NULL;
    }
}

// `"key" :`
static const char *member_key(const char *p, const char *end)
{
    if (p == end || *p != '"')
        return NULL;
    p = string(p + 1, end);
    if (!p)
        return NULL;
    p = skip_blanks(p, end);
    return p < end && *p == ':' ? skip_blanks(p + 1, end) : NULL;
}

// ---- values

// Levels are bits of a word, 1 for an object, so that hostile nesting costs neither stack nor memory.
struct levels {
    uint64_t object;
    unsigned depth;
};

// Behind a value: closes levels and goes past a comma, up to where the next value begins. The position; *done
// when the outermost value has ended there.
static const char *after_value(const char *p, const char *end, struct levels *l, bool *done)
{
    for (;;) {
        if (l->depth == 0) {
            *done = true;
            return p;
        }
        bool object = l->object >> (l->depth - 1) & 1;
        p = skip_blanks(p, end);
        if (p == end)
            return NULL;
        if (*p == ',') {
            p = skip_blanks(p + 1, end);
            return object ? member_key(p, end) : p;
        }
        if (*p != (object ? '}' : ']'))
            return NULL;
        p++;
        l->depth--;
    }
}

// At '{' or '[': opens the level, goes to its first value; *empty when it has none (then behind its end).
static const char *open_level(const char *p, const char *end, struct levels *l, bool *empty)
{
    bool object = *p == '{';
    p = skip_blanks(p + 1, end);
    if (p == end)
        return NULL;
    *empty = *p == (object ? '}' : ']');
    if (*empty)
        return p + 1;
    if (l->depth == RPC_JSON_DEPTH)
        return NULL;
    l->object = (l->object & ~(UINT64_C(1) << l->depth)) | (uint64_t)object << l->depth;
    l->depth++;
    return object ? member_key(p, end) : p;
}

size_t rpc_json_value(const char *text, size_t n)
{
    const char *p = text, *end = text + n;
    struct levels l = {0, 0};
    bool done = false;
    while (p && !done) {
        if (p == end)
            return 0;
        bool ended = true;
        p = *p == '{' || *p == '[' ? open_level(p, end, &l, &ended) : scalar(p, end);
        if (p && ended)
            p = after_value(p, end, &l, &done);
    }
    return p ? (size_t)(p - text) : 0;
}

struct rpc_span rpc_json_whole(const char *text, size_t n)
{
    const char *end = text + n, *p = skip_blanks(text, end);
    size_t len = rpc_json_value(p, (size_t)(end - p));
    if (len == 0 || skip_blanks(p + len, end) != end)
        return (struct rpc_span){NULL, 0};
    return (struct rpc_span){p, len};
}

bool rpc_json_begin(struct rpc_json_iter *it, struct rpc_span v)
{
    *it = (struct rpc_json_iter){NULL, NULL, 0, true};
    if (!v.p || v.n < 2 || (*v.p != '{' && *v.p != '['))
        return false;
    *it = (struct rpc_json_iter){v.p + 1, v.p + v.n, *v.p == '{' ? '}' : ']', true};
    return true;
}

int rpc_json_next(struct rpc_json_iter *it, struct rpc_span *key, struct rpc_span *value)
{
    if (!it->close)
        return 0;
    const char *p = skip_blanks(it->p, it->end);
    if (p < it->end && *p == it->close) {
        it->close = 0;
        return 0;
    }
    if (!it->first) {
        if (p == it->end || *p != ',')
            return -1;
        p = skip_blanks(p + 1, it->end);
    }
    it->first = false;
    *key = (struct rpc_span){NULL, 0};
    if (it->close == '}') {
        const char *k = p + 1;
        p = member_key(p, it->end);
        if (!p)
            return -1;
        const char *quote = string(k, it->end) - 1; // member_key has found it there
        *key = (struct rpc_span){k, (size_t)(quote - k)};
    }
    size_t n = rpc_json_value(p, (size_t)(it->end - p));
    if (n == 0)
        return -1;
    *value = (struct rpc_span){p, n};
    it->p = p + n;
    return 1;
}

struct rpc_span rpc_json_get(struct rpc_span v, const char *name)
{
    struct rpc_json_iter it;
    struct rpc_span key, value;
    if (v.p && v.n && *v.p == '{' && rpc_json_begin(&it, v))
        while (rpc_json_next(&it, &key, &value) == 1)
            if (rpc_span_is(key, name))
                return value;
    return (struct rpc_span){NULL, 0};
}

// ---- scalars

bool rpc_span_is(struct rpc_span s, const char *text)
{
    return s.p && s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

bool rpc_json_null(struct rpc_span v)
{
    return !v.p || rpc_span_is(v, "null");
}

int rpc_json_uint(struct rpc_span v, uint64_t *out)
{
    if (!v.p || v.n == 0 || v.n > 20 || (v.p[0] == '0' && v.n > 1))
        return -1;
    uint64_t x = 0;
    for (size_t i = 0; i < v.n; i++)
        if (!digit(v.p[i]) || __builtin_mul_overflow(x, 10u, &x) ||
            __builtin_add_overflow(x, (uint64_t)(v.p[i] - '0'), &x))
            return -1;
    *out = x;
    return 0;
}

int rpc_json_int(struct rpc_span v, int64_t *out)
{
    bool minus = v.p && v.n && v.p[0] == '-';
    uint64_t x, most = (uint64_t)INT64_MAX;
    if (rpc_json_uint(minus ? (struct rpc_span){v.p + 1, v.n - 1} : v, &x) || x > most)
        return -1;
    *out = minus ? -(int64_t)x : (int64_t)x;
    return 0;
}

struct rpc_span rpc_json_string(struct rpc_span v)
{
    if (!v.p || v.n < 2 || v.p[0] != '"')
        return (struct rpc_span){NULL, 0};
    return (struct rpc_span){v.p + 1, v.n - 2};
}

static struct rpc_span after_0x(struct rpc_span v)
{
    struct rpc_span s = rpc_json_string(v);
    if (!s.p || s.n < 2 || s.p[0] != '0' || s.p[1] != 'x')
        return (struct rpc_span){NULL, 0};
    return (struct rpc_span){s.p + 2, s.n - 2};
}

int rpc_json_quantity(struct rpc_span v, uint64_t *out)
{
    struct rpc_span s = after_0x(v);
    if (!s.p || s.n == 0 || s.n > 16 || (s.p[0] == '0' && s.n > 1))
        return -1;
    uint64_t x = 0;
    for (size_t i = 0; i < s.n; i++) {
        int d = hex_digit(s.p[i]);
        if (d < 0)
            return -1;
        x = x << 4 | (uint64_t)d;
    }
    *out = x;
    return 0;
}

int rpc_json_data(struct rpc_span v, uint8_t *out, size_t n)
{
    struct rpc_span s = after_0x(v);
    if (!s.p || s.n != 2 * n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return 0;
}

const char *rpc_json_print(struct rpc_span v, char *buf, size_t size)
{
    struct rpc_span s = rpc_json_string(v);
    if (!s.p)
        s = v;
    size_t n = 0;
    for (size_t i = 0; s.p && i < s.n && n + 1 < size; i++)
        buf[n++] = s.p[i];
    for (size_t i = 0; i < n; i++)
        if (buf[i] < 0x20 || buf[i] > 0x7e)
            buf[i] = '?';
    if (size)
        buf[n] = 0;
    return buf;
}
