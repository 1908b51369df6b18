// SPDX-License-Identifier: Apache-2.0
// From a flag to a verdict (P2, P4). An account whose liquidation row fired stays on the watch list,
// evaluated with the exact rule at every update, until an order takes it or its row is at or above zero and
// armed again. Who breaches waits in a queue, so that the most valuable orders of a round go first.
#include <assert.h>

#include "engine/internal.h"

static void arm(struct engine *g, uint32_t address)
{
    struct abi_arm a = {.row = address, .armed = true};
    struct beat beat;
    abi_pack_arm(&beat, &a);
    g->row[address].armed = true; // before the beat leaves: the device may fire it at once
    engine_emit(g, &beat);
    g->count.rearmed++;
}

static void arm_all(struct engine *g, uint32_t account, unsigned level)
{
    for (uint32_t at = NO_ROW; (at = hot_row(g, account, level, at)) != NO_ROW;)
        if (!g->row[at].armed)
            arm(g, at);
}

// The 64 bits of a from bit `from` on, a >= 0.
static uint64_t window(i256 a, unsigned from)
{
    unsigned i = from / 64, s = from % 64;
    return a.w[i] >> s | (s && i < 3 ? a.w[i + 1] << (64 - s) : 0);
}

// How far equity lies below the requirement, in 2^-30 of the requirement, from its 32 leading bits; four
// times it and more are one. Orders accounts of equal stake, decides nothing else.
static uint32_t shortfall(const struct health *h)
{
    enum { ONE_BITS = 30, KEPT_BITS = 32 };
    i256 less = i256_sub(h->requirement, h->equity);
    if (i256_sign(h->requirement) <= 0 || i256_cmp(less, i256_mul_i64(h->requirement, 4)) >= 0)
        return UINT32_MAX;
    unsigned bits = i256_bits(h->requirement), cut = bits > KEPT_BITS ? bits - KEPT_BITS : 0;
    uint64_t share = (window(less, cut) << ONE_BITS) / window(h->requirement, cut);
    return share > UINT32_MAX ? UINT32_MAX : (uint32_t)share;
}

// Accounts of a burst lie all over memory: each is fetched while the ones before it are at work.
// To be handed to the desk, an account's first bytes are enough; to be confirmed, its positions are needed
// too.
enum { AHEAD = 8, LINES_HEAD = 1, LINES_ALL = 6 };

static void fetch(const struct engine *g, uint32_t account, int lines)
{
    book_fetch(g->book, account, lines);
    rank_fetch(&g->rank, account);
    if (g->hooks.soon)
        g->hooks.soon(g->hooks.ctx, account);
}

static bool take_up(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (g->hooks.breach(g->hooks.ctx, account) != VERDICT_TAKEN)
        return false;
    s->in_flight = true;
    s->watched = false;
    g->unswept = true;
    return true;
}

// Hands out who waits, the best first, until an order has been taken.
static void hand_out_one(struct engine *g)
{
    uint32_t account;
    g->confirmed = 0;
    while (rank_take(&g->rank, &account))
        if (take_up(g, account))
            return;
}

static void hand_out_all(struct engine *g)
{
    uint32_t next[AHEAD];
    uint64_t taken = 0, done = 0;
    g->confirmed = 0;
    do {
        while (taken - done < AHEAD && rank_take(&g->rank, &next[taken % AHEAD]))
            fetch(g, next[taken++ % AHEAD], LINES_HEAD);
        if (done < taken)
            (void)take_up(g, next[done++ % AHEAD]);
    } while (done < taken);
}

// The exact rule on an account as it is now. Not inlined: engine_rehearse() is to have run this very code.
static __attribute__((noinline)) void judge(const struct engine *g, uint32_t account, struct judged *out)
{
    const struct account *a = book_view(g->book, account);
    struct health h;
    a->rule->health(&g->book->market, a, g->px, &h);
    out->liquidatable = h.liquidatable;
    out->shortfall = h.liquidatable && g->hooks.stake ? shortfall(&h) : 0;
}

size_t engine_rehearse(struct engine *g)
{
    uint32_t account = g->n_warm ? g->warm[g->warm_next % g->n_warm] : g->row[0].account;
    if (account == NO_ACCOUNT || !g->acct[account].placed || g->acct[account].in_flight)
        return SIZE_MAX;
    struct judged out;
    fetch(g, account, LINES_HEAD);
    judge(g, account, &out);
    if (g->rank.n == 0) { // in and out again: as it was
        rank_put(&g->rank, account, 0, out.shortfall);
        (void)rank_take(&g->rank, &account);
    }
    return account;
}

