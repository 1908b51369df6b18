// SPDX-License-Identifier: Apache-2.0
// How long the back end `vector` takes for a tick, by instruction set and number of rows, beside a bare loop
// over the same amount of memory that multiplies, adds and looks at the signs, in the same run. Measured, not
// tested. A tick is timed from before submit to after the poll that says that nothing is left; "first flag"
// ends with the poll that brings the flag of the nearest row. The clock's own cost (its median) is taken off.
//   vector_bench [--ticks N] [--threads N]            the table
//   vector_bench --count ISA [--ticks N]              only N ticks of 4,096 dense rows, for callgrind
#include "base/clock.h"
#include "base/prng.h"
#include "device.h"
#include "vector.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { DENSE_ASSETS = 8, SPARSE_ASSETS = 256, SPARSE_PAIRS = 4, ROWS_MAX = 131072, WARM = 2000, PAIRS = 3 };

static unsigned threads = 1;
static uint64_t clock_cost; // ticks of the clock between two readings without anything between them

struct times {
    uint64_t *at; // clock ticks
    size_t n;
};

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(struct times *t)
{
    qsort(t->at, t->n, sizeof *t->at, by_value);
}

// A sorted one's percentile in ns.
static double percentile(const struct times *t, double p)
{
    size_t i = (size_t)(p / 100 * (double)(t->n - 1));
    uint64_t x = t->at[i] > clock_cost ? t->at[i] - clock_cost : 0;
    return (double)x * 1e9 / (double)clock_cal.hz;
}

static struct times times_new(size_t n)
{
    struct times t = {.at = calloc(n, sizeof *t.at), .n = n};
    if (!t.at)
        exit(1);
    return t;
}

// ---- the bare loop
typedef uint64_t bare_loop(uint64_t *h, const int32_t *coef, size_t rows, int64_t delta);

