// SPDX-License-Identifier: Apache-2.0
// What the line tells of a chain in memory: after any blocks, reorganisations and failures of the node a
// consumer has what the store and the exchange have at the block that was applied last, never in another
// order than replies, prices, states.
#include "lineworld.h"

static struct order_reply reply;
static unsigned all_states; // over all lines of a test

// ---- a consumer

static struct {
    struct account *account; // by id of the pair's even one
    struct market market;
    struct exits_told exits;
    bool any_exits;
    unsigned markets;
} heard;

static void load_heard(void)
{
    struct account scratch;
    free(heard.account);
    memset(&heard, 0, sizeof heard);
    heard.account = calloc(2 * W_IDS, sizeof *heard.account);
    heard.market = book.market;
    for (size_t i = 0; i < book.n_accounts; i++) {
        const struct account *a = book_account(&book, i, &scratch);
        account_copy(&heard.account[a->id], a);
    }
}

static int check_account(void *ctx, const struct account *a, struct err *e)
{
    (void)ctx;
    (void)e;
    const struct account *h = &heard.account[2 * a->id];
    ck_assert_uint_eq(h->id, 2 * a->id);
    ck_assert_uint_eq(h->epoch, a->epoch);
    ck_assert_uint_eq(h->emode, a->emode);
    ck_assert_uint_eq(h->n_positions, a->n_positions);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *x = &a->position[i], *y = &h->position[i];
        ck_assert(x->instrument == y->instrument && x->supply == y->supply && x->debt == y->debt &&
                  x->collateral == y->collateral);
    }
    ck_assert_uint_eq(line->user[a->id].b[0], F_USER);
    ck_assert_uint_eq(line->user[a->id].b[19], (unsigned)strtoul(a->name + strlen(a->name) - 2, NULL, 16));
    return 0;
}

static int check_market(void *ctx, const struct market *m, struct err *e)
{
    struct market paired = *m;
    (void)ctx;
    ck_assert_int_eq(market_pair(&paired, e), 0);
    ck_assert_uint_eq(paired.n_instruments, heard.market.n_instruments);
    for (unsigned i = 0; i < paired.n_instruments; i++)
        ck_assert_msg(!instrument_differs(&paired.instrument[i], &heard.market.instrument[i]),
                      "instrument %u", i);
    return 0;
}

static void check_exits(const struct f_block *b)
{
    ck_assert(heard.any_exits);
    ck_assert_uint_eq(heard.exits.base_fee, w_base_fee(&b->hash));
    ck_assert_uint_eq(heard.exits.native, 0);
    ck_assert_uint_eq(heard.exits.n, world.empty);
    for (unsigned i = 0; i < heard.exits.n; i++) {
        const struct exits_pool *p = &heard.exits.pool[i];
        ck_assert(p->a == i && p->b == (i + 1) % W_PAIRS && p->keep == 997 && p->of == 1000 &&
                  p->gas == 90000);
        ck_assert(p->in_a == w_reserve(&b->hash, i, 0) && p->in_b == w_reserve(&b->hash, i, 1));
    }
}

// All that was told against the store and the chain.
static void check_all(void)
{
    struct err e;
    const struct f_block *b = &world.chain->b[world.chain->head];
    const struct store_visitor v = {check_market, check_account, NULL, true, NULL};
    ck_assert(word_equal(&follower_meta(line->follower)->at.hash, &b->hash));
    ck_assert_uint_eq(orders.applied, b->number);
    ck_assert_uint_eq(line->block, b->number);
    ck_assert_msg(store_visit(db, &v, &e) == 0, "%s", e.msg);
    check_exits(b);
}

static void take_input(void)
{
    struct exits_told *t = &heard.exits;
    ck_assert_uint_eq(reply.input.type, J_EXITS);
    ck_assert_int_eq(exits_decode(reply.input.data, reply.input.n, t), 0);
    heard.any_exits = true;
}

