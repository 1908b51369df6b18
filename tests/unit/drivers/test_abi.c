// SPDX-License-Identifier: Apache-2.0
// Beats: what is packed comes out again, at the byte positions of docs/registers.md.
#include "abi.h"
#include "base/test_seed.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;
static uint64_t next(void) // xorshift64*
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

START_TEST(puts_and_gets_any_field)
{
    for (int i = 0; i < 5000; i++) {
        unsigned width = 1 + (unsigned)(next() % 64), lsb = (unsigned)(next() % (257 - width));
        struct beat b, before;
        for (int k = 0; k < 4; k++)
            before.w[k] = next();
        b = before;
        uint64_t v = next() & abi_mask(width);
        abi_put(&b, lsb, width, v);
        ck_assert_uint_eq(abi_get(&b, lsb, width), v);
        unsigned others = 0;
        for (unsigned bit = 0; bit < 256; bit++)
            if (bit < lsb || bit >= lsb + width)
                others += abi_get(&b, bit, 1) != abi_get(&before, bit, 1);
        ck_assert_uint_eq(others, 0);
        int64_t s = abi_get_signed(&b, lsb, width);
        ck_assert_uint_eq((uint64_t)s & abi_mask(width), v);
        ck_assert_int_eq(s < 0, (int)(v >> (width - 1)));
    }
}
END_TEST

START_TEST(tick_has_its_bytes)
{
    static const uint8_t want[32] = {ABI_CMD_TICK, 1,    0x23, 0x01, 0x44, 0x33, 0x22,
                                     0x11,         0x99, 0x88, 0x77, 0x66, 0x03};
    struct beat b;
    abi_pack_tick(
        &b, &(struct abi_tick){.last = true, .asset = 0x123, .group = 0x11223344, .price = 0x366778899});
    ck_assert_mem_eq(&b, want, sizeof want);
}
END_TEST

START_TEST(trigger_has_its_bytes)
{
    // kind, cause 1 | asset 0xabc, row, price, h, group, cycle_in, cycle_out, gen
    static const uint8_t want[32] = {ABI_EVT_TRIGGER,
                                     0xc1,
                                     0xab,
                                     0x03,
                                     0x02,
                                     0x01,
                                     0x05,
                                     0,
                                     0,
                                     0,
                                     0x02,
                                     0xfe,
                                     0xff,
                                     0xff,
                                     0xff,
                                     0xff,
                                     0xff,
                                     0xff,
                                     0xff,
                                     9,
                                     0,
                                     0,
                                     0,
                                     7,
                                     0,
                                     0,
                                     0,
                                     13,
                                     0,
                                     0,
                                     0,
                                     0xe5};
    struct beat b;
    struct abi_trigger x = {.cause = 1,
                            .asset = 0xabc,
                            .row = 0x010203,
                            .price = 0x200000005,
                            .h = -2,
                            .group = 9,
                            .cycle_in = 7,
                            .cycle_out = 13,
                            .gen = 0xe5},
                       y;
    abi_pack_trigger(&b, &x);
    ck_assert_mem_eq(&b, want, sizeof want);
    abi_unpack_trigger(&b, &y);
    ck_assert_int_eq(y.h, -2);
    ck_assert_uint_eq(y.price, x.price);
    ck_assert_uint_eq(y.row, x.row);
}
END_TEST

START_TEST(row_has_its_bytes)
{
    // opcode, armed, n, row, h, then three pairs of 28 + 12 bits
    static const uint8_t want[32] = {ABI_CMD_ROW, 1,    0x02, 0x01, 0x05, 0x04, 0x03, 0,    0xfe, 0xff, 0xff,
                                     0xff,        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x12, 0x78,
                                     0x56,        0x34, 0xf2, 0xff, 0x00, 0x00, 0x00, 0x08, 0x80, 0};
    struct beat b;
    struct abi_row x = {.armed = true,
                        .n = 0x102,
                        .row = 0x030405,
                        .h = -2,
                        .coef = {-1, 0x2345678, -(1 << 27)},
                        .asset = {0x121, 0xfff, 0x800}};
    abi_pack_row(&b, &x);
    ck_assert_mem_eq(&b, want, sizeof want);
}
END_TEST

START_TEST(status_record_has_its_bytes)
{
    static const uint8_t want[32] = {1, 0, 0, 0x80, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0x90,
                                     0, 0, 1, 0,    0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0xa0};
    struct beat b;
    struct abi_status x = {.taken = 0x80000001,
                           .produced = 2,
                           .cycle = UINT64_C(0x9000000000000003),
                           .flags = ABI_FLAG_GENERATION,
                           .serial = UINT64_C(0xa000000000000005)},
                      y;
    abi_pack_status(&b, &x);
    ck_assert_mem_eq(&b, want, sizeof want);
    abi_unpack_status(&b, &y);
    ck_assert(y.taken == x.taken && y.produced == x.produced && y.cycle == x.cycle && y.flags == x.flags &&
              y.serial == x.serial);
}
END_TEST