static uint64_t bare_scalar(uint64_t *h, const int32_t *coef, size_t rows, int64_t delta)
{
    uint64_t any = 0;
    for (size_t i = 0; i < rows; i++) {
        h[i] += (uint64_t)((int64_t)coef[i] * delta);
        any |= h[i];
    }
    return any;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t bare_avx2(uint64_t *h, const int32_t *coef, size_t rows,
                                                          int64_t delta)
{
    __m256i d = _mm256_set1_epi64x(delta), any = _mm256_setzero_si256();
    for (size_t i = 0; i < rows; i += 4) {
        __m256i c = _mm256_cvtepi32_epi64(_mm_load_si128((const __m128i *)(coef + i)));
        __m256i x = _mm256_add_epi64(_mm256_load_si256((const __m256i *)(h + i)), _mm256_mul_epi32(c, d));
        _mm256_store_si256((__m256i *)(h + i), x);
        any = _mm256_or_si256(any, x);
    }
    return (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(any));
}

__attribute__((target("avx512f,avx512dq"))) static uint64_t bare_avx512(uint64_t *h, const int32_t *coef,
                                                                        size_t rows, int64_t delta)
{
    __m512i d = _mm512_set1_epi64(delta), any = _mm512_setzero_si512();
    for (size_t i = 0; i < rows; i += 8) {
        __m512i c = _mm512_cvtepi32_epi64(_mm256_load_si256((const __m256i *)(coef + i)));
        __m512i x = _mm512_add_epi64(_mm512_load_si512(h + i), _mm512_mul_epi32(c, d));
        _mm512_store_si512(h + i, x);
        any = _mm512_or_si512(any, x);
    }
    return _mm512_movepi64_mask(any);
}
#else
#define bare_avx2   bare_scalar
#define bare_avx512 bare_scalar
#endif

static const struct isa {
    const char *name;
    bare_loop *bare;
} isas[] = {{"avx512", bare_avx512}, {"avx2", bare_avx2}, {"scalar", bare_scalar}};

static struct times bare(const struct isa *isa, uint32_t rows, size_t ticks, uint64_t seed)
{
    struct times t = times_new(ticks);
    struct vector_memory hm, cm;
    uint64_t *h = vector_memory_zeros(&hm, rows * sizeof *h), any = 0;
    int32_t *coef = vector_memory_zeros(&cm, (size_t)DENSE_ASSETS * rows * sizeof *coef);
    if (!h || !coef)
        exit(1);
    struct prng r;
    prng_seed(&r, seed);
    for (size_t i = 0; i < (size_t)DENSE_ASSETS * rows; i++)
        coef[i] = (int32_t)prng_below(&r, 1 << 21) - (1 << 20);
    for (size_t i = 0; i < WARM + ticks; i++) {
        size_t asset = prng_below(&r, DENSE_ASSETS);
        int64_t delta = (int64_t)prng_below(&r, 20001) - 10000;
        uint64_t start = clock_ticks_begin();
        any |= isa->bare(h, coef + asset * rows, rows, delta);
        uint64_t end = clock_ticks_end();
        if (i >= WARM)
            t.at[i - WARM] = end - start;
    }
    if (any == 1) // never: so that it is computed
        puts("");
    vector_memory_free(&hm);
    vector_memory_free(&cm);
    sort(&t);
    return t;
}

// ---- the device
struct load {
    const char *name;
    bool sparse, wide; // wide: changes of price beyond 32 bits
    bool near;         // every block has a row at zero, which no price moves: each tick has to look at it
    unsigned group;    // ticks of a group
};

static struct device *open_device(const struct isa *isa, uint32_t rows, uint32_t assets)
{
    struct device_config c = {.backend = "vector",
                              .isa = isa->name,
                              .threads = threads,
                              .lanes = rows,
                              .slots = 1,
                              .assets = assets};
    struct device *d = NULL;
    struct err e;
    if (device_open(&c, &d, &e)) {
        fprintf(stderr, "vector_bench: %s\n", e.msg);
        exit(1);
    }
    return d;
}

static void send(struct device *d, const struct beat *b, size_t n)
{
    struct beat evt[64];
    for (size_t i = 0; i < n;) {
        i += device_submit(d, b + i, n - i);
        while (device_poll(d, evt, 64) > 0)
            ;
    }
}

// Every row armed and far from zero; near: but the first of each block, which is at zero and has no asset.
// Dense: each has all assets; sparse: each four of 256.
static void load_rows(struct device *d, uint32_t rows, bool sparse, bool near, struct prng *r)
{
    unsigned pairs = sparse ? SPARSE_PAIRS : DENSE_ASSETS;
    for (uint32_t row = 0; row < rows; row++) {
        struct abi_row x = {.row = row, .h = INT64_C(1) << 61, .armed = true, .n = (uint16_t)pairs};
        struct abi_coef more = {0};
        for (unsigned i = 0; i < pairs; i++) {
            uint16_t asset = (uint16_t)(sparse ? prng_below(r, SPARSE_ASSETS) : i);
            int32_t coef = (int32_t)prng_below(r, 1 << 21) - (1 << 20);
            if (i < PAIRS) {
                x.asset[i] = asset;
                x.coef[i] = coef;
            } else {
                more.asset[i - PAIRS] = asset;
                more.coef[i - PAIRS] = coef;
            }
        }
        struct beat b[2];
        bool zero = near && row % VECTOR_BLOCK == 0;
        if (zero)
            x = (struct abi_row){.row = row, .armed = true};
        abi_pack_row(&b[0], &x);
        abi_pack_coef(&b[1], &more);
        send(d, b, zero ? 1 : 2);
    }
}

static void walk(uint64_t *price, const struct load *l, struct prng *r, struct beat *b, uint32_t group)
{
    uint32_t assets = l->sparse ? SPARSE_ASSETS : DENSE_ASSETS, first = (uint32_t)prng_below(r, assets);
    for (unsigned k = 0; k < l->group; k++) {
        uint32_t asset = (first + k) % assets;
        if (l->wide)
            price[asset] ^= UINT64_C(1) << 33; // there and back: no sum drifts away
        else
            price[asset] += prng_below(r, 20001) - 10000;
        abi_pack_tick(&b[k], &(struct abi_tick){.asset = (uint16_t)asset,
                                                .price = price[asset],
                                                .group = group,
                                                .last = k + 1 == l->group});
    }
}

static struct times run(const struct isa *isa, uint32_t rows, const struct load *l, size_t ticks,
                        uint64_t seed)
{
    struct times t = times_new(ticks);
    struct prng r;
    prng_seed(&r, seed);
    uint32_t assets = l->sparse ? SPARSE_ASSETS : DENSE_ASSETS;
    struct device *d = open_device(isa, rows, assets);
    uint64_t price[SPARSE_ASSETS];
    struct beat b[DENSE_ASSETS], evt[64];
    for (uint32_t a = 0; a < assets; a++) {
        price[a] = UINT64_C(3) << 30;
        abi_pack_band(b,
                      &(struct abi_band){
                          .asset = (uint16_t)a, .hi = ABI_PRICE_MAX, .set_price = true, .price = price[a]});
        send(d, b, 1);
    }
    load_rows(d, rows, l->sparse, l->near, &r);
    size_t flags = 0;
    for (size_t i = 0; i < WARM + ticks; i++) {
        walk(price, l, &r, b, (uint32_t)i);
        uint64_t start = clock_ticks_begin();
        device_submit(d, b, l->group);
        flags += device_poll(d, evt, 64);
        uint64_t end = clock_ticks_end();
        if (i >= WARM)
            t.at[i - WARM] = end - start;
    }
    if (flags)
        printf("(flags: this is not what was meant to be measured)\n");
    device_close(d);
    sort(&t);
    return t;
}

// Row 0, and with it one row in the middle, goes below zero at each tick; the flag of row 0 is waited for.
static struct times first_flag(const struct isa *isa, uint32_t rows, size_t ticks, uint64_t seed)
{
    struct times t = times_new(ticks);
    struct prng r;
    prng_seed(&r, seed);
    struct device *d = open_device(isa, rows, DENSE_ASSETS);
    struct beat b, evt[64];
    load_rows(d, rows, false, false, &r);
    for (size_t i = 0; i < WARM + ticks; i++) {
        for (uint32_t row = 0; row < rows; row += rows / 2) {
            abi_pack_row(&b, &(struct abi_row){
                                 .row = row, .armed = true, .n = 1, .asset = {0}, .coef = {i % 2 ? 1 : -1}});
            send(d, &b, 1);
        }
        abi_pack_tick(&b,
                      &(struct abi_tick){.asset = 0, .price = i % 2 ? 1000 : 2000, .group = 1, .last = true});
        uint64_t start = clock_ticks_begin();
        device_submit(d, &b, 1);
        size_t n = device_poll(d, evt, 64);
        uint64_t end = clock_ticks_end();
        struct abi_trigger x;
        abi_unpack_trigger(&evt[0], &x);
        if (i > 0 && (n != 1 || x.row != 0)) {
            fprintf(stderr, "vector_bench: no flag of row 0\n");
            exit(1);
        }
        if (i >= WARM)
            t.at[i - WARM] = end - start;
        while (device_poll(d, evt, 64) > 0)
            ;
    }
    device_close(d);
    sort(&t);
    return t;
}

static void line(const char *isa, uint32_t rows, const char *what, const struct times *t, double reference)
{
    printf("%-7s %7" PRIu32 "  %-26s %9.0f %9.0f %9.0f", isa, rows, what, percentile(t, 50),
           percentile(t, 99), percentile(t, 99.99));
    if (reference > 0)
        printf("  %6.2f", percentile(t, 50) / reference);
    printf("\n");
    fflush(stdout);
}

static void table(const struct isa *isa, size_t ticks)
{
    static const uint32_t sizes[] = {512, 4096, 16384, ROWS_MAX};
    static const struct load loads[] = {{"tick, dense", false, false, false, 1},
                                        {"tick, dense, all visited", false, false, true, 1},
                                        {"tick, dense, wide change", false, true, false, 1},
                                        {"group of 4 ticks, dense", false, false, false, 4},
                                        {"tick, sparse", true, false, false, 1}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint32_t rows = sizes[k];
        size_t n = rows > 4096 ? ticks * 4096 / rows : ticks;
        struct times t = bare(isa, rows, n, 1);
        double reference = percentile(&t, 50);
        line(isa->name, rows, "bare loop", &t, reference);
        free(t.at);
        for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
            t = run(isa, rows, &loads[i], n, 1);
            line(isa->name, rows, loads[i].name, &t, reference);
            free(t.at);
        }
        t = first_flag(isa, rows, n, 1);
        line(isa->name, rows, "first flag", &t, 0);
        free(t.at);
    }
}

