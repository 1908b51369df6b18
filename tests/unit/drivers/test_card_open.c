// SPDX-License-Identifier: Apache-2.0
// The card driver's beginning and end: who is there, reset, hand-over of memory, close; and what it refuses.
#include "drivers/card_mock.h"

#include "run_suite.h"

START_TEST(open_hands_over)
{
    fresh();
    ck_assert_msg(try_open(false) == 0, "%s", err.msg);
    ck_assert_uint_eq(card.info.lanes, 4);
    ck_assert_uint_eq(card.info.assets, 16);
    ck_assert_uint_eq(card.info.depth, DEPTH);
    ck_assert_uint_eq(card.info.latency, 5);
    ck_assert_uint_eq(m.n_control, 2);
    ck_assert_uint_eq(m.control[0], ABI_CONTROL_RESET);
    ck_assert_uint_eq(m.control[1], ABI_CONTROL_ENABLE);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_LOG2 / 4], RING_LOG2);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_BASE / 4], (uint32_t)RING_BUS);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_BASE / 4 + 1], RING_BUS >> 32);
    ck_assert_uint_eq(m.reg[ABI_REG_STATUS_BASE / 4], (uint32_t)STATUS_BUS);
    ck_assert_uint_eq(m.reg[ABI_REG_STATUS_BASE / 4 + 1], STATUS_BUS >> 32);
    ck_assert_uint_eq(m.reg[ABI_REG_WATCHDOG / 4], 77);
    ck_assert_uint_gt(m.relaxed, 0);
    ck_assert_uint_eq(poll(0, RING), 0);                  // whatever stood in the ring is not an event
    ck_assert_uint_eq(m.reg[ABI_REG_ERROR_FLAGS / 4], 0); // what is set after a reset is evidence
    ck_assert_int_eq(card_close(&card), 0);
    ck_assert_uint_eq(m.control[2], ABI_CONTROL_RESET);
    ck_assert_uint_eq(m.n_control, 3);
    ck_assert_uint_eq(m.clearing, 0); // it has waited
    ck_assert_uint_eq(submit(1), 0);
}
END_TEST

static void refused(const char *why)
{
    ck_assert_int_eq(try_open(false), -1);
    ck_assert_msg(strstr(err.msg, why) != NULL, "'%s' is not in: %s", why, err.msg);
    for (unsigned i = 0; i < m.n_control; i++)
        ck_assert_uint_eq(m.control[i] & ABI_CONTROL_ENABLE, 0);
}

START_TEST(refusals)
{
    fresh();
    m.all_ones = true;
    refused("all ones");
    fresh();
    m.magic ^= 1;
    refused("identity");
    fresh();
    m.version++;
    refused("ABI");
    fresh();
    m.hash ^= UINT64_C(1) << 63;
    refused("rebuild");
    fresh();
    m.depth = 12;
    refused("window");
    fresh();
    m.depth = 4096;
    refused("window");
    fresh();
    m.lanes = 0;
    refused("lanes");
    fresh();
    m.assets = 8192;
    refused("assets");
    fresh();
    m.deaf = true;
    refused("do not reach");
    fresh();
    io.ring_log2 = 25;
    refused("ring");
    fresh();
    io.ring_log2 = 0;
    refused("ring");
    fresh();
    io.ring_bus += 32;
    refused("aligned");
    fresh();
    io.status = NULL;
    refused("missing");
}
END_TEST

START_TEST(clearing_never_ends)
{
    fresh();
    m.clears_never = true;
    refused("clearing never ended");
    ck_assert_uint_lt(m.reads, 80000);
    ck_assert_uint_gt(m.relaxed, 65536 + 4 * 16); // but as long as draining and clearing may take
    opened(false);
    m.clears_never = true;
    ck_assert_int_eq(card_close(&card), -1);
    ck_assert_msg(strstr(card.fault, "clearing never ended") != NULL, "%s", card.fault);
}
END_TEST

START_TEST(stragglers)
{
    fresh();
    m.stragglers = 2;
    ck_assert_int_eq(try_open(false), 0);
    ck_assert_uint_eq(m.n_control, 4); // three resets, enable
    ck_assert_uint_eq(m.control[2], ABI_CONTROL_RESET);
    ck_assert_uint_eq(m.control[3], ABI_CONTROL_ENABLE);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    fresh();
    m.stragglers = 1000;
    refused("earlier owner");
    ck_assert_uint_eq(m.n_control, 3);
}
END_TEST

START_TEST(undrained)
{
    fresh();
    m.undrained = true;
    refused("reset the whole card");
    ck_assert_uint_eq(m.ring[0].w[3], UINT64_MAX); // nothing is done to memory that may still be written
    opened(false);
    m.undrained = true;
    ck_assert_int_eq(card_close(&card), -1);
    ck_assert_msg(strstr(card.fault, "under way") != NULL, "%s", card.fault);
}
END_TEST

START_TEST(failed_reset)
{
    opened(false);
    ck_assert_uint_eq(submit(3), 3);
    m.all_ones = true;
    ck_assert_int_eq(card_reset(&card, &err), -1);
    m.all_ones = false;
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_str_eq(card.fault, err.msg);
    ck_assert_msg(strstr(card.fault, "stopped answering") != NULL, "%s", card.fault);
    ck_assert_int_eq(card_reset(&card, &err), 0);
    ck_assert_uint_eq(submit(1), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("card_open");
    TCase *t = tcase_create("card_open");
    tcase_add_test(t, open_hands_over);
    tcase_add_test(t, refusals);
    tcase_add_test(t, clearing_never_ends);
    tcase_add_test(t, stragglers);
    tcase_add_test(t, undrained);
    tcase_add_test(t, failed_reset);
    suite_add_tcase(s, t);
    return run_suite(s);
}