// ---- flags that came in before their turn

static struct judged_ahead *ahead_of(const struct engine *g, uint32_t account)
{
    uint32_t at = g->acct[account].row[LEVEL_LIQUIDATE];
    return g->ahead && at != NO_ROW ? &g->ahead[at] : NULL;
}

static bool holds(const struct engine *g, const struct judged_ahead *x, uint32_t account)
{
    return x->account == account && x->instant == g->instant;
}

// Whom the exact rule will be asked about for this event, as far as can be said yet.
static uint32_t flagged_by(const struct engine *g, const struct beat *evt)
{
    struct abi_trigger t;
    if (abi_opcode(evt) != ABI_EVT_TRIGGER)
        return NO_ACCOUNT;
    abi_unpack_trigger(evt, &t);
    if (t.row >= g->rows_all || g->row[t.row].row.level != LEVEL_LIQUIDATE)
        return NO_ACCOUNT;
    uint32_t account = g->row[t.row].account;
    return account == NO_ACCOUNT || g->acct[account].in_flight ? NO_ACCOUNT : account;
}

static void judge_ahead(struct engine *g, uint32_t account)
{
    struct judged_ahead *x = ahead_of(g, account);
    if (!x || holds(g, x, account))
        return; // siblings: once
    *x = (struct judged_ahead){.instant = g->instant, .account = account};
    judge(g, account, &x->is);
    if (x->is.liquidatable && g->hooks.ahead)
        g->hooks.ahead(g->hooks.ctx, account);
}

void watch_ahead(struct engine *g, const struct beat *evt, size_t n)
{
    uint32_t account;
    for (size_t i = 0; i < AHEAD && i < n; i++)
        if ((account = flagged_by(g, &evt[i])) != NO_ACCOUNT)
            fetch(g, account, LINES_ALL);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n && (account = flagged_by(g, &evt[i + AHEAD])) != NO_ACCOUNT)
            fetch(g, account, LINES_ALL);
        if ((account = flagged_by(g, &evt[i])) != NO_ACCOUNT)
            judge_ahead(g, account);
    }
}

// ---- flags in their turn

// Exact evaluation of one watched account; one that may be liquidated waits for its turn. No command to the
// device: this also runs while the device is being drained.
static void confirm(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    const struct judged_ahead *x = ahead_of(g, account);
    struct judged h;
    s->seen = g->round;
    if (g->hooks.checking)
        g->hooks.checking(g->hooks.ctx, account, s->fresh);
    g->count.watch_evaluations++;
    if (x && holds(g, x, account))
        h = x->is;
    else
        judge(g, account, &h);
    if (s->fresh) {
        g->count.confirmed += h.liquidatable;
        g->count.early += !h.liquidatable;
        s->fresh = false;
    }
    s->calm = !h.liquidatable;
    g->unswept |= s->calm;
    if (h.liquidatable && g->hooks.stake)
        rank_put(&g->rank, account, g->hooks.stake(g->hooks.ctx, account), h.shortfall);
    else if (h.liquidatable)
        rank_put(&g->rank, account, 0, 0);
    if (++g->confirmed == ENGINE_BATCH)
        hand_out_one(g);
}

static void confirm_fresh(struct engine *g)
{
    for (size_t i = 0; i < AHEAD && i < g->n_fresh; i++)
        fetch(g, g->fresh[i], LINES_ALL);
    for (size_t i = 0; i < g->n_fresh; i++) {
        if (i + AHEAD < g->n_fresh)
            fetch(g, g->fresh[i + AHEAD], LINES_ALL);
        if (g->acct[g->fresh[i]].watched) // else its order left on an earlier flag of this round
            confirm(g, g->fresh[i]);
    }
    g->n_fresh = 0;
}

// Making an order ready takes some microseconds of sizing, so a burst of warnings is spread over rounds; and
// there may be thousands of warm accounts, so a round looks at some of them only.
enum { PREPARE_PER_ROUND = 4, WARM_PER_ROUND = 64 };

static void warm_add(struct engine *g, uint32_t account)
{
    g->acct[account].warm_at = (uint32_t)g->n_warm;
    g->warm[g->n_warm++] = account;
}

static void warm_drop(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    uint32_t last = g->warm[--g->n_warm];
    g->warm[s->warm_at] = last;
    g->acct[last].warm_at = s->warm_at;
    s->warm = s->due = false;
    if (g->wanted.ids)
        rank_remove(&g->wanted, account);
}