static bool take_one(void)
{
    if (gateway_poll(chain_line_gateway(line), &reply) == 0)
        return false;
    switch (reply.status) {
    case ORDER_STATE:
        ck_assert(reply.has_account && reply.key.account == reply.account.id && reply.account.id % 2 == 0);
        ck_assert_uint_lt(reply.account.id, 2 * W_IDS);
        ck_assert(reply.account.rule != NULL);
        account_copy(&heard.account[reply.account.id], &reply.account);
        all_states++;
        break;
    case ORDER_MARKET:
        ck_assert_int_eq(market_follows(&heard.market, reply.market, NULL), 0);
        heard.market = *reply.market;
        heard.markets++;
        break;
    default:
        ck_assert_uint_eq(reply.status, ORDER_INPUT);
        take_input();
    }
    return true;
}

static void take_all(void)
{
    while (take_one())
        ;
}

START_TEST(everything_that_happens_is_told)
{
    struct prng g;
    w_open();
    load_heard();
    prng_seed(&g, seed);
    for (unsigned round = 0; round < 60; round++) {
        for (uint64_t n = prng_below(&g, 6); n; n--)
            f_mine(world.chain);
        if (prng_chance(&g, 1, 4))
            f_fork(world.chain, 1 + prng_below(&g, 5));
        world.chain->lose = prng_chance(&g, 1, 2) ? 20 : 0;
        world.chain->churn = prng_chance(&g, 1, 4) ? 5 : 0;
        if (prng_chance(&g, 1, 10)) { // a run that ends and begins again on what the store has
            world.chain->lose = world.chain->churn = 0;
            w_shut();
            w_open();
            load_heard();
        }
        enum follower_result r;
        while ((r = w_step(take_all)) != FOLLOWER_IDLE) {
            ck_assert_int_ne(r, FOLLOWER_FATAL);
            if (prng_chance(&g, 1, 2))
                take_all();
        }
        world.chain->lose = world.chain->churn = 0;
        w_follow(take_all);
        take_all();
        check_all();
    }
    ck_assert_uint_gt(all_states, 0);
    ck_assert_int_eq(chain_line_failed(line, NULL), 0);
    struct chain_line_counters n;
    chain_line_counters(line, &n);
    ck_assert_uint_eq(n.audit_differences, 0);
    w_shut();
}
END_TEST

// ---- order

static uint32_t told_order[64];
static unsigned n_told;
static void note_applied(uint64_t block)
{
    (void)block;
    told_order[n_told++] = 1;
}

START_TEST(a_block_is_applied_after_its_states)
{
    w_open();
    load_heard();
    unsigned seen = 0;
    memset(line->user, 0, W_IDS * sizeof *line->user);
    for (unsigned i = 0; i < 40 || seen == 0; i++) {
        f_mine(world.chain);
        ck_assert_int_eq(w_step(take_all), FOLLOWER_WORKED);
        n_told = 0;
        orders.on_applied = note_applied;
        while (take_one()) {
            if (reply.status == ORDER_STATE) {
                ck_assert_uint_eq(n_told, 0); // not while one of them is only being handed over
                ck_assert_uint_eq(line->user[reply.account.id / 2].b[0], F_USER);
                seen++;
            }
        }
        if (seen)
            ck_assert_uint_eq(n_told, 1);
    }
    w_shut();
}
END_TEST

START_TEST(replies_come_first_then_prices_then_states)
{
    struct told_group g;
    w_open();
    load_heard();
    do {
        take_all();
        f_mine(world.chain);
        (void)w_step(take_all);
    } while (spsc_count(&line->states) < 4);
    size_t states = spsc_count(&line->states);
    const uint64_t at = line->block;
    tell_block(at);
    tell_block(at + 1);
    o_reply(ORDER_REFUSED, 2);
    o_reply(ORDER_MINED, 4);
    struct gateway *gw = chain_line_gateway(line);
    ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_uint_eq(reply.status, ORDER_REFUSED);
    ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_uint_eq(reply.status, ORDER_MINED);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(gateway_poll(gw, &reply), 1);
        ck_assert(reply.status == ORDER_INPUT && reply.input.type == J_TOLD && !reply.has_account);
        tell_block(at + 2 + i); // what was lent stays as it is
        ck_assert_int_eq(told_decode(reply.input.data, reply.input.n, &g), 0);
        ck_assert(g.kind == TOLD_BLOCK && g.block == at + i);
    }
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_uint_ne(reply.status, ORDER_INPUT);
    ck_assert_uint_eq(spsc_count(&line->states), states); // lent, and one at a time
    o_reply(ORDER_REFUSED, 6);
    ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_uint_eq(reply.status, ORDER_REFUSED);
    ck_assert_uint_eq(spsc_count(&line->states), states - 1);
    w_shut();
}
END_TEST

