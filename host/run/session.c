// SPDX-License-Identifier: Apache-2.0
// The life of a session, and what the engine asks of it: holds, orders, what is logged.
#include "run/inside.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "base/pages.h"

// ---- hooks of the engine

#define INLINED static inline __attribute__((always_inline)) // at the trigger, with stages and without

static void on_submit(void *ctx)
{
    struct session *s = ctx;
    if (s->stamps.at[STAMP_DECODED])
        stamp(s, STAMP_SUBMITTED, clock_ticks());
}

static void on_commands(void *ctx, const struct beat *cmd, size_t n)
{
    session_put(ctx, J_COMMANDS, cmd, n * sizeof *cmd, NULL, 0);
}

static void on_event(void *ctx, const struct beat *evt)
{
    struct session *s = ctx;
    struct beat masked = *evt;
    if (abi_opcode(evt) == ABI_EVT_TRIGGER) {
        struct abi_trigger t;
        if (s->frame) { // not of what comes after it, as a reply or with time alone
            stamp(s, STAMP_FLAG, clock_ticks());
            s->stamps.flags++;
        }
        abi_unpack_trigger(evt, &t);
        if (t.cause == ABI_CAUSE_TICK) {
            s->count.tick_triggers++;
            if (s->dev->info.cycles)
                hist_record(&s->cycles, (uint32_t)(t.cycle_out - t.cycle_in)); // stamps wrap at 2^32
        }
    }
    abi_event_mask(&masked);
    session_put(s, J_EVENT, &masked, sizeof masked, NULL, 0);
}

static void note_reason(struct session *s, size_t account, uint8_t reason)
{
    if (s->reason[account] == reason)
        return;
    s->reason[account] = reason;
    if (reason >= WHY_DESK)
        s->count.refused_by_desk[reason - WHY_DESK]++;
    else if (reason >= WHY_HOLD)
        s->count.held[reason - WHY_HOLD]++;
}

static void look_up_hold(struct session *s, uint16_t asset)
{
    uint64_t t = oracle_price_time(s->oracle, asset);
    s->held[asset].age = s->now_ns > t ? s->now_ns - t : 0;
    s->held[asset].hold = oracle_hold(s->oracle, asset, s->now_ns);
    s->held[asset].asked = s->asked;
    if (s->held[asset].age > s->oldest)
        s->oldest = s->held[asset].age;
}

enum hold session_hold(struct session *s, size_t account, uint64_t *oldest_age)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    size_t n = account_assets(&s->book->market, book_view(s->book, account), assets);
    enum hold worst = HOLD_NONE;
    *oldest_age = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->held[assets[i]].asked != s->asked)
            look_up_hold(s, assets[i]);
        if (s->held[assets[i]].age > *oldest_age)
            *oldest_age = s->held[assets[i]].age;
        if (worst == HOLD_NONE)
            worst = s->held[assets[i]].hold;
    }
    return worst;
}

// The desk's state of the account follows prices that may be acted on, no others (P5).
static void look(struct session *s, size_t account)
{
    uint64_t age;
    if (!is_odd(s, account) && session_hold(s, account, &age) == HOLD_NONE &&
        (!s->cfg.desk.max_price_age_ns || age <= s->cfg.desk.max_price_age_ns))
        desk_look(s->desk, account, oracle_prices(s->oracle), s->now_ns);
}

static void on_checking(void *ctx, size_t account, bool fresh)
{
    struct session *s = ctx;
    if (fresh)
        s->reason[account] = WHY_NONE; // a new flag is counted anew
    if (!is_odd(s, account))
        desk_next(s->desk, account);
    s->t_check = clock_ticks();
}

// What is held is not sized: no order leaves, whatever it is worth. Predictions come after what is decided.
INLINED int64_t stake(struct session *s, size_t account, bool staged)
{
    if (is_odd(s, account))
        return 0;
    uint64_t age, t0 = clock_ticks();
    took(s, STAGE_CONFIRM, s->t_check, t0);
    stamp(s, STAMP_CONFIRMED, t0);
    if (session_hold(s, account, &age) != HOLD_NONE)
        return 0;
    s->reason[account] |= WHY_CLEAR;
    const int64_t *px = oracle_prices(s->oracle);
    int64_t value = staged ? desk_stake_staged(s->desk, account, px, s->now_ns)
                           : desk_stake(s->desk, account, px, s->now_ns);
    uint64_t sized = clock_ticks();
    took(s, STAGE_SIZE, t0, sized);
    stamp(s, STAMP_SIZED, sized);
    return value;
}

