// SPDX-License-Identifier: Apache-2.0
// Many accounts breach at one tick: the breach hook gets them by what is at stake among the flags read so
// far, the first before the last flag is read, and the same however the device portions its events. Nobody is
// forgotten who did not get an order (P4).
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/deaf.h"
#include "engine/engine.h"
#include "run_suite.h"

enum { ACCOUNTS = 400, LOG_MAX = 8 * ACCOUNTS, START = 2000000, EVENT = -1 };

// Long `size` of asset 0: equity = cash + size * price, requirement = 2^emode, so that depths are exact. The
// exact rule tells both in units of 2^-cash_decimals.
static i128 required(const struct account *a)
{
    return (i128)1 << a->emode;
}

static int rule_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)m;
    (void)band;
    (void)warn_ppm;
    (void)e;
    memset(out, 0, sizeof *out);
    out->n = 1;
    out->a[0] = i256_from_i128(a->position[0].size);
    out->c = i256_from_i128(a->cash - required(a));
    return 1;
}

static void rule_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    (void)m;
    out->equity = i256_shl(i256_from_i128(a->cash + a->position[0].size * px[0]), a->cash_decimals);
    out->requirement = i256_shl(i256_from_i128(required(a)), a->cash_decimals);
    out->liquidatable = i256_cmp(out->equity, out->requirement) < 0;
}

static const struct rule test_rule = {.name = "test", .rows = rule_rows, .health = rule_health};

static struct {
    struct book book;
    struct account account[ACCOUNTS];
    int64_t stake[ACCOUNTS];
    struct device *dev;
    const struct device_ops *under;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    size_t portion, events, events_at_first;
    int64_t budget; // stake that may still go out
    // accounts asked about in the round, then handed out, in their order; everything, events included
    size_t n_asked, n_out, n_log;
    uint32_t asked[LOG_MAX], out[LOG_MAX];
    int log[LOG_MAX];
} r;

static void hook_event(void *ctx, const struct beat *b)
{
    (void)ctx;
    (void)b;
    ck_assert_uint_lt(r.n_log, LOG_MAX);
    r.log[r.n_log++] = EVENT;
}

static void hook_checking(void *ctx, size_t account, bool fresh)
{
    (void)ctx;
    (void)fresh;
    r.asked[r.n_asked++] = (uint32_t)account;
}

static enum engine_verdict hook_breach(void *ctx, size_t account)
{
    (void)ctx;
    struct health h;
    rule_health(&r.book.market, &r.account[account], r.px, &h);
    ck_assert(h.liquidatable);
    if (r.n_out == 0)
        r.events_at_first = r.events;
    r.out[r.n_out++] = (uint32_t)account;
    r.log[r.n_log++] = (int)account;
    if (r.stake[account] > r.budget)
        return VERDICT_KEEP;
    r.budget -= r.stake[account];
    return VERDICT_TAKEN;
}

static int64_t hook_stake(void *ctx, size_t account)
{
    (void)ctx;
    return r.stake[account];
}

// A device that gives no more than `portion` events at once.
static size_t poll(struct device *d, struct beat *evt, size_t max)
{
    size_t n = r.under->poll(d, evt, max < r.portion ? max : r.portion);
    r.events += n;
    return n;
}

static void start(size_t n, size_t portion)
{
    static struct device_ops ops;
    static bool registered;
    struct err e = {{0}};
    const struct device_config dc = {.backend = "model", .lanes = 32, .slots = 16, .assets = 4};
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    ck_assert_msg(device_open(&dc, &r.dev, &e) == 0, "%s", e.msg);
    r.under = r.dev->ops;
    ops = *r.under;
    ops.poll = poll;
    r.dev->ops = &ops;
    r.portion = portion;
    r.budget = INT64_MAX;
    r.book.account = r.account;
    r.book.n_accounts = n;
    r.book.market.n_assets = r.book.market.n_instruments = 1;
    r.book.market.asset[0] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
    r.book.market.instrument[0] = (struct instrument){.kind = INST_LINEAR};
    const struct engine_config ec = {.band_ppm = 400000};
    const struct engine_hooks hooks = {.commands = deaf_commands,
                                       .event = hook_event,
                                       .checking = hook_checking,
                                       .breach = hook_breach,
                                       .stake = hook_stake};
    r.engine = engine_new(&ec, &r.book, r.dev, &hooks, &e);
    ck_assert_msg(r.engine != NULL, "%s", e.msg);
}

