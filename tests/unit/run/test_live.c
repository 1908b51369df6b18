// SPDX-License-Identifier: Apache-2.0
// The live loop between stalls, with time in the test's hands: what is missing may lie unread in the other
// line's queue for longer than it is waited for, and is no gap then; what no line brings is one as soon as
// every line was read for long enough. The journal replays to the same.
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/rules/rule.h"
#include "base/clock.h"
#include "feed/arbiter.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "oracle/told.h"
#include "run/live.h"
#include "run/replay.h"
#include "run_suite.h"

enum { ID = 12, CHANNEL = 10, FRAMES_MAX = 4 };
#define MS    UINT64_C(1000000)
#define BEGIN (UINT64_C(1700000000000) * MS) // past: the loop believes stamps that are
#define HOLD  ARBITER_HOLD_NS

struct sent {
    char line; // A, B; 0: no frame
    uint32_t seq;
};
// One poll: its frames, the stamp that they share, how far all queues have been read then; and what must hold
// before the next one.
struct poll {
    uint64_t stamp, until;
    struct sent frame[FRAMES_MAX];
    uint64_t gaps, next;
};

// ---- the source

static const struct poll *script;
static size_t at, length;
static volatile sig_atomic_t stop;
static struct session *session;

static void check_step(const struct poll *p)
{
    struct arbiter_stream st;
    ck_assert(arbiter_stream(feed_arbiter(session_feed(session)), 0, &st));
    ck_assert_msg(st.gaps == p->gaps && st.next == p->next, "poll %zu: %d gaps, next %d", at, (int)st.gaps,
                  (int)st.next);
}

static void send(const struct sent *x, uint64_t stamp, live_frame *cb, void *cb_ctx)
{
    static struct gen_frame f;
    const struct frame_options o = {0};
    uint8_t buf[512];
    struct deribit_encoder enc;
    double mark = 60000.0 - 10.0 * x->seq;
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, x->seq);
    if (x->seq == 1) {
        const struct deribit_instrument i = {.id = ID,
                                             .name = "BTC_USDC-PERPETUAL",
                                             .base = "BTC",
                                             .quote = "USDC",
                                             .settle = "USDC",
                                             .size = "BTC",
                                             .state = INSTRUMENT_OPEN,
                                             .type = 2};
        deribit_put_instrument_v2(&enc, &i);
    } else {
        const struct deribit_ticker t = {
            .id = ID, .state = INSTRUMENT_OPEN, .ts_ms = BEGIN / MS + x->seq, .mark = mark, .index = mark};
        deribit_put_ticker(&enc, &t);
    }
    size_t len = deribit_end(&enc);
    memcpy(frame_payload(&f, &o), buf, len);
    frame_finish(&f, &o, x->line == 'A' ? 1 : 2, 6100, len);
    cb(cb_ctx, stamp, f.buf, f.len, f.wire);
}

static size_t poll_script(void *ctx, live_frame *cb, void *cb_ctx)
{
    size_t n = 0;
    (void)ctx;
    if (at > 0)
        check_step(&script[at - 1]);
    if (at == length) {
        stop = 1;
        return 0;
    }
    const struct poll *p = &script[at++];
    for (; n < FRAMES_MAX && p->frame[n].line; n++)
        send(&p->frame[n], p->stamp, cb, cb_ctx);
    return n;
}

static uint64_t read_until(void *ctx)
{
    (void)ctx;
    return script[at - 1].until;
}

// ---- the rig

static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    return 0;
}
static const struct market *told; // by the gateway, once
static bool endless;              // the gateway always has another state of account 5
static uint32_t told_epoch;

static int tell_state(struct order_reply *out)
{
    memset(out, 0, sizeof *out);
    out->key.account = 5;
    out->status = ORDER_STATE;
    out->has_account = true;
    out->account = (struct account){.id = 5,
                                    .rule = &rule_perp_linear_1,
                                    .currency = "USDC",
                                    .cash_decimals = 6,
                                    .cash = INT64_C(3000000000),
                                    .epoch = ++told_epoch,
                                    .n_positions = 1};
    out->account.position[0] = (struct position){.size = 1000, .entry = INT64_C(60000000000000)};
    return 1;
}

// Inputs that the gateway has, all at once: 'T' told, 'E' ways out, 'S' a state, '?' told and malformed. And
// after how many polls of the source each was taken.
static const char *inputs;
static size_t taken_at[16], n_taken;

