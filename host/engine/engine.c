// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "base/warm.h"
#include "engine/internal.h"

void engine_emit(struct engine *g, const struct beat *b)
{
    if (g->n_out == BEATS_BATCH)
        engine_drain(g);
    g->out[g->n_out++] = *b;
    if (!g->loading)
        g->n_whole = g->n_out;
}

static void on_trigger(struct engine *g, const struct beat *evt)
{
    struct abi_trigger t;
    abi_unpack_trigger(evt, &t);
    if (t.row < g->rows_all && g->row[t.row].account == NO_ACCOUNT && g->row[t.row].before != NO_ACCOUNT) {
        // On its way when its row was taken off: looked at, unless its new state lacks a price.
        if (g->acct[g->row[t.row].before].placed)
            watch_flag(g, g->row[t.row].before, LEVEL_LIQUIDATE);
        return;
    }
    if (t.row >= g->rows_all || g->row[t.row].account == NO_ACCOUNT) {
        g->failed = true;
        err_set(&g->why, "device flagged row %u, which holds no account", (unsigned)t.row);
        return;
    }
    struct placed_row *r = &g->row[t.row];
    r->armed = false;
    g->count.flags[r->row.level]++;
    watch_flag(g, r->account, r->row.level);
}

// The only SYNC is that of settle().
static void on_sync(struct engine *g, const struct beat *evt)
{
    struct abi_sync_done x;
    abi_unpack_sync_done(evt, &x);
    g->synced = x.token == g->mark;
}

static void on_event(struct engine *g, const struct beat *evt)
{
    if (abi_opcode(evt) == ABI_EVT_SYNC) {
        on_sync(g, evt);
        return;
    }
    g->hooks.event(g->hooks.ctx, evt);
    switch (abi_opcode(evt)) {
    case ABI_EVT_TRIGGER:
        on_trigger(g, evt);
        break;
    case ABI_EVT_BAND_EXIT:
        g->count.band_exits_seen++;
        break;
    case ABI_EVT_ERROR: {
        struct abi_error x;
        abi_unpack_error(evt, &x);
        if (x.code == ABI_ERR_PARITY) {
            mend_note(g, &x);
            break;
        }
        g->count.device_errors++;
        g->failed = true;
        err_set(&g->why, "device reported error %u on a command of kind %u", (unsigned)x.code,
                (unsigned)x.opcode);
        break;
    }
    default:
        break;
    }
}

static void act_on(struct engine *g, const struct beat *evt, size_t n)
{
    for (size_t i = 0; i < n; i++)
        on_event(g, &evt[i]);
}

enum { EVENTS_AT_ONCE = 64 };

// A device of two streams: what came in is judged ahead, what has its turn is acted on.
static size_t take_both(struct engine *g, struct beat evt[EVENTS_AT_ONCE])
{
    size_t any = device_poll(g->dev, evt, EVENTS_AT_ONCE), n;
    watch_ahead(g, evt, any);
    while ((n = device_merged(g->dev, evt, EVENTS_AT_ONCE)) > 0) {
        act_on(g, evt, n);
        any += n;
    }
    return any;
}

static void take_events(struct engine *g)
{
    struct beat evt[EVENTS_AT_ONCE];
    size_t n;
    if (g->dev->info.arrival)
        while (take_both(g, evt) > 0)
            ;
    else
        while ((n = device_poll(g->dev, evt, EVENTS_AT_ONCE)) > 0)
            act_on(g, evt, n);
    // A card that has stopped answers nothing any more: what it was sent is lost, and so is P1.
    if (g->dev->info.fault && g->dev->info.fault[0] && !g->failed) {
        g->failed = true;
        err_set(&g->why, "%s", g->dev->info.fault);
    }
}

static void submit(struct engine *g, const struct beat *b, size_t n)
{
    bool at_rest = false; // a lockstep device that has no more events has done all it was given
    for (size_t done = 0; done < n && !g->failed;) {
        size_t taken = device_submit(g->dev, b + done, n - done);
        if (taken == 0 && at_rest) {
            g->failed = true;
            err_set(&g->why, "device %s takes no more commands, with nothing left to do and no fault",
                    g->dev->info.backend);
        }
        done += taken;
        take_events(g); // a full event path would hold the command path
        at_rest = g->dev->info.lockstep;
    }
}