static void stop(void)
{
    engine_free(r.engine);
    device_close(r.dev);
}

static void forget_logs(void)
{
    r.n_asked = r.n_out = r.n_log = r.events = r.events_at_first = 0;
}

static void set(int64_t price)
{
    struct err e = {{0}};
    const struct engine_price p = {0, price};
    forget_logs();
    r.px[0] = price;
    ck_assert_msg(engine_group(r.engine, &p, 1, r.px, &e) == 0, "%s", e.msg);
}

// Breaches just below `at`.
static void account(uint32_t i, i128 size, int64_t at, uint8_t req, int64_t stake)
{
    static const uint8_t scale[3] = {0, 100, 130};
    r.account[i] = (struct account){
        .id = i + 1, .rule = &test_rule, .emode = req, .cash_decimals = scale[i % 3], .n_positions = 1};
    r.account[i].cash = required(&r.account[i]) - size * at;
    r.account[i].position[0].size = size;
    r.stake[i] = stake;
}

// Share of the requirement that is missing, in 2^-30; four times it and more are one.
static i128 depth(uint32_t i)
{
    const struct account *a = &r.account[i];
    i128 missing = required(a) - a->cash - a->position[0].size * r.px[0];
    return missing >= 4 * required(a) ? (i128)4 << 30 : (missing << 30) / required(a);
}

// What must come out, from the order in which accounts were asked about: after each ENGINE_BATCH the best
// until one is taken, in the end the rest.
static void check_order(int64_t budget)
{
    static bool gone[LOG_MAX];
    size_t at = 0;
    memset(gone, 0, sizeof gone);
    for (size_t read = 1; read <= r.n_asked; read++) {
        bool all = read == r.n_asked;
        for (bool taken = false; all || (read % ENGINE_BATCH == 0 && !taken);) {
            size_t best = read;
            for (size_t i = 0; i < read; i++) {
                if (gone[i])
                    continue;
                int64_t more = best == read ? 1 : r.stake[r.asked[i]] - r.stake[r.asked[best]];
                if (more > 0 || (more == 0 && depth(r.asked[i]) > depth(r.asked[best])))
                    best = i;
            }
            if (best == read)
                break;
            gone[best] = true;
            ck_assert_uint_lt(at, r.n_out);
            ck_assert_msg(r.out[at] == r.asked[best], "place %zu: account %u, expected %u", at, r.out[at],
                          r.asked[best]);
            taken = r.stake[r.asked[best]] <= budget;
            budget -= taken ? r.stake[r.asked[best]] : 0;
            at++;
        }
    }
    ck_assert_uint_eq(at, r.n_out);
}

static void random_book(struct prng *p, size_t n, uint64_t stakes)
{
    for (uint32_t i = 0; i < n; i++)
        account(i, 1 + (i128)prng_below(p, 10), START * 9 / 10 + (int64_t)prng_below(p, 1000),
                (uint8_t)(16 + prng_below(p, 12)), (int64_t)prng_below(p, stakes));
}

// Many stakes, few, one; as many flags as fill batches exactly, and one more or less.
START_TEST(test_order_is_the_sorted_one_of_flags_read_so_far)
{
    static const size_t count[] = {1, 63, 64, 65, 127, 128, 129, ACCOUNTS};
    static const uint64_t stakes[] = {UINT64_C(1) << 60, 5, 1};
    struct prng p;
    prng_seed(&p, test_seed(20261122));
    for (size_t c = 0; c < sizeof count / sizeof *count; c++)
        for (size_t k = 0; k < 3; k++) {
            random_book(&p, count[c], stakes[k]);
            start(count[c], 64);
            set(START);
            ck_assert_uint_eq(r.n_out, 0);
            set(START * 8 / 10);
            ck_assert_uint_eq(r.n_out, count[c]);
            ck_assert_uint_eq(r.n_asked, count[c]);
            check_order(INT64_MAX);
            stop();
        }
}
END_TEST

START_TEST(test_first_order_before_the_last_flag)
{
    struct prng p;
    prng_seed(&p, test_seed(20261123));
    random_book(&p, ACCOUNTS, 1000);
    start(ACCOUNTS, 16);
    set(START);
    set(START * 8 / 10);
    ck_assert_uint_eq(r.events, ACCOUNTS);
    ck_assert_uint_eq(r.events_at_first, ENGINE_BATCH);
    stop();
}
END_TEST

