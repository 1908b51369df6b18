// SPDX-License-Identifier: Apache-2.0
// The desk before a chain: what has no terms, orders on predicted prices and their budget, replies of
// transactions in blocks, and a long run of everything, in which each ready order offered ends in one
// hand-over or one drop, and which is the same when it is repeated.
#include "accounts/moving.h"
#include "run_suite.h"
#include "worthrig.h"

// No terms, no figures of an account that the rule sizes itself, nor with worth off.
START_TEST(off_has_no_terms)
{
    static const struct gateway_terms no_terms;
    cfg.worth.mode = DESK_WORTH_OFF;
    cfg.min_profit_e8 = 0;
    plain_account(0, 22000);
    plain_account(1, 22000);
    open_desk();
    ck_assert_int_eq(tell(), 0); // taken and of no effect
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 1); // offered all the same: the gateway may want it
    ck_assert_mem_eq(&gw.offered.terms, &no_terms, sizeof no_terms);
    px[WETH] = 2660 * DOLLAR;
    struct order_size size;
    ck_assert_int_eq(rule_aave_3_5.size(&book.market, &book.account[0], px, &cfg.size, &size), 0);
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), i256_to_i64(size.value));
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    ck_assert_mem_eq(&gw.last.terms, &no_terms, sizeof no_terms);
    ck_assert(wal.order.ready && gw.fate[0] == SUBMITTED);
    ck_assert_int_eq(desk_fire(desk, 1, px, 1, 0), DESK_SENT);
    ck_assert_mem_eq(&gw.last.terms, &no_terms, sizeof no_terms);
    ck_assert(wal.made.leg[0].qty == size.leg[0].qty && wal.unworth == 0);
}
END_TEST

static void margin_health(const struct market *m, const struct account *a, const int64_t *at,
                          struct health *out)
{
    (void)m;
    (void)a;
    *out = (struct health){.liquidatable = at[WETH] < 2700 * DOLLAR,
                           .equity = i256_from_i64(at[WETH]),
                           .requirement = i256_from_i64(2700 * DOLLAR)};
}

static int margin_size(const struct market *m, const struct account *a, const int64_t *at,
                       const struct size_policy *policy, struct order_size *out)
{
    (void)m;
    (void)policy;
    out->full = true;
    out->n = 1;
    out->leg[0] = (struct order_leg){a->position[0].instrument, 7};
    out->value = i256_from_i64(at[WETH]);
    out->reward = i256_from_i64(3 * DOLLAR);
    return at[WETH] < 2700 * DOLLAR ? 0 : -1;
}

static int margin_settle(const struct market *m, struct account *a, const int64_t *at,
                         const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    (void)m;
    (void)a;
    (void)leg;
    (void)n;
    (void)e;
    out->n = 0;
    return at[WETH] < 2700 * DOLLAR ? 0 : -1;
}

static const struct rule margin = {
    .name = "margin", .health = margin_health, .size = margin_size, .settle = margin_settle};

// An account of a rule that does not lend stays as it is without worth, beside one that does.
START_TEST(margin_accounts_stay)
{
    static const struct gateway_terms no_terms;
    for (unsigned i = 0; i < 4; i += 2) {
        plain_account(i, 22000);
        book.account[i + 1] = (struct account){.id = 12 + 2 * i, .rule = &margin, .n_positions = 1};
        book.account[i + 1].position[0].instrument = WETH;
    }
    for (size_t i = 0; i < 2; i++)
        desk_prepare(desk, i, px);
    ck_assert_uint_eq(gw.n, 2);
    ck_assert_mem_eq(&gw.offered.terms, &no_terms, sizeof no_terms);
    px[WETH] = 2640 * DOLLAR;
    for (size_t i = 0; i < 4; i++) {
        bool lends = i % 2 == 0;
        ck_assert_int_eq(desk_stake(desk, i, px, 1) == px[WETH], !lends);
        ck_assert_int_eq(desk_fire(desk, i, px, 1, 0), DESK_SENT);
        ck_assert_int_eq(wal.order.ready, i < 2);
        ck_assert_int_eq(memcmp(&gw.last.terms, &no_terms, sizeof no_terms) != 0, lends);
    }
}
END_TEST

