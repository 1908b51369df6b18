// SPDX-License-Identifier: Apache-2.0
// The follower against a chain in memory: after any sequence of blocks, reorganisations, failures and crashes
// the store, and what its hooks told, is what a fresh look at the chain gives.
#include "chain/follower.h"

#include <inttypes.h>
#include <unistd.h>

#include "accounts/moving.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "fake_chain.h"
#include "run_suite.h"

static char db[64];
static struct fake *chain;
static struct follower *f;
static uint64_t seed;

// What a consumer has: made from `ready` and the hooks alone.
static struct {
    bool ready, inside;
    uint64_t seq, holds, sources;
    struct account *account; // by id
    struct market market;
    struct chain_block at;
} heard;
enum { HEARD_MAX = 64 };

static void hear_account(void *ctx, const struct account *a, const struct evm_address *user, bool added)
{
    (void)ctx;
    (void)added;
    ck_assert(heard.inside && user->b[0] == F_USER);
    ck_assert_uint_lt(a->id, HEARD_MAX);
    heard.account[a->id] = *a;
}

static int load_account(void *ctx, const struct account *a, struct err *e)
{
    (void)ctx;
    (void)e;
    ck_assert_uint_lt(a->id, HEARD_MAX);
    heard.account[a->id] = *a;
    return 0;
}

static int load_market(void *ctx, const struct market *m, struct err *e)
{
    (void)ctx;
    (void)e;
    heard.market = *m;
    return 0;
}

static void hear_ready(void *ctx, uint64_t seq, const struct chain_block *at)
{
    struct err e;
    const struct store_visitor v = {load_market, load_account, NULL, true, NULL};
    (void)ctx;
    ck_assert_msg(store_visit(db, &v, &e) == 0, "%s", e.msg);
    heard.ready = true;
    heard.seq = seq;
    heard.at = *at;
}

static void hear_begin(void *ctx, uint64_t seq, const struct chain_block *at, bool undone)
{
    (void)ctx;
    ck_assert(heard.ready && !heard.inside);
    ck_assert_uint_eq(seq, heard.seq + 1);
    ck_assert(undone ? at->number < heard.at.number : at->number >= heard.at.number);
    heard.inside = true;
    heard.seq = seq;
    heard.at = *at;
}

static void hear_market(void *ctx, const struct market *m, bool grown)
{
    (void)ctx;
    ck_assert_int_eq(grown, m->n_instruments > heard.market.n_instruments);
    heard.market = *m;
}

static void hear_end(void *ctx, uint64_t seq, const struct chain_block *at)
{
    (void)ctx;
    (void)at;
    ck_assert(heard.inside);
    ck_assert_uint_eq(seq, heard.seq);
    heard.inside = false;
}

static void hear_hold(void *ctx, uint32_t id, const char *why)
{
    (void)ctx;
    (void)id;
    (void)why;
    heard.holds++;
}

static struct follower_config config(void)
{
    return (struct follower_config){
        .db = db,
        .pool = f_address(F_POOL, 0),
        .rule = "aave-3.5",
        .audit = 1,
        .seed = seed,
        .range_most = 100,
        .hooks = {.ready = hear_ready,
                  .begin = hear_begin,
                  .market = hear_market,
                  .account = hear_account,
                  .hold = hear_hold,
                  .end = hear_end},
    };
}

static void start(void)
{
    struct err e;
    const struct follower_config cfg = config();
    heard.ready = heard.inside = false;
    f = follower_open(&cfg, &chain->link, &e);
    ck_assert_msg(f != NULL, "%s", e.msg);
}

static void setup(void)
{
    seed = test_seed(20261121);
    (void)snprintf(db, sizeof db, "/tmp/test_follower.%d.db", (int)getpid());
    (void)unlink(db);
    heard.account = calloc(HEARD_MAX, sizeof *heard.account);
    heard.holds = 0;
    chain = f_new(seed);
}

static void teardown(void)
{
    follower_close(f);
    f = NULL;
    f_free(chain);
    free(heard.account);
    (void)unlink(db);
}

// ---- a fresh look at the chain