void watch_flag(struct engine *g, uint32_t account, uint8_t level)
{
    struct account_state *s = &g->acct[account];
    if (level == LEVEL_WARN) {
        if (!s->warm) {
            s->warm = s->due = true;
            warm_add(g, account);
        }
        return;
    }
    if (!s->watched && !s->in_flight) {
        s->watched = true;
        g->watch[g->n_watch++] = account;
        g->count.watched++;
    }
    if (s->watched && !s->fresh) {
        g->fresh[g->n_fresh++] = account;
        fetch(g, account, LINES_ALL); // here by the time that the device has no more events
    }
    s->fresh = true;
    if (g->reading && g->n_fresh >= ENGINE_BATCH)
        confirm_fresh(g);
}

// One found healthy leaves the list, its rows armed again: unless one of them is below zero, an early flag
// inside the margin, and would only fire again. Marked as off the list before it is armed: it may fire at
// once, and is then put on the list anew.
static void let_go(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (hot_least(g, account, LEVEL_LIQUIDATE) < 0)
        return;
    s->watched = false;
    if (s->row[LEVEL_LIQUIDATE] == NO_ROW)
        s->watched = !tiers_rearm(g, account) || s->watched;
    else
        arm_all(g, account, LEVEL_LIQUIDATE);
}

// Takes off the list who has left it or is at rest; keeps the order of those that stay. Rows that are armed
// may fire at once and append to the list.
static void sweep(struct engine *g)
{
    size_t kept = 0;
    if (!g->unswept)
        return;
    g->unswept = false;
    for (size_t i = 0; i < g->n_watch; i++) {
        uint32_t account = g->watch[i];
        struct account_state *s = &g->acct[account];
        bool calm = s->calm;
        s->calm = false;
        if (s->watched && calm) {
            size_t before = g->n_watch;
            let_go(g, account);
            if (g->n_watch != before && s->fresh)
                continue; // fired as it was armed: stands at the end now
        }
        if (s->watched)
            g->watch[kept++] = account;
        else if (g->boxed && s->in_flight)
            tiers_release(g, account);
    }
    g->n_watch = kept;
}

void watch_verdicts(struct engine *g)
{
    confirm_fresh(g);
    hand_out_all(g);
    sweep(g);
}

void watch_round(struct engine *g)
{
    confirm_fresh(g);
    for (size_t i = 0; i < g->n_watch; i++) {
        const struct account_state *s = &g->acct[g->watch[i]];
        if (s->watched && s->seen != g->round)
            confirm(g, g->watch[i]);
    }
    hand_out_all(g);
}

// Off again when its warning row is at or above zero; due anew when it moved by more than a quarter of the
// distance for which its order was made last. True when it stays.
static bool look_at_warm(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (hot_least(g, account, LEVEL_WARN) >= 0) {
        warm_drop(g, account);
        arm_all(g, account, LEVEL_WARN);
        g->hooks.near(g->hooks.ctx, account, false);
        return false;
    }
    int64_t h = hot_least(g, account, LEVEL_LIQUIDATE), moved = h - s->warm_h;
    s->due |= (moved < 0 ? -moved : moved) > s->warm_h / 4;
    if (s->due && g->prepared < PREPARE_PER_ROUND && !s->in_flight && !s->watched) {
        s->due = false;
        s->warm_h = h;
        g->prepared++;
        g->hooks.near(g->hooks.ctx, account, true);
    }
    return true;
}

static void review_warm(struct engine *g)
{
    size_t n = g->n_warm < WARM_PER_ROUND ? g->n_warm : WARM_PER_ROUND;
    while (n-- && g->n_warm) {
        if (g->warm_next >= g->n_warm)
            g->warm_next = 0;
        g->warm_next += look_at_warm(g, g->warm[g->warm_next]);
    }
}

// ---- with predict: what is made ready first follows its expected value

static const int64_t LEAST_WANTED = INT64_MIN + 1; // without a row to tell by it comes last

// What its order is expected to bring.
static int64_t expected(const struct engine *g, uint32_t account)
{
    const struct row *nearest = NULL;
    int64_t least = INT64_MAX;
    for (uint32_t at = NO_ROW; (at = hot_row(g, account, LEVEL_LIQUIDATE, at)) != NO_ROW;) {
        int64_t h = row_eval(&g->row[at].row, g->phat);
        if (!nearest || h < least) {
            nearest = &g->row[at].row;
            least = h;
        }
    }
    return nearest ? g->hooks.expected(g->hooks.ctx, account, nearest, least, g->phat) : LEAST_WANTED;
}