// Events and orders come in one sequence however many events the device gives at once: a replay on another
// one is exact.
START_TEST(test_portions_make_no_difference)
{
    static int log[LOG_MAX];
    static const size_t portion[] = {64, 1, 7, 100};
    size_t n = 0;
    for (size_t k = 0; k < sizeof portion / sizeof *portion; k++) {
        struct prng p;
        prng_seed(&p, 5);
        random_book(&p, ACCOUNTS, 50);
        start(ACCOUNTS, portion[k]);
        set(START);
        set(START * 8 / 10);
        if (k == 0)
            memcpy(log, r.log, (n = r.n_log) * sizeof *log);
        ck_assert_uint_eq(r.n_log, n);
        ck_assert_mem_eq(log, r.log, n * sizeof *log);
        stop();
    }
    ck_assert_uint_eq(n, 2 * ACCOUNTS);
}
END_TEST

// A limit is reached in the middle: the most valuable got through, the others stay, in the order of their
// flags, and are ranked with the flags of the next round.
START_TEST(test_limit_in_the_middle)
{
    struct prng p;
    struct err e = {{0}};
    static uint32_t kept[ACCOUNTS];
    size_t n = 200, n_kept = 0;
    const int64_t budget = 1500000; // most of it is gone before the last flag is read
    prng_seed(&p, test_seed(20261124));
    random_book(&p, n, 1000000);
    for (uint32_t i = 0; i < 5; i++) // breach later
        account(i, 10, START / 2 + START / 4, 1, 400000 + 1000 * (int64_t)i);
    start(n, 64);
    set(START);
    r.budget = budget;
    set(START * 8 / 10);
    ck_assert_uint_eq(r.n_out, n - 5);
    check_order(budget);
    for (size_t i = 0; i < r.n_asked; i++)
        if (engine_watching(r.engine) && engine_flagged(r.engine, r.asked[i]))
            kept[n_kept++] = r.asked[i];
    ck_assert_uint_eq(n_kept, n - 5); // flagged: watched or in flight
    size_t watching = engine_watching(r.engine);
    ck_assert(watching > 10 && watching < n - 6);
    forget_logs();
    r.budget = 0;
    ck_assert_int_eq(engine_review(r.engine, &e), 0);
    ck_assert_uint_eq(r.n_asked, watching);
    for (size_t i = 0, k = 0; i < r.n_asked; i++, k++) { // a part of the earlier sequence, in its order
        while (k < n_kept && kept[k] != r.asked[i])
            k++;
        ck_assert_uint_lt(k, n_kept);
    }
    check_order(0);
    ck_assert_uint_eq(engine_watching(r.engine), watching); // nobody is forgotten
    r.budget = INT64_MAX;
    set(START / 2 + START / 5); // five flags more
    ck_assert_uint_eq(r.n_asked, watching + 5);
    check_order(INT64_MAX);
    ck_assert_uint_eq(engine_watching(r.engine), 0);
    stop();
}
END_TEST

// Among those without an order some are healthy again: they leave the list, are armed, and fire anew.
START_TEST(test_healthy_again_is_armed)
{
    struct err e = {{0}};
    for (uint32_t i = 0; i < 100; i++)
        account(i, 10, START - 1000 * (int64_t)(i + 1), 1, i);
    start(100, 64);
    set(START);
    r.budget = -1;
    set(START - 200000);
    ck_assert_uint_eq(engine_watching(r.engine), 100);
    set(START - 50500); // half of them
    ck_assert_uint_eq(engine_watching(r.engine), 50);
    ck_assert_uint_eq(r.n_out, 50);
    r.budget = INT64_MAX;
    ck_assert_int_eq(engine_review(r.engine, &e), 0);
    ck_assert_uint_eq(engine_watching(r.engine), 0);
    set(START - 200000);
    ck_assert_uint_eq(r.n_out, 50);
    check_order(INT64_MAX);
    ck_assert_uint_eq(engine_counters(r.engine)->rearmed, 50);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_LIQUIDATE], 150);
    stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ranked");
    TCase *t = tcase_create("ranked");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_order_is_the_sorted_one_of_flags_read_so_far);
    tcase_add_test(t, test_first_order_before_the_last_flag);
    tcase_add_test(t, test_portions_make_no_difference);
    tcase_add_test(t, test_limit_in_the_middle);
    tcase_add_test(t, test_healthy_again_is_armed);
    suite_add_tcase(s, t);
    return run_suite(s);
}