// Until every event of what was submitted has been taken. A lockstep device has given them; of another the
// answer to a SYNC says so. The journal has neither: they change nothing, and a replay's device may be of
// either kind.
static void settle(struct engine *g)
{
    if (g->dev->info.lockstep)
        return;
    struct abi_sync s = {.token = ++g->mark};
    struct beat beat;
    abi_pack_sync(&beat, &s);
    g->synced = false;
    submit(g, &beat, 1);
    while (!g->synced && !g->failed)
        take_events(g);
}

void engine_drain(struct engine *g)
{
    if (g->n_out) {
        size_t first = g->n_whole ? g->n_whole : g->n_out;
        if (g->hooks.submit)
            g->hooks.submit(g->hooks.ctx);
        // The device begins before they are written down; its events, which come later, are told later.
        size_t taken = g->failed ? 0 : device_submit(g->dev, g->out, first);
        g->hooks.commands(g->hooks.ctx, g->out, g->n_out);
        take_events(g);
        submit(g, g->out + taken, first - taken);
        if (g->n_whole) { // a SYNC would cut the row load behind it
            settle(g);
            submit(g, g->out + first, g->n_out - first);
        }
        g->n_out = g->n_whole = 0;
    }
    take_events(g);
}

static int failure(const struct engine *g, struct err *e)
{
    if (!g->failed)
        return 0;
    return err_set(e, "%s", g->why.msg);
}

// Columns that every one of the device's first rows has.
static uint32_t least_columns(const struct device *dev, size_t rows)
{
    uint32_t least = dev->info.assets;
    for (size_t i = 0; i < rows; i++) {
        uint32_t c = device_columns(dev, (uint32_t)i);
        least = c < least ? c : least;
    }
    return least;
}

// Accounts that always have room on the device, whatever their rules are.
static size_t flat_room(const struct engine *g)
{
    unsigned most = 1;
    const struct rule *r;
    for (size_t i = 0; (r = rule_at(i)); i++) {
        unsigned n = r->most_rows ? r->most_rows(&g->book->market) : 1;
        most = n > most ? n : most;
    }
    return g->rows_max / (most + (g->cfg.warn_ppm != 0));
}

// Every account's rows on the device as long as they have room there, also of those that have no positions
// yet, and its assets a column; nested boxes otherwise.
static bool needs_boxes(struct engine *g)
{
    const struct market *m = &g->book->market;
    size_t n = g->book->n_accounts, rows = 0;
    if (g->cfg.box_ppm || m->n_assets > g->columns_least || n > g->rows_max)
        return true;
    for (size_t i = 0; i < n; i++) {
        const struct rule *r = book_account(g->book, i, &g->account)->rule;
        rows += (r->most_rows ? r->most_rows(m) : 1) + (g->cfg.warn_ppm != 0);
    }
    return rows > g->rows_max;
}

// The assets of all accounts; those that wait for prices.
static int take_accounts(struct engine *g, struct err *e)
{
    for (size_t i = 0; i < g->accounts_max; i++)
        for (unsigned l = 0; l < ROW_LEVELS; l++)
            g->acct[i].row[l] = NO_ROW;
    if ((g->boxed && tiers_open(g, e) != 0) || due_open(g, e) != 0)
        return -1;
    for (size_t i = 0; i < g->book->n_accounts; i++) {
        uint16_t assets[ACCOUNT_ASSETS_MAX];
        if (g->boxed) {
            arrive_wait(g, (uint32_t)i);
            continue;
        }
        size_t k = account_assets(&g->book->market, book_account(g->book, i, &g->account), assets);
        while (k--)
            g->used[assets[k]] = true;
    }
    return 0;
}