static struct order_reply mined(bool success)
{
    struct order_reply r = {.key = gw.last.key, .status = ORDER_MINED};
    r.mined.success = success;
    return r;
}

START_TEST(predictions)
{
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    plain_account(1, 22000);
    plain_account(2, 22000);
    int64_t at[MARKET_ASSETS_MAX];
    memcpy(at, px, sizeof at);
    at[WETH] = 2640 * DOLLAR;
    ck_assert_int_eq(desk_predict(desk, 0, at, 1, 0), DESK_PREDICTED_OFF);
    ck_assert(wal.orders == 0 && wal.unworth == 0);
    cfg.predicted_max_e8 = 15000 * DOLLAR; // half of 22,000 once, not twice
    open_desk();
    n = desk_counters(desk);
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px);
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 0), DESK_NO_PROFIT); // at these prices there is nothing
    ck_assert_uint_eq(wal.unworth, 0);                                 // and nobody asked for a reason
    ck_assert_int_eq(desk_predict(desk, 0, at, 1, 0), DESK_SENT);
    ck_assert(wal.order.ready && wal.order.predicted && gw.last.terms.predicted &&
              gw.fate[gw.n - 1] == SUBMITTED);
    int64_t value = wal.order.value_e8;
    ck_assert(value > 10000 * DOLLAR && value <= 11500 * DOLLAR);
    ck_assert_int_eq(desk_predict(desk, 0, at, 1, 0), DESK_BUSY);
    ck_assert_int_eq(desk_fire(desk, 0, at, 1, 0), DESK_BUSY);
    ck_assert_int_eq(desk_predict(desk, 1, at, 1, 0), DESK_LIMIT_PREDICTED);
    ck_assert_int_eq(desk_fire(desk, 1, at, 1, 0), DESK_SENT); // told prices have no such limit
    ck_assert(!wal.order.predicted && !gw.last.terms.predicted && n->predicted == 1);
    struct order_reply r = mined(false); // it came to nothing, but none of the predicted ones did
    ck_assert_uint_eq(desk_reply(desk, &r), 1);
    ck_assert_int_eq(desk_predict(desk, 2, at, 2, 0), DESK_LIMIT_PREDICTED);
    r = (struct order_reply){.key = gw.key[gw.n - 1], .status = ORDER_REFUSED};
    ck_assert_uint_eq(desk_reply(desk, &r), 0); // now the predicted one: nothing was sent
    ck_assert_int_eq(desk_predict(desk, 2, at, 2, 0), DESK_SENT);
    ck_assert(!wal.order.ready && wal.order.predicted && n->predicted == 2);
    r = mined(true); // what was done stays counted
    ck_assert_uint_eq(desk_reply(desk, &r), 2);
    ck_assert_int_eq(desk_predict(desk, 0, at, UINT64_C(1000000000), 0), DESK_LIMIT_PREDICTED);
    ck_assert_uint_eq(n->answer[DESK_LIMIT_PREDICTED], 3);
}
END_TEST

// All other limits hold for predicted orders as they do for told ones.
START_TEST(predictions_have_all_limits)
{
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    cfg.predicted_max_e8 = INT64_MAX;
    cfg.max_price_age_ns = 100;
    cfg.max_order_e8 = 5000 * DOLLAR;
    open_desk();
    ck_assert_int_eq(tell(), 0);
    desk_kill(desk, true);
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 0), DESK_KILLED);
    desk_kill(desk, false);
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 101), DESK_PRICE_AGE);
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 100), DESK_LIMIT_ORDER);
    cfg.max_order_e8 = 0;
    cfg.max_minute_e8 = cfg.max_total_e8 = 15000 * DOLLAR;
    open_desk();
    ck_assert_int_eq(tell(), 0);
    desk_restore_spent(desk, 14000 * DOLLAR);
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 0), DESK_LIMIT_TOTAL);
    ck_assert_uint_eq(gw.submits, 0);
}
END_TEST

