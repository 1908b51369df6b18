// SPDX-License-Identifier: Apache-2.0
// The encoding is described at https://github.com/HdrHistogram/HdrHistogram (V2, "ZigZag LEB128-64b9B");
// integers are big endian.
#include "base/hist_log.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    COOKIE = 0x1c849313,
    COOKIE_DEFLATED = 0x1c849314,
    HEAD = 40,
    DEFLATED_HEAD = 8,
    DIGITS = 2,
    COUNT_BYTES = 9,
    BUCKETS = HIST_BUCKETS - HIST_SUB, // the format's values are below 2^63
    NS_A_MS = 1000000,
};
static_assert(HIST_SUB_BITS == 7, "an HdrHistogram of two digits has 128 buckets in an octave");

struct bytes {
    uint8_t *p;
    size_t n;
};

static void put(struct bytes *b, uint64_t v, unsigned n)
{
    for (unsigned i = n; i-- > 0;)
        b->p[b->n++] = (uint8_t)(v >> (8 * i));
}

// Seven bits a byte, the lowest first; the ninth byte holds eight.
static void put_signed(struct bytes *b, int64_t v)
{
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    unsigned i = 1;
    for (; i < COUNT_BYTES && z >= 0x80; i++, z >>= 7)
        b->p[b->n++] = (uint8_t)(z | 0x80);
    b->p[b->n++] = (uint8_t)z;
}

static uint64_t count_of(const struct hist *h, unsigned i)
{
    uint64_t n = h->bucket[i];
    if (i == BUCKETS - 1)
        for (unsigned k = BUCKETS; k < HIST_BUCKETS; k++)
            n += h->bucket[k];
    return n;
}

// A run of empty buckets is its length, negative; the run at the end is left out.
static void put_counts(struct bytes *b, const struct hist *h)
{
    int64_t empty = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        uint64_t n = count_of(h, i);
        if (n == 0) {
            empty++;
            continue;
        }
        if (empty == 1)
            put_signed(b, 0);
        else if (empty)
            put_signed(b, -empty);
        empty = 0;
        put_signed(b, (int64_t)n);
    }
}

static struct bytes encode(const struct hist *h)
{
    struct bytes b = {malloc(HEAD + BUCKETS * COUNT_BYTES), HEAD};
    if (!b.p)
        return b;
    put_counts(&b, h);
    struct bytes head = {b.p, 0};
    double one = 1.0;
    uint64_t ratio;
    memcpy(&ratio, &one, sizeof ratio);
    put(&head, COOKIE, 4);
    put(&head, b.n - HEAD, 4);
    put(&head, 0, 4); // index offset
    put(&head, DIGITS, 4);
    put(&head, 1, 8); // least value told apart from 0
    put(&head, INT64_MAX, 8);
    put(&head, ratio, 8);
    return b;
}

static struct bytes deflated(const struct bytes *raw)
{
    uLongf n = compressBound(raw->n);
    struct bytes b = {malloc(DEFLATED_HEAD + n), 0};
    if (!b.p || compress2(b.p + DEFLATED_HEAD, &n, raw->p, raw->n, Z_BEST_COMPRESSION) != Z_OK) {
        free(b.p);
        return (struct bytes){0};
    }
    put(&b, COOKIE_DEFLATED, 4);
    put(&b, n, 4);
    b.n += n;
    return b;
}

static void write_base64(FILE *f, const struct bytes *b)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < b->n; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < b->n ? b->p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            (void)putc(i + k <= b->n ? digit[v >> (18 - 6 * k) & 63] : '=', f);
    }
}

int hist_log_begin(FILE *f, uint64_t start_ns, const char *what, struct err *e)
{
    uint64_t s = start_ns / 1000000000u, ms = start_ns / NS_A_MS % 1000;
    fprintf(f, "#[%s]\n#[Histogram log format version 1.3]\n", what);
    fprintf(f, "#[StartTime: %" PRIu64 ".%03" PRIu64 " (seconds since epoch)]\n", s, ms);
    fputs("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n", f);
    return ferror(f) ? err_set(e, "histogram log: the write failed") : 0;
}

static bool is_tag(const char *tag)
{
    bool good = *tag != '\0';
    for (; *tag; tag++)
        good &= isgraph((unsigned char)*tag) && *tag != ',';
    return good;
}

int hist_log_line(FILE *f, const char *tag, uint64_t from_ns, uint64_t length_ns, const struct hist *h,
                  struct err *e)
{
    if (!is_tag(tag))
        return err_set(e, "histogram log: \"%s\" is no tag: printable characters without blank and comma",
                       tag);
    struct bytes raw = encode(h);
    struct bytes b = raw.p ? deflated(&raw) : (struct bytes){0};
    free(raw.p);
    if (!b.p)
        return err_set(e, "histogram log: out of memory");
    fprintf(f, "Tag=%s,%.3f,%.3f,%.3f,", tag, (double)from_ns * 1e-9, (double)length_ns * 1e-9,
            (double)h->max / NS_A_MS);
    write_base64(f, &b);
    (void)putc('\n', f);
    free(b.p);
    return ferror(f) ? err_set(e, "histogram log: the write failed") : 0;
}
