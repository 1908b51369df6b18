// SPDX-License-Identifier: Apache-2.0
// The gateway to a chain under faults at random: nodes away, answers lost, reorganisations, another user of
// the keys, crashes, a slow journal, a slow follower, the kill switch. The chain counts what each order has
// done: once at most, and each ends in the reply that says so, gas to the wei. Then the same in its thread.
#include <pthread.h>

#include "base/clock.h"
#include "gateway_rig.h"

static struct gateway_order offered[8];
static size_t n_offered;

static struct gateway_order random_order(void)
{
    struct gateway_order o = order((uint32_t)prng_below(&fc.r, USERS), (int64_t)prng_below(&fc.r, 1000));
    o.terms.gas = 300000 + (uint32_t)prng_below(&fc.r, 400000);
    return o;
}

static void random_offer(void)
{
    if (n_offered == 8)
        return;
    offered[n_offered] = random_order();
    gateway_offer(gw, &offered[n_offered++]);
}

static void random_submit(void)
{
    if (n_offered && fc_chance(60)) {
        size_t i = (size_t)prng_below(&fc.r, n_offered);
        if (fc_chance(80))
            submit(&offered[i]);
        else
            gateway_drop(gw, &offered[i].key);
        offered[i] = offered[--n_offered];
    } else {
        (void)submit_new((uint32_t)prng_below(&fc.r, USERS));
    }
}

static void random_nodes(void)
{
    for (size_t i = 0; i < FC_NODES; i++) {
        fc.down[i] = fc_chance(20);
        fc.deaf[i] = fc_chance(15);
    }
}

static struct {
    unsigned told[TOLD_REFUSED + 1];
    uint64_t batched, ready, cold, undone, busy;
} total;

static void add_counters(void) // of a run, before it ends
{
    struct gateway_evm_counters c = counters();
    total.batched += c.batched;
    total.ready += c.ready_sent;
    total.cold += c.cold_sent;
    total.undone += c.undone;
    total.busy += c.busy;
}

static void add_up(void)
{
    add_counters();
    for (uint32_t i = 1; i < next_id; i++)
        total.told[seen[i].told]++;
}

static void random_action(void)
{
    switch (prng_below(&fc.r, 16)) {
    case 0:
    case 1:
    case 2:
        random_offer();
        break;
    case 3:
    case 4:
        random_submit();
        break;
    case 5: // a burst
        for (uint64_t n = prng_below(&fc.r, 20); n > 0 && fc_chance(97); n--)
            random_submit();
        break;
    case 6:
        fc.base = GWEI / 2 + prng_below(&fc.r, 8 * GWEI);
        fc.mine_of_100 = (unsigned)prng_below(&fc.r, 101);
        break;
    case 7:
        random_nodes();
        break;
    case 8:
        if (fc_chance(8))
            fc_foreign((unsigned)prng_below(&fc.r, fc.n_senders));
        break;
    case 9:
        if (fc_chance(50))
            fc_reorg();
        break;
    case 10:
        fc.no_money = fc_chance(10);
        fc.killed = fc_chance(15);
        break;
    case 11:
        if (fc_chance(15)) {
            add_counters();
            crash();
            n_offered = 0;
        }
        break;
    case 12:
        durable = fc_chance(20) ? 0 : UINT64_MAX;
        break;
    case 13:
        model.may[prng_below(&fc.r, USERS)] = (unsigned)prng_below(&fc.r, 3);
        break;
    case 14:
        apply(fc.head - prng_below(&fc.r, 3));
        break;
    default:
        fc_mine();
    }
}

static void random_run(uint64_t seed, unsigned depth, bool batch)
{
    char what[64];
    (void)snprintf(what, sizeof what, "SEED=%llu", (unsigned long long)seed);
    rig_start(3, depth, batch, seed);
    n_offered = 0;
    fc.faults = 12;
    for (int i = 0; i < 1200 && next_id + 40 < ORDERS; i++) {
        random_action();
        turn(prng_below(&fc.r, 300 * MS));
    }
    // Faults end; all that is on its way comes to its end.
    fc.faults = 0;
    fc.killed = fc.no_money = false;
    fc.base = GWEI / 2;
    fc.mine_of_100 = 100;
    durable = UINT64_MAX;
    memset(fc.down, 0, sizeof fc.down);
    memset(fc.deaf, 0, sizeof fc.deaf);
    for (size_t i = 0; i < n_offered; i++)
        gateway_drop(gw, &offered[i].key);
    settle();
    ck_assert_msg(gateway_wait(gw, 0) == 0, "%s: something is outstanding", what);
    ck_assert_msg(counters().flights == 0, "%s: flights never ended", what);
    check_all(what);
    add_up();
    rig_stop();
}