struct engine *engine_new(const struct engine_config *c, struct book *book, struct device *dev,
                          const struct engine_hooks *hooks, struct err *e)
{
    const struct device_info *info = &dev->info;
    size_t all = (size_t)info->lanes * info->slots, have = all;
    if (c->near_rows && c->near_rows < have)
        have = c->near_rows;
    struct engine *g = calloc(1, sizeof *g);
    if (!g) {
        err_set(e, "out of memory for the engine");
        return NULL;
    }
    *g = (struct engine){.cfg = *c,
                         .book = book,
                         .dev = dev,
                         .hooks = *hooks,
                         .rows_max = (uint32_t)have,
                         .rows_all = (uint32_t)all};
    g->columns_least = least_columns(dev, have);
    g->boxed = needs_boxes(g);
    g->accounts_max = book_room(book);
    size_t n = g->accounts_max ? g->accounts_max : 1;
    const size_t acct_bytes = (n + n % 2) * sizeof *g->acct; // whole lines, as aligned_alloc wants
    g->acct = aligned_alloc(ENGINE_LINE, acct_bytes);
    g->row = calloc(all, sizeof *g->row);
    size_t sorted = g->boxed && n > have ? n : have;
    g->next = calloc(g->boxed ? 1 : have, sizeof *g->next);
    g->radius = calloc(sorted, sizeof *g->radius);
    g->order = calloc(sorted, sizeof *g->order);
    g->watch = calloc(2 * n, sizeof *g->watch); // one armed again may fire while its old entry is still there
    g->warm = calloc(n, sizeof *g->warm);
    g->fresh = calloc(n, sizeof *g->fresh);
    g->ahead = info->arrival ? calloc(all, sizeof *g->ahead) : NULL;
    if (!g->acct || !g->row || !g->next || !g->radius || !g->order || !g->watch || !g->warm || !g->fresh ||
        (info->arrival && !g->ahead) || rank_init(&g->rank, (uint32_t)n) ||
        (g->cfg.predict && hooks->expected && rank_init(&g->wanted, (uint32_t)n))) {
        engine_free(g);
        err_set(e, "out of memory for %zu accounts and %zu rows", n, have);
        return NULL;
    }
    memset(g->acct, 0, acct_bytes);
    for (size_t i = 0; i < all; i++)
        g->row[i].account = g->row[i].before = NO_ACCOUNT;
    if (take_accounts(g, e) != 0) {
        engine_free(g);
        return NULL;
    }
    return g;
}

void engine_free(struct engine *g)
{
    if (!g)
        return;
    if (g->boxed)
        tiers_close(g);
    due_close(g);
    free(g->acct);
    free(g->row);
    free(g->next);
    free(g->radius);
    free(g->order);
    free(g->watch);
    free(g->warm);
    free(g->fresh);
    free(g->ahead);
    rank_free(&g->rank);
    rank_free(&g->wanted);
    free(g);
}

static void emit_tick(struct engine *g, const struct abi_tick *t)
{
    struct beat beat;
    abi_pack_tick(&beat, t);
    engine_emit(g, &beat);
}

// Ticks of one group: `last` on the newest one that goes out. Notes in left[] the assets that left their
// band, or whose price no longer fits 34 bits (then no tick can carry it and the reload alone judges it), and
// returns their number.
static size_t submit_ticks(struct engine *g, const struct engine_price *changed, size_t n, uint16_t *left)
{
    struct abi_tick pending;
    bool have = false;
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t a = changed[i].asset;
        if (!g->tracked[a])
            continue;
        bool fits;
        uint64_t phat = grid_phat(&g->grid[a], changed[i].price, &fits);
        if (!fits) {
            left[n_left++] = a;
            continue;
        }
        if (g->boxed) {
            g->phat[a] = phat;
            if (a >= g->dev->info.assets)
                continue; // no column: no row on the device holds it
            g->count.band_exits_expected += phat < g->dev_lo[a] || phat > g->dev_hi[a];
        } else if (phat < g->grid[a].phat_lo || phat > g->grid[a].phat_hi) {
            left[n_left++] = a;
            g->count.band_exits_expected++;
        }
        if (have)
            emit_tick(g, &pending);
        pending = (struct abi_tick){.asset = a, .price = phat, .group = g->group, .last = false};
        g->phat[a] = phat;
        g->count.ticks++;
        have = true;
    }
    if (!have)
        return n_left;
    pending.last = true;
    emit_tick(g, &pending);
    g->reading = true;
    engine_drain(g);
    g->reading = false;
    watch_round(g); // orders leave before bands that were left are re-centred
    return n_left;
}

