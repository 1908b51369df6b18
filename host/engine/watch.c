// SPDX-License-Identifier: Apache-2.0
// From a flag to a verdict (P2, P4). An account whose liquidation row fired stays on the watch list,
// evaluated with the exact rule at every update, until an order takes it or its row is at or above zero and
// armed again.
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

void watch_flag(struct engine *g, uint32_t account, uint8_t level)
{
    struct account_state *s = &g->acct[account];
    if (level == LEVEL_WARN) {
        if (!s->warm) {
            s->warm = s->due = true;
            g->warm[g->n_warm++] = account;
        }
        return;
    }
    s->fresh = true;
    if (!s->watched && !s->in_flight) {
        s->watched = true;
        g->watch[g->n_watch++] = account;
        g->count.watched++;
    }
}

// Exact evaluation of one watched account. True when it leaves the list.
static bool evaluate(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    const struct account *a = book_account(g->book, account, &g->account);
    struct health h;
    s->seen = g->round;
    if (g->hooks.checking)
        g->hooks.checking(g->hooks.ctx, account, s->fresh);
    g->count.watch_evaluations++;
    a->rule->health(&g->book->market, a, g->px, &h);
    if (s->fresh) {
        g->count.confirmed += h.liquidatable;
        g->count.early += !h.liquidatable;
        s->fresh = false;
    }
    if (h.liquidatable) {
        if (g->hooks.breach(g->hooks.ctx, account) != VERDICT_TAKEN)
            return false;
        s->in_flight = true;
        s->watched = false;
        if (g->boxed)
            tiers_release(g, account);
        return true;
    }
    uint32_t at = s->row[LEVEL_LIQUIDATE];
    if (at == NO_ROW) {
        s->watched = false; // before it is armed again: it may fire at once, and is then put on the list anew
        if (tiers_rearm(g, account))
            return true;
        s->watched = true;
        return false;
    }
    if (row_eval(&g->row[at].row, g->phat) < 0)
        return false; // an early flag inside the margin: the row could not be armed without firing again
    s->watched = false;
    if (!g->row[at].armed)
        arm(g, at);
    return true;
}

// Walks the list once; keeps the order of those that stay.
static void walk(struct engine *g, bool fresh_only)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_watch; i++) {
        uint32_t account = g->watch[i];
        struct account_state *s = &g->acct[account];
        bool due = fresh_only ? s->fresh : s->seen != g->round;
        if (due && evaluate(g, account))
            continue;
        g->watch[kept++] = account;
    }
    g->n_watch = kept;
}

// Making an order ready takes some microseconds of sizing, so a burst of warnings is spread over rounds.
enum { PREPARE_PER_ROUND = 4 };

static void prepare_some(struct engine *g)
{
    for (size_t i = 0; i < g->n_warm && g->prepared < PREPARE_PER_ROUND; i++) {
        uint32_t account = g->warm[i];
        struct account_state *s = &g->acct[account];
        if (!s->due || s->in_flight || s->watched)
            continue; // past it already
        s->due = false;
        s->warm_h = row_eval(&g->row[s->row[LEVEL_LIQUIDATE]].row, g->phat);
        g->prepared++;
        g->hooks.near(g->hooks.ctx, account, true);
    }
}

void watch_verdicts(struct engine *g)
{
    walk(g, true);
}

// Warm accounts: off again when their warning row is at or above zero; due anew when they moved by more than
// a quarter of the distance for which their order was made last.
static void review_warm(struct engine *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_warm; i++) {
        uint32_t account = g->warm[i];
        struct account_state *s = &g->acct[account];
        uint32_t warn = s->row[LEVEL_WARN], liq = s->row[LEVEL_LIQUIDATE];
        if (row_eval(&g->row[warn].row, g->phat) >= 0) {
            s->warm = s->due = false;
            if (!g->row[warn].armed)
                arm(g, warn);
            g->hooks.near(g->hooks.ctx, account, false);
            continue;
        }
        int64_t moved = row_eval(&g->row[liq].row, g->phat) - s->warm_h;
        s->due |= (moved < 0 ? -moved : moved) > s->warm_h / 4;
        g->warm[kept++] = account;
    }
    g->n_warm = kept;
    prepare_some(g);
}

void watch_review(struct engine *g)
{
    walk(g, false);
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

void watch_cool(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (!s->warm)
        return;
    g->n_warm = without(g->warm, g->n_warm, account);
    s->warm = s->due = false;
    g->hooks.near(g->hooks.ctx, account, false);
}

void watch_forget(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    if (s->watched)
        g->n_watch = without(g->watch, g->n_watch, account);
    if (s->warm)
        g->n_warm = without(g->warm, g->n_warm, account);
    s->watched = s->warm = s->due = s->fresh = false;
}