static int64_t on_stake(void *ctx, size_t account)
{
    return stake(ctx, account, false);
}

static void on_soon(void *ctx, size_t account)
{
    struct session *s = ctx;
    __builtin_prefetch(&s->reason[account], 1);
    desk_soon(s->desk, is_odd(s, account) ? pairs_even(account) : account);
}

// No look at holds: what is known of them is on_stake()'s.
static void on_ahead(void *ctx, size_t account)
{
    struct session *s = ctx;
    if (!is_odd(s, account))
        desk_ahead(s->desk, account, oracle_prices(s->oracle));
}

// session_hold() of an account in its turn. What on_stake() found still stands, and an age within the limit
// may be any within it, so that the account's positions need not be looked at again.
static enum hold breach_hold(struct session *s, size_t account, uint64_t *oldest_age)
{
    bool clear = s->reason[account] & WHY_CLEAR;
    uint64_t limit = s->cfg.desk.max_price_age_ns;
    s->reason[account] &= (uint8_t)~WHY_CLEAR;
    *oldest_age = s->oldest;
    return clear && (limit == 0 || s->oldest <= limit) ? HOLD_NONE : session_hold(s, account, oldest_age);
}

// An order was handed over: `ready` beforehand, or made since its turn came.
static void note_order(struct session *s, uint64_t turn, uint64_t handed, bool ready)
{
    took(s, STAGE_ORDER, turn, handed);
    if (!s->first)
        return; // what waited for another packet, or for time
    took(s, ready ? STAGE_TO_ORDER : STAGE_TO_COLD, s->stamps.at[STAMP_ARRIVED], handed);
    stamp(s, STAMP_ORDER, handed);
    s->stamps.at[STAMP_LAST] = handed;
    s->stamps.orders++;
    s->stamps.ready += ready;
}

INLINED enum engine_verdict breach(struct session *s, size_t account, bool staged)
{
    log_frame(s); // it gave no command, perhaps, and an order may be handed over before its record
    if (is_odd(s, account))
        return pairs_breach(s, account);
    uint64_t age, t0 = clock_ticks();
    const int64_t *px = oracle_prices(s->oracle);
    enum hold h = breach_hold(s, account, &age);
    if (h != HOLD_NONE) {
        note_reason(s, account, (uint8_t)(WHY_HOLD + h));
        return VERDICT_KEEP;
    }
    uint64_t ready = desk_counters(s->desk)->ready_used;
    enum desk_answer a = staged ? desk_fire_staged(s->desk, account, px, s->now_ns, age)
                                : desk_fire(s->desk, account, px, s->now_ns, age);
    if (a != DESK_SENT) {
        note_reason(s, account, (uint8_t)(WHY_DESK + a));
        return VERDICT_KEEP;
    }
    note_order(s, t0, clock_ticks(), desk_counters(s->desk)->ready_used != ready);
    s->reason[account] = WHY_NONE;
    if (s->audited)
        audit_order(&s->audit, s->book, account, px);
    return VERDICT_TAKEN;
}

static enum engine_verdict on_breach(void *ctx, size_t account)
{
    return breach(ctx, account, false);
}

static void on_near(void *ctx, size_t account, bool on)
{
    struct session *s = ctx;
    if (s->paired)
        pairs_near(s, account, on);
    else if (on)
        desk_prepare(s->desk, account, oracle_prices(s->oracle));
    else
        desk_retire(s->desk, account);
}

static int64_t on_expected(void *ctx, size_t account, const struct row *r, int64_t h, const uint64_t *phat)
{
    return next_value(ctx, account, r, h, phat);
}

// ---- the same with stages: hooks of their own, so that without them nothing is asked

static void on_checking_staged(void *ctx, size_t account, bool fresh)
{
    on_checking(ctx, account, fresh);
    look(ctx, account);
}

static int64_t on_stake_staged(void *ctx, size_t account)
{
    return stake(ctx, account, true);
}

static enum engine_verdict on_breach_staged(void *ctx, size_t account)
{
    return breach(ctx, account, true);
}