START_TEST(generation_and_phase)
{
    static const uint64_t k[] = {0, 63, 64, 127, 64 * 254, 64 * 255, 64 * 256, 64 * UINT64_C(0x300000000)};
    static const uint8_t want[] = {1, 1, 2, 2, 255, 0, 1, 1};
    struct beat b;
    for (size_t i = 0; i < sizeof want; i++) {
        ck_assert_uint_eq(abi_generation(k[i], 64), want[i]);
        abi_pack_nop(&b, &(struct abi_nop){0});
        abi_set_generation(&b, want[i]);
        ck_assert_uint_eq(((const uint8_t *)&b)[31], want[i]);
    }
    ck_assert(abi_phase(0, 4) && abi_phase(15, 4) && !abi_phase(16, 4) && !abi_phase(31, 4) &&
              abi_phase(32, 4));
    struct abi_sync_done x = {.token = 1, .gen = 1};
    abi_pack_sync_done(&b, &x);
    ck_assert(abi_event_phase(&b));
    x.gen = 0xfe;
    abi_pack_sync_done(&b, &x);
    ck_assert(!abi_event_phase(&b));
    ck_assert(ABI_CONTROL_ENABLE == 1 && ABI_CONTROL_QUIET == 2 && ABI_CONTROL_RESET == UINT32_C(0x80000000));
    ck_assert(ABI_FLAGS_HALT == (ABI_FLAG_GENERATION | ABI_FLAG_PARTIAL | ABI_FLAG_ADDRESS));
    ck_assert(ABI_STATUS_HALTED == 8);
}
END_TEST

START_TEST(row_and_coefficients_survive)
{
    for (int i = 0; i < 10000; i++) {
        struct beat b;
        struct abi_row r = {.row = (uint32_t)next() & 0xffffff,
                            .h = (int64_t)next(),
                            .armed = next() & 1,
                            .n = (uint16_t)next()},
                       r2;
        for (int k = 0; k < ABI_ROW_PAIRS; k++) {
            r.asset[k] = (uint16_t)(next() & 0xfff);
            r.coef[k] = (int32_t)(next() >> 36) - (1 << 27);
        }
        abi_pack_row(&b, &r);
        ck_assert_uint_eq(abi_opcode(&b), ABI_CMD_ROW);
        abi_unpack_row(&b, &r2);
        ck_assert(r.row == r2.row && r.h == r2.h && r.armed == r2.armed && r.n == r2.n);
        ck_assert_mem_eq(r.asset, r2.asset, sizeof r.asset);
        ck_assert_mem_eq(r.coef, r2.coef, sizeof r.coef);
        ck_assert_uint_eq(abi_get(&b, 248, 8), 0);
        struct abi_coef c, c2;
        for (int k = 0; k < ABI_COEF_PAIRS; k++) {
            c.asset[k] = (uint16_t)(next() & 0xfff);
            c.coef[k] = (int32_t)(next() >> 36) - (1 << 27);
        }
        abi_pack_coef(&b, &c);
        abi_unpack_coef(&b, &c2);
        ck_assert_mem_eq(c.asset, c2.asset, sizeof c.asset);
        ck_assert_mem_eq(c.coef, c2.coef, sizeof c.coef);
        ck_assert_uint_eq(abi_get(&b, 248, 8), 0);
    }
}
END_TEST

START_TEST(mask_covers_the_stamps_and_nothing_else)
{
    struct abi_trigger x = {
        .cause = 2, .row = 5, .h = 77, .group = 3, .cycle_in = 100, .cycle_out = 106, .gen = 1};
    struct beat a, b;
    abi_pack_trigger(&a, &x);
    for (unsigned bit = 0; bit < 256; bit++) {
        b = a;
        abi_put(&b, bit, 1, !abi_get(&a, bit, 1));
        bool stamp = bit >= 184; // cycle_in, cycle_out, gen
        ck_assert_int_eq(abi_event_equal(&a, &b), stamp);
    }
}
END_TEST

int main(void)
{
    state = test_seed(20261121) | 1;
    Suite *s = suite_create("abi");
    TCase *t = tcase_create("beats");
    tcase_add_test(t, puts_and_gets_any_field);
    tcase_add_test(t, tick_has_its_bytes);
    tcase_add_test(t, trigger_has_its_bytes);
    tcase_add_test(t, row_has_its_bytes);
    tcase_add_test(t, status_record_has_its_bytes);
    tcase_add_test(t, generation_and_phase);
    tcase_add_test(t, row_and_coefficients_survive);
    tcase_add_test(t, mask_covers_the_stamps_and_nothing_else);
    suite_add_tcase(s, t);
    return run_suite(s);
}