// What a prediction was found to be is kept apart from what the account is at told prices.
START_TEST(predictions_keep_their_own_answers)
{
    cfg.predicted_max_e8 = INT64_MAX;
    open_desk();
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    told.base_fee = 10000 * GWEI;
    ck_assert_int_eq(tell(), 0);
    int64_t at[MARKET_ASSETS_MAX];
    memcpy(at, px, sizeof at);
    at[WETH] = 2400 * DOLLAR;
    px[WETH] = 2640 * DOLLAR;
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(desk_fire(desk, 0, px, 1 + i, 0), DESK_NO_PROFIT);
        ck_assert_int_eq(desk_predict(desk, 0, at, 1 + i, 0), DESK_NO_PROFIT);
    }
    ck_assert(n->unworth_kept == 6 && n->unworth[WORTH_GAS] == 8 && wal.unworth == 1);
}
END_TEST

START_TEST(replies_of_a_chain)
{
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    struct order_reply undone = {.key = gw.last.key, .status = ORDER_UNDONE}, zero = {.status = ORDER_MINED};
    ck_assert_uint_eq(desk_reply(desk, &undone), SIZE_MAX);
    ck_assert_uint_eq(desk_reply(desk, &zero), SIZE_MAX);
    ck_assert(n->undone == 1 && n->again == 1 && n->unknown == 0 && desk_in_flight(desk, 0));
    struct account a = book.account[0]; // the state comes first, then what brought it
    size_t i;
    a.epoch++;
    a.position[1].debt /= 2;
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN);
    ck_assert(desk_in_flight(desk, 0));
    struct order_reply r = mined(true);
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    ck_assert(!desk_in_flight(desk, 0) && n->filled == 1 && n->outstanding == 0 &&
              book.account[0].epoch == 1);
    ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX); // once more
    ck_assert(n->again == 2 && n->filled == 1 && n->refused == 0);
    px[WETH] = 1300 * DOLLAR;
    ck_assert_int_eq(desk_fire(desk, 0, px, 2, 0), DESK_SENT);
    r = mined(false);
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    ck_assert(n->refused == 1 && n->filled == 1 && n->outstanding == 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 3, 0), DESK_BACKOFF);
    uint64_t t = 2 + UINT64_C(100000000), wait = UINT64_C(100000000);
    for (unsigned k = 0; k < 6; k++) { // each has cost its gas: sixteen times as long, to hours
        ck_assert_int_eq(desk_fire(desk, 0, px, t, 0), DESK_SENT);
        r = mined(false);
        ck_assert_uint_eq(desk_reply(desk, &r), 0);
        wait <<= k < 4 ? 4 : 0;
        ck_assert_int_eq(desk_fire(desk, 0, px, t + wait - 1, 0), DESK_BACKOFF);
        t += wait;
    }
}
END_TEST

// What counts against the whole run is what was done: also of a block that is undone, and of the next one.
START_TEST(undone_counts_again)
{
    plain_account(0, 22000);
    plain_account(1, 22000);
    px[WETH] = 2640 * DOLLAR;
    cfg.max_total_e8 = 15000 * DOLLAR; // one order, not two
    open_desk();
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    struct order_reply r = mined(false);
    struct account a = book.account[0];
    size_t i;
    a.epoch++; // it may have changed meanwhile
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN);
    desk_prepare(desk, 0, px);
    r.status = ORDER_UNDONE;
    for (unsigned k = 0; k < 2; k++)
        ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX);
    ck_assert_int_eq(desk_fire(desk, 1, px, 2, 0), DESK_LIMIT_TOTAL); // it is on its way again
    r = (struct order_reply){.key = r.key, .status = ORDER_MINED, .mined.success = true};
    for (unsigned k = 0; k < 2; k++)
        ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX);
    ck_assert_int_eq(desk_fire(desk, 1, px, 3, 0), DESK_LIMIT_TOTAL);
    r.status = ORDER_UNDONE;
    ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX);
    r.status = ORDER_MINED;
    r.mined.success = false;
    for (unsigned k = 0; k < 2; k++)
        ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX);
    ck_assert_int_eq(desk_fire(desk, 1, px, 4, 0), DESK_SENT);
    ck_assert_int_eq(desk_fire(desk, 0, px, UINT64_C(1000000000), 0), DESK_LIMIT_TOTAL);
}
END_TEST