static void on_near_staged(void *ctx, size_t account, bool on)
{
    look(ctx, account);
    on_near(ctx, account, on);
}

static void on_checking_called(void *ctx, size_t account, bool fresh)
{
    struct session *s = ctx;
    on_checking(ctx, account, fresh);
    if (s->staged)
        look(ctx, account);
    calls_note(s->calls, account);
}

static struct engine_hooks hooks_of(struct session *s)
{
    struct engine_hooks h = {s,        on_commands, on_event, on_checking, on_breach,  on_near,
                             on_stake, on_soon,     on_ahead, on_submit,   on_expected};
    if (s->staged) {
        h.checking = on_checking_staged;
        h.breach = on_breach_staged;
        h.near = on_near_staged;
        h.stake = on_stake_staged;
        h.ahead = NULL; // what is sized ahead is not the stage's
    }
    if (calls_wanted(&s->cfg.calls))
        h.checking = on_checking_called;
    return h;
}

void session_account_changed(struct session *s, size_t account)
{
    if (s->paired)
        s->near[account] = s->near[account + 1] = false; // the engine takes both up anew
    if (s->calls)
        calls_note(s->calls, account);
    session_check(s, engine_account_changed(s->engine, account, &s->why));
    if (s->staged && !s->failed)
        look(s, account);
    if (s->paired && !s->failed)
        pairs_follow(s, account);
}

// ---- life

static uint64_t desk_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    return session_put(ctx, type, data, len, NULL, 0);
}

struct session *session_new(const struct session_config *c, struct book *book, struct device *dev,
                            struct gateway *gw, const struct session_log *log, bool audit, struct err *e)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, "out of memory for a session");
        return NULL;
    }
    s->cfg = *c;
    s->cfg.lanes = dev->info.lanes;
    s->cfg.slots = dev->info.slots;
    s->cfg.assets = dev->info.assets;
    s->book = book;
    s->dev = dev;
    s->gw = gw;
    s->log = *log;
    s->frame_taken = s->frame_logged = true; // none is at work
    s->asked = 1;
    s->audited = audit;
    s->expect.cfg = c->expect;
    session_measure_anew(s);
    static const enum oracle_rules rules[] = {ORACLE_RAW, ORACLE_RULES_1, ORACLE_RULES_NOW}; // by number
    const struct oracle_config oc = {
        .file = c->policy_file, .text = c->policy, .len = c->policy_len, .rules = rules[c->oracle]};
    memcpy(s->cfg.engine.call_ppm, c->calls.level_ppm, sizeof s->cfg.engine.call_ppm);
    s->staged = c->desk.stages != STAGES_NONE;
    const struct engine_hooks hooks = hooks_of(s);
    if (!book->packed)
        s->cfg.spare_accounts = 0; // an array does not grow
    s->accounts_max = book->n_accounts + s->cfg.spare_accounts;
    if (book->packed && book_reserve(book, s->accounts_max, 0, e) != 0) {
        session_free(s);
        return NULL;
    }
    if (pairs_open(s, e) != 0) {
        session_free(s);
        return NULL;
    }
    s->reason = pages_new(book_room(book) + 1, 1);
    s->feed = feed_new();
    if (s->feed && c->polled)
        feed_polled(s->feed);
    if (!s->reason || !s->feed)
        err_set(e, "out of memory for a session");
    else
        s->oracle = oracle_new(&book->market, &oc, e);
    if (s->oracle)
        s->engine = engine_new(&s->cfg.engine, book, dev, &hooks, e);
    if (s->engine) {
        if (s->accounts_max > engine_room(s->engine))
            s->accounts_max = engine_room(s->engine);
        struct desk_log dl = {s, desk_put};
        session_bids_room(s);
        s->desk = desk_new(&s->cfg.desk, book, gw, &dl, e);
    }
    if (!s->desk || session_books_open(s, e) != 0 || session_bids_open(s, e) != 0 ||
        session_calls_open(s, e) != 0) {
        session_free(s);
        return NULL;
    }
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    bids_free(s->bids);
    calls_free(s->calls);
    desk_free(s->desk);
    engine_free(s->engine);
    oracle_free(s->oracle);
    feed_free(s->feed);
    session_books_free(s);
    free(s->reason);
    free(s->near);
    free(s);
}
