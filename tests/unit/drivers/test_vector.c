// SPDX-License-Identifier: Apache-2.0
// What is the back end `vector`'s own (its rules: test_model.c; against the model: tests/cosim/vector.c): how
// it is opened, that a flag does not wait for the rows behind it, what its bounds spare and what they must
// not.
#include "device.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

static const char *const isas[] = {"scalar", "avx2", "avx512"};
enum { ISAS = 3 };

static int open_vector(const char *isa, uint32_t rows, uint32_t assets, struct device **d, struct err *e)
{
    struct device_config c = {.backend = "vector", .isa = isa, .lanes = rows, .slots = 1, .assets = assets};
    return device_open(&c, d, e);
}

// NULL: this processor lacks it.
static struct device *open_isa(int i, uint32_t rows, uint32_t assets)
{
    struct device *d = NULL;
    struct err e = {""};
    if (open_vector(isas[i], rows, assets, &d, &e))
        ck_assert_msg(strstr(e.msg, isas[i]) && strstr(e.msg, "this processor"), "%s", e.msg);
    return d;
}

static void send(struct device *d, struct beat b)
{
    ck_assert_uint_eq(device_submit(d, &b, 1), 1);
}

static void row(struct device *d, uint32_t r, int64_t h, uint16_t asset, int32_t coef)
{
    struct beat b;
    abi_pack_row(
        &b, &(struct abi_row){.row = r, .h = h, .armed = true, .n = 1, .asset = {asset}, .coef = {coef}});
    send(d, b);
}

static void tick(struct device *d, uint16_t asset, uint64_t price, bool last)
{
    struct beat b;
    abi_pack_tick(&b, &(struct abi_tick){.asset = asset, .price = price, .group = 1, .last = last});
    send(d, b);
}

// The next event has to be the trigger of this row.
static void fired(struct device *d, uint32_t r, int64_t h)
{
    struct beat b;
    struct abi_trigger x;
    ck_assert_uint_eq(device_poll(d, &b, 1), 1);
    abi_unpack_trigger(&b, &x);
    ck_assert_uint_eq(abi_opcode(&b), ABI_EVT_TRIGGER);
    ck_assert_uint_eq(x.row, r);
    ck_assert_int_eq(x.h, h);
}

static void quiet(struct device *d)
{
    struct beat b;
    ck_assert_uint_eq(device_poll(d, &b, 1), 0);
}

static int64_t read_h(struct device *d, uint32_t r)
{
    struct beat b;
    struct abi_read_data x;
    abi_pack_read(&b, &(struct abi_read){.row = r});
    send(d, b);
    ck_assert_uint_eq(device_poll(d, &b, 1), 1);
    abi_unpack_read_data(&b, &x);
    ck_assert_uint_eq(abi_opcode(&b), ABI_EVT_READ);
    return x.h;
}

START_TEST(opens)
{
    struct device *d = NULL;
    struct err e;
    ck_assert_int_eq(open_vector("mmx", 1, 1, &d, &e), -1);
    ck_assert(strstr(e.msg, "'mmx'") && strstr(e.msg, "auto, avx512, avx2, scalar"));
    ck_assert_int_eq(open_vector("", 1, 1, &d, &e), -1);
    const char *best = NULL;
    for (int i = 0; i < ISAS; i++) {
        d = open_isa(i, 1, 1);
        if (d) {
            best = isas[i];
            ck_assert_str_eq(d->info.isa, isas[i]);
        }
        ck_assert(d || i > 0); // scalar is everywhere
        device_close(d);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(open_vector(i ? "auto" : NULL, 0, 0, &d, &e), 0);
        ck_assert_str_eq(d->info.isa, best);
        ck_assert_str_eq(d->info.backend, "vector");
        ck_assert(d->info.lanes == ABI_DEFAULT_LANES && d->info.slots == 1 && d->info.lockstep);
        ck_assert_uint_eq(d->info.assets, ABI_DEFAULT_ASSETS);
        device_close(d);
    }
    ck_assert_int_eq(open_vector(NULL, 1u << 25, 1, &d, &e), -1);
    ck_assert_int_eq(open_vector(NULL, 1, 4097, &d, &e), -1);
    ck_assert_int_eq(open_vector(NULL, 1u << 24, 4096, &d, &e), -1);
    struct device_config many = {.backend = "vector", .threads = 65};
    ck_assert_int_eq(device_open(&many, &d, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "65 threads"));
}
END_TEST

// Flags come block by block: there is room for many, and yet the first poll ends with those of the first
// block.
START_TEST(first_flag_waits_for_nothing)
{
    enum { ROWS = 5000, FAR = 4990 };
    struct device *d = open_isa(_i, ROWS, 2);
    if (!d)
        return;
    for (int column = 0; column < 2; column++) {
        for (uint32_t r = 0; column && r < ROWS / 2; r++) // others with the same asset, far from zero
            row(d, r, 1000000, 0, 1);
        tick(d, 0, 0, true);
        quiet(d);
        row(d, 3, 0, 0, -1);
        row(d, 9, 0, 0, -1);
        row(d, FAR, 0, 0, -1);
        tick(d, 0, 5, true);
        struct beat evt[64];
        ck_assert_uint_eq(device_poll(d, evt, 64), 2);
        ck_assert_uint_eq(device_poll(d, evt, 64), 1);
        ck_assert_uint_eq(device_poll(d, evt, 64), 0);
        // The next command finishes a tick that nobody polled, and its answer comes behind.
        row(d, 3, 7, 0, -1);
        row(d, FAR, 7, 0, -1);
        tick(d, 0, 13, true);
        struct device_counters c;
        device_counters(d, &c);
        ck_assert_uint_eq(c.triggers, 5 * (unsigned)column + 5);
        struct beat sync;
        abi_pack_sync(&sync, &(struct abi_sync){.token = 1});
        send(d, sync);
        fired(d, 3, -1);
        fired(d, FAR, -1);
        ck_assert_uint_eq(device_poll(d, evt, 64), 1);
        ck_assert_uint_eq(abi_opcode(evt), ABI_EVT_SYNC);
        quiet(d);
    }
    device_close(d);
}
END_TEST