// Bands that were left get new centres, and every row over them is placed anew, before the update's result
// is trusted.
static int recentre(struct engine *g, const uint16_t *left, size_t n, struct err *e)
{
    bool marked[MARKET_ASSETS_MAX] = {false};
    for (size_t i = 0; i < n; i++)
        marked[left[i]] = true;
    for (uint16_t a = 0; a < g->book->market.n_assets; a++) {
        if (!marked[a])
            continue;
        g->count.recentred++;
        if (place_centre(g, a, e) != 0)
            return -1;
    }
    return place_reload(g, marked, e);
}

// Assets with their first price: tracked from now on, and with them the accounts that waited for it.
static int track(struct engine *g, const uint16_t *first, size_t n, struct err *e)
{
    bool fresh[MARKET_ASSETS_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        if (fresh[first[i]])
            continue;
        if ((g->boxed ? tiers_track(g, first[i], e) : place_centre(g, first[i], e)) != 0)
            return -1;
        fresh[first[i]] = true;
    }
    return g->boxed ? arrive_priced(g, fresh, e) : place_new(g, e);
}

static int review(struct engine *g, struct err *e)
{
    watch_review(g);
    engine_drain(g);
    watch_verdicts(g); // an ARM may have fired
    if (!g->failed && mend(g, e) != 0)
        return -1;
    return failure(g, e);
}

// Rows were loaded outside of a group: takes what they fired to a verdict.
static int engine_verdicts(struct engine *g, struct err *e)
{
    engine_drain(g);
    watch_verdicts(g);
    if (!g->failed && mend(g, e) != 0)
        return -1;
    return failure(g, e);
}

static int in_background(struct engine *g, uint32_t accounts, struct err *e)
{
    return move_some(g, accounts, e) != 0 ? -1 : engine_verdicts(g, e);
}

int engine_group(struct engine *g, const struct engine_price *changed, size_t n, const int64_t *prices,
                 struct err *e)
{
    uint16_t some[MARKET_ASSETS_MAX];
    memcpy(g->px, prices, g->book->market.n_assets * sizeof *g->px);
    g->group++;
    g->round++;
    g->instant++;
    g->prepared = 0;
    g->count.groups++;
    size_t n_left = submit_ticks(g, changed, n, some), n_first = 0;
    if (g->boxed ? move_after(g, changed, n, e) != 0 : n_left && recentre(g, some, n_left, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (g->used[changed[i].asset] && !g->tracked[changed[i].asset])
            some[n_first++] = changed[i].asset;
    if (n_first && track(g, some, n_first, e) != 0)
        return -1;
    engine_drain(g);
    if (review(g, e) != 0)
        return -1;
    return g->cfg.slice && engine_moving(g) ? in_background(g, g->cfg.slice, e) : 0;
}

void engine_warm(const struct engine *g)
{
    enum { ASSETS = 16, BEATS = 4 };
    size_t n = g->book->market.n_assets < ASSETS ? g->book->market.n_assets : ASSETS;
    warm(g, offsetof(struct engine, px) + n * sizeof *g->px);
    warm(g->phat, n * sizeof *g->phat);
    warm(g->grid, n * sizeof *g->grid);
    warm(g->tracked, n * sizeof *g->tracked);
    warm(g->dev_lo, n * sizeof *g->dev_lo);
    warm(g->dev_hi, n * sizeof *g->dev_hi);
    warm(&g->moves, offsetof(struct engine, account) - offsetof(struct engine, moves));
    warm(&g->reading, offsetof(struct engine, ahead) - offsetof(struct engine, reading));
    warm(g->out, BEATS * sizeof *g->out);
    warm(&g->n_out, sizeof *g - offsetof(struct engine, n_out) - sizeof g->why);
}

bool engine_moving(const struct engine *g)
{
    return g->n_pending > 0 || g->n_near > 0;
}

int engine_idle(struct engine *g, uint32_t accounts, struct err *e)
{
    if (accounts == 0 || !engine_moving(g))
        return 0;
    g->instant++;
    return in_background(g, accounts, e) == 0 ? 1 : -1;
}

int engine_review(struct engine *g, struct err *e)
{
    g->round++;
    g->instant++;
    g->prepared = 0;
    return review(g, e);
}

// An account's assets are tracked from now on. It has rows while all of them have a price.
static int adopt(struct engine *g, size_t account, struct err *e)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    size_t n = account_assets(&g->book->market, book_account(g->book, account, &g->account), assets);
    bool priced = n > 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t a = assets[i];
        g->used[a] = true;
        if (!g->tracked[a] && g->px[a] > 0 && place_centre(g, a, e) != 0)
            return -1;
        priced = priced && g->tracked[a];
    }
    if (n && !priced)
        place_lift(g, account);
    if (n)
        g->acct[account].placed = priced;
    return 0;
}