static void measure_clock(void)
{
    struct times t = times_new(100000);
    for (size_t i = 0; i < t.n; i++) {
        uint64_t start = clock_ticks_begin();
        t.at[i] = clock_ticks_end() - start;
    }
    sort(&t);
    clock_cost = t.at[t.n / 2];
    free(t.at);
}

static bool here(const char *isa)
{
    struct device *d = NULL;
    struct device_config c = {.backend = "vector", .isa = isa};
    if (device_open(&c, &d, NULL))
        return false;
    device_close(d);
    return true;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"ticks", required_argument, NULL, 't'},
                                          {"count", required_argument, NULL, 'c'},
                                          {"threads", required_argument, NULL, 'n'},
                                          {0}};
    size_t ticks = 200000;
    const char *count = NULL;
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 't')
            ticks = strtoull(optarg, NULL, 0);
        else if (opt == 'n')
            threads = (unsigned)strtoul(optarg, NULL, 0);
        else if (opt == 'c')
            count = optarg;
        else
            return 2;
    }
    device_register(&device_ops_vector);
    clock_init();
    if (count) {
        free(run(&(struct isa){.name = count}, 4096, &(struct load){.group = 1}, ticks, 1).at);
        return 0;
    }
    measure_clock();
    char text[160];
    printf("clock: %s; its own cost, taken off: %.1f ns\n", clock_describe(text, sizeof text),
           (double)clock_cost * 1e9 / (double)clock_cal.hz);
    printf("%-7s %7s  %-26s %9s %9s %9s  %6s\n", "isa", "rows", "ns", "p50", "p99", "p99.99", "/bare");
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        if (here(isas[i].name))
            table(&isas[i], ticks);
    return 0;
}
