// SPDX-License-Identifier: Apache-2.0
// The card driver at work: credit, indexes, events, quiet mode, faults; no register read where none belongs.
#include "drivers/card_mock.h"

#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(settled)
{
    bool quiet = _i == 1;
    opened(quiet);
    ck_assert_uint_eq(submit(5), 5);
    take(5);
    ck_assert_int_eq(card_settled(&card), 0);
    ck_assert_str_eq(card.fault, "");
    ck_assert_uint_eq(submit(DEPTH), DEPTH); // the credit is known now, or stands in the status record
    take(DEPTH - 1);
    ck_assert_int_eq(card_settled(&card), -1);
    ck_assert_msg(strstr(card.fault, "in the window") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
    opened(quiet);
    ck_assert_uint_eq(submit(5), 5);
    m.flags = ABI_FLAG_ADDRESS;
    ck_assert_int_eq(card_settled(&card), -1);
    ck_assert_msg(strstr(card.fault, "missed the window") != NULL, "%s", card.fault);
    opened(quiet);
    m.busy = true;
    ck_assert_int_eq(card_settled(&card), -1);
    ck_assert_msg(strstr(card.fault, "inside") != NULL, "%s", card.fault);
    // A status record that is on its way may tell less than the register did.
    opened(quiet);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    m.taken = DEPTH;
    ck_assert_int_eq(card_settled(&card), 0);
    submit(1);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

START_TEST(credit)
{
    opened(false);
    ck_assert_uint_eq(submit(3), 3);
    ck_assert_uint_eq(submit(2 * DEPTH), DEPTH - 3);
    ck_assert_uint_eq(m.fences, 2); // one for each submit that wrote
    ck_assert_uint_eq(m.unfenced, 0);
    ck_assert_uint_eq(submit(1), 0);
    m.taken += 5; // not told yet
    ck_assert_uint_eq(submit(1), 0);
    put_status();
    ck_assert_uint_eq(submit(2 * DEPTH), 5);
    take(DEPTH);
    ck_assert_uint_eq(submit(0), 0);
    ck_assert_uint_eq(submit(2 * DEPTH), DEPTH);
    ck_assert_uint_eq(m.reads, 0);
    ck_assert_uint_eq(m.writes, 0);
}
END_TEST

START_TEST(indexes_wrap)
{
    opened(false);
    go_on_from(UINT32_MAX - DEPTH - 2);
    uint64_t token = 0;
    for (int i = 0; i < 5 * DEPTH; i++) {
        ck_assert_uint_eq(submit(1), 1);
        if (i % DEPTH == DEPTH - 1)
            take(DEPTH);
        produce(token);
        ck_assert_uint_eq(poll(token++, RING), 1);
        if (i % 3 == 0)
            ck_assert_uint_eq(poll(token, RING), 0);
    }
    ck_assert_uint_lt(card.sent, 5 * DEPTH);
    ck_assert_uint_lt(card.next, 5 * DEPTH);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

START_TEST(credit_at_the_wrap)
{
    opened(false);
    go_on_from(UINT32_MAX - 3);
    ck_assert_uint_eq(submit(3 * DEPTH), DEPTH);
    ck_assert_uint_eq(submit(1), 0);
    take(6);
    ck_assert_uint_eq(m.taken, 2);
    ck_assert_uint_eq(submit(3 * DEPTH), 6);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

START_TEST(ring_is_read_in_order_and_given_back)
{
    opened(false);
    uint64_t in = 0, out = 0;
    while (ring_room())
        produce(in++);
    ck_assert_uint_eq(in, RING);
    out += poll(out, 1);
    ck_assert_uint_eq(out, 1);
    ck_assert(!ring_room()); // one is less than a quarter of the ring
    out += poll(out, 1);
    ck_assert(ring_room());
    produce(in++);
    produce(in++);
    ck_assert(!ring_room());
    out += poll(out, RING);
    ck_assert_uint_eq(out, RING + 2);
    produce(in++);
    out += poll(out, 2 * RING);
    unsigned writes = m.writes;
    ck_assert_uint_eq(poll(out, 1), 0);
    ck_assert_uint_eq(m.writes, writes + 1); // idle: the one record is given back
    ck_assert_uint_eq(m.reg[ABI_REG_RING_CONSUMED / 4], out);
    ck_assert_uint_eq(poll(out, 1), 0);
    ck_assert_uint_eq(m.writes, writes + 1);
    ck_assert_uint_eq(m.reads, 0);
}
END_TEST

START_TEST(half_a_record_is_none)
{
    opened(false);
    for (uint64_t pass = 0; pass < 3 * RING; pass++) {
        struct beat b = record(pass);
        struct beat *at = &m.ring[m.produced % RING];
        for (int w = 0; w < 4; w++) {
            ck_assert_uint_eq(poll(pass, RING), 0);
            at->w[w] = b.w[w];
        }
        m.produced++;
        ck_assert_uint_eq(poll(pass, RING), 1);
    }
}
END_TEST

START_TEST(quiet_mode)
{
    opened(true);
    ck_assert_uint_eq(m.control[1], ABI_CONTROL_ENABLE | ABI_CONTROL_QUIET);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    ck_assert_uint_eq(m.reads, 0); // as long as there is credit
    take(4);
    ck_assert_uint_eq(submit(DEPTH), 4);
    ck_assert_uint_eq(m.reads, 1);
    take(DEPTH);
    ck_assert_uint_eq(submit(2), 2);
    ck_assert_uint_eq(submit(2 * DEPTH), DEPTH - 2); // a part goes without a read
    ck_assert_uint_eq(m.reads, 2);
    produce(0);
    ck_assert_uint_eq(poll(0, RING), 1);
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_uint_eq(m.reads, 2);
    m.flags = ABI_FLAG_PARTIAL;
    ck_assert_uint_eq(submit(1), 0); // nothing moves: it asks why
    ck_assert_msg(strstr(card.fault, "32-bit word") != NULL, "%s", card.fault);
    ck_assert(card.stopped);
}
END_TEST

START_TEST(halted)
{
    opened(false);
    ck_assert_uint_eq(submit(4), 4);
    produce(0);
    m.flags = ABI_FLAG_GENERATION | 1u << ABI_ERR_OPCODE;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 1); // what has arrived counts
    ck_assert_str_eq(card.fault, "");
    ck_assert_uint_eq(poll(1, RING), 0);
    ck_assert_msg(strstr(card.fault, "generation") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_uint_eq(m.reads, 0);
    ck_assert_int_eq(card_check(&card), -1);
    ck_assert_int_eq(card_reset(&card, &err), 0);
    ck_assert_str_eq(card.fault, "");
    ck_assert_uint_eq(submit(3 * DEPTH), DEPTH);
}
END_TEST

START_TEST(refused_commands_are_no_fault)
{
    opened(false);
    m.flags = 0x1fe;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_str_eq(card.fault, "");
    ck_assert_int_eq(card_check(&card), 0);
}
END_TEST

START_TEST(watchdog_is_told_and_work_goes_on)
{
    opened(false);
    m.flags = ABI_FLAG_WATCHDOG_EVENTS;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_uint_eq(poll(0, RING), 0); // once for each time it is raised
    ck_assert_uint_eq(card.warnings, 1);
    ck_assert_msg(strstr(card.warning, "event waited") != NULL, "%s", card.warning);
    ck_assert_uint_eq(m.flags, 0);
    ck_assert_int_eq(card_check(&card), 0);
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    m.flags = ABI_FLAG_WATCHDOG_COMMANDS;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_uint_eq(card.warnings, 2);
    ck_assert_msg(strstr(card.warning, "commands waited") != NULL, "%s", card.warning);
    ck_assert_uint_eq(submit(1), 1);
    ck_assert_str_eq(card.fault, "");
    opened(true);
    for (unsigned i = 1; i < 4; i++) {
        m.flags = ABI_FLAG_WATCHDOG_EVENTS;
        ck_assert_int_eq(card_check(&card), 0);
        ck_assert_uint_eq(card.warnings, i);
        ck_assert_uint_eq(m.flags, 0);
    }
    opened(false);
    m.flags |= ABI_FLAG_HOST_WRITE;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_msg(strstr(card.fault, "IOMMU") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
}
END_TEST

START_TEST(impossible_answers)
{
    opened(false);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    m.taken = DEPTH + 1;
    put_status();
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_msg(strstr(card.fault, "never written") != NULL, "%s", card.fault);
    opened(false);
    m.all_ones = true;
    ck_assert_int_eq(card_check(&card), -1);
    ck_assert_msg(strstr(card.fault, "does not answer") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
    opened(true);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    m.all_ones = true;
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_msg(strstr(card.fault, "does not answer") != NULL, "%s", card.fault);
    opened(true); // all ones is a number of beats too
    go_on_from(UINT32_MAX - DEPTH);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    m.taken = m.written;
    ck_assert_uint_eq(m.taken, UINT32_MAX);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

// Whatever order things happen in; the mock asserts the rest.
START_TEST(at_random)
{
    struct prng r;
    prng_seed(&r, test_seed(20261120));
    opened(_i == 1);
    go_on_from(UINT32_MAX - 20000);
    uint64_t in = 0, out = 0;
    for (int i = 0; i < 200000; i++) {
        switch (prng_below(&r, 5)) {
        case 0:
            submit((size_t)prng_below(&r, 3 * DEPTH));
            break;
        case 1:
            take((uint32_t)prng_below(&r, m.written - m.taken + 1));
            break;
        case 2:
            for (uint64_t n = prng_below(&r, RING + 2); n && ring_room(); n--)
                produce(in++);
            break;
        default:
            out += poll(out, (size_t)prng_below(&r, RING + 1));
        }
    }
    out += poll(out, 2 * RING);
    ck_assert_uint_eq(in, out);
    ck_assert_uint_gt(out, 20000);
    ck_assert_uint_lt(card.sent, UINT32_C(1) << 31); // both have wrapped
    ck_assert_uint_lt(card.next, UINT32_C(1) << 31);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("card");
    TCase *t = tcase_create("card");
    tcase_add_loop_test(t, settled, 0, 2);
    tcase_add_test(t, credit);
    tcase_add_test(t, indexes_wrap);
    tcase_add_test(t, credit_at_the_wrap);
    tcase_add_test(t, ring_is_read_in_order_and_given_back);
    tcase_add_test(t, half_a_record_is_none);
    tcase_add_test(t, quiet_mode);
    tcase_add_test(t, halted);
    tcase_add_test(t, refused_commands_are_no_fault);
    tcase_add_test(t, watchdog_is_told_and_work_goes_on);
    tcase_add_test(t, impossible_answers);
    tcase_add_loop_test(t, at_random, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
