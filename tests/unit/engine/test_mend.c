// SPDX-License-Identifier: Apache-2.0
// What the engine does when the device reports flipped bits, on the model behind a front that adds such
// reports and keeps triggers back: which beats it sends, in what order, and that it neither believes a row
// before it is mended nor mends for ever. Flips in real memories: tests/cosim/mend.c.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/deaf.h"
#include "engine/engine.h"
#include "run_suite.h"

enum { ASSETS = 6, ACCOUNTS = 12, LANES = 4, SLOTS = 8, ROWS = LANES * SLOTS, BEATS = 4096 };

static int rule_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)m, (void)band, (void)warn_ppm, (void)e;
    memset(out, 0, sizeof *out);
    out->c = i256_from_i128(a->cash);
    for (uint16_t i = 0; i < a->n_positions; i++) {
        out->asset[out->n] = a->position[i].instrument;
        out->a[out->n++] = i256_from_i128(a->position[i].size);
    }
    return 1;
}

static void rule_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    i128 h = a->cash;
    (void)m;
    for (uint16_t i = 0; i < a->n_positions; i++)
        h += a->position[i].size * px[a->position[i].instrument];
    out->liquidatable = h < 0;
    out->equity = i256_from_i128(h);
    out->requirement = i256_from_i64(0);
}

static const struct rule affine_rule = {.name = "affine", .rows = rule_rows, .health = rule_health};

// ---- the front
static struct front {
    struct device dev;
    struct device *model;
    struct abi_error report[32]; // given out with the next poll
    size_t n_reports;
    bool endless;      // each ROW of row 0 is reported as flipped
    uint32_t deaf_row; // whose triggers are kept back; ROWS: none
} f;

static size_t front_submit(struct device *d, const struct beat *cmd, size_t n)
{
    (void)d;
    for (size_t i = 0; i < n; i++) {
        struct abi_row r;
        if (abi_opcode(&cmd[i]) != ABI_CMD_ROW)
            continue;
        abi_unpack_row(&cmd[i], &r);
        if (r.row == f.deaf_row)
            f.deaf_row = ROWS; // mended
        if (f.endless && r.row == 0)
            f.report[f.n_reports++] = (struct abi_error){.code = ABI_ERR_PARITY, .row = 0};
    }
    return device_submit(f.model, cmd, n);
}

static size_t front_poll(struct device *d, struct beat *evt, size_t max)
{
    (void)d;
    size_t n = 0;
    if (f.n_reports && max) {
        abi_pack_error(&evt[0], &f.report[--f.n_reports]);
        return 1;
    }
    for (size_t got = device_poll(f.model, evt, max), i = 0; i < got; i++) {
        struct abi_trigger t = {.row = ROWS};
        if (abi_opcode(&evt[i]) == ABI_EVT_TRIGGER)
            abi_unpack_trigger(&evt[i], &t);
        if (t.row != f.deaf_row || t.row == ROWS)
            evt[n++] = evt[i];
    }
    return n;
}

static const struct device_ops front_ops = {.name = "front", .submit = front_submit, .poll = front_poll};

static const struct device_ops *front = &front_ops;

// ---- the rig
static struct book book;
static struct account account[ACCOUNTS];
static struct engine *engine;
static int64_t px[MARKET_ASSETS_MAX];
static struct beat sent[BEATS];
static size_t n_sent, orders;

static void hook_commands(void *ctx, const struct beat *b, size_t n)
{
    (void)ctx;
    ck_assert_uint_le(n_sent + n, BEATS);
    memcpy(sent + n_sent, b, n * sizeof *b);
    n_sent += n;
}
static enum engine_verdict hook_breach(void *ctx, size_t a)
{
    struct health h;
    (void)ctx;
    rule_health(&book.market, &account[a], px, &h);
    ck_assert(h.liquidatable);
    orders++;
    return VERDICT_TAKEN;
}
// Of the device in front: rows with odd addresses have one column.
static uint32_t front_columns(const struct device *d, uint32_t row)
{
    return row % 2 ? 1 : d->info.assets;
}

static struct engine_config config = {.band_ppm = 20000};

