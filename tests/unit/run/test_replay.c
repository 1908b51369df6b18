// SPDX-License-Identifier: Apache-2.0
// A replay must notice every output that differs: a journal is copied record by record with one of them
// changed, left out or doubled, each copy sound in itself.
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cosim/fan_mocks.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "feed/gen.h"
#include "run/replay.h"
#include "run_suite.h"

enum { FRAMES = 1500 };

static char dir[64], original[96], copied[96], with_policy[96], old[96], faulted[96], arrived[96];

// A mean that moves with the clock, a median, a guard: what a default would not do.
static const char POLICY[] = "asset BTC_USDC-PERPETUAL\n"
                             "source deribit BTC_USDC-PERPETUAL mark max_age_ms=60000\n"
                             "twap arithmetic window_ms=400 warmup=partial\npublish twap\n"
                             "asset ETH_USDC-PERPETUAL\naggregate median\nmin_live 1\n"
                             "source deribit ETH_USDC-PERPETUAL mark max_age_ms=500\n"
                             "source deribit ETH-PERPETUAL mark max_age_ms=500\n"
                             "source deribit eth_usd index max_age_ms=500\n"
                             "asset SOL_USDC-PERPETUAL\nsource deribit SOL_USDC-PERPETUAL mark\n"
                             "guard rate bps=20 every_ms=100 then=clamp\n";

static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    return 0;
}
static void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops tg_ops = {.submit = tg_submit, .counters = tg_counters};

static bool
    before_prices; // a journal from before ready orders went by their prices: its header lacks the key

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    if (type == J_HEADER && before_prices) {
        static char text[4096];
        ck_assert_uint_lt(na, sizeof text);
        memcpy(text, a, na);
        text[na] = '\0';
        char *line = strstr(text, "ready_by=0\n");
        ck_assert(line != NULL);
        memmove(line, line + strlen("ready_by=0\n"), strlen(line) - strlen("ready_by=0\n") + 1);
        return journal_put2(ctx, type, text, strlen(text), NULL, 0);
    }
    return journal_put2(ctx, type, a, na, b, nb);
}

// Not in lockstep, its answers late at random: its flags are judged as they come in.
static int slow_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return mock_open("slow", false, 100, ABI_DEFAULT_ASSETS, out, e);
}

static void feed_frames(struct session *s)
{
    struct gen_config c;
    struct err e;
    const uint8_t *data;
    uint64_t ts;
    size_t len;
    gen_config_default(&c);
    c.path = GEN_CRASH;
    c.packets = FRAMES;
    struct gen *g = gen_open(&c, &e);
    ck_assert(g != NULL);
    while (gen_next(g, &ts, &data, &len))
        ck_assert_msg(session_frame(s, ts, data, len, gen_wire_len(g), &e) == 0, "%s", e.msg);
    gen_close(g);
}

static void write_journal(const char *path, const char *backend, const char *policy, uint32_t oracle)
{
    static struct session_config cfg;
    static struct gateway gw = {.ops = &tg_ops};
    struct book book;
    struct err e = {{0}};
    struct journal *j;
    struct device *dev;
    const struct gen_options go = {.seed = 5, .accounts = 100, .near_ppm = GEN_NEAR_PPM};
    const struct device_config dc = {.backend = backend, .lanes = 32, .slots = 16, .arrival = true};
    config_default(&cfg);
    cfg.oracle = oracle;
    if (before_prices)
        cfg.desk.ready_by = DESK_READY_BY_SIZE;
    cfg.policy_file = "p.conf";
    cfg.policy = policy;
    cfg.policy_len = policy ? strlen(policy) : 0;
    ck_assert_msg(accounts_generate(&go, &book, &e) == 0, "%s", e.msg);
    ck_assert_msg(journal_open(path, false, &j, &e) == 0, "%s", e.msg);
    ck_assert_msg(device_open(&dc, &dev, &e) == 0, "%s", e.msg);
    const struct session_log log = {j, put};
    struct session *s = session_new(&cfg, &book, dev, &gw, &log, true, &e);
    ck_assert_msg(s != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(s, &e), 0);
    feed_frames(s);
    (void)journal_put(j, J_END, NULL, 0);
    ck_assert_msg(journal_close(j, &e) == 0, "%s", e.msg);
    session_free(s);
    device_close(dev);
    book_free(&book);
}

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%.40s/tl-replay-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert(mkdtemp(dir) != NULL);
    (void)snprintf(original, sizeof original, "%s/original", dir);
    (void)snprintf(copied, sizeof copied, "%s/copied", dir);
    (void)snprintf(with_policy, sizeof with_policy, "%s/policy", dir);
    (void)snprintf(old, sizeof old, "%s/old", dir);
    (void)snprintf(arrived, sizeof arrived, "%s/arrived", dir);
    (void)snprintf(faulted, sizeof faulted, "%s/faulted", dir);
    clock_init();
    static const struct device_ops ops = {.name = "slow", .open = slow_open};
    mock_random_state = 20261130;
    device_register(&device_ops_model);
    device_register(&device_ops_fan);
    device_register(&ops);
    mocks_register();
    write_journal(original, "model", NULL, 1);
    write_journal(with_policy, "model", POLICY, 1);
    before_prices = true;
    write_journal(old, "model", NULL, 0);
    before_prices = false;
    write_journal(arrived, "slow,model", NULL, 1);
}

