// SPDX-License-Identifier: Apache-2.0
// Nested boxes: instruments' parameters are new (docs/scale.md, "Updates"). To a line that was made before, a
// change within its rule's bound is as if the price had moved by so much. Small ones are within the spare
// that lines are made with; when that is used up the level's guard gets narrower by what has come together,
// and lines behind it are made anew when they are looked at anyway. Not on the path of a price.
#include <assert.h>
#include <string.h>

#include "accounts/book.h"
#include "engine/internal.h"

static const uint64_t HALF = UINT64_C(1) << (SHIFT_BITS - 1);

// What a change comes to behind each level of one asset.
struct change {
    bool known;  // else everything over the asset is made anew
    bool spared; // lines have a spare for it
    bool narrowed[BOX_LEVELS];
    struct shift shift[BOX_LEVELS];
};

bool change_stale(const struct engine *g, uint32_t account, unsigned tier)
{
    const uint8_t *asset;
    if (tier < 1 || tier > TIER_FARTHEST)
        return false;
    uint32_t stamp = g->far.line[account].stamp;
    for (unsigned n = far_assets(&g->far, account, &asset), i = 0; i < n; i++)
        if (g->changed_at[asset[i]][tier - 1] > stamp)
            return true;
    return false;
}

static void note_rule(struct engine *g, const struct rule *rule)
{
    for (unsigned i = 0; i < g->n_rules && i < ENGINE_RULES; i++)
        if (g->rule[i] == rule)
            return;
    if (g->n_rules < ENGINE_RULES)
        g->rule[g->n_rules] = rule;
    if (g->n_rules <= ENGINE_RULES)
        g->n_rules++;
}

void change_note(struct engine *g, uint32_t account, const struct account *a, unsigned tier)
{
    struct far_line *l = &g->far.line[account];
    bool crossed = a->rule->crossed && a->rule->crossed(&g->book->market, a);
    l->made = (uint8_t)tier;
    l->stamp = g->changes;
    note_rule(g, a->rule);
    if (crossed && l->crossed == 0)
        g->crossed[g->n_crossed++] = account;
    if (crossed)
        l->crossed = FAR_CROSSED;
    else if (l->crossed)
        l->crossed = FAR_UNCROSSED; // struck off with the next walk over them
}

// ---- how far

static void greater(uint64_t *a, uint64_t b)
{
    *a = b > *a ? b : *a;
}

// By one instrument of the asset: the worst of the rules that accounts have.
static bool instrument_change(const struct engine *g, const struct instrument *was,
                              const struct instrument *is, struct change *c)
{
    const struct market *m = &g->book->market;
    uint64_t until[BOX_LEVELS];
    // Behind level k a line's span is at most that of tier k + 2, else it would have been made anew.
    for (unsigned k = 0; k < BOX_LEVELS; k++)
        until[k] = m->now_s + due_span_s(k + 2 < TIER_FARTHEST ? k + 2 : TIER_FARTHEST);
    if (g->n_rules > ENGINE_RULES)
        return false;
    for (unsigned r = 0; r < g->n_rules; r++) {
        struct shift s[BOX_LEVELS];
        bool spared;
        if (!g->rule[r]->shift || (g->called && !g->rule[r]->borrowing) ||
            !g->rule[r]->shift(m, was, is, until, BOX_LEVELS, s, &spared))
            return false;
        c->spared &= spared;
        for (unsigned k = 0; k < BOX_LEVELS; k++) {
            greater(&c->shift[k].down, s[k].down);
            greater(&c->shift[k].up, s[k].up);
        }
    }
    return true;
}

// Balances lose at most half by all changes together: what lasting rows leave out for rounding takes that.
static bool within_half(struct engine *g, uint16_t asset, const struct change *c)
{
    g->fallen[asset] += c->shift[BOX_LEVELS - 1].down;
    return g->fallen[asset] <= HALF;
}

static struct change find_change(struct engine *g, const struct market *was, uint16_t asset)
{
    struct change c = {.known = was != NULL, .spared = true};
    const struct market *m = &g->book->market;
    for (unsigned i = 0; i < m->n_instruments && c.known; i++) {
        const struct instrument *in = &m->instrument[i];
        uint16_t in_rows = in->kind == INST_INVERSE ? in->inverse : in->asset;
        if (in_rows == asset && instrument_differs(&was->instrument[i], in))
            c.known = instrument_change(g, &was->instrument[i], in, &c);
    }
    c.known = c.known && within_half(g, asset, &c);
    return c;
}

// ---- guards

// Of the spare while it lasts; then everything that has come together narrows the guard.
static void narrow(struct engine *g, uint16_t asset, struct change *c)
{
    for (unsigned k = 0; k < BOX_LEVELS; k++) {
        struct shift s = c->shift[k];
        uint64_t most = s.down > s.up ? s.down : s.up, *spent = &g->spent[asset][k];
        if (most == 0)
            continue;
        if (c->spared && *spent + most <= SHIFT_SPARE) {
            *spent += most;
            continue;
        }
        if (*spent) // exp(x) - 1 <= x + x^2
            box_shift(&g->box, asset, k, *spent,
                      *spent + (uint64_t)((u128)*spent * *spent >> SHIFT_BITS) + 1);
        box_shift(&g->box, asset, k, s.down, s.up);
        *spent = 0;
        g->changed_at[asset][k] = g->changes;
        g->count.boxes_narrowed++;
        c->narrowed[k] = true;
    }
}