START_TEST(random_faults)
{
    uint64_t first = test_seed(20261122);
    for (unsigned i = 0; i < test_rounds(10); i++)
        random_run(first + i, 1 + i % 3, i % 4 != 0);
    printf("# done %u failed %u refused %u; ready %llu cold %llu batched %llu undone %llu busy %llu\n",
           total.told[TOLD_DONE], total.told[TOLD_FAILED], total.told[TOLD_REFUSED],
           (unsigned long long)total.ready, (unsigned long long)total.cold, (unsigned long long)total.batched,
           (unsigned long long)total.undone, (unsigned long long)total.busy);
    ck_assert(total.told[TOLD_DONE] && total.told[TOLD_FAILED] && total.told[TOLD_REFUSED] && total.ready &&
              total.cold && total.batched && total.undone && total.busy);
}
END_TEST

// ---- in its thread

static pthread_mutex_t chain = PTHREAD_MUTEX_INITIALIZER; // the test mines while the gateway asks

static size_t lk_put(void *ctx, size_t link, uint64_t serial, const uint8_t *tx, size_t n, uint8_t *out,
                     size_t size)
{
    return fc_put(ctx, link, serial, tx, n, out, size);
}

static int lk_send(void *ctx, size_t link, uint64_t serial, const uint8_t *bytes, size_t n, uint64_t at)
{
    (void)pthread_mutex_lock(&chain);
    int rc = fc_send(ctx, link, serial, bytes, n, at);
    (void)pthread_mutex_unlock(&chain);
    return rc;
}

static bool lk_usable(void *ctx, size_t link, uint64_t at)
{
    (void)pthread_mutex_lock(&chain);
    bool ok = fc_usable(ctx, link, at);
    (void)pthread_mutex_unlock(&chain);
    return ok;
}

static int lk_call(void *ctx, size_t link, const char *method, const char *params, uint64_t tag, uint64_t at)
{
    (void)pthread_mutex_lock(&chain);
    int rc = fc_call(ctx, link, method, params, tag, at);
    (void)pthread_mutex_unlock(&chain);
    return rc;
}

static int lk_poll(void *ctx, uint64_t at, struct port_event *ev)
{
    (void)pthread_mutex_lock(&chain);
    int rc = fc_poll(ctx, at, ev);
    (void)pthread_mutex_unlock(&chain);
    return rc;
}

static bool lk_head(void *ctx, uint64_t at, uint64_t *number, u128 *base)
{
    (void)pthread_mutex_lock(&chain);
    (void)rig_head(ctx, at, number, base);
    (void)pthread_mutex_unlock(&chain);
    return true;
}

static const struct evm_port_ops LK_OPS = {lk_put, lk_send, lk_usable, lk_call, lk_poll};

static void mine_one(void)
{
    (void)pthread_mutex_lock(&chain);
    fc_mine();
    apply(fc.head);
    (void)pthread_mutex_unlock(&chain);
}

static void in_a_thread(bool spin)
{
    rig_start(4, 1, true, test_seed(77));
    gateway_close(gw);
    fc_forget_answers();
    clock_init();
    config.sender.one_thread = false;
    config.spin = spin;
    config.killed = NULL;
    config.durable = NULL;
    ground.by_hand = false;
    ground.clock = clock_stream_ns;
    ground.head = lk_head;
    ground.port = (struct evm_port){&LK_OPS, NULL, FC_NODES};
    rig_open();
    for (unsigned i = 0; i < 400; i++) {
        struct gateway_order o = order(i % USERS, 1);
        if (i % 3 == 0)
            gateway_offer(gw, &o);
        if (i % 2 == 0)
            (void)usleep(300);
        if (i % 9 == 6)
            gateway_drop(gw, &o.key);
        else
            submit(&o);
        if (i % 10 == 0)
            mine_one();
        take_replies();
        (void)counters();
    }
    for (unsigned i = 0; gateway_wait(gw, 1) != 0 || counters().flights; i++) { // the timeout ends a hang
        if (i % 20 == 0)
            mine_one();
        take_replies();
        (void)usleep(300);
    }
    struct gateway_counters g;
    gateway_counters(gw, &g);
    ck_assert_uint_eq(g.submitted, 400 - 44);
    ck_assert_uint_eq(counters().flights, 0);
    (void)pthread_mutex_lock(&chain);
    check_all("thread");
    (void)pthread_mutex_unlock(&chain);
    ck_assert_uint_gt(counters().mined, 50);
    rig_stop();
}

START_TEST(a_thread_that_spins)
{
    in_a_thread(true);
}
END_TEST

START_TEST(a_thread_that_sleeps)
{
    in_a_thread(false);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway-evm-random");
    TCase *c = tcase_create("gateway-evm-random");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, random_faults);
    tcase_add_test(c, a_thread_that_spins);
    tcase_add_test(c, a_thread_that_sleeps);
    suite_add_tcase(s, c);
    return run_gateway_suite(s);
}
