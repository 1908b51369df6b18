// SPDX-License-Identifier: Apache-2.0
// The hot path in units that can be counted one by one: each unit of each figure is one call of a function
// figure_NAME(), which callgrind counts whole and nothing else (--toggle-collect='figure_*'); what warms up
// runs outside. Says on standard output how many units each figure had. Times, in ns by the TSC, with --time.
//   hot_guard DIR [--time ROUNDS]
//   hot_guard --about
// DIR is for the journals. Without --time the clock's rate is 0, so that histograms do the same at every run.
// --about: what compiler and C library it was made with, "unfit" when not for counting.
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "base/clock.h"
#include "rig.h"

enum {
    ACCOUNTS = 10000,
    WARM_ROUNDS_MAX = 4000,
    WARM = 8, // units of a figure that count as warm-up
    ROWS_LEAST = 2048,
    UNITS = 64, // that are counted, of the figures that may go on for ever
    TIMES_MAX = 1 << 16,
};
#define STALE_NS UINT64_C(61000000000) // a generated index is stale by then

struct unit {
    struct rig *rig;
    const struct frame *frame;       // or
    const struct order_reply *reply; // a state
};

// Not one and the same function to the compiler, and no jump at its end.
#define FIGURE(name)                                                                                         \
    static __attribute__((noinline)) void figure_##name(const struct unit *u)                                \
    {                                                                                                        \
        run(u);                                                                                              \
        __asm__ volatile("# " #name ::: "memory");                                                           \
    }

static inline void run(const struct unit *u)
{
    struct err e;
    if (u->frame)
        rig_take(u->rig, u->frame);
    else if (session_reply(u->rig->session, u->reply, &e) != 0)
        die("the session failed: %s", e.msg);
}

FIGURE(foreign)
FIGURE(no_price)
FIGURE(other_ticker)
FIGURE(same_price)
FIGURE(tick)
FIGURE(tick_index)
FIGURE(tick_five)
FIGURE(held)
FIGURE(released)
FIGURE(ready_perp)
FIGURE(ready_lending)
FIGURE(cold_perp)
FIGURE(cold_lending)
FIGURE(state_near)
FIGURE(state_far)
FIGURE(bare_tick)

struct figure {
    const char *name;
    void (*call)(const struct unit *u);
    unsigned units;
    uint32_t *ns; // of each unit, with --time
    size_t n_ns;
};
#define ENTRY(name)                                                                                          \
    {                                                                                                        \
#name, figure_##name, 0, NULL, 0                                                                     \
    }
static struct figure foreign = ENTRY(foreign), no_price = ENTRY(no_price), other_ticker = ENTRY(other_ticker),
                     same_price = ENTRY(same_price), tick = ENTRY(tick), tick_index = ENTRY(tick_index),
                     tick_five = ENTRY(tick_five), held = ENTRY(held), released = ENTRY(released),
                     ready[LADDERS] = {ENTRY(ready_perp), ENTRY(ready_lending)},
                     cold[LADDERS] = {ENTRY(cold_perp), ENTRY(cold_lending)}, state_near = ENTRY(state_near),
                     state_far = ENTRY(state_far), bare_tick = ENTRY(bare_tick);
static struct figure *const figures[] = {
    &foreign,  &no_price, &other_ticker, &same_price, &tick,    &tick_index, &tick_five, &held,
    &released, &ready[0], &ready[1],     &cold[0],    &cold[1], &state_near, &state_far, &bare_tick};
enum { FIGURES = sizeof figures / sizeof *figures };

static bool timing;

static void count(struct figure *f, const struct unit *u)
{
    f->units++;
    if (!timing) {
        f->call(u);
        return;
    }
    uint64_t from = clock_ticks_begin();
    f->call(u);
    uint64_t ns = clock_ns(clock_ticks_end() - from);
    if (f->n_ns < TIMES_MAX)
        f->ns[f->n_ns++] = (uint32_t)ns;
}

// One frame: warm-up, or a unit of the figure.
static void one(struct rig *r, struct figure *f, unsigned k, const struct frame *frame)
{
    const struct unit u = {.rig = r, .frame = frame};
    if (k < WARM)
        run(&u);
    else
        count(f, &u);
}

// A price that goes up and down by a few ppm, other than the one before.
static double wave(enum quoted q, unsigned k)
{
    static const double ppm[] = {0, 1, 2, 1, 0, -1, -2, -1};
    return rig_start_price(q) * (1 + ppm[k % (sizeof ppm / sizeof *ppm)] / 1e6);
}

static struct {
    uint64_t flags, looked, tiers;
} before;

static void note(const struct rig *r)
{
    const struct engine_counters *c = engine_counters(session_engine(r->session));
    before.flags = c->flags[0] + c->flags[1];
    before.looked = c->looked_background + c->looked_foreground;
    before.tiers = c->tier_changes;
}

// Nothing but ticks: no flag, no box that moves.
static void must_be_quiet(const struct rig *r, const char *what)
{
    const struct engine_counters *c = engine_counters(session_engine(r->session));
    if (c->flags[0] + c->flags[1] != before.flags || c->tier_changes != before.tiers ||
        c->looked_background + c->looked_foreground != before.looked)
        die("%s: not the quiet stretch it should be", what);
}

// Until boxes rest and no warm account needs a new order.
static void settle(struct rig *r)
{
    static struct frame f;
    unsigned calm = 0, rounds = 0;
    for (; calm < 128 && rounds < WARM_ROUNDS_MAX; rounds++) {
        const struct desk_counters *d = desk_counters(session_desk(r->session));
        uint64_t made = d->ready_made + d->ready_full;
        note(r);
        frame_begin(r);
        for (enum quoted q = 0; q < QUOTED; q++)
            frame_price(r, q, q == Q_USDC_INDEX ? rig_start_price(q) : wave(q, rounds), 0);
        frame_end(r, &f);
        rig_take(r, &f);
        const struct engine_counters *c = engine_counters(session_engine(r->session));
        bool moved = engine_moving(session_engine(r->session)) || made != d->ready_made + d->ready_full ||
                     c->flags[0] + c->flags[1] != before.flags;
        calm = moved ? 0 : calm + 1;
    }
    if (calm < 128)
        die("no rest after %u rounds", rounds);
}

// ---- the stretches

static void waves(struct rig *r, struct figure *f, enum quoted q)
{
    static struct frame frame;
    for (unsigned k = 0; k < WARM + UNITS; k++) {
        frame_price_only(r, q, wave(q, k + 1), &frame);
        one(r, f, k, &frame);
    }
}

static void packets(struct rig *r)
{
    static struct frame f;
    static const enum quoted five[] = {Q_BTC, Q_ETH, Q_SOL, Q_BTC_INVERSE, Q_ETH_INVERSE};
    note(r);
    for (unsigned k = 0; k < WARM + UNITS; k++) {
        frame_foreign(r, &f);
        one(r, &foreign, k, &f);
        frame_order_book(r, &f);
        one(r, &no_price, k, &f);
        frame_other_ticker(r, &f);
        one(r, &other_ticker, k, &f);
        frame_price_only(r, Q_BTC, r->price[Q_BTC], &f);
        one(r, &same_price, k, &f);
    }
    waves(r, &tick, Q_BTC);
    waves(r, &tick_index, Q_ETH_INDEX);
    for (unsigned k = 0; k < WARM + UNITS; k++) {
        frame_begin(r);
        for (unsigned i = 0; i < 5; i++)
            frame_price(r, five[i], wave(five[i], k + 1), 0);
        frame_end(r, &f);
        one(r, &tick_five, k, &f);
    }
    must_be_quiet(r, "packets");
}

// The debt's price is too old: the flag is confirmed, the order held (P5), and the account armed again when
// the collateral's price is back.
static void holds(struct rig *r)
{
    static struct frame f;
    const struct engine_counters *c = engine_counters(session_engine(r->session));
    const struct session_counters *s = session_counters(r->session);
    double start = rig_start_price(Q_SOL_INDEX);
    uint64_t confirmed = c->confirmed, rearmed = c->rearmed, stale = s->held[HOLD_STALE];
    r->now_ns += STALE_NS;
    for (unsigned k = 0; k < WARM + UNITS; k++) {
        frame_price_only(r, Q_SOL_INDEX, start * (1 - 1.5 * HELD_PPM / 1e6), &f);
        one(r, &held, k, &f);
        frame_price_only(r, Q_SOL_INDEX, start * (1 - 0.5 * HELD_PPM / 1e6), &f);
        one(r, &released, k, &f);
    }
    if (c->confirmed - confirmed != WARM + UNITS || s->held[HOLD_STALE] - stale != WARM + UNITS)
        die("%llu of %d flags were held", (unsigned long long)(c->confirmed - confirmed), WARM + UNITS);
    if (c->rearmed - rearmed < WARM + UNITS)
        die("%llu of %d accounts armed again", (unsigned long long)(c->rearmed - rearmed), WARM + UNITS);
}

static void states(struct rig *r, struct figure *f, uint32_t id)
{
    static struct order_reply reply;
    static struct account scratch;
    struct desk *d = session_desk(r->session);
    uint64_t taken = desk_counters(d)->told[TOLD_TAKEN];
    size_t i = book_find(&r->book, id);
    memset(&reply, 0, sizeof reply);
    reply.status = ORDER_STATE;
    reply.has_account = true;
    reply.key.account = id;
    for (unsigned k = 0; k < WARM + UNITS; k++) {
        const struct unit u = {.rig = r, .reply = &reply};
        account_copy(&reply.account, book_account(&r->book, i, &scratch));
        reply.account.epoch++;
        struct position *p = &reply.account.position[0];
        i128 more = k % 2 ? -1000 : 1000; // quanta
        *(p->supply || p->debt ? &p->supply : &reply.account.cash) += p->debt ? 0 : more;
        if (k < WARM)
            run(&u);
        else
            count(f, &u);
    }
    if (desk_counters(d)->told[TOLD_TAKEN] - taken != WARM + UNITS)
        die("%s: states were refused", f->name);
}

// One account a rung: flagged, confirmed, its order handed over.
static void ladder(struct rig *r, struct figure *f, enum ladder l)
{
    static struct frame frame;
    const struct desk_counters *d = desk_counters(session_desk(r->session));
    uint64_t sent = d->answer[DESK_SENT], used = d->ready_used;
    for (unsigned k = 0; k < LADDER_STEPS; k++) {
        frame_price_only(r, rig_ladder_price(l), rig_rung(l, k), &frame);
        one(r, f, k, &frame);
        if (d->answer[DESK_SENT] - sent != k + 1)
            die("%s: %llu orders after %u steps", f->name, (unsigned long long)(d->answer[DESK_SENT] - sent),
                k + 1);
    }
    if (d->ready_used - used != (f == &ready[l] ? LADDER_STEPS : 0))
        die("%s: %llu of %d orders were ready", f->name, (unsigned long long)(d->ready_used - used),
            LADDER_STEPS);
}

static void usual(struct rig *r)
{
    struct engine_tiers t;
    engine_tiers(session_engine(r->session), &t);
    if (t.rows_used < ROWS_LEAST)
        die("%llu rows on the device: not the book it should be", (unsigned long long)t.rows_used);
    packets(r);
    holds(r);
    states(r, &state_near, rig_near_account());
    states(r, &state_far, rig_far_account());
    settle(r);
    for (enum ladder l = 0; l < LADDERS; l++)
        ladder(r, &ready[l], l);
}

static void bare(struct rig *r)
{
    note(r);
    waves(r, &bare_tick, Q_BTC);
    must_be_quiet(r, "bare ticks");
    for (enum ladder l = 0; l < LADDERS; l++)
        ladder(r, &cold[l], l);
}

static void all_stretches(const char *dir)
{
    static struct rig r;
    for (enum rig_kind kind = 0; kind < RIG_KINDS; kind++) {
        struct engine_tiers t;
        rig_open(&r, kind, dir);
        settle(&r);
        engine_tiers(session_engine(r.session), &t);
        if (!t.boxed)
            die("no boxes");
        if (kind == RIG_USUAL)
            usual(&r);
        else
            bare(&r);
        if (journal_full_waits(r.journal))
            die("the journal's ring was full");
        rig_close(&r);
    }
}

// ---- what it says

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void say(struct figure *f)
{
    if (!timing) {
        printf("%s %u\n", f->name, f->units);
        return;
    }
    qsort(f->ns, f->n_ns, sizeof *f->ns, by_size);
    printf("%s %zu %u %u %u\n", f->name, f->n_ns, f->ns[0], f->ns[f->n_ns / 2], f->ns[f->n_ns * 9 / 10]);
}

static void about(void)
{
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("unfit\n");
#elif defined(__clang__)
    printf("clang %d.%d.%d\n", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    printf("gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    printf("glibc %s\n", gnu_get_libc_version());
}

int main(int argc, char **argv)
{
    unsigned long rounds = 1;
    if (argc == 2 && strcmp(argv[1], "--about") == 0) {
        about();
        return 0;
    }
    if (argc == 4 && strcmp(argv[2], "--time") == 0) {
        timing = true;
        rounds = strtoul(argv[3], NULL, 10);
    }
    if ((argc != 2 && !timing) || rounds == 0)
        die("usage: hot_guard DIR [--time ROUNDS] | --about");
    if (timing)
        clock_init();
    else
        clock_cal = (struct clock_cal){.tsc = true};
    device_register(&device_ops_vector);
    for (unsigned i = 0; timing && i < FIGURES; i++)
        if (!(figures[i]->ns = malloc(TIMES_MAX * sizeof *figures[i]->ns)))
            die("out of memory");
    rig_accounts(ACCOUNTS);
    for (unsigned long i = 0; i < rounds; i++)
        all_stretches(argv[1]);
    for (unsigned i = 0; i < FIGURES; i++)
        say(figures[i]);
    return 0;
}