// Account k: long one asset, breached when its price falls by (k + 1) per mille.
static void setup(void)
{
    static bool registered;
    struct err e = {{0}};
    const struct device_config dc = {.backend = "model", .lanes = LANES, .slots = SLOTS, .assets = 16};
    const struct engine_hooks hooks = {
        .commands = hook_commands, .event = deaf_event, .breach = hook_breach, .near = deaf_near};
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    memset(&f, 0, sizeof f);
    f.deaf_row = ROWS;
    ck_assert_msg(device_open(&dc, &f.model, &e) == 0, "%s", e.msg);
    f.dev = (struct device){.ops = front, .info = f.model->info};
    memset(&book, 0, sizeof book);
    memset(px, 0, sizeof px);
    book.market.n_assets = book.market.n_instruments = ASSETS;
    for (uint16_t a = 0; a < ASSETS; a++) {
        book.market.asset[a] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
        book.market.instrument[a] = (struct instrument){.kind = INST_LINEAR, .asset = a};
    }
    for (size_t k = 0; k < ACCOUNTS; k++) {
        account[k] = (struct account){.id = (uint32_t)k + 1, .rule = &affine_rule, .n_positions = 1};
        account[k].position[0].instrument = (uint16_t)(k % ASSETS);
        account[k].position[0].size = 1000;
        account[k].cash = -1000 * (i128)(1000000 - 1000 * ((int64_t)k + 1));
    }
    book.account = account;
    book.n_accounts = ACCOUNTS;
    engine = engine_new(&config, &book, &f.dev, &hooks, &e);
    ck_assert_msg(engine != NULL, "%s", e.msg);
    struct engine_price all[ASSETS];
    for (uint16_t a = 0; a < ASSETS; a++) {
        px[a] = 1000000;
        all[a] = (struct engine_price){a, px[a]};
    }
    ck_assert(engine_group(engine, all, ASSETS, px, &e) == 0);
    n_sent = orders = 0;
}

static void teardown(void)
{
    engine_free(engine);
    device_close(f.model);
}

static int move(uint16_t asset, int64_t price, struct err *e)
{
    const struct engine_price p = {asset, price};
    px[asset] = price;
    return engine_group(engine, &p, 1, px, e);
}

static void report(uint32_t row, uint16_t asset)
{
    f.report[f.n_reports++] = (struct abi_error){.code = ABI_ERR_PARITY, .row = row, .asset = asset};
}

static unsigned beats_of(uint8_t opcode)
{
    unsigned n = 0;
    for (size_t i = 0; i < n_sent; i++)
        n += abi_opcode(&sent[i]) == opcode;
    return n;
}

// The row is loaded once, with the value it has at the current prices, and the reported asset is named though
// the row has it not.
START_TEST(test_one_row)
{
    struct err e = {{0}};
    struct abi_row r = {0};
    report(2, 5);
    ck_assert(move(0, 999999, &e) == 0);
    ck_assert_uint_eq(beats_of(ABI_CMD_ROW), 1);
    ck_assert_uint_eq(beats_of(ABI_CMD_BAND), 0);
    for (size_t i = 0; i < n_sent; i++)
        if (abi_opcode(&sent[i]) == ABI_CMD_ROW)
            abi_unpack_row(&sent[i], &r);
    ck_assert_uint_eq(r.row, 2);
    ck_assert(r.armed);
    ck_assert_uint_eq(r.n, 2);
    ck_assert_int_gt(r.h, 0);
    bool named = false;
    for (int i = 0; i < 2; i++)
        named |= r.asset[i] == 5 && r.coef[i] == 0;
    ck_assert(named);
    ck_assert_uint_eq(engine_counters(engine)->device_faults, 1);
    ck_assert_uint_eq(engine_counters(engine)->rows_mended, 1);
    ck_assert_uint_eq(engine_counters(engine)->device_errors, 0);
}
END_TEST

// A row that holds no account is cleared.
START_TEST(test_free_row)
{
    struct err e = {{0}};
    struct abi_row r = {0};
    report(ROWS - 1, 3);
    ck_assert(move(0, 999999, &e) == 0);
    for (size_t i = 0; i < n_sent; i++)
        if (abi_opcode(&sent[i]) == ABI_CMD_ROW)
            abi_unpack_row(&sent[i], &r);
    ck_assert_uint_eq(r.row, ROWS - 1);
    ck_assert(!r.armed);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(r.asset[0], 3);
    ck_assert_int_eq(r.coef[0], 0);
    ck_assert_int_eq(r.h, 0);
}
END_TEST

// A row of the device that the engine is told not to use is cleared too: the fault is in its memory all the
// same.
START_TEST(test_row_beyond_those_used)
{
    struct err e = {{0}};
    struct abi_row r = {0};
    teardown();
    config.near_rows = ROWS / 2;
    setup();
    report(ROWS - 1, 3);
    ck_assert(move(0, 999999, &e) == 0);
    ck_assert_uint_eq(beats_of(ABI_CMD_ROW), 1);
    for (size_t i = 0; i < n_sent; i++)
        if (abi_opcode(&sent[i]) == ABI_CMD_ROW)
            abi_unpack_row(&sent[i], &r);
    ck_assert(r.row == ROWS - 1 && !r.armed && r.n == 1 && r.asset[0] == 3 && r.coef[0] == 0);
    config.near_rows = 0;
}
END_TEST

