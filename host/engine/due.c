// SPDX-License-Identifier: Apache-2.0
// Rows in time (docs/numerics.md, docs/scale.md): a row that depends on something that moves with the clock
// is made for the worst of a span of time, longer the farther the account is from the edge, and made anew
// before the span ends.
#include "accounts/moving.h"
#include "engine/internal.h"

#define SECOND UINT64_C(1000000000)
#define HOT_SPAN                                                                                             \
    (64 * SECOND) // of rows on the device; twice as long for each tier, as its box is twice as wide
#define WHEEL_TICK (SECOND / 100)

uint64_t due_span_s(unsigned tier)
{
    return (HOT_SPAN << tier) / SECOND + 1;
}

static uint64_t span_of(unsigned tier)
{
    return HOT_SPAN << tier;
}

// A grace period or an account's cool-off moves no row, but it ends by the clock alone.
static bool waits_for_grace(const struct market *m)
{
    for (uint16_t i = 0; i < m->n_instruments; i++)
        if (m->instrument[i].grace_until || term_get(&m->instrument[i].terms, TERM_COOL_OFF))
            return true;
    return false;
}

int due_open(struct engine *g, struct err *e)
{
    g->moves |= market_moves(&g->book->market);
    // What a rule remembers is a moment: a cooldown ends by the clock alone as well.
    g->clocked |= g->moves || waits_for_grace(&g->book->market) || book_uses(g->book, USE_STATE);
    if (!g->moves || g->wheel)
        return 0;
    g->wheel = wheel_new((uint32_t)g->accounts_max + 1, WHEEL_TICK, 0);
    return g->wheel ? 0 : err_set(e, "out of memory for the timing wheel of %zu accounts", g->accounts_max);
}

void due_account(struct engine *g, size_t account)
{
    if (g->clocked || !(book_account(g->book, account, &g->other)->rule->uses & USE_STATE))
        return;
    g->clocked = true;
    market_now(&g->book->market, g->now_ns);
}

void due_close(struct engine *g)
{
    wheel_free(g->wheel);
    g->wheel = NULL;
}

int due_market(struct engine *g, struct err *e)
{
    if (due_open(g, e) != 0)
        return -1;
    if (g->wheel)
        wheel_advance(g->wheel, g->now_ns); // nothing in it is due: engine_time has been called
    market_now(&g->book->market, g->now_ns);
    g->window_set = false;
    return 0;
}

void due_window(struct engine *g, unsigned tier)
{
    uint64_t second = g->now_ns / SECOND;
    g->book->market.lasting = tier != TIER_HOT;
    if (!g->moves || (g->window_set && g->window_tier == tier && g->window_s == second))
        return;
    g->window_set = true;
    g->window_tier = tier;
    g->window_s = second;
    market_window(&g->book->market, second * SECOND, (second + 1) * SECOND + span_of(tier));
}

// Between half of the span and its end less a second, spread by the account's number: a million accounts that
// are placed at once do not come due at once.
void due_note(struct engine *g, uint32_t account, unsigned tier)
{
    if (!g->moves || !account_moves(&g->book->market, book_account(g->book, account, &g->other)))
        return;
    uint64_t half = span_of(tier) / 2 - SECOND;
    uint64_t early = (uint64_t)((u128)(account * UINT64_C(0x9e3779b97f4a7c15)) * half >> 64);
    wheel_put(g->wheel, account, g->now_ns / SECOND * SECOND + span_of(tier) - SECOND - early);
}

static int make_anew(struct engine *g, uint32_t account, struct err *e)
{
    g->count.rows_due++;
    if (g->boxed)
        return tiers_due(g, account, e);
    return g->acct[account].placed ? hot_reload(g, account, e) : 0;
}

int engine_time(struct engine *g, uint64_t now_ns, struct err *e)
{
    uint32_t account;
    if (now_ns <= g->now_ns)
        return 0;
    uint64_t before = g->now_ns;
    g->now_ns = now_ns;
    if (!g->clocked)
        return 0;
    bool second = now_ns / SECOND != before / SECOND;
    if (second)
        market_now(&g->book->market, now_ns);
    if (g->wheel)
        wheel_advance(g->wheel, now_ns);
    bool any = false;
    while (g->wheel && wheel_take(g->wheel, &account)) {
        any = true;
        if (make_anew(g, account, e) != 0)
            return -1;
    }
    if (any)
        engine_drain(g); // what fires is judged at the prices that come next, or in the review asked for
    if (g->failed)
        return err_set(e, "%s", g->why.msg);
    return g->n_watch > 0 && (second || g->n_fresh > 0);
}
