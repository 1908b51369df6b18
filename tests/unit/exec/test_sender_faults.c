// SPDX-License-Identifier: Apache-2.0
// Signed transactions on a chain with faults: each ends in the state that the chain says, no nonce is used
// for two orders, nothing is forgotten over crashes at any step, nothing leaves before it is on disk.
#include "sender_rig.h"

static uint64_t seed;

// Each order that was sent ended, as the chain says.
static void check_outcomes(void)
{
    for (uint32_t a = 1; a < next_account; a++) {
        if (!seen[a].fired)
            continue;
        ck_assert_msg(seen[a].ends > 0, "SEED=%llu: order %u was forgotten", (unsigned long long)seed, a);
        const struct fc_tx *t = fc_winner((unsigned)seen[a].sender, seen[a].nonce);
        ck_assert_ptr_nonnull(t);
        enum flight_outcome is = t->foreign   ? OUTCOME_TAKEN
                                 : t->cancel  ? OUTCOME_CANCELLED
                                 : t->success ? OUTCOME_SUCCESS
                                              : OUTCOME_REVERTED;
        ck_assert_msg(seen[a].outcome == is, "SEED=%llu: order %u ended as %s, the chain says %s",
                      (unsigned long long)seed, a, flight_outcome_name(seen[a].outcome),
                      flight_outcome_name(is));
        ck_assert(t->foreign || t->cancel || t->account == a);
    }
}

// No nonce for two orders, no order under two nonces.
static void check_nonces(void)
{
    static const struct fc_tx *of_order[ORDERS];
    memset(of_order, 0, sizeof of_order);
    for (size_t i = 0; i < fc.n; i++) {
        const struct fc_tx *t = &fc.tx[i];
        if (t->cancel || t->foreign)
            continue;
        const struct fc_tx *o = of_order[t->account];
        ck_assert_msg(!o || (o->sender == t->sender && o->nonce == t->nonce),
                      "SEED=%llu: order %u under two nonces", (unsigned long long)seed, t->account);
        of_order[t->account] = t;
        for (size_t k = 0; k < i; k++) {
            const struct fc_tx *u = &fc.tx[k];
            ck_assert_msg(u->cancel || u->foreign || u->sender != t->sender || u->nonce != t->nonce ||
                              u->account == t->account,
                          "SEED=%llu: orders %u and %u under one nonce", (unsigned long long)seed, u->account,
                          t->account);
        }
    }
}

// ---- crashes

// What the log of now would be after a crash of the process, without what was not yet written.
static void crash(void)
{
    char to[96], cmd[256];
    (void)snprintf(to, sizeof to, "%s/%d-%u", dir, (int)getpid(), n_logs++);
    (void)snprintf(cmd, sizeof cmd, "cp %s %s", path, to);
    ck_assert_int_eq(system(cmd), 0);
    sender_free(sender);
    (void)txlog_close(txlog, NULL);
    (void)unlink(path);
    memcpy(path, to, sizeof path);
    fc_forget_answers();
    open_all();
}

START_TEST(a_crash_before_the_trigger_is_fenced)
{
    start(1, 1, 11);
    (void)offer(1);
    step(MS), step(MS), step(MS), step(MS);
    ck_assert_ptr_nonnull(signed_ready(sender_orders(sender), 0, 0, fc.base, now));
    crash();
    ck_assert_uint_eq(sender_counters(sender)->recovered, 1);
    for (int i = 0; i < 6; i++) {
        block();
        step(SECOND), step(MS), step(MS);
    }
    ck_assert_uint_eq(sender_counters(sender)->fenced, 1);
    ck_assert(fc_winner(0, 0)->cancel);
    ck_assert(seen[1].ends == 1 && seen[1].outcome == OUTCOME_CANCELLED);
    stop();
}
END_TEST

// Though its count is known and its depth would allow another.
START_TEST(a_key_waits_until_all_was_looked_up)
{
    start(1, 2, 17);
    (void)send_one(0);
    ck_assert_int_eq(txlog_sync(txlog, NULL), 0);
    crash();
    fc.no_receipts = true;
    uint32_t name = offer(1);
    for (int i = 0; i < 5; i++) {
        step(SECOND / 4);
        ck_assert_int_lt(signed_at(sender_orders(sender), name)->sender, 0);
        ck_assert(!wallet_free_to_send(sender_wallet(sender), 0));
    }
    ck_assert(sender_wallet(sender)->s[0].known);
    fc.no_receipts = false;
    step(SECOND), step(MS), step(MS), step(MS), step(MS);
    ck_assert_int_eq(fire(name, 0), FIRE_SENT);
    stop();
}
END_TEST