static void check_reserve(const struct f_state *s, unsigned r)
{
    const struct f_reserve *x = &s->reserve[r];
    uint16_t i = follower_pool(f)->reserve[r].instrument;
    ck_assert_msg(x->listed == (follower_pool(f)->reserve[r].listed != 0), "reserve %u listed", r);
    if (!x->listed)
        return;
    const struct instrument *in = &heard.market.instrument[i];
    ck_assert_msg(in->lt_bps == x->lt && in->fee_bps == x->fee && in->told_at == x->updated, "reserve %u", r);
    ck_assert_msg(in->liquidity_index == f_ray(x->index) && in->borrow_index == f_ray(x->index),
                  "index of %u", r);
    ck_assert_uint_eq(in->grace_until, x->paused ? MOVING_TIME_MAX : x->grace);
    unsigned members = 0, have = in->emode != 0 ? 1u + in->n_emodes : 0;
    for (unsigned c = 1; c <= F_EMODES; c++) {
        if (!s->emode_lt[c] || !(s->emode_bits[c] >> r & 1))
            continue;
        bool first = members++ == 0;
        ck_assert_uint_eq(first ? in->emode : in->emodes[members - 2].id, c);
        ck_assert_uint_eq(first ? in->emode_lt_bps : in->emodes[members - 2].lt_bps, s->emode_lt[c]);
    }
    ck_assert_uint_eq(members, have);
}

static void check_user(const struct f_user *u, const struct account *a)
{
    unsigned n = 0;
    ck_assert_uint_eq(a->emode, u->emode);
    for (unsigned r = 0; r < F_RESERVES; r++) {
        bool counts = u->collateral[r] && u->supply[r];
        if (!counts && !u->debt[r])
            continue;
        ck_assert_uint_lt(n, a->n_positions);
        uint16_t i = follower_pool(f)->reserve[r].instrument;
        const struct position *p = NULL;
        for (unsigned k = 0; k < a->n_positions; k++)
            if (a->position[k].instrument == i)
                p = &a->position[k];
        ck_assert_msg(p != NULL, "account %u has nothing in reserve %u", a->id, r);
        ck_assert(p->collateral == counts && p->supply == (i128)(counts ? u->supply[r] : 0) &&
                  p->debt == (i128)u->debt[r]);
        n++;
    }
    ck_assert_uint_eq(a->n_positions, n);
}

static void check_all(void)
{
    const struct f_block *b = &chain->b[chain->head];
    struct chain_audit audit;
    struct err e;
    ck_assert(word_equal(&follower_meta(f)->at.hash, &b->hash) && word_equal(&heard.at.hash, &b->hash));
    for (unsigned r = 0; r < F_RESERVES; r++)
        check_reserve(&b->s, r);
    ck_assert_uint_le(follower_meta(f)->last_id, F_USERS);
    unsigned owing = 0, found = 0;
    for (unsigned u = 0; u < F_USERS; u++)
        for (unsigned r = 0; r < F_RESERVES; r++)
            if (b->s.user[u].debt[r]) {
                owing++;
                break;
            }
    // By name: an account is told by its address.
    for (uint32_t id = 1; id <= follower_meta(f)->last_id; id++) {
        const struct account *a = &heard.account[id];
        ck_assert_uint_eq(a->id, id);
        unsigned u = (unsigned)strtoul(a->name + strlen(a->name) - 2, NULL, 16);
        check_user(&b->s.user[u], a);
        for (unsigned k = 0; k < a->n_positions; k++)
            if (a->position[k].debt) {
                found++;
                break;
            }
    }
    ck_assert_uint_eq(owing, found);
    ck_assert_msg(follower_audit(f, 0, false, &audit, &e) == 0, "%s", e.msg);
    ck_assert_msg(audit.states + audit.market == 0, "%s", audit.first);
    ck_assert_uint_eq(audit.accounts, follower_meta(f)->last_id);
    ck_assert_uint_eq(follower_counters(f)->differences, 0);
    ck_assert_uint_eq(heard.holds, 0);
}

// To the head; with nothing going wrong that takes a bounded number of steps. What was to be read at a block
// that is lost by now is tried once more, at another one.
static void settle(void)
{
    struct err e;
    unsigned retries = 0;
    for (int i = 0; i < 5000; i++) {
        enum follower_result r = follower_step(f, &e);
        ck_assert_msg(r >= 0 ||
                          (r == FOLLOWER_RETRY && follower_meta(f)->phase == PHASE_READING && retries++ < 2),
                      "%s", e.msg);
        if (r == FOLLOWER_IDLE)
            return;
    }
    ck_abort_msg("it does not come to the head");
}

static void restart(void)
{
    follower_close(f);
    chain->crashed = false;
    start();
}

// ---- tests

START_TEST(test_first_state)
{
    start();
    settle();
    check_all();
    ck_assert_uint_gt(follower_meta(f)->last_id, 0);
    restart();
    settle();
    check_all();
}
END_TEST

START_TEST(test_block_by_block)
{
    start();
    settle();
    for (unsigned i = 0; i < test_rounds(60); i++) {
        f_mine(chain);
        settle();
        check_all();
    }
    ck_assert_uint_eq(follower_counters(f)->reorgs, 0);
}
END_TEST