// ---- accounts

// Rows on the device and accounts evaluated here have no spare.
static int renew_front(struct engine *g, uint16_t asset, struct err *e)
{
    uint32_t account;
    far_walk(&g->far, asset, TIER_HOT);
    while (far_next(&g->far, asset, TIER_HOT, &account)) {
        g->count.looked_foreground++;
        if (hot_reload(g, account, e) != 0)
            return -1;
    }
    far_walk(&g->far, asset, TIER_HOST);
    while (far_next(&g->far, asset, TIER_HOST, &account)) {
        g->count.looked_foreground++;
        if (tiers_due(g, account, e) != 0)
            return -1;
    }
    return 0;
}

static bool holds(const struct engine *g, uint32_t account, uint16_t asset)
{
    const uint8_t *held;
    unsigned n = far_assets(&g->far, account, &held);
    return memchr(held, asset, n) != NULL;
}

// No guard says anything about crossed accounts: those behind a level that has been narrowed are made anew.
static int renew_crossed(struct engine *g, uint16_t asset, const struct change *c, struct err *e)
{
    bool any = false;
    for (unsigned k = 0; k < BOX_LEVELS; k++)
        any |= c->narrowed[k];
    for (uint32_t i = 0; any && i < g->n_crossed;) {
        uint32_t account = g->crossed[i];
        struct far_line *l = &g->far.line[account];
        if (l->crossed != FAR_CROSSED) {
            l->crossed = 0;
            g->crossed[i] = g->crossed[--g->n_crossed];
            continue;
        }
        i++;
        if (l->tier < 1 || l->tier > TIER_FARTHEST || !c->narrowed[l->tier - 1] || !holds(g, account, asset))
            continue;
        g->count.looked_foreground++;
        if (tiers_due(g, account, e) != 0)
            return -1;
    }
    return 0;
}

// Stamps have run out: all lines are made anew, and count from nothing.
static int begin_again(struct engine *g, struct err *e)
{
    g->changes = 0;
    memset(g->changed_at, 0, sizeof g->changed_at);
    for (uint16_t a = 0; a < g->book->market.n_assets; a++)
        if (g->tracked[a] && move_recompile(g, a, e) != 0)
            return -1;
    return 0;
}

static int renew(struct engine *g, uint16_t asset, const struct change *c, const bool walk[TIER_LISTS],
                 struct err *e)
{
    if (!c->known) {
        g->count.parameters_rebuilt++;
        return move_recompile(g, asset, e);
    }
    g->count.parameters_shifted++;
    if (move_walk(g, asset, walk, e) != 0 || renew_front(g, asset, e) != 0 ||
        renew_crossed(g, asset, c, e) != 0)
        return -1;
    move_look_ahead(g, asset);
    return 0;
}

// Accounts that may depend on instruments which they do not hold, and so are not in the lists of their
// assets.
static int renew_others(struct engine *g, const uint16_t *asset, size_t n, struct err *e)
{
    bool some = book_uses(g->book, USE_MARKET);
    for (uint32_t i = 0; some && i < g->book->n_accounts; i++) {
        bool listed = true;
        if (!g->acct[i].placed || !(book_account(g->book, i, &g->other)->rule->uses & USE_MARKET))
            continue;
        for (size_t k = 0; k < n; k++)
            listed &= g->tracked[asset[k]] && holds(g, i, asset[k]);
        if (listed)
            continue;
        g->count.looked_foreground++;
        if (tiers_due(g, i, e) != 0)
            return -1;
    }
    return 0;
}

static int renew_listed(struct engine *g, const struct market *was, const uint16_t *asset, size_t n,
                        struct err *e)
{
    struct change c[MARKET_ASSETS_MAX];
    bool walk[MARKET_ASSETS_MAX][TIER_LISTS];
    assert(n <= MARKET_ASSETS_MAX);
    if (g->changes == UINT32_MAX)
        return begin_again(g, e);
    g->changes++;
    for (size_t i = 0; i < n; i++) {
        if (!g->tracked[asset[i]])
            continue;
        memset(walk[i], 0, sizeof walk[i]);
        c[i] = find_change(g, was, asset[i]);
        if (!c[i].known)
            continue;
        narrow(g, asset[i], &c[i]);
        move_jump(g, asset[i], walk[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (g->tracked[asset[i]] && renew(g, asset[i], &c[i], walk[i], e) != 0)
            return -1;
    return 0;
}

int change_market(struct engine *g, const struct market *was, const uint16_t *asset, size_t n, struct err *e)
{
    return renew_listed(g, was, asset, n, e) != 0 ? -1 : renew_others(g, asset, n, e);
}