// A prediction that did not come has cost its gas: however often it is repeated, its budget ends that.
START_TEST(failed_predictions_end)
{
    cfg.predicted_max_e8 = 45000 * DOLLAR; // four of 11,000
    open_desk();
    ck_assert_int_eq(tell(), 0);
    plain_account(0, 22000);
    int64_t at[MARKET_ASSETS_MAX];
    memcpy(at, px, sizeof at);
    at[WETH] = 2640 * DOLLAR;
    uint64_t now = 1;
    unsigned sent = 0;
    for (unsigned n = 0; n < 50; n++, now += UINT64_C(12000000000)) {
        if (desk_predict(desk, 0, at, now, 0) != DESK_SENT)
            continue;
        sent++;
        struct order_reply r = mined(false);
        ck_assert_uint_eq(desk_reply(desk, &r), 0);
    }
    printf("# %u transactions that failed\n", sent);
    ck_assert(sent == 3 || sent == 4);
}
END_TEST

// Predictions that are refused make predictions wait: the order that is decided leaves at once.
START_TEST(refused_predictions_wait_alone)
{
    cfg.predicted_max_e8 = INT64_MAX;
    open_desk();
    ck_assert_int_eq(tell(), 0);
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    uint64_t now = 1, last = 1;
    struct order_reply r = {.status = ORDER_REFUSED};
    for (unsigned n = 0; n < 8; last = now, now += UINT64_C(10000000000), n++) {
        ck_assert_int_eq(desk_predict(desk, 0, px, now, 0), DESK_SENT);
        r.key = gw.last.key;
        ck_assert_uint_eq(desk_reply(desk, &r), 0);
    }
    now = last + 1;
    ck_assert_int_eq(desk_predict(desk, 0, px, now, 0), DESK_BACKOFF);
    ck_assert_int_gt(desk_stake(desk, 0, px, now), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, now, 0), DESK_SENT);
    r.key = gw.last.key; // refused for the first time
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, now + 99999999, 0), DESK_BACKOFF);
    ck_assert_int_eq(desk_predict(desk, 0, px, now + 99999999, 0), DESK_BACKOFF);
    ck_assert_int_eq(desk_fire(desk, 0, px, now + 100000000, 0), DESK_SENT);
}
END_TEST

// The end of a grace period lets be called what was out of the question in it: an answer of before is over.
START_TEST(asked_again_after_grace)
{
    struct market *m = &book.market;
    struct account *a = &book.account[0];
    plain_account(0, 22000);
    struct position more = {.instrument = LINK, .collateral = true, .supply = units(LINK, 100000)};
    a->position[2] = more; // no way out of it
    a->n_positions = 3;
    tell_pools(10000000, 0);
    for (uint16_t i = 0, n = told.n; i < n; i++)
        if (told.pool[i].a == LINK || told.pool[i].b == LINK)
            told.pool[i--] = told.pool[--n], told.n--;
    ck_assert_int_eq(tell(), 0);
    px[WETH] = 2400 * DOLLAR;
    m->instrument[WETH].grace_until = 1000;
    market_now(m, 1000 * UINT64_C(1000000000));
    struct health h;
    a->rule->health(m, a, px, &h);
    ck_assert(h.liquidatable); // by the other pair
    ck_assert_int_eq(desk_fire(desk, 0, px, 1000 * UINT64_C(1000000000), 0), DESK_NO_PROFIT);
    ck_assert_int_eq(wal.last.reason, WORTH_NO_EXIT);
    market_now(m, 1001 * UINT64_C(1000000000));
    ck_assert_int_eq(desk_fire(desk, 0, px, 1001 * UINT64_C(1000000000), 0), DESK_SENT);
}
END_TEST

static struct rule rule;
static unsigned settled;

static int counted_settle(const struct market *m, struct account *a, const int64_t *at,
                          const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    settled++;
    return rule_aave_3_5.settle(m, a, at, leg, n, out, e);
}