static int tell_input(struct order_reply *out)
{
    static const uint8_t no_ways_out[21] = {1}, bad[28] = {1, TOLD_BLOCK + 7};
    static uint8_t block[TOLD_BYTES_MAX];
    const struct told_group g = {.kind = TOLD_BLOCK, .at_ns = BEGIN};
    const char what = *inputs++;
    if (what == 'S')
        return tell_state(out);
    memset(out, 0, sizeof *out);
    out->status = ORDER_INPUT;
    out->input.type = what == 'E' ? J_EXITS : J_TOLD;
    out->input.data = what == 'E' ? no_ways_out : what == 'T' ? block : bad;
    out->input.n = what == 'E'   ? sizeof no_ways_out
                   : what == 'T' ? told_encode(&g, block, sizeof block)
                                 : sizeof bad;
    return 1;
}

static int tg_poll(struct gateway *g, struct order_reply *out)
{
    (void)g;
    if (endless)
        return tell_state(out);
    if (inputs && *inputs)
        return tell_input(out);
    if (!told)
        return 0;
    out->status = ORDER_MARKET;
    out->market = told;
    told = NULL;
    return 1;
}
static int tg_wait(struct gateway *g, int ms)
{
    (void)g;
    (void)ms;
    return endless;
}
static void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops tg_ops = {
    .submit = tg_submit, .poll = tg_poll, .wait = tg_wait, .counters = tg_counters};
static struct gateway gw = {.ops = &tg_ops};

static char path[64];
static bool leave_reads_out;

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    if ((type == J_TOLD || type == J_EXITS || type == J_REPLY) && n_taken < 16)
        taken_at[n_taken++] = at;
    return leave_reads_out && type == J_READ ? 1 : journal_put2(ctx, type, a, na, b, nb);
}

static void fill_market(struct book *book, struct account *account)
{
    struct market *m = &book->market;
    memset(book, 0, sizeof *book);
    m->n_assets = m->n_instruments = 1;
    m->asset[0] = (struct asset){.name = "BTC_USDC-PERPETUAL",
                                 .source = "BTC_USDC-PERPETUAL",
                                 .kind = ASSET_MARK,
                                 .decimals = 9,
                                 .stale_ms = 5000,
                                 .guard_ppm = 50000};
    m->instrument[0] = (struct instrument){.name = "BTC_USDC-PERPETUAL",
                                           .kind = INST_LINEAR,
                                           .size_decimals = 3,
                                           .currency = "USDC",
                                           .cash_decimals = 6,
                                           .n_tiers = 1,
                                           .fee_ppm = 500,
                                           .penalty_ppm = 5000};
    m->instrument[0].tier[0] = (struct tier){.rate_ppm = 10000};
    *account = (struct account){.id = 5,
                                .rule = &rule_perp_linear_1,
                                .currency = "USDC",
                                .cash_decimals = 6,
                                .cash = INT64_C(3000000000),
                                .n_positions = 1};
    account->position[0] = (struct position){.size = 1000, .entry = INT64_C(60000000000000)};
    book->n_accounts = 1;
    book->account = account;
}

static struct book book;

// Runs the script and writes its journal. How it ended, with the reason in *why.
static enum live_end run_to(const struct poll *polls, size_t n, bool polled, struct err *why)
{
    static struct session_config cfg;
    static struct account account;
    struct device *dev;
    struct journal *j;
    struct err e = {{0}};
    const struct device_config dc = {.backend = "model"};
    const struct live_config lc = {.stop = &stop};
    const struct live_source src = {.poll = poll_script, .read_until = read_until};
    script = polls;
    length = n;
    at = 0;
    stop = 0;
    (void)unlink(path);
    fill_market(&book, &account);
    config_default(&cfg);
    cfg.polled = polled;
    ck_assert_msg(device_open(&dc, &dev, &e) == 0, "%s", e.msg);
    ck_assert_msg(journal_open(path, false, &j, &e) == 0, "%s", e.msg);
    const struct session_log log = {j, put};
    session = session_new(&cfg, &book, dev, &gw, &log, true, &e);
    ck_assert_msg(session != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(session, &e), 0);
    enum live_end end = live_run(&lc, &src, session, &gw, why);
    (void)journal_put(j, J_END, NULL, 0);
    ck_assert_msg(journal_close(j, &e) == 0, "%s", e.msg);
    session_free(session);
    device_close(dev);
    return end;
}

