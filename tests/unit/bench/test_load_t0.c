// SPDX-License-Identifier: Apache-2.0
// A load in the shape of STAC-T0 through a whole session: every hit leads to exactly one order, which carries
// its id, and nothing else leads to any. The gateway gives the account back once the next message has brought
// the price back: it answers FILLED with the new state at once and tells the old state then, or waits until
// then and answers FILLED with the old state.
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/load.h"
#include "feed/wire.h"
#include "run/session.h"
#include "run_suite.h"

enum {
    MESSAGES = 50000,
    ACCOUNTS = 20000,
    HIT_OF = 1024,
    PENDING = 8,
    UDP_PAYLOAD = 42,
    TOP_BITS = 10,
    LANES = 64,
    SLOTS = 256, // 16,384 rows
    NEAR = 2048,
};
enum reply { NEW_THEN_OLD, OLD_AT_ONCE, REPLIES };

// ---- the bench's gateway, in short

static struct {
    struct gateway base;
    struct gateway_order order[PENDING];
    size_t n;
} gw;

static int take(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    ck_assert_uint_lt(gw.n, PENDING);
    gw.order[gw.n++] = *o;
    return 0;
}
static const struct gateway_ops gw_ops = {.submit = take};

static uint64_t lsn;
static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    (void)ctx;
    (void)type;
    (void)a;
    (void)na;
    (void)b;
    (void)nb;
    return ++lsn;
}

// ---- the rig

static struct load l;
static struct book book;
static struct device *dev;
static struct session *s;
static struct account watched; // as the book was made

static void open_all(bool large, uint64_t messages, uint32_t accounts, bool audit)
{
    struct err e = {""};
    struct session_config cfg;
    const struct t0_config tc = {.seed = 11, .messages = messages, .rate_pps = 10000, .large = large};
    const struct device_config dc = {.backend = "vector", .lanes = LANES, .slots = SLOTS, .assets = 16};
    const struct session_log log = {NULL, put};
    static struct account scratch;
    ck_assert_msg(load_t0(&tc, &l, &e) == 0, "%s", e.msg);
    ck_assert_msg(load_t0_book(3, accounts, &book, &e) == 0, "%s", e.msg);
    account_copy(&watched, book_account(&book, book_find(&book, T0_ACCOUNT), &scratch));
    config_default(&cfg);
    memset(&gw, 0, sizeof gw);
    gw.base.ops = &gw_ops;
    device_register(&device_ops_vector);
    ck_assert_msg(device_open(&dc, &dev, &e) == 0, "%s", e.msg);
    s = session_new(&cfg, &book, dev, &gw.base, &log, audit, &e);
    ck_assert_msg(s != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(s, &e), 0);
}

static void close_all(void)
{
    session_free(s);
    device_close(dev);
    book_free(&book);
    load_free(&l);
}

static void tell(const struct order_reply *r)
{
    struct err e = {""};
    ck_assert_msg(session_reply(s, r, &e) == 0, "%s", e.msg);
}

static void tell_filled(const struct gateway_order *o, struct account *now)
{
    static struct order_reply r;
    static struct settlement x;
    struct err e = {""};
    struct order ord;
    int64_t px[MARKET_ASSETS_MAX] = {0};
    ck_assert_int_eq(order_decode(o->bytes, o->n_bytes, &ord), 0);
    for (unsigned i = 0; i < o->n_marks; i++)
        px[o->mark[i].asset] = o->mark[i].price;
    ck_assert_msg(now->rule->settle(&book.market, now, px, ord.leg, ord.n, &x, &e) == 0, "%s", e.msg);
    now->epoch++;
    r = (struct order_reply){.key = o->key, .status = ORDER_FILLED, .has_account = true};
    account_copy(&r.account, now);
    tell(&r);
}

static void tell_old_state(struct account *now, uint8_t status, const struct order_key *k)
{
    static struct order_reply r;
    uint32_t epoch = now->epoch + 1;
    account_copy(now, &watched);
    now->epoch = epoch;
    r = (struct order_reply){.key = *k, .status = status, .has_account = true};
    account_copy(&r.account, now);
    tell(&r);
}

static void check_order(const struct gateway_order *o, uint64_t id)
{
    ck_assert_uint_eq(o->key.account, T0_ACCOUNT);
    ck_assert_uint_eq(o->n_marks, 1);
    ck_assert_uint_eq(t0_id_of(o->mark[0].price), id & ((1u << T0_ID_BITS) - 1));
    ck_assert_uint_eq(session_stamps(s)->orders, 1);
    ck_assert_uint_eq(session_stamps(s)->ready, 1);
}