START_TEST(waiting_ends_with_news)
{
    w_open();
    load_heard();
    struct gateway *gw = chain_line_gateway(line);
    take_all();
    ck_assert_int_eq(gateway_wait(gw, 5), 0); // nothing outstanding
    const struct gateway_order o = {.key = {1, 2, 0, 1}};
    ck_assert_int_eq(gateway_submit(gw, &o), 0);
    ck_assert_int_eq(gateway_wait(gw, 5), -1);
    tell_block(orders.applied);
    ck_assert_int_eq(gateway_wait(gw, 5), 1);
    ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_int_eq(gateway_wait(gw, 5), -1); // taken, and no news
    o_reply(ORDER_REFUSED, 8);
    ck_assert_int_eq(gateway_wait(gw, 5), 1);
    w_shut();
}
END_TEST

START_TEST(receipts_are_measured_once)
{
    w_open();
    struct gateway *gw = chain_line_gateway(line);
    struct gateway_order o = {.key = {1, 2, 0, 1}};
    for (uint32_t i = 1; i <= 3; i++) {
        o.key.account = 2 * i;
        ck_assert_int_eq(gateway_submit(gw, &o), 0);
    }
    o_reply(ORDER_MINED, 2);
    o_reply(ORDER_MINED, 2);
    o_reply(ORDER_REFUSED, 4);
    o_reply(ORDER_MINED, 4);
    o_reply(ORDER_MINED, 6);
    o_reply(ORDER_MINED, 8);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(gateway_poll(gw, &reply), 1);
    ck_assert_uint_eq(chain_line_receipts(line)->count, 2);
    ck_assert_uint_eq(line->n_handed, 0);
    gateway_offer(gw, &o);
    gateway_drop(gw, &o.key);
    ck_assert_uint_eq(orders.offered + orders.dropped, 2);
    w_shut();
}
END_TEST

// ---- what ends or holds

START_TEST(a_new_reserve_ends_the_run)
{
    struct err e;
    w_open();
    load_heard();
    take_all();
    line_market(line, follower_market(line->follower), false);
    line_market(line, follower_market(line->follower), false);
    ck_assert_int_eq(chain_line_failed(line, &e), 0);
    ck_assert_uint_eq(heard.markets, 0);
    take_all();
    ck_assert_uint_eq(heard.markets, 2);
    line_market(line, follower_market(line->follower), true);
    ck_assert(!take_one());
    ck_assert_int_ne(chain_line_failed(line, &e), 0);
    ck_assert_ptr_nonnull(strstr(e.msg, "start again"));
    w_shut();
}
END_TEST

START_TEST(a_held_account_has_no_positions)
{
    w_open();
    load_heard();
    uint32_t id = 0;
    while (!id) { // one that has changed since it was loaded
        f_mine(world.chain);
        w_follow(take_all);
        take_all();
        for (uint32_t i = 1; i < W_IDS && !id; i++) {
            size_t at = book_find(&book, 2 * i);
            struct account scratch;
            bool changed =
                at != SIZE_MAX && book_account(&book, at, &scratch)->epoch < heard.account[2 * i].epoch;
            id = changed && heard.account[2 * i].n_positions ? i : 0;
        }
    }
    // As an audit of the follower finds it: by hand, because the chain in memory does not lie of states.
    struct account was = heard.account[2 * id];
    line_hold(line, id, "its positions differ");
    ck_assert(take_one());
    ck_assert_uint_eq(reply.status, ORDER_STATE);
    ck_assert(reply.account.id == 2 * id && reply.account.n_positions == 0 &&
              reply.account.epoch == was.epoch);
    ck_assert(reply.account.rule == was.rule);
    ck_assert_uint_ge(notices, 1);
    w_shut();
}
END_TEST