static void run(const struct poll *polls, size_t n, bool polled)
{
    struct err e = {{0}};
    ck_assert_msg(run_to(polls, n, polled, &e) == LIVE_STOPPED, "%s", e.msg);
    ck_assert_uint_eq(at, n);
}

static uint64_t replayed_mismatches(void)
{
    struct replay_result r;
    struct err e = {{0}};
    ck_assert_msg(replay_journal(path, "model", true, NULL, NULL, &r, &e) == 0, "%s", e.msg);
    ck_assert_uint_gt(r.commands, 3);
    return r.mismatches;
}

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%.40s/tl-live-XXXXXX", tmp ? tmp : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    clock_init();
    device_register(&device_ops_model);
    leave_reads_out = endless = false;
    inputs = NULL;
    n_taken = 0;
    told_epoch = 0;
}

static void teardown(void)
{
    (void)unlink(path);
}

#define AT(ms) (BEGIN + (ms)*MS)
#define A(seq)                                                                                               \
    {                                                                                                        \
        'A', seq                                                                                             \
    }
#define B(seq)                                                                                               \
    {                                                                                                        \
        'B', seq                                                                                             \
    }
#define RUN(...)                                                                                             \
    run((const struct poll[]){__VA_ARGS__}, sizeof(const struct poll[]){__VA_ARGS__} / sizeof(struct poll),  \
        true)

// ---- what is tested

// The process stands still for 50 ms while 3 lies in B's queue; two polls later it is there.
START_TEST(test_unread_is_not_lost)
{
    RUN({AT(0), AT(0), {A(1), B(1)}, 0, 2}, {AT(1), AT(1), {A(2), B(2)}, 0, 3},
        {AT(2), AT(2), {A(4)}, 0, 3},  // A has lost 3
        {AT(52), AT(2), {A(5)}, 0, 3}, // the queues were not read to their ends
        {AT(53), AT(2), {A(6), A(7), A(8), A(9)}, 0, 3}, {AT(54), AT(2), {A(10)}, 0, 3},
        {AT(55), AT(54), {B(3), B(4)}, 0, 11});
    ck_assert_uint_eq(replayed_mismatches(), 0);
}
END_TEST

// The same frames with stamps that tell the order in which they came, as a capture's do: there it was lost.
START_TEST(test_a_captures_stamps_decide)
{
    static const struct poll polls[] = {{AT(0), AT(0), {A(1), B(1)}, 0, 2},
                                        {AT(1), AT(1), {A(2), B(2)}, 0, 3},
                                        {AT(2), AT(2), {A(4)}, 0, 3},
                                        {AT(52), AT(2), {A(5)}, 1, 6},
                                        {AT(55), AT(54), {B(3), B(4)}, 1, 6}};
    run(polls, sizeof polls / sizeof polls[0], false);
    ck_assert_uint_eq(replayed_mismatches(), 0);
}
END_TEST

// Neither line brings 3: lost when both were read up to the end of the wait, however late that is known, and
// neither earlier nor by frames, replies or clocks alone.
START_TEST(test_read_and_not_there_is_lost)
{
    for (int left_out = 0; left_out <= 1; left_out++) {
        leave_reads_out = left_out;
        RUN({AT(0), AT(0), {A(1), B(1)}, 0, 2}, {AT(1), AT(1), {A(2), B(2)}, 0, 3},
            {AT(2), AT(2), {A(4)}, 0, 3}, {AT(52), AT(2) + HOLD - 1, {B(4)}, 0, 3},
            {AT(52), AT(2) + HOLD, {A(5)}, 1, 6}, {AT(53), AT(53), {A(6), B(5), B(6)}, 1, 7});
        if (left_out)
            ck_assert_uint_gt(replayed_mismatches(), 0);
        else
            ck_assert_uint_eq(replayed_mismatches(), 0);
    }
}
END_TEST