START_TEST(a_clean_end_leaves_nothing_to_look_up)
{
    start(1, 1, 12);
    uint32_t a = send_one(0);
    for (int i = 0; i < 8; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert_uint_eq(seen[a].ends, 1);
    (void)offer(1);
    step(MS), step(MS), step(MS);
    sender_free(sender);
    ck_assert_int_eq(txlog_close(txlog, NULL), 0);
    open_all();
    ck_assert_uint_eq(sender_counters(sender)->recovered, 0);
    stop();
}
END_TEST

START_TEST(a_crash_after_the_send_finds_its_receipt)
{
    start(1, 1, 13);
    uint32_t a = send_one(0);
    ck_assert_int_eq(txlog_sync(txlog, NULL), 0);
    crash();
    uint64_t sends = fc.sends;
    for (int i = 0; i < 4; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_SUCCESS);
    ck_assert_uint_eq(fc.sends, sends); // known: nothing was sent again
    stop();
}
END_TEST

START_TEST(what_cannot_be_logged_is_not_sent)
{
    start(1, 1, 15);
    ck_assert_int_eq(txlog_sync(txlog, NULL), 0);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit full = {(rlim_t)st.st_size + 100, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    uint32_t name = offer(1);
    while (!txlog_failed(txlog, NULL)) { // written by a thread; the test's own timeout ends a hang
        sender_step(sender, now += MS);
        (void)usleep(1000);
    }
    for (int i = 0; i < 10; i++) {
        sender_step(sender, now += MS);
        ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY);
    }
    ck_assert_uint_eq(fc.sends, 0);
    sender_free(sender);
    ck_assert_int_eq(txlog_close(txlog, NULL), -1);
    key_free(key[0]);
    (void)unlink(path);
}
END_TEST

// Made in a thread of its own while this one goes on: for ThreadSanitizer.
START_TEST(a_signer_of_its_own)
{
    start(4, 1, 16);
    sender_free(sender);
    config.one_thread = false;
    struct err e;
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    ck_assert_ptr_nonnull(sender);
    for (unsigned done = 0, i = 0; done < 20; i++) { // as above
        uint32_t name[16];
        if (i % 8 == 0)
            (void)offer(i + 1);
        if (i % 50 == 0)
            block();
        step(MS / 10);
        size_t n = signed_ranked(sender_orders(sender), name, 16);
        if (i % 5 == 0 && n)
            done += fire(name[i % n], i % 3) == FIRE_SENT;
        if (i % 31 == 0 && n) // while it may be being signed
            signed_drop(sender_orders(sender), name[0]);
        (void)usleep(50);
    }
    ck_assert_uint_ge(sender_counters(sender)->answer[FIRE_SENT], 20);
    while (sender_flights(sender)) {
        block();
        step(20 * MS);
        (void)usleep(200);
    }
    check_outcomes();
    check_nonces();
    stop();
}
END_TEST

START_TEST(another_key_or_chain_is_refused)
{
    struct err e;
    start(2, 1, 14);
    (void)send_one(0);
    sender_free(sender);
    ck_assert_int_eq(txlog_close(txlog, NULL), 0);
    ck_assert_int_eq(txlog_open(path, 8, &txlog, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "another chain"));
    ck_assert_int_eq(txlog_open(path, FC_CHAIN_ID, &txlog, &e), 0);
    config.n_keys = 1;
    config.key = (const struct private_key *const *)key + 1;
    ck_assert_ptr_null(sender_new(&config, &FC_PORT, txlog, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "key is not given"));
    ck_assert_int_eq(txlog_close(txlog, NULL), 0);
    config.n_keys = 2;
    config.key = (const struct private_key *const *)key;
    open_all();
    stop();
}
END_TEST

// ---- everything at random

static void random_action(void)
{
    uint32_t name[16];
    size_t n = signed_ranked(sender_orders(sender), name, 16);
    switch (prng_below(&fc.r, 12)) {
    case 0:
    case 1:
        if (next_account + 1 < ORDERS)
            (void)offer(prng_below(&fc.r, 1000));
        break;
    case 2:
    case 3:
    case 4:
        if (n)
            (void)fire(name[prng_below(&fc.r, n)], (unsigned)prng_below(&fc.r, 3));
        break;
    case 5:
        fc.base = GWEI / 2 + prng_below(&fc.r, 8 * (uint64_t)GWEI);
        fc.mine_of_100 = (unsigned)prng_below(&fc.r, 101);
        break;
    case 6:
        for (size_t i = 0; i < FC_NODES; i++) {
            fc.down[i] = fc_chance(20);
            fc.deaf[i] = fc_chance(15);
        }
        break;
    case 7:
        if (fc_chance(10))
            fc_foreign((unsigned)prng_below(&fc.r, fc.n_senders));
        break;
    case 8:
        if (fc_chance(50)) {
            fc_reorg();
            sender_head(sender, fc.head, fc.base, now);
        }
        break;
    case 9:
        fc.no_money = fc_chance(10);
        fc.killed = fc_chance(20);
        break;
    case 10:
        if (fc_chance(15))
            crash();
        break;
    default:
        block();
    }
}

// Each transaction that was handed to a node is in the log.
static void check_log(void)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e;
    static bool logged[FC_TXS];
    memset(logged, 0, sizeof logged);
    ck_assert_int_eq(txlog_sync(txlog, NULL), 0);
    ck_assert_int_eq(journal_reader_open(path, &r, &e), 0);
    while (journal_next(r, &rec, &e) == 1) {
        struct word h;
        if (rec.type != 2)
            continue;
        memcpy(h.b, rec.data + 8 + 1 + ORDER_KEY_BYTES + ADDRESS_BYTES + 8, WORD_BYTES);
        struct fc_tx *t = fc_find(&h);
        if (t)
            logged[t - fc.tx] = true;
    }
    journal_reader_close(r);
    for (size_t i = 0; i < fc.n; i++)
        ck_assert_msg(fc.tx[i].foreign || logged[i], "SEED=%llu: sent and not logged",
                      (unsigned long long)seed);
}