static int changed_flat(struct engine *g, size_t account, struct err *e)
{
    if (adopt(g, account, e) != 0)
        return -1;
    return g->acct[account].placed ? place_account(g, account, e) : 0;
}

int engine_account_changed(struct engine *g, size_t account, struct err *e)
{
    assert(account < g->book->n_accounts);
    g->instant++;
    watch_forget(g, (uint32_t)account);
    g->acct[account].in_flight = false;
    due_account(g, account);
    if ((g->boxed ? arrive_changed(g, (uint32_t)account, e) : changed_flat(g, account, e)) != 0)
        return -1;
    return engine_verdicts(g, e);
}

int engine_market_changed(struct engine *g, const struct market *was, const uint16_t *asset, size_t n,
                          struct err *e)
{
    bool marked[MARKET_ASSETS_MAX] = {false};
    g->instant++; // what was judged under the old parameters is over
    if (due_market(g, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        marked[asset[i]] = true;
    if ((g->boxed ? change_market(g, was, asset, n, e) : place_reload(g, marked, e)) != 0)
        return -1;
    engine_drain(g);
    return engine_review(g, e);
}

void engine_order_ended(struct engine *g, size_t account)
{
    struct account_state *s = &g->acct[account];
    if (!s->in_flight)
        return;
    s->in_flight = false;
    s->seen = g->round; // not in this round again: a venue that refuses would be asked for ever
    if (!s->watched) {
        s->watched = true;
        g->watch[g->n_watch++] = (uint32_t)account;
    }
}

bool engine_flagged(const struct engine *g, size_t account)
{
    return g->acct[account].watched || g->acct[account].in_flight;
}

bool engine_placed(const struct engine *g, size_t account)
{
    return g->acct[account].placed;
}

size_t engine_unplaced(const struct engine *g)
{
    static _Thread_local struct account scratch;
    size_t n = 0;
    if (g->boxed)
        return g->unplaced;
    for (size_t i = 0; i < g->book->n_accounts; i++)
        n += book_account(g->book, i, &scratch)->n_positions > 0 && !g->acct[i].placed;
    return n;
}

size_t engine_room(const struct engine *g)
{
    return g->boxed || g->accounts_max < flat_room(g) ? g->accounts_max : flat_room(g);
}

size_t engine_watching(const struct engine *g)
{
    return g->n_watch;
}

void engine_tiers(const struct engine *g, struct engine_tiers *out)
{
    static_assert((int)ENGINE_TIERS == (int)TIER_FARTHEST, "a count for each tier");
    *out = (struct engine_tiers){.boxed = g->boxed, .rows_used = g->rows_used};
    if (!g->boxed)
        return;
    out->box_ppm = g->box.eps_ppm;
    out->device = g->far.in_tier[TIER_HOT];
    for (unsigned t = 1; t <= TIER_FARTHEST; t++)
        out->beyond[t - 1] = g->far.in_tier[t];
    out->host = g->far.in_tier[TIER_HOST];
    out->flagged = g->far.in_tier[TIER_FLAGGED];
    out->none = g->far.in_tier[TIER_NONE] - (g->accounts_max - g->book->n_accounts);
    out->crossed = g->n_crossed;
    out->bytes = far_bytes(&g->far);
}

const struct engine_counters *engine_counters(const struct engine *g)
{
    return &g->count;
}