// One that breaches where its order would be made, and is not worth it, is asked about with each price: it is
// sized once.
START_TEST(prepared_in_vain_once)
{
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    told.base_fee = 10000 * GWEI;
    ck_assert_int_eq(tell(), 0);
    rule = rule_aave_3_5;
    rule.settle = counted_settle;
    book.account[0].rule = &rule;
    desk_prepare(desk, 0, px);
    unsigned first = settled;
    ck_assert_uint_gt(first, 0);
    for (unsigned i = 0; i < 1000; i++)
        desk_prepare(desk, 0, px);
    printf("# sized with %u settlements, a thousand times more with %u\n", first, settled - first);
    ck_assert_uint_eq(settled, first);
    ck_assert(gw.n == 0 && wal.unworth == 0);
    for (book.market.now_s = 1; book.market.now_s <= 3600; book.market.now_s++)
        desk_prepare(desk, 0, px);
    ck_assert_uint_eq(settled, first);
    desk_prepare(desk, 0, px); // its debt has grown
    ck_assert_uint_gt(settled, first);
    first = settled;
    px[WETH] = px[WETH] * 98 / 100;
    desk_prepare(desk, 0, px);
    ck_assert_uint_gt(settled, first);
    told.base_fee = 2 * GWEI;
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 1);
}
END_TEST

enum { RUN_ACCOUNTS = 60 };

// A run of everything, which is the same run when it is repeated, whatever is sized ahead meanwhile.
static void random_run(bool ahead)
{
    struct prng other;
    prng_seed(&other, 5);
    for (unsigned step = 0; step < 12000; step++) {
        size_t i = (size_t)below(RUN_ACCOUNTS);
        uint64_t now = step * UINT64_C(20000000);
        if (ahead && prng_below(&other, 2)) {
            desk_ahead(desk, (size_t)prng_below(&other, RUN_ACCOUNTS), px);
            desk_soon(desk, (size_t)prng_below(&other, RUN_ACCOUNTS));
        }
        if (ahead && prng_below(&other, 3) == 0)
            desk_ahead_forget(desk);
        gw.full = below(8) == 0;
        switch (below(12)) {
        case 0:
            for (unsigned k = 0; k < RESERVES; k++)
                px[k] = px[k] * (990 + (int64_t)below(20)) / 1000;
            desk_ahead_forget(desk);
            break;
        case 1:
            tell_pools(UINT64_C(100000) << below(10), (unsigned)below(40));
            ck_assert_int_eq(tell(), 0);
            break;
        case 2:
            desk_retire(desk, i);
            break;
        case 3: {
            struct account a = book.account[i];
            size_t at;
            a.epoch += (uint32_t)below(2);
            desk_ahead_forget(desk);
            (void)desk_told(desk, &a, ACCOUNTS, &at);
            break;
        }
        case 4:
            desk_kill(desk, below(4) == 0);
            break;
        case 5:
            (void)desk_predict(desk, i, px, now, 0);
            break;
        case 6: {
            struct order_reply r = mined(below(2));
            if (gw.submits)
                r.key = gw.sent[below(gw.submits)];
            r.status = below(5) ? ORDER_MINED : ORDER_UNDONE;
            (void)desk_reply(desk, &r);
            break;
        }
        case 7:
            desk_imminent(desk, i);
            break;
        case 8:
            (void)desk_stake(desk, i, px, now);
            (void)desk_fire(desk, i, px, now, 0);
            break;
        default:
            desk_prepare(desk, i, px);
        }
        const struct desk_counters *n = desk_counters(desk);
        ck_assert_uint_eq(gw_open(), n->ready_made - n->ready_used - n->ready_retired);
    }
}

// What the market already calls for is wanted first: offered once more, the same bytes, once.
START_TEST(imminent)
{
    plain_account(0, 22000);
    desk_imminent(desk, 0);
    ck_assert_uint_eq(gw.n + gw.again, 0); // nothing is ready
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 1);
    struct gateway_order was = gw.offered;
    ck_assert_int_gt(was.terms.worth_e8, 0);
    for (unsigned k = 0; k < 2; k++)
        desk_imminent(desk, 0);
    ck_assert(gw.again == 1 && gw.n == 1);
    ck_assert_int_eq(gw.offered.terms.worth_e8, was.terms.worth_e8 * 256);
    ck_assert(gw.offered.lsn == was.lsn && gw.offered.n_bytes == was.n_bytes &&
              !memcmp(gw.offered.bytes, was.bytes, was.n_bytes));
    gw.offered.terms.worth_e8 = was.terms.worth_e8;
    ck_assert_mem_eq(&gw.offered.terms, &was.terms, sizeof was.terms);
    desk_retire(desk, 0);
    desk_imminent(desk, 0);
    desk_prepare(desk, 0, px); // another order: again from the start
    ck_assert(gw.again == 1 && gw.n == 2);
    desk_imminent(desk, 0);
    ck_assert_uint_eq(gw.again, 2);
}
END_TEST