// A row below zero in the middle of a group is judged at its end, whatever the last tick moves.
START_TEST(open_groups)
{
    static const uint32_t sizes[] = {1, 16, 70, 4200}; // one block, two, more than a word of them
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint32_t rows = sizes[k];
        struct device *d = open_isa(_i, rows, 32);
        if (!d)
            return;
        row(d, rows - 1, 10, 0, -1);
        tick(d, 0, 11, false);
        ck_assert_int_eq(read_h(d, rows - 1), -1); // settled, not judged
        tick(d, 5, 1, true);
        fired(d, rows - 1, -1);
        row(d, rows - 1, 10, 0, -1);
        tick(d, 0, 22, false);
        ck_assert_int_eq(read_h(d, rows - 1), -1);
        tick(d, 0, 21, true);
        quiet(d);
        // More assets than are moved in one pass, among them one that is moved first and last.
        tick(d, 0, 30, false);
        for (uint16_t a = 1; a < 32; a++)
            tick(d, a, a, false);
        tick(d, 0, 32, true);
        fired(d, rows - 1, -11);
        quiet(d);
        device_close(d);
    }
}
END_TEST

// An asset gets more and more rows, then fewer and fewer, and its price goes far and little by turns.
START_TEST(more_and_fewer_rows)
{
    enum { ROWS = 400, MOST = 60 };
    struct device *d = open_isa(_i, ROWS, 1);
    if (!d)
        return;
    int64_t h[ROWS] = {0};
    int32_t coef[ROWS] = {0};
    uint64_t price = 0;
    for (uint32_t step = 0; step < 2 * MOST; step++) {
        uint32_t r = step % MOST * 37 % ROWS;
        coef[r] = step < MOST ? (int32_t)r + 1 : 0;
        h[r] = (int64_t)r << 40;
        row(d, r, h[r], 0, coef[r]);
        for (int i = 0; i < 2; i++) {
            uint64_t next = i ? price + 3 : ABI_PRICE_MAX - 9 - step; // a small change and a wide one
            tick(d, 0, next, true);
            for (uint32_t k = 0; k < ROWS; k++)
                h[k] += coef[k] * ((int64_t)next - (int64_t)price);
            price = next;
            quiet(d);
            for (uint32_t k = 0; k < ROWS; k++)
                ck_assert_int_eq(read_h(d, k), h[k]);
        }
        tick(d, 0, 0, true);
        for (uint32_t k = 0; k < ROWS; k++)
            h[k] -= coef[k] * (int64_t)price;
        price = 0;
        quiet(d);
    }
    device_close(d);
}
END_TEST

// A row fires at the very tick that takes it below zero, however many ticks before were spared its block, in
// either direction, and with the loss spread over several assets.
START_TEST(fires_on_time)
{
    enum { ROWS = 200, ASSETS = 5, STEPS = 8000 };
    struct device *d = open_isa(_i, ROWS, ASSETS);
    if (!d)
        return;
    for (int way = -1; way <= 1; way += 2) {
        uint64_t price[ASSETS];
        struct beat b, evt[2];
        for (uint16_t a = 0; a < ASSETS; a++) {
            price[a] = 1u << 20;
            abi_pack_band(&b, &(struct abi_band){
                                  .asset = a, .hi = ABI_PRICE_MAX, .set_price = true, .price = price[a]});
            send(d, b);
        }
        for (uint32_t r = 0; r < ROWS; r++) // each asset's rows lie in all blocks
            row(d, r, (int64_t)r * 1000 + 500, (uint16_t)(r % ASSETS), way * (int32_t)(1 + r % 7));
        int64_t left[ROWS];
        for (uint32_t r = 0; r < ROWS; r++)
            left[r] = (int64_t)r * 1000 + 500;
        bool armed[ROWS];
        memset(armed, true, sizeof armed);
        for (uint32_t s = 0; s < STEPS; s++) {
            uint16_t a = (uint16_t)(s % ASSETS);
            int64_t step = way * -(int64_t)(s % 97); // against all rows
            price[a] = (uint64_t)((int64_t)price[a] + step);
            tick(d, a, price[a], true);
            for (uint32_t r = a; r < ROWS; r += ASSETS) {
                left[r] += way * (int64_t)(1 + r % 7) * step;
                if (armed[r] && left[r] < 0) {
                    fired(d, r, left[r]);
                    armed[r] = false;
                }
            }
            ck_assert_uint_eq(device_poll(d, evt, 2), 0);
        }
        ck_assert(!armed[0] && !armed[ROWS - 1]);
    }
    device_close(d);
}
END_TEST

int main(void)
{
    device_register(&device_ops_vector);
    Suite *s = suite_create("vector");
    TCase *t = tcase_create("own");
    tcase_add_test(t, opens);
    tcase_add_loop_test(t, first_flag_waits_for_nothing, 0, ISAS);
    tcase_add_loop_test(t, open_groups, 0, ISAS);
    tcase_add_loop_test(t, fires_on_time, 0, ISAS);
    tcase_add_loop_test(t, more_and_fewer_rows, 0, ISAS);
    suite_add_tcase(s, t);
    return run_suite(s);
}