START_TEST(pools_are_told_when_they_are_new)
{
    w_open();
    load_heard();
    world.flat = true;
    world.empty = W_PAIRS - 1;
    f_mine(world.chain);
    w_follow(take_all);
    take_all();
    ck_assert(heard.any_exits);
    check_exits(&world.chain->b[world.chain->head]);
    heard.any_exits = false;
    f_mine(world.chain);
    w_follow(take_all);
    take_all();
    ck_assert(!heard.any_exits); // another block, the same reserves
    for (unsigned what = 0; what < 3; what++) {
        heard.any_exits = false;
        world.more[0] += what == 0;
        world.more[1] += what == 1;
        world.fee += what == 2;
        f_mine(world.chain);
        w_follow(take_all);
        take_all();
        check_exits(&world.chain->b[world.chain->head]);
    }
    world.empty = 1;
    f_mine(world.chain);
    w_follow(take_all);
    take_all();
    check_exits(&world.chain->b[world.chain->head]);
    w_shut();
}
END_TEST

START_TEST(an_exchange_that_does_not_fit_is_refused)
{
    struct err e;
    world.odd_factory = 1;
    ck_assert_int_eq(w_try_open(&e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "factory"));
    w_shut();
    world.odd_factory = W_PAIRS;
    w_open();
    w_shut();
}
END_TEST

// Without its log nothing can be sent: the run must not go on as if it watched over anything.
START_TEST(a_log_that_cannot_be_written_ends_the_run)
{
    struct err e;
    w_open();
    ck_assert_int_eq(chain_line_failed(line, &e), 0);
    orders.failed = true;
    ck_assert_int_eq(chain_line_failed(line, NULL), -1);
    ck_assert_int_eq(chain_line_failed(line, &e), -1);
    ck_assert_msg(strstr(e.msg, "no room on the disk") != NULL, "%s", e.msg);
    w_shut();
}
END_TEST

START_TEST(a_contract_that_cannot_be_used_is_refused)
{
    static const struct {
        char odd;
        const char *why;
    } bad[] = {{'p', "made for the pool"}, {'w', "native coin"}, {'r', "setRouter"}, {'c', "setCaller"}};
    const uint8_t secret[WORD_BYTES] = {[31] = 9};
    const struct private_key *key = key_from_bytes(secret, NULL);
    struct err e;
    w_open();
    const struct word *at = &follower_meta(line->follower)->at.hash;
    ck_assert_int_eq(chain_exits_contract(line, at, &e), 0); // no keys: nothing is sent
    line->cfg.orders.key = &key;
    line->cfg.orders.n_keys = 1;
    ck_assert_int_eq(chain_exits_contract(line, at, &e), -1);
    ck_assert_msg(strstr(e.msg, "no liquidation contract") != NULL, "%s", e.msg); // there is none at 0x0
    line->cfg.orders.contract = f_address(W_CONTRACT, 0);
    ck_assert_msg(chain_exits_contract(line, at, &e) == 0, "%s", e.msg);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world.odd_contract = bad[i].odd;
        ck_assert_int_eq(chain_exits_contract(line, at, &e), -1);
        ck_assert_msg(strstr(e.msg, bad[i].why) != NULL, "%s", e.msg);
    }
    world.odd_contract = 'r';
    line->cfg.n_pools = 0; // nothing is sold
    ck_assert_int_eq(chain_exits_contract(line, at, &e), 0);
    world.odd_contract = 0;
    w_shut();
    key_free((struct private_key *)(uintptr_t)key);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chain line");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, w_setup, w_teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, everything_that_happens_is_told);
    tcase_add_test(t, a_block_is_applied_after_its_states);
    tcase_add_test(t, replies_come_first_then_prices_then_states);
    tcase_add_test(t, waiting_ends_with_news);
    tcase_add_test(t, receipts_are_measured_once);
    tcase_add_test(t, a_new_reserve_ends_the_run);
    tcase_add_test(t, a_held_account_has_no_positions);
    tcase_add_test(t, pools_are_told_when_they_are_new);
    tcase_add_test(t, an_exchange_that_does_not_fit_is_refused);
    tcase_add_test(t, a_log_that_cannot_be_written_ends_the_run);
    tcase_add_test(t, a_contract_that_cannot_be_used_is_refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
