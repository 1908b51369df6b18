// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: policy files. What is refused names the file and a line; what is accepted is sound, and
// an oracle with it takes any messages without a crash, tells only prices above 0, and never an asset twice.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_policy.c <oracle, feed, accounts and
//   base sources>
//   ./fuzz_policy -dict=tests/fuzz/fuzz_policy.dict
// The text ends at the first zero byte; the rest is messages of eight bytes: what, source of them, price,
// time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { X, INVERSE, Y, ASSETS, MESSAGE = 8 };

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static struct market market;

static void make_market(void)
{
    market.n_assets = ASSETS;
    market.asset[X] =
        (struct asset){.name = "X", .source = "A", .kind = ASSET_MARK, .decimals = 2, .guard_ppm = 20000};
    market.asset[INVERSE] =
        (struct asset){.name = "1/X", .kind = ASSET_RECIPROCAL, .decimals = 12, .base = X};
    market.asset[Y] = (struct asset){.name = "Y", .source = "cme:B", .kind = ASSET_MARK, .decimals = 18};
}

static void check_policy(const struct policy *p)
{
    unsigned sources = 0;
    for (unsigned i = 0; i < p->n_sources; i++) {
        const struct policy_source *s = &p->source[i];
        sources += s->role == ROLE_SOURCE;
        HOLDS(s->venue > VENUE_NONE && s->venue < VENUE_COUNT && s->field && s->field < FIELD_COUNT);
        HOLDS(s->name[0] && memchr(s->name, '\0', sizeof s->name));
    }
    HOLDS(p->n_sources <= POLICY_SOURCES && p->n_guards <= POLICY_GUARDS && sources > 0);
    HOLDS(p->min_live > 0 && p->min_live <= sources && p->quorum <= sources);
    HOLDS(p->mean == MEAN_NONE || p->window_ms >= 2);
    HOLDS(p->aggregate != AGGREGATE_MAKER || p->min_live >= p->quorum);
    HOLDS(p->aggregate != AGGREGATE_SINGLE || sources == 1);
}

static void send(struct oracle *o, const struct feed_packet *p, const uint8_t *b)
{
    static const char *const names[] = {"A", "B", "C", "btc_usd"};
    int64_t price = (int64_t)(b[2] | b[3] << 8) - 16;
    struct feed_num n = {.v.m = price, .exp10 = (int8_t)((int8_t)b[4] / 6), .form = NUM_DECIMAL};
    struct feed_msg m = {.kind = (uint8_t)(b[0] % 7),
                         .venue = p->venue,
                         .state = (uint8_t)(1 + (b[0] >> 6 & 1)),
                         .has = b[1],
                         .instrument_id = b[5] & 3u,
                         .ts_ns = b[6] & 1   ? p->ts_ns - b[5]
                                  : b[6] & 2 ? UINT64_MAX - b[5]
                                             : 0,
                         .mark = n,
                         .index = n,
                         .bid = n,
                         .ask = n,
                         .last = n};
    if (m.kind == FEED_INDEX || m.kind == FEED_INSTRUMENT)
        memcpy(m.name, names[b[5] >> 2 & 3], strlen(names[b[5] >> 2 & 3]) + 1);
    oracle_msg(o, p, &m);
}

static void run(struct oracle *o, const uint8_t *b, size_t n)
{
    static struct price_change changed[MARKET_ASSETS_MAX];
    struct feed_packet p = {.ts_ns = UINT64_C(1000000000)};
    bool touched;
    for (; n >= MESSAGE; n -= MESSAGE, b += MESSAGE) {
        p.venue = (uint8_t)(1 + (b[0] >> 3 & 3));
        p.snapshot = b[0] >> 5 & 1;
        p.gap = b[7] == 1;
        p.restart = b[7] == 2;
        p.ts_ns += (uint64_t)b[6] * b[6] * b[6] * 10000;
        send(o, &p, b);
        if (b[7] & 1)
            continue;
        size_t k = b[7] & 2 ? oracle_end(o, &p, p.ts_ns, changed, &touched)
                            : oracle_time(o, p.ts_ns, changed, &touched);
        HOLDS(k <= ASSETS);
        for (size_t i = 0; i < k; i++)
            HOLDS(changed[i].price > 0 && changed[i].price == oracle_prices(o)[changed[i].asset] &&
                  (i == 0 || changed[i].asset > changed[i - 1].asset));
        for (uint16_t i = 0; i < ASSETS; i++) {
            const struct policy_result *r = oracle_result(o, i);
            HOLDS(oracle_hold(o, i, p.ts_ns + b[6]) != HOLD_NONE || oracle_prices(o)[i] > 0);
            HOLDS(r->conf >= 0 && (r->reason == REASON_NONE) == (r->by != BY_NOBODY));
        }
        if (b[7] == 4)
            oracle_resume(o);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy policy[MARKET_ASSETS_MAX];
    struct err e = {{0}};
    make_market();
    size_t len = strnlen((const char *)data, size);
    char *text = malloc(len ? len : 1); // exact size: the sanitizer sees every byte read beyond it
    HOLDS(text);
    memcpy(text, data, len);
    policy_default(&market.asset[X], &policy[X]);
    policy_default(&market.asset[Y], &policy[Y]);
    const struct oracle_config c = {
        .file = "f", .text = text, .len = len, .rules = size % 2 ? ORACLE_RULES_NOW : ORACLE_RULES_1};
    if (policy_parse("f", text, len, &market, policy, &e) != 0) {
        HOLDS(strncmp(e.msg, "f:", 2) == 0 && e.msg[2] >= '1' && e.msg[2] <= '9');
        HOLDS(oracle_new(&market, &c, &e) == NULL);
    } else {
        check_policy(&policy[X]);
        check_policy(&policy[Y]);
        struct oracle *o = oracle_new(&market, &c, &e);
        HOLDS(o);
        run(o, data + len + (len < size), size - len - (len < size));
        oracle_free(o);
    }
    free(text);
    return 0;
}
