// SPDX-License-Identifier: Apache-2.0
// The formula for a card's cycles against a queue model that goes cycle by cycle, written apart from it. What
// both say of the RTL is judged by tests/cosim/card_time.c.
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/card_time.h"
#include "run_suite.h"

enum { BEATS = 60, OPS_MAX = 128, WAITING = 4096, CYCLES = 40000, HITS_MAX = 3 };

struct beat_plan {
    struct card_step step;
    uint64_t offered;
    uint8_t events[OPS_MAX]; // of each of its operations, should they be issued
    uint64_t in, out[OPS_MAX * HITS_MAX];
    size_t n_out;
};
static struct beat_plan plan[BEATS];

static void draw(struct prng *r, uint32_t slots)
{
    uint64_t at = 0;
    for (int i = 0; i < BEATS; i++) {
        struct beat_plan *b = &plan[i];
        memset(b, 0, sizeof *b);
        at += prng_chance(r, 1, 3) ? prng_below(r, 3 * slots + 8) : 0;
        b->offered = at;
        b->step.kind = (uint8_t)prng_below(r, 3);
        b->step.pairs = (uint8_t)(b->step.kind == STEP_LOAD ? prng_below(r, 7) : 0);
        b->step.used = prng_chance(r, 1, 2);
        b->step.last = prng_chance(r, 1, 2);
        for (uint32_t k = 0; k < slots; k++)
            b->events[k] = (uint8_t)(prng_chance(r, 1, 4) ? prng_below(r, HITS_MAX + 1) : 0);
    }
}

// ---- cycle by cycle

struct slow {
    uint32_t lanes, slots, latency;
    int next;                // beat to be taken
    uint32_t left, op;       // operations of the beat at hand
    uint64_t write[WAITING]; // cycles of coefficient writes
    size_t n_writes;
    bool moved;
    struct {
        int beat;
        uint64_t ready;
    } wait[WAITING];
    size_t head, tail;
};
static struct slow s;

// A coefficient is on its way for three cycles behind the one that wrote it, four in a wide core.
static bool on_its_way(uint64_t now)
{
    for (size_t i = 0; i < s.n_writes; i++)
        if (now > s.write[i] && now - s.write[i] <= (s.lanes > 32 ? 4u : 3u))
            return true;
    return false;
}

static uint32_t operations(const struct card_step *c, uint64_t now)
{
    if (c->kind == STEP_LOAD)
        return c->pairs ? c->pairs : 1;
    if (c->kind != STEP_TICK)
        return 1;
    if (s.slots > 1 && !c->used && !on_its_way(now) && !(c->last && s.moved))
        return 1;
    s.moved = !c->last;
    return s.slots;
}

static void slow_cycle(uint64_t now)
{
    if (s.left == 0 && s.next < BEATS && plan[s.next].offered <= now) {
        plan[s.next].in = now;
        s.left = operations(&plan[s.next].step, now);
        s.op = 0;
        s.next++;
    }
    if (s.left) {
        struct beat_plan *b = &plan[s.next - 1];
        if (b->step.kind == STEP_LOAD && b->step.pairs)
            s.write[s.n_writes++] = now;
        for (int i = 0; i < b->events[s.op]; i++) {
            s.wait[s.tail].beat = s.next - 1;
            s.wait[s.tail++].ready = now + s.latency;
        }
        s.op++;
        s.left--;
    }
    if (s.head < s.tail && s.wait[s.head].ready <= now) {
        struct beat_plan *b = &plan[s.wait[s.head++].beat];
        b->out[b->n_out++] = now;
    }
}

START_TEST(test_against_cycle_by_cycle)
{
    struct prng r;
    prng_seed(&r, test_seed(5));
    for (unsigned round = 0; round < test_rounds(4000); round++) {
        uint32_t lanes = 1u << prng_below(&r, 9), slots = 1u << prng_below(&r, 6);
        struct card_time t;
        memset(&s, 0, sizeof s);
        s.lanes = lanes;
        s.slots = slots;
        s.latency = lanes > 32 ? 7 : 5;
        draw(&r, slots);
        for (uint64_t now = 0; now < CYCLES && (s.next < BEATS || s.left || s.head < s.tail); now++)
            slow_cycle(now);
        ck_assert_int_eq(s.next, BEATS);
        card_time_init(&t, lanes, slots, card_time_latency(lanes));
        for (int i = 0; i < BEATS; i++) {
            struct beat_plan *b = &plan[i];
            uint64_t in = card_time_take(&t, &b->step, b->offered), n = t.free - in;
            size_t k = 0;
            ck_assert_uint_eq(in, b->in);
            for (uint64_t op = 0; op < n; op++)
                for (int e = 0; e < b->events[op]; e++)
                    ck_assert_uint_eq(card_time_event(&t, in + op), b->out[k++]);
            ck_assert_uint_eq(k, b->n_out);
        }
    }
}
END_TEST

START_TEST(test_latency_by_width)
{
    ck_assert_uint_eq(card_time_latency(1), 5); // the table of docs/device.md
    ck_assert_uint_eq(card_time_latency(32), 5);
    ck_assert_uint_eq(card_time_latency(64), 7);
    ck_assert_uint_eq(card_time_latency(256), 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("card_time");
    TCase *t = tcase_create("card_time");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_against_cycle_by_cycle);
    tcase_add_test(t, test_latency_by_width);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