// Rows of a device may have fewer columns than others: no row names an asset beyond its own, also when
// everything is loaded anew.
START_TEST(test_rows_of_few_columns)
{
    struct err e = {{0}};
    struct device_ops ops = front_ops;
    unsigned loads = 0;
    teardown();
    ops.columns = front_columns;
    front = &ops;
    config.box_ppm = 100000; // everybody is near
    setup();
    struct engine_tiers t;
    engine_tiers(engine, &t);
    ck_assert(t.boxed && t.device == ACCOUNTS);
    report(ABI_ROW_ALL, 0);
    ck_assert(move(0, 999999, &e) == 0);
    for (size_t i = 0; i < n_sent; i++) {
        struct abi_row r;
        if (abi_opcode(&sent[i]) != ABI_CMD_ROW)
            continue;
        abi_unpack_row(&sent[i], &r);
        loads++;
        for (unsigned k = 0; k < r.n && k < ABI_ROW_PAIRS; k++)
            ck_assert_uint_lt(r.asset[k], front_columns(&f.dev, r.row));
    }
    ck_assert_uint_ge(loads, ROWS);
    front = &front_ops;
    config.box_ppm = 0;
}
END_TEST

// No single row, a row beyond the device, or more rows than are kept: prices and bands first, then every row
// there is.
static void everything(void)
{
    struct err e = {{0}};
    bool rows_begun = false;
    ck_assert(move(0, 999999, &e) == 0);
    ck_assert_uint_eq(beats_of(ABI_CMD_BAND), ASSETS);
    ck_assert_uint_eq(beats_of(ABI_CMD_ROW), ROWS);
    for (size_t i = 0; i < n_sent; i++) {
        struct abi_row r;
        struct abi_band b;
        if (abi_opcode(&sent[i]) == ABI_CMD_BAND) {
            abi_unpack_band(&sent[i], &b);
            ck_assert(b.set_price && !rows_begun);
            ck_assert(b.lo <= b.price && b.price <= b.hi);
        } else if (abi_opcode(&sent[i]) == ABI_CMD_ROW) {
            rows_begun = true;
            abi_unpack_row(&sent[i], &r);
            ck_assert_uint_eq(r.n, ASSETS);
        }
    }
}

START_TEST(test_all)
{
    report(ABI_ROW_ALL, 0);
    everything();
}
END_TEST

START_TEST(test_unknown_row)
{
    report(ROWS, 0);
    everything();
}
END_TEST

START_TEST(test_many)
{
    for (uint32_t i = 0; i < 9; i++)
        report(i, 0);
    everything();
}
END_TEST

// The device kept a trigger back; the mended row gives it, in the same update.
START_TEST(test_hidden_breach)
{
    struct err e = {{0}};
    f.deaf_row = 0; // account 0: the nearest
    report(0, 0);
    ck_assert(move(0, 1000000 - 1500, &e) == 0);
    ck_assert_uint_eq(orders, 1);
    ck_assert(engine_flagged(engine, 0));
}
END_TEST

// A row whose order is on its way is mended as it was: disarmed, so that the breach is not flagged again.
START_TEST(test_order_on_its_way)
{
    struct err e = {{0}};
    struct abi_row r = {0};
    ck_assert(move(0, 1000000 - 1500, &e) == 0);
    ck_assert_uint_eq(orders, 1);
    ck_assert_uint_eq(engine_counters(engine)->flags[LEVEL_LIQUIDATE], 1);
    n_sent = 0;
    report(0, 0);
    ck_assert(move(0, 1000000 - 1400, &e) == 0);
    for (size_t i = 0; i < n_sent; i++)
        if (abi_opcode(&sent[i]) == ABI_CMD_ROW)
            abi_unpack_row(&sent[i], &r);
    ck_assert(r.n > 0 && r.row == 0 && r.h < 0 && !r.armed);
    ck_assert_uint_eq(engine_counters(engine)->flags[LEVEL_LIQUIDATE], 1);
    ck_assert_uint_eq(orders, 1);
}
END_TEST

START_TEST(test_without_end)
{
    struct err e = {{0}};
    f.endless = true;
    report(0, 0);
    ck_assert(move(0, 999999, &e) == -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "row 0"));
    ck_assert_ptr_nonnull(strstr(e.msg, "replace it"));
}
END_TEST

// A report in an update without ticks is mended there.
START_TEST(test_review)
{
    struct err e = {{0}};
    report(1, 0);
    ck_assert(engine_review(engine, &e) == 0);
    ck_assert_uint_eq(beats_of(ABI_CMD_ROW), 1);
    n_sent = 0;
    report(1, 0);
    ck_assert(engine_account_changed(engine, 3, &e) == 0);
    ck_assert_uint_eq(beats_of(ABI_CMD_ROW), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mend");
    TCase *c = tcase_create("mend");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_one_row);
    tcase_add_test(c, test_free_row);
    tcase_add_test(c, test_row_beyond_those_used);
    tcase_add_test(c, test_rows_of_few_columns);
    tcase_add_test(c, test_all);
    tcase_add_test(c, test_unknown_row);
    tcase_add_test(c, test_many);
    tcase_add_test(c, test_hidden_breach);
    tcase_add_test(c, test_order_on_its_way);
    tcase_add_test(c, test_without_end);
    tcase_add_test(c, test_review);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