// A line counts as dead only for what was read of it, too: B's datagrams of the last seconds are still
// unread.
START_TEST(test_a_line_is_not_dead_unread)
{
    enum { LINE_MS = ARBITER_LINE_NS / MS };
    RUN({AT(0), AT(0), {A(1), B(1)}, 0, 2}, {AT(LINE_MS - 1), AT(LINE_MS - 1), {A(2)}, 0, 3},
        {AT(LINE_MS + 9), AT(LINE_MS - 1), {A(4), A(5), A(6), A(7)}, 0, 3},
        {AT(LINE_MS + 9), AT(LINE_MS - 1), {B(2), B(3)}, 0, 8},
        // And dead it is once it was read, after whatever time.
        {AT(2 * LINE_MS), AT(2 * LINE_MS), {A(8)}, 0, 9},
        {AT(2 * LINE_MS + 10), AT(2 * LINE_MS + 10), {A(10)}, 0, 9},
        {AT(2 * LINE_MS + 11), AT(2 * LINE_MS + 11), {A(11), A(12), A(13)}, 1, 14});
    ck_assert_uint_eq(replayed_mismatches(), 0);
}
END_TEST

// New parameters go into the session and the journal. Those that the session cannot take end the run: the
// venue has taken them.
START_TEST(test_parameters_from_the_venue)
{
    static const struct poll polls[] = {{AT(0), AT(0), {A(1), B(1)}, 0, 2},
                                        {AT(1), AT(1), {A(2), B(2)}, 0, 3},
                                        {AT(2), AT(2), {A(3), B(3)}, 0, 4},
                                        {AT(3), AT(3), {A(4), B(4)}, 0, 5}};
    static struct book old;
    static struct account account;
    struct err e = {{0}};
    fill_market(&old, &account);
    old.market.instrument[0].tier[0].rate_ppm = 11000;
    told = &old.market;
    run(polls, 4, true);
    ck_assert_uint_eq(book.market.instrument[0].tier[0].rate_ppm, 11000);
    ck_assert_uint_eq(replayed_mismatches(), 0);
    old.market.instrument[0].size_decimals = 4;
    told = &old.market;
    ck_assert_int_eq(run_to(polls, 4, true, &e), LIVE_FAILED);
    ck_assert_msg(strstr(e.msg, "parameters") != NULL, "%s", e.msg);
    ck_assert_uint_eq(book.market.instrument[0].size_decimals, 3);
}
END_TEST

// States that never end do not keep a run from ending: it waits for its orders' replies alone.
START_TEST(test_states_without_end)
{
    endless = true;
    RUN({AT(0), AT(0), {A(1), B(1)}, 0, 2}, {AT(1), AT(1), {A(2), B(2)}, 0, 3});
    ck_assert_uint_ge(told_epoch, 2); // one between two polls
    ck_assert_uint_eq(replayed_mismatches(), 0);
}
END_TEST

// What a chain says: its prices at once, of ways out and states one between two polls. A malformed record
// ends the run.
START_TEST(test_inputs_from_a_chain)
{
    static const size_t want[] = {1, 1, 1, 2, 3, 3, 4};
    static const struct poll polls[] = {{AT(0), AT(0), {A(1), B(1)}, 0, 2},
                                        {AT(1), AT(1), {A(2), B(2)}, 0, 3},
                                        {AT(2), AT(2), {A(3), B(3)}, 0, 4},
                                        {AT(3), AT(3), {A(4), B(4)}, 0, 5}};
    struct err e = {{0}};
    inputs = "TTEETSE";
    run(polls, 4, true);
    ck_assert_uint_eq(n_taken, 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(taken_at[i], want[i]);
    ck_assert_uint_eq(replayed_mismatches(), 0);
    inputs = "T?";
    n_taken = 0;
    ck_assert_int_eq(run_to(polls, 4, true, &e), LIVE_FAILED);
    ck_assert_msg(strstr(e.msg, "told prices") != NULL, "%s", e.msg);
    ck_assert_uint_eq(n_taken, 1); // what is malformed is not journalled
}
END_TEST

int main(void)
{
    Suite *su = suite_create("live");
    TCase *t = tcase_create("live");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_unread_is_not_lost);
    tcase_add_test(t, test_a_captures_stamps_decide);
    tcase_add_test(t, test_read_and_not_there_is_lost);
    tcase_add_test(t, test_a_line_is_not_dead_unread);
    tcase_add_test(t, test_parameters_from_the_venue);
    tcase_add_test(t, test_states_without_end);
    tcase_add_test(t, test_inputs_from_a_chain);
    suite_add_tcase(su, t);
    return run_suite(su);
}