// Plays everything; the number of orders.
static uint64_t play(enum reply how)
{
    struct account now;
    struct order_key owed = {0};
    uint64_t orders = 0;
    account_copy(&now, &watched);
    for (size_t i = 0; i < l.n; i++) {
        const struct load_frame *f = &l.frame[i];
        struct err e = {""};
        ck_assert_msg(session_frame(s, f->ts_ns, l.bytes + f->at, f->caplen, f->wirelen, &e) == 0, "%s",
                      e.msg);
        ck_assert_msg(gw.n == f->hit, "frame %zu: %zu orders", i, gw.n);
        if (owed.account && how == NEW_THEN_OLD)
            tell_old_state(&now, ORDER_STATE, &(struct order_key){.account = T0_ACCOUNT});
        else if (owed.account)
            tell_old_state(&now, ORDER_FILLED, &owed);
        owed = (struct order_key){0};
        ck_assert_uint_eq(gw.n, f->hit); // giving it back leads to none
        if (f->hit) {
            check_order(gw.order, f->id);
            owed = gw.order[0].key;
            if (how == NEW_THEN_OLD)
                tell_filled(gw.order, &now);
            gw.n--;
            orders++;
        }
        ck_assert_uint_eq(gw.n, 0);
    }
    return orders;
}

START_TEST(test_every_hit_one_order)
{
    const unsigned messages = test_rounds(MESSAGES);
    open_all(_i / REPLIES, messages, ACCOUNTS, false);
    uint64_t orders = play((enum reply)(_i % REPLIES));
    const struct engine_counters *n = engine_counters(session_engine(s));
    const struct desk_counters *d = desk_counters(session_desk(s));
    struct engine_tiers t;
    engine_tiers(session_engine(s), &t);
    printf("# %s: %u ppm, %llu accounts on the device\n", l.what, t.box_ppm, (unsigned long long)t.device);
    ck_assert_uint_eq(orders, l.hits);
    ck_assert_uint_gt(l.hits, messages / HIT_OF / 2);
    ck_assert_uint_lt(l.hits, messages / HIT_OF * 2);
    ck_assert_uint_eq(d->ready_used, orders);
    // A hit is the only thing that happens: nobody else is flagged or warned of, no box moves.
    ck_assert_uint_eq(n->flags[LEVEL_LIQUIDATE], orders);
    ck_assert_uint_le(n->flags[LEVEL_WARN], 2 * orders + 1);
    ck_assert(t.boxed);
    ck_assert_uint_eq(t.host, 0);
    ck_assert_uint_eq(t.device, NEAR);
    ck_assert_uint_eq(t.rows_used, 2 * NEAR);
    ck_assert_uint_eq(n->boxes_background + n->boxes_foreground, 0);
    ck_assert_uint_eq(feed_counters(session_feed(s))->gaps, 0);
    close_all();
}
END_TEST

// Brute force beside a small one: nobody is missed, and no order leaves for one that is not liquidatable.
START_TEST(test_audited)
{
    open_all(false, 6000, 300, true);
    ck_assert_uint_gt(l.hits, 0);
    ck_assert_uint_eq(play((enum reply)_i), l.hits);
    ck_assert_uint_eq(session_audit(s)->missed, 0);
    ck_assert_uint_eq(session_audit(s)->unconfirmed_orders, 0);
    close_all();
}
END_TEST

// ---- the book, by the rule itself: at the lowest and the highest price of a hit the watched account alone
// may be liquidated, at those of the other messages nobody. Small books hold the same.

static int64_t px[MARKET_ASSETS_MAX];

static void price_of_frame(const struct load_frame *f)
{
    const uint8_t *mark = l.bytes + f->at + UDP_PAYLOAD + 8 + 12 + 53;
    px[0] = (int64_t)(le_double_load(mark) * 1e5 + 0.5);
}

static void judge(bool watched_ends)
{
    static struct account scratch;
    for (size_t i = 0; i < book.n_accounts; i++) {
        const struct account *a = book_account(&book, i, &scratch);
        struct health h;
        struct err e;
        ck_assert_msg(account_validate(&book.market, a, &e) == 0, "%s", e.msg);
        a->rule->health(&book.market, a, px, &h);
        ck_assert_msg(h.liquidatable == (watched_ends && a->id == T0_ACCOUNT), "account %u", a->id);
    }
}

START_TEST(test_who_ends_where)
{
    static const uint32_t accounts[] = {1, 3, 30000};
    const struct t0_config tc = {.seed = 2, .messages = 3000, .rate_pps = 1000};
    const int64_t low = (1 << T0_ID_BITS) - 1;
    struct err e = {""};
    bool done[2] = {false};
    ck_assert_int_eq(load_t0(&tc, &l, &e), 0);
    ck_assert_int_eq(load_t0_book(8, accounts[_i], &book, &e), 0);
    ck_assert_uint_eq(book.n_accounts, accounts[_i]);
    px[1] = INT64_C(320000000);
    px[2] = INT64_C(15000000);
    for (size_t i = l.prologue; i < l.n; i++) {
        const struct load_frame *f = &l.frame[i];
        price_of_frame(f);
        ck_assert_uint_eq(t0_id_of(px[0]), f->id & (uint64_t)low);
        if (done[f->hit])
            continue;
        done[f->hit] = true;
        px[0] &= ~low;
        judge(f->hit);
        px[0] |= low;
        judge(f->hit);
    }
    ck_assert(done[0] && done[1]);
    book_free(&book);
    load_free(&l);
}
END_TEST