START_TEST(balances_and_repeats)
{
    struct desk_counters first = {0};
    uint64_t hash = 0, seed = prng_u64(&rng);
    cfg.predicted_max_e8 = 20000000 * DOLLAR;
    cfg.ready_max = 12;
    struct account *kept = malloc(ACCOUNTS * sizeof *kept);
    ck_assert_ptr_nonnull(kept);
    memcpy(kept, book.account, ACCOUNTS * sizeof *kept);
    for (unsigned run = 0; run < 2; run++) {
        prng_seed(&rng, seed);
        memset(&wal, 0, sizeof wal);
        gw.n = gw.submits = gw.drops = 0;
        memset(&gw.last, 0, sizeof gw.last);
        memcpy(book.account, kept, ACCOUNTS * sizeof *kept);
        for (unsigned i = 0; i < RESERVES; i++)
            px[i] = PRICE[i] * DOLLAR;
        open_desk();
        random_run(run == 1);
        struct desk_counters n = *desk_counters(desk);
        printf("# %u offered, %u dropped, %u handed over, %u J_UNWORTH, kept answers %llu\n", gw.n, gw.drops,
               gw.submits, wal.unworth, (unsigned long long)n.unworth_kept);
        ck_assert(n.ready_full > 0 && n.ready_used > 10 && n.cold > 10 && n.predicted > 0);
        ck_assert(n.undone > 3 && n.again > 3 && n.answer[DESK_RING_FULL] > 3 && n.unworth_kept > 5);
        uint64_t because = 0;
        for (unsigned r = 0; r < UNWORTH_REASONS; r++)
            because += n.unworth[r];
        ck_assert_uint_eq(because, n.answer[DESK_NO_PROFIT]);
        if (run == 1) {
            ck_assert_uint_eq(hash, wal.hash);
            ck_assert_mem_eq(&n, &first, sizeof n);
        }
        hash = wal.hash;
        first = n;
    }
    free(kept);
}
END_TEST

START_TEST(settings_are_checked)
{
    const struct desk_log log = {NULL, log_put};
    const struct desk_config good = cfg;
#define REFUSED(change, text)                                                                                \
    do {                                                                                                     \
        struct desk_config c = good;                                                                         \
        c.change;                                                                                            \
        ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &error));                                     \
        ck_assert_msg(strstr(error.msg, text) != NULL, "%s", error.msg);                                     \
    } while (0)
    REFUSED(min_profit_e8 = 0, "the least profit must be positive");
    REFUSED(worth.gas = 0, "gas must not be 0");
    REFUSED(worth.level[0].win_ppm = 0, "levels of bids");
    REFUSED(worth.level[1].share_ppm = 0, "shares must ascend");
    REFUSED(worth.tip_floor = good.worth.tip_cap + 1, "floor");
    REFUSED(worth.mode = 3, "mode 3");
    REFUSED(worth.scan = 65536, "scan 65536");
    REFUSED(cost_e8 = INT64_MAX, "do not fit");
    REFUSED(predicted_max_e8 = -1, "predicted");
    cfg.worth.mode = DESK_WORTH_OFF; // none of it counts
    cfg.worth.gas = 0;
    cfg.min_profit_e8 = 0;
    open_desk();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("desk_chain");
    TCase *t = tcase_create("desk_chain");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, off_has_no_terms);
    tcase_add_test(t, imminent);
    tcase_add_test(t, margin_accounts_stay);
    tcase_add_test(t, predictions);
    tcase_add_test(t, predictions_have_all_limits);
    tcase_add_test(t, predictions_keep_their_own_answers);
    tcase_add_test(t, replies_of_a_chain);
    tcase_add_test(t, undone_counts_again);
    tcase_add_test(t, failed_predictions_end);
    tcase_add_test(t, refused_predictions_wait_alone);
    tcase_add_test(t, asked_again_after_grace);
    tcase_add_test(t, prepared_in_vain_once);
    tcase_add_test(t, balances_and_repeats);
    tcase_add_test(t, settings_are_checked);
    suite_add_tcase(s, t);
    return run_suite(s);
}