size_t engine_turns(const struct engine *g)
{
    return 1 + g->wanted.n / PREPARE_PER_ROUND;
}

// Waits for its turn by what its order is expected to bring, unless that is as good as a new one: a turn is
// not for looking at orders that stand.
static void want(struct engine *g, uint32_t account, int64_t h)
{
    struct account_state *s = &g->acct[account];
    int64_t value = expected(g, account);
    if (value != INT64_MIN) {
        rank_put(&g->wanted, account, value, 0);
        return;
    }
    rank_remove(&g->wanted, account);
    s->due = false;
    s->warm_h = h;
}

// As look_at_warm, of an account whose order waits for its turn by what it is expected to bring.
static bool look_at_wanted(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (hot_least(g, account, LEVEL_WARN) >= 0) {
        warm_drop(g, account);
        arm_all(g, account, LEVEL_WARN);
        g->hooks.near(g->hooks.ctx, account, false);
        return false;
    }
    int64_t h = hot_least(g, account, LEVEL_LIQUIDATE), moved = h - s->warm_h;
    s->due |= (moved < 0 ? -moved : moved) > s->warm_h / 4;
    if (s->due && !s->in_flight && !s->watched)
        want(g, account, h);
    return true;
}

// Who has just come is looked at first: a burst of warnings is known by what it is worth before the list has
// come round. Returns how many of n looks are left.
static size_t look_at_new(struct engine *g, size_t n)
{
    if (g->warm_seen > g->n_warm) // some have left
        g->warm_seen = g->n_warm;
    for (; n && g->warm_seen < g->n_warm; n--)
        g->warm_seen += look_at_wanted(g, g->warm[g->warm_seen]);
    return n;
}

static void prepare_best(struct engine *g)
{
    uint32_t account;
    while (g->prepared < PREPARE_PER_ROUND && rank_take(&g->wanted, &account)) {
        struct account_state *s = &g->acct[account];
        if (s->in_flight || s->watched)
            continue; // still due: judged again when it is looked at
        s->due = false;
        s->warm_h = hot_least(g, account, LEVEL_LIQUIDATE);
        g->prepared++;
        g->hooks.near(g->hooks.ctx, account, true);
    }
}

static void review_wanted(struct engine *g)
{
    size_t n = look_at_new(g, g->n_warm < WARM_PER_ROUND ? g->n_warm : WARM_PER_ROUND);
    while (n-- && g->n_warm) {
        if (g->warm_next >= g->n_warm)
            g->warm_next = 0;
        g->warm_next += look_at_wanted(g, g->warm[g->warm_next]);
    }
    prepare_best(g);
}

void watch_review(struct engine *g)
{
    watch_round(g);
    watch_verdicts(g);
    if (g->wanted.ids)
        review_wanted(g);
    else
        review_warm(g);
}

static size_t without(uint32_t *list, size_t n, uint32_t account)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i] != account)
            list[kept++] = list[i];
    return kept;
}

// Off its tier whatever that is: what it was placed by is not what counts now. Judged at every update until
// the watch list finds it at rest, and places it anew.
void engine_called(struct engine *g, size_t account, unsigned level)
{
    struct account_state *s = &g->acct[account];
    if (!g->called || g->called[account] == level)
        return;
    g->called[account] = (uint8_t)level;
    if (!s->placed || s->in_flight || g->far.line[account].tier == TIER_NONE)
        return; // compiled with it when that is over
    tiers_release(g, (uint32_t)account);
    far_put(&g->far, (uint32_t)account, TIER_FLAGGED);
    if (!s->watched)
        g->watch[g->n_watch++] = (uint32_t)account;
    s->watched = true;
}

size_t engine_near(const struct engine *g, const uint32_t **accounts)
{
    *accounts = g->warm;
    return g->n_warm;
}

void watch_cool(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (!s->warm)
        return;
    warm_drop(g, account);
    g->hooks.near(g->hooks.ctx, account, false);
}

void watch_forget(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (s->watched)
        g->n_watch = without(g->watch, g->n_watch, account);
    if (s->fresh)
        g->n_fresh = without(g->fresh, g->n_fresh, account);
    rank_remove(&g->rank, account);
    if (s->warm)
        warm_drop(g, account);
    s->watched = s->warm = s->due = s->fresh = s->calm = false;
}