// ---- what is on the wire

START_TEST(test_frames)
{
    struct err e = {""};
    const struct t0_config tc = {.seed = 5, .messages = 20000, .rate_pps = 1000, .large = _i};
    uint64_t hits = 0;
    ck_assert_int_eq(load_t0(&tc, &l, &e), 0);
    ck_assert(l.kind == LOAD_T0 && l.synthetic);
    ck_assert_uint_eq(l.n, l.prologue + tc.messages);
    for (size_t i = l.prologue; i < l.n; i++) {
        const struct load_frame *f = &l.frame[i];
        // STAC-T0's size A: 503 bytes, the id 233 bytes into the payload.
        const uint8_t *id = l.bytes + f->at + UDP_PAYLOAD + (tc.large ? 233 : 145);
        ck_assert_uint_eq(f->caplen, tc.large ? 503 : 195);
        ck_assert_uint_eq(f->wirelen, f->caplen);
        ck_assert_uint_eq((uint64_t)be32_load(id) << 32 | be32_load(id + 4), f->id);
        ck_assert_int_eq(f->hit, f->id >> (64 - TOP_BITS) == 0);
        ck_assert_uint_eq(f->ts_ns - l.frame[i - 1].ts_ns, 1000000);
        hits += f->hit;
    }
    ck_assert_uint_eq(l.hits, hits);
    load_free(&l);
}
END_TEST

// A seed whose ids, drawn without looking at them, would have a hit and the eighth message after it as its
// next.
static uint64_t seed_with_neighbours(uint64_t messages)
{
    for (uint64_t seed = 1;; seed++) {
        struct prng r;
        uint64_t last = 0;
        prng_seed(&r, seed);
        for (uint64_t i = 1; i <= messages; i++) {
            if (prng_u64(&r) >> (64 - TOP_BITS) != 0)
                continue;
            if (last && i - last == 8)
                return seed;
            last = i;
        }
    }
}

START_TEST(test_hits_stand_apart)
{
    struct err e = {""};
    struct t0_config tc = {.messages = 3000, .rate_pps = 1000};
    size_t last = 0;
    tc.seed = seed_with_neighbours(tc.messages);
    ck_assert_int_eq(load_t0(&tc, &l, &e), 0);
    for (size_t i = 0; i < l.n; i++) {
        if (!l.frame[i].hit)
            continue;
        ck_assert(last == 0 || i - last > 8);
        last = i;
    }
    ck_assert_uint_gt(l.hits, 0);
    load_free(&l);
}
END_TEST

START_TEST(test_the_seed_decides)
{
    struct err e = {""};
    struct t0_config tc = {.seed = 5, .messages = 100, .rate_pps = 1000};
    struct load a, b, c;
    ck_assert_int_eq(load_t0(&tc, &a, &e), 0);
    ck_assert_int_eq(load_t0(&tc, &b, &e), 0);
    tc.seed = 6;
    ck_assert_int_eq(load_t0(&tc, &c, &e), 0);
    ck_assert(a.n_bytes == b.n_bytes && memcmp(a.bytes, b.bytes, a.n_bytes) == 0);
    ck_assert(a.n_bytes == c.n_bytes && memcmp(a.bytes, c.bytes, a.n_bytes) != 0);
    load_free(&a);
    load_free(&b);
    load_free(&c);
}
END_TEST

START_TEST(test_refused)
{
    struct err e = {""};
    struct t0_config tc = {.messages = 0, .rate_pps = 1000};
    ck_assert_int_eq(load_t0(&tc, &l, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no messages"));
    tc = (struct t0_config){.messages = 1};
    ck_assert_int_eq(load_t0(&tc, &l, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "rate 0"));
    ck_assert_int_eq(load_t0_book(1, 0, &book, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no accounts"));
}
END_TEST

int main(void)
{
    Suite *su = suite_create("load-t0");
    TCase *t = tcase_create("load-t0");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, test_every_hit_one_order, 0, 2 * REPLIES);
    tcase_add_loop_test(t, test_audited, 0, REPLIES);
    tcase_add_loop_test(t, test_who_ends_where, 0, 3);
    tcase_add_loop_test(t, test_frames, 0, 2);
    tcase_add_test(t, test_hits_stand_apart);
    tcase_add_test(t, test_the_seed_decides);
    tcase_add_test(t, test_refused);
    suite_add_tcase(su, t);
    return run_suite(su);
}