START_TEST(test_reorganisations)
{
    start();
    settle();
    for (int i = 0; i < 40; i++)
        f_mine(chain);
    settle();
    for (int i = 0; i < 40; i++) {
        f_fork(chain, 1 + prng_below(&chain->rng, 30));
        settle();
        check_all();
    }
    ck_assert_uint_ge(follower_counters(f)->reorgs, 30);
}
END_TEST

// A node that comes back, or another one, is some blocks behind: that undoes nothing.
START_TEST(test_lagging_node)
{
    start();
    settle();
    chain->head -= 5;
    uint64_t seq = follower_meta(f)->seq;
    settle();
    ck_assert_uint_eq(follower_meta(f)->seq, seq);
    chain->head += 5;
    settle();
    ck_assert_uint_eq(follower_meta(f)->seq, seq);
    chain->head -= 3;
    f_fork(chain, 2);
    chain->head -= 2; // another chain, shorter than ours
    settle();
    ck_assert_uint_eq(follower_counters(f)->reorgs, 1);
    check_all();
    chain->forks++;
    chain->head -= 2;
    f_mine(chain);
    f_mine(chain); // as long as ours
    settle();
    ck_assert_uint_eq(follower_counters(f)->reorgs, 2);
    check_all();
}
END_TEST

START_TEST(test_too_deep)
{
    struct err e;
    enum follower_result r;
    start();
    settle();
    f_fork(chain, chain->head - 10); // before the first state
    while ((r = follower_step(f, &e)) == FOLLOWER_WORKED)
        ;
    ck_assert_int_eq(r, FOLLOWER_FATAL);
    ck_assert_ptr_nonnull(strstr(e.msg, "--again"));
    follower_close(f);
    struct follower_config cfg = config();
    cfg.again = true;
    heard.ready = false;
    f = follower_open(&cfg, &chain->link, &e);
    ck_assert_ptr_nonnull(f);
    settle();
    check_all();
}
END_TEST

START_TEST(test_many_blocks_at_once)
{
    start();
    settle();
    for (int i = 0; i < 300; i++)
        f_mine(chain);
    chain->range_limit = 7;
    settle();
    check_all();
    ck_assert_uint_gt(follower_counters(f)->halved, 0);
    ck_assert_uint_lt(follower_counters(f)->blocks, 100);
}
END_TEST

// The state of the first block is lost while accounts are read: they are read at later ones, and then brought
// to one.
START_TEST(test_pruned_states)
{
    struct err e;
    start();
    while (follower_meta(f)->phase != PHASE_READING)
        ck_assert_int_ge(follower_step(f, &e), 0);
    chain->stable = true;
    for (int i = 0; i < 40; i++)
        f_mine(chain);
    chain->oldest = chain->head - 20;
    ck_assert_int_eq(follower_step(f, &e), FOLLOWER_RETRY);
    settle();
    check_all();
    ck_assert_uint_gt(follower_counters(f)->anchors, 0);
}
END_TEST

// The first block is lost before its accounts have been read: the search goes back and begins again.
START_TEST(test_reorganised_while_reading)
{
    struct err e;
    enum follower_result r = FOLLOWER_WORKED;
    start();
    while (follower_meta(f)->phase != PHASE_READING)
        ck_assert_int_ge(follower_step(f, &e), 0);
    f_fork(chain, 30);
    for (int i = 0; i < 200 && r != FOLLOWER_IDLE; i++) {
        r = follower_step(f, &e);
        ck_assert_msg(r != FOLLOWER_FATAL, "%s", e.msg);
    }
    settle();
    check_all();
}
END_TEST