static void random_run(uint64_t with, unsigned depth)
{
    seed = with;
    start(3, depth, with);
    fc.faults = 16;
    fc.reverts = true;
    for (int i = 0; i < 1500; i++) {
        random_action();
        step(prng_below(&fc.r, 400 * MS));
    }
    // Faults end; all that is on its way comes to its end.
    fc.faults = 0;
    fc.killed = fc.no_money = false;
    fc.base = GWEI / 2;
    fc.mine_of_100 = 100;
    memset(fc.down, 0, sizeof fc.down);
    memset(fc.deaf, 0, sizeof fc.deaf);
    for (int i = 0; i < 200 && (i < 10 || sender_flights(sender)); i++) {
        block();
        step(SECOND), step(MS), step(MS), step(MS);
    }
    ck_assert_msg(sender_flights(sender) == 0, "SEED=%llu: %zu flights never ended", (unsigned long long)with,
                  sender_flights(sender));
    check_outcomes();
    check_nonces();
    check_log();
    stop();
}

static unsigned total[N_OUTCOMES];

START_TEST(random_faults)
{
    uint64_t first = test_seed(20261121);
    for (unsigned i = 0; i < test_rounds(8); i++) {
        random_run(first + i, 1 + i % 3);
        for (uint32_t a = 1; a < next_account; a++)
            total[seen[a].outcome] += seen[a].ends > 0;
    }
    printf("# outcomes:");
    for (int o = OUTCOME_SUCCESS; o <= OUTCOME_TAKEN; o++) {
        printf(" %s %u", flight_outcome_name((enum flight_outcome)o), total[o]);
        ck_assert_uint_gt(total[o], 0);
    }
    printf("\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sender-faults");
    TCase *c = tcase_create("sender-faults");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, a_crash_before_the_trigger_is_fenced);
    tcase_add_test(c, a_key_waits_until_all_was_looked_up);
    tcase_add_test(c, a_clean_end_leaves_nothing_to_look_up);
    tcase_add_test(c, a_crash_after_the_send_finds_its_receipt);
    tcase_add_test(c, what_cannot_be_logged_is_not_sent);
    tcase_add_test(c, a_signer_of_its_own);
    tcase_add_test(c, another_key_or_chain_is_refused);
    tcase_add_test(c, random_faults);
    suite_add_tcase(s, c);
    return run_sender_suite(s);
}