static void teardown(void)
{
    (void)unlink(original);
    (void)unlink(with_policy);
    (void)unlink(old);
    (void)unlink(copied);
    (void)unlink(faulted);
    (void)unlink(arrived);
    (void)rmdir(dir);
}

enum change { SAME, FLIP, LEAVE_OUT, DOUBLE, SPOIL, FAULT };

// Copies the journal with the nth record of this type changed. FAULT: flipped, and the device says so after
// it.
static void copy_changed(const char *path, enum journal_type type, int nth, enum change change)
{
    struct journal_reader *in;
    struct journal_record rec;
    struct journal *out;
    struct err e = {{0}};
    static uint8_t data[JOURNAL_RECORD_MAX];
    int seen = 0, rc;
    (void)unlink(copied);
    ck_assert_int_eq(journal_reader_open(path, &in, &e), 0);
    ck_assert_int_eq(journal_open(copied, false, &out, &e), 0);
    while ((rc = journal_next(in, &rec, &e)) == 1) {
        enum change now = rec.type == type && ++seen == nth ? change : SAME;
        memcpy(data, rec.data, rec.len);
        if (now == FLIP || now == FAULT)
            data[rec.len / 2] ^= 1;
        if (now == SPOIL)
            data[0] ^= 1;
        if (now != LEAVE_OUT)
            (void)journal_put(out, (enum journal_type)rec.type, data, rec.len);
        if (now == DOUBLE)
            (void)journal_put(out, (enum journal_type)rec.type, data, rec.len);
        if (now == FAULT) {
            struct beat told;
            abi_pack_error(&told, &(struct abi_error){.code = ABI_ERR_PARITY, .row = 1});
            (void)journal_put(out, J_EVENT, &told, sizeof told);
        }
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(change == SAME || seen >= nth, "only %d records of type %d", seen, (int)type);
    journal_reader_close(in);
    ck_assert_int_eq(journal_close(out, &e), 0);
}

static struct replay_result replay_changed(enum journal_type type, int nth, enum change change)
{
    struct replay_result r;
    struct err e = {{0}};
    copy_changed(original, type, nth, change);
    ck_assert_msg(replay_journal(copied, "model", true, NULL, NULL, &r, &e) == 0, "%s", e.msg);
    return r;
}

START_TEST(test_a_faithful_copy_is_identical)
{
    struct replay_result r = replay_changed(J_EVENT, 0, SAME);
    ck_assert_uint_eq(r.mismatches, 0);
    ck_assert(r.clean_end && r.segments == 1 && r.frames == FRAMES);
    ck_assert(r.commands > 100 && r.events > 10 && r.orders > 3);
    ck_assert_uint_eq(r.audit.missed, 0);
}
END_TEST

START_TEST(test_every_kind_of_output_is_compared)
{
    static const enum journal_type outputs[] = {J_COMMANDS, J_EVENT, J_READY, J_ORDER};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        for (enum change c = FLIP; c <= DOUBLE; c++)
            for (int nth = 1; nth <= 3; nth += 2)
                ck_assert_msg(replay_changed(outputs[i], nth, c).mismatches > 0,
                              "type %d, change %d, record %d", (int)outputs[i], (int)c, nth);
}
END_TEST

START_TEST(test_a_missing_input_shows)
{
    ck_assert_uint_gt(replay_changed(J_FRAME, FRAMES / 2, LEAVE_OUT).mismatches, 0);
}
END_TEST

// ---- policies

static struct replay_result replayed(const char *path)
{
    struct replay_result r;
    struct err e = {{0}};
    ck_assert_msg(replay_journal(path, "model", true, NULL, NULL, &r, &e) == 0, "%s", e.msg);
    return r;
}

// A flipped bit of the device shows before the device reports it; from the report on the journal is no judge.
START_TEST(test_a_fault_of_the_device_ends_the_comparison)
{
    struct replay_result r = replay_changed(J_EVENT, 5, FAULT);
    ck_assert_msg(r.mismatches == 0, "%s", r.first);
    ck_assert_uint_eq(r.faulted, 1);
    ck_assert(r.clean_end && r.segments == 1 && r.frames > 0 && r.frames < FRAMES && r.events < 6);
    // What differed at earlier inputs stays a difference.
    ck_assert_int_eq(rename(copied, faulted), 0);
    copy_changed(faulted, J_COMMANDS, 1, FLIP);
    r = replayed(copied);
    ck_assert_uint_eq(r.faulted, 1);
    ck_assert_uint_gt(r.mismatches, 0);
}
END_TEST

START_TEST(test_a_policy_file_is_replayed)
{
    struct replay_result a = replayed(original), b = replayed(with_policy);
    ck_assert_msg(b.mismatches == 0, "%s", b.first);
    ck_assert(b.clean_end && b.frames == FRAMES && b.orders > 3);
    ck_assert_uint_eq(b.audit.missed, 0);
    ck_assert_uint_ne(a.commands, b.commands); // it did something
    copy_changed(with_policy, J_POLICY, 1, LEAVE_OUT);
    ck_assert_uint_gt(replayed(copied).mismatches, 0);
}
END_TEST

// Flags were judged and sized as they came in, and the journal is that of one lockstep device.
START_TEST(test_a_run_by_arrival_is_replayed_on_one_device)
{
    struct replay_result r = replayed(arrived);
    ck_assert_msg(r.mismatches == 0, "%s", r.first);
    ck_assert(r.clean_end && r.frames == FRAMES && r.events > 10 && r.orders > 3);
    ck_assert_uint_eq(r.audit.missed, 0);
    struct replay_result one = replayed(original);
    ck_assert_uint_eq(r.commands, one.commands);
    ck_assert_uint_eq(r.events, one.events);
    ck_assert_uint_eq(r.orders, one.orders);
}
END_TEST

START_TEST(test_a_wrong_policy_in_a_journal_is_named)
{
    struct replay_result r;
    struct err e = {{0}};
    copy_changed(with_policy, J_POLICY, 1, SPOIL);
    ck_assert_int_eq(replay_journal(copied, "model", true, NULL, NULL, &r, &e), -1);
    ck_assert_msg(strncmp(e.msg, "policy file in the journal:", 27) == 0, "%s", e.msg);
}
END_TEST

// Journals from before policies do not name the rules of prices: they are replayed by the old ones, whatever
// is the default now.
START_TEST(test_a_journal_without_a_policy_is_of_the_old_rules)
{
    struct session_config c;
    struct err e = {{0}};
    char text[4096], *line;
    config_default(&c);
    size_t n = config_format(&c, text, sizeof text);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(config_parse(text, n, &c, &e), 0);
    ck_assert_uint_eq(c.oracle, 2);
    line = strstr(text, "oracle=");
    ck_assert_int_eq(config_parse(text, (size_t)(line - text), &c, &e), 0);
    ck_assert_uint_eq(c.oracle, 0);
    ck_assert_uint_eq(c.desk.ready_by, DESK_READY_BY_PRICE);
    ck_assert_uint_eq(replayed(old).mismatches, 0);
}
END_TEST

// Nor which ready orders go: then it is those of the right size.
START_TEST(test_a_journal_from_before_prices_decided)
{
    struct session_config c;
    struct err e = {{0}};
    ck_assert_int_eq(config_parse("", 0, &c, &e), 0);
    ck_assert_uint_eq(c.desk.ready_by, DESK_READY_BY_SIZE);
    ck_assert_uint_eq(c.desk.depth.by, DESK_DEPTH_BY_SALE);
    ck_assert_uint_eq(c.bids.by, BIDS_BY_WHOLE);
    ck_assert_uint_eq(c.desk.split_by, 0);
    ck_assert_uint_eq(c.desk.kick.chop_bps, 0);        // nor what starting an auction pays
    ck_assert_uint_eq(c.engine.predict, 0);            // nor that any was made ready by its value
    ck_assert_uint_eq(c.expect.by, EXPECT_BY_HORIZON); // nor by what it is worth until its turn
    ck_assert_uint_eq(replayed(old).mismatches, 0);    // it has no such key
    ck_assert_uint_eq(replayed(original).mismatches, 0);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("replay");
    TCase *t = tcase_create("replay");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_test(t, test_a_faithful_copy_is_identical);
    tcase_add_test(t, test_every_kind_of_output_is_compared);
    tcase_add_test(t, test_a_fault_of_the_device_ends_the_comparison);
    tcase_add_test(t, test_a_missing_input_shows);
    tcase_add_test(t, test_a_policy_file_is_replayed);
    tcase_add_test(t, test_a_run_by_arrival_is_replayed_on_one_device);
    tcase_add_test(t, test_a_wrong_policy_in_a_journal_is_named);
    tcase_add_test(t, test_a_journal_without_a_policy_is_of_the_old_rules);
    tcase_add_test(t, test_a_journal_from_before_prices_decided);
    suite_add_tcase(su, t);
    return run_suite(su);
}