// Somebody reads the store for long: nothing can be written, and nothing is told of it or lost.
START_TEST(test_busy_store)
{
    struct err e;
    sqlite3 *reader;
    enum follower_result r;
    start();
    settle();
    ck_assert_int_eq(sqlite3_open(db, &reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM chain_meta", NULL, NULL, NULL), SQLITE_OK);
    uint64_t seq = follower_meta(f)->seq, number = follower_meta(f)->at.number;
    f_mine(chain);
    while ((r = follower_step(f, &e)) == FOLLOWER_WORKED)
        ;
    ck_assert_int_eq(r, FOLLOWER_RETRY);
    ck_assert(follower_meta(f)->seq == seq && follower_meta(f)->at.number == number && heard.seq == seq);
    sqlite3_close(reader);
    settle();
    check_all();
}
END_TEST

START_TEST(test_wrong_chain_and_store)
{
    struct err e;
    start();
    settle();
    follower_close(f);
    struct follower_config cfg = config();
    cfg.chain_id = 6;
    ck_assert_ptr_null(f = follower_open(&cfg, &chain->link, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "chain 5"));
    cfg = config();
    cfg.pool = f_address(F_POOL, 1);
    ck_assert_ptr_null(f = follower_open(&cfg, &chain->link, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "follows the pool"));
    cfg = config();
    cfg.rule = "aave-9";
    ck_assert_ptr_null(f = follower_open(&cfg, &chain->link, &e));
}
END_TEST

// The audit is awake: an account that was changed behind our back is found, held and put right.
START_TEST(test_audit_finds)
{
    start();
    settle();
    for (uint64_t had = 0; heard.holds == had;) {
        f_mine(chain);
        for (unsigned u = 0; u < F_USERS; u++)
            chain->b[chain->head].s.user[u].emode = 1 + (unsigned)(chain->head % 2); // without an event
        settle();
    }
    ck_assert_uint_gt(follower_counters(f)->differences, 0);
}
END_TEST

// A node that answers from the block it is just making is right about it a block later: no difference.
START_TEST(test_audit_of_a_node_ahead)
{
    start();
    settle();
    for (unsigned i = 0; i < 300; i++) {
        f_mine(chain);
        struct f_block *b = &chain->b[chain->head];
        b->n_logs = 0;
        b->s = b[-1].s; // nothing happens in it, so that nobody is read anew
        const struct f_state real = b->s;
        for (unsigned u = 0; u < F_USERS && i % 2; u++)
            b->s.user[u].emode ^= 3;
        settle();
        b->s = real;
    }
    f_mine(chain);
    settle();
    ck_assert_uint_gt(follower_counters(f)->audited, 200);
    ck_assert_uint_eq(follower_counters(f)->differences, 0);
    ck_assert_uint_eq(heard.holds, 0);
    check_all();
}
END_TEST

// Everything at once.
START_TEST(test_walk)
{
    struct err e;
    unsigned checks = 0, crashes = 0, retries = 0;
    chain->lose = 4;
    chain->crash = 6;
    chain->churn = 6;
    chain->lie = 100;
    chain->range_limit = 30;
    start();
    for (int i = 0; i < 1500 && chain->head < F_BLOCKS - 700; i++) {
        if (prng_chance(&chain->rng, 1, 4))
            f_mine(chain);
        if (prng_chance(&chain->rng, 1, 60))
            f_fork(chain, 1 + prng_below(&chain->rng, 40));
        enum follower_result r = follower_step(f, &e);
        ck_assert_msg(r != FOLLOWER_FATAL || strstr(e.msg, "--again"), "%s", e.msg);
        if (r == FOLLOWER_FATAL) {
            follower_close(f);
            struct follower_config cfg = config();
            cfg.again = true;
            heard.ready = heard.inside = false;
            ck_assert_ptr_nonnull(f = follower_open(&cfg, &chain->link, &e));
        }
        retries += r == FOLLOWER_RETRY;
        if (chain->crashed) {
            crashes++;
            restart();
        }
        if (prng_chance(&chain->rng, 1, 40)) {
            const struct fake faults = *chain;
            chain->lose = chain->crash = chain->churn = chain->lie = 0;
            settle();
            check_all();
            checks++;
            chain->lose = faults.lose;
            chain->crash = faults.crash;
            chain->churn = faults.churn;
            chain->lie = faults.lie;
        }
    }
    printf("%u checks, %u crashes, %u retries, head %" PRIu64 ", %" PRIu64 " asks\n", checks, crashes,
           retries, chain->head, chain->asks);
    ck_assert_uint_gt(checks, 10);
    ck_assert_uint_gt(crashes, 5);
    ck_assert_uint_gt(retries, 20);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("follower");
    TCase *t = tcase_create("follower");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_first_state);
    tcase_add_test(t, test_block_by_block);
    tcase_add_test(t, test_reorganisations);
    tcase_add_test(t, test_lagging_node);
    tcase_add_test(t, test_too_deep);
    tcase_add_test(t, test_many_blocks_at_once);
    tcase_add_test(t, test_pruned_states);
    tcase_add_test(t, test_reorganised_while_reading);
    tcase_add_test(t, test_busy_store);
    tcase_add_test(t, test_wrong_chain_and_store);
    tcase_add_test(t, test_audit_finds);
    tcase_add_test(t, test_audit_of_a_node_ahead);
    tcase_add_test(t, test_walk);
    suite_add_tcase(s, t);
    return run_suite(s);
}
