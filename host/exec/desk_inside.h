// SPDX-License-Identifier: Apache-2.0
// The desk's own: what its files share. desk.c checks and hands over; desk_told.c takes replies and states;
// desk_ready.c makes and keeps ready orders; desk_worth.c asks whether lending orders are worth it.
#ifndef TRIPLINE_EXEC_DESK_INSIDE_H
#define TRIPLINE_EXEC_DESK_INSIDE_H

#include <assert.h>

#include "accounts/book.h"
#include "exec/ahead.h"
#include "exec/desk.h"
#include "exec/exit/exits.h"
#include "exec/limits.h"
#include "exec/marks.h"
#include "exec/ready.h"
#include "exec/staked.h"

enum { DESK_SOON = 4 };

// What the desk remembers of an account. Keys in use are always of `epoch`; `revision` is the last one given
// out. While an order is in flight the book's epoch may be newer: it is taken up with the next order.
struct account_state {
    uint32_t epoch, revision;
    uint32_t ready;       // name in the pool
    uint32_t staked;      // name in the pool of sizes kept
    uint32_t unworthy[2]; // names in the pool of answers: at told prices, at predicted ones
    uint32_t flight_revision;
    bool in_flight : 1, flight_predicted : 1;
    bool wait_predicted : 1; // until retry_ns only orders on predicted prices wait
    bool flight_void : 1;    // it came to nothing: its value no longer counts against the whole run
    uint8_t refusals;        // in a row
    uint8_t unworth;         // reason of the last J_UNWORTH of this epoch, 0: none
    uint16_t unworth_debt, unworth_coll;
    uint32_t flight_epoch; // of the last order handed over, as flight_revision
    int64_t flight_value;  // as the limits counted it
    uint64_t fired_ns, retry_ns;
};
enum { DESK_LINE = 64 };
static_assert(sizeof(struct account_state) == DESK_LINE, "one cache line an account: desk.state is aligned");

struct desk {
    struct desk_config cfg;
    struct book *book;
    struct gateway *gw;
    struct desk_log log;
    struct limits limits;
    struct ready_pool pool;
    struct staked_pool staked;
    struct ahead ahead;
    struct account_state *state;
    struct desk_counters n;
    bool killed;
    size_t soon[DESK_SOON]; // the accounts that desk_soon() named last
    unsigned n_soon;
    // worth: NULL and nothing without
    struct exits *exits;
    struct worth_params worth_params;
    enum worth_way way;
    struct unworthy_pool unworthy;
    // depth: no books and nothing without
    struct desk_books books;
    struct desk_ways *ways; // NULL: everything is sold along one way
    int64_t slip_e8;        // of the order at work
    bool slip_known;
    struct {
        uint16_t coll, debt;
        u128 got;
    } sale;                   // the lending order's
    struct desk_taken *taken; // NULL: each order sees whole books
    // scratch of one call, here because it is too large for a hot stack
    int64_t px[MARKET_ASSETS_MAX];
    struct order_size size;
    struct worth worth;         // of `size`
    struct gateway_terms terms; // of `size`, zero without worth
    struct marks_assets assets;
    struct order order;
    struct account account; // a settlement's
    struct account scratch; // unpacked from the book
    struct settlement settlement;
    struct gateway_order out;
    volatile uint8_t rehearsed;
    struct exits_told told;
    uint8_t record[READY_RECORD_MAX];
    // stages: NULL and nothing without
    struct staging *stage;      // by account
    struct stage_at stage_next; // scratch: where the account's step led, and
    struct stage_move stage_move;
    uint64_t stage_ns; // latest stream time that the desk was told
};

static inline int64_t desk_saturate(i256 v)
{
    if (i256_sign(v) < 0)
        return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MIN;
    return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MAX;
}

// What the limits count: the larger of what was sized beforehand and what it is worth now.
static inline int64_t desk_larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t desk_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
// a - b of a slippage b >= 0, not below the least there is.
static inline int64_t desk_less(int64_t a, int64_t b)
{
    return a < INT64_MIN + b ? INT64_MIN : a - b;
}

// Forgets the size that was kept for the account.
static inline void desk_drop_staked(struct desk *d, struct account_state *st)
{
    if (st->staked != STAKED_NONE)
        staked_give(&d->staked, st->staked);
    st->staked = STAKED_NONE;
}

// ---- desk_ready.c

// Takes up the account's present epoch; false when its state is older than what was already acted on.
bool desk_same_epoch(struct desk *d, struct account_state *st, const struct account *a);
// A value that int64 cannot hold (9.2e10 units) exceeds every limit, set or not.
bool desk_representable(const struct order_size *s);
bool desk_priced(const struct marks_assets *s, const int64_t *px); // all of them
// Forgets the ready order, which was not handed over.
void desk_drop_ready(struct desk *d, struct account_state *st);
// May the ready order go in place of d->size?
bool desk_ready_usable(struct desk *d, const struct account *a, const struct order *o, const int64_t *px);
// The ready order that stands at px, asked for nothing but its prices (READY_BY_PRICE), or NULL; *near as of
// ready_stands().
struct ready *desk_ready_stands(struct desk *d, const struct account_state *st, const struct account *a,
                                const int64_t *px, unsigned *near);
// Puts the order into d->out: the ready one r, or where it is NULL a cold one of d->size; false when its
// bytes could not be logged.
void desk_out_of_ready(struct desk *d, const struct ready *r); // into d->out
bool desk_make_out(struct desk *d, struct account_state *st, const struct account *a, struct ready *r);
void desk_fill_marks(struct desk *d, const struct marks_assets *s, const int64_t *px);
// The same of an order that leaves at stream time now.
void desk_fill_moment(struct desk *d, const struct marks_assets *s, const int64_t *px, uint64_t now_ns);

// ---- desk_stages.c

int desk_stages_init(struct desk *d, struct err *e);
// Does the account go by stages?
static inline bool desk_staged_of(const struct desk *d, const struct account *a)
{
    const struct rule *r = a->rule; // a venue's or a program's own rule says itself what goes first, and when
    bool itself = r->trading || (r->uses & USE_STATE) || (r->borrowing && r->borrowing->paid);
    return d->stage && !itself && (d->cfg.stages == STAGES_SPLIT) == (r->holding != NULL);
}
// desk_split.c: what the split's step looks at, for an account that is at `at`; where an order may be due its
// size into d->size: the first of two, or the second, or all as without. SENT, or why there is none.
enum desk_answer desk_split_view(struct desk *d, const struct account *a, const int64_t *px,
                                 enum staged_at at, struct stage_view *v);
// The account's step at px into d->stage_next and d->stage_move, and the order that it asks for into d->size.
// SENT, or why there is none.
enum desk_answer desk_stage_size(struct desk *d, size_t account, const struct account *a, const int64_t *px,
                                 uint64_t now_ns);
// The ready order in place of the stage's in d->size, where there is one that fits; NULL: a cold one. What
// the limits count of it into *rec.
struct ready *desk_stage_ready(struct desk *d, const struct account_state *st, const struct account *a,
                               const int64_t *px, struct order_record *rec);
// The step asked for no order: it is taken.
void desk_stage_take(struct desk *d, size_t account);
// The step is to be taken with the order in d->out, which waits until that is durable. False: not logged.
bool desk_stage_out(struct desk *d, size_t account);
void desk_stage_sent(struct desk *d, size_t account, bool sent); // the order has left, or has not
// A reply whose key may be that of the account's last order.
void desk_stage_reply(struct desk *d, size_t account, const struct order_reply *r);

// ---- desk_depth.c

int desk_depth_init(struct desk *d, struct err *e);
void desk_depth_free(struct desk *d);
// The slippage of an order of these legs on a perpetual account at px, taker's fees included, 1e-8 units of
// account, into d->slip_e8 and d->slip_known; INT64_MAX where the books do not hold it, or must and are not
// known. Returns d->slip_e8. rest: of what our other orders leave, for one that leaves now.
int64_t desk_slip(struct desk *d, const struct account *a, const int64_t *px, const struct order_leg *leg,
                  unsigned n, bool rest);
// What the ranking makes of an order with these legs: its value, with depth what it earns.
int64_t desk_ranked(struct desk *d, const struct account *a, const int64_t *px, const struct order_leg *leg,
                    unsigned n, int64_t value_e8, int64_t reward_e8);
// Is collateral that our orders bring sold over everything that is known? Else along one way.
static inline bool desk_wide(const struct desk *d)
{
    return d->ways && d->cfg.worth.mode == DESK_WORTH_DIRECT;
}
// The way out of a collateral into a debt at px: over everything that is known or along one.
const struct exit_venue *desk_way(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px);
uint32_t desk_way_version(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px);
// Units of the collateral that our other orders sell along that way before one that leaves now.
u128 desk_way_gone(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px);
// What the order at work takes of the markets: its legs', or d->sale.
void desk_takes_legs(struct desk *d, const struct account *a, const struct order_leg *leg, unsigned n);
void desk_takes_sale(struct desk *d, const int64_t *px);

// ---- desk_taken.c (DESK_DEPTH_BY_REST)

int desk_taken_init(struct desk *d, struct err *e);
void desk_taken_free(struct desk *d);
void desk_taken_pools(struct desk *d); // told anew
// What our orders take before another one's, of that side of the asset's market, in coins or in the quote,
// 10^-18: of those in the other unit as much as at px. To be asked only where an order may leave: it takes
// down which book it is of.
i256 desk_taken(struct desk *d, uint16_t asset, bool bids, bool coins, int64_t px);
// The order at work takes nothing yet; takes qty of 10^-decimals (at most 18).
void desk_takes_none(struct desk *d);
void desk_takes(struct desk *d, uint16_t asset, bool bids, bool coins, i128 qty, unsigned decimals);
// It is in flight; the account's is no more, and its part is given back where it was not filled.
void desk_taken_leaves(struct desk *d, size_t account);
void desk_taken_settles(struct desk *d, size_t account, bool filled);

// ---- desk_kick.c

static inline bool desk_kicks(const struct desk *d, const struct account *a)
{
    return kick_of(&d->cfg.kick, a->rule);
}
void desk_kick_reward(struct desk *d, const struct account *a, const int64_t *px);
// The reward of the order just sized into d->size, at px, of who starts an auction by it.
static inline void desk_kick(struct desk *d, const struct account *a, const int64_t *px)
{
    if (d->cfg.kick.chop_bps)
        desk_kick_reward(d, a, px);
}

// ---- desk_worth.c

int desk_worth_init(struct desk *d, uint32_t room, struct err *e);
void desk_worth_free(struct desk *d);
// Is this an account that is asked about? Margin rules name their reward themselves, and so do those that pay
// who spends nothing; who starts an auction has nothing to sell.
static inline bool desk_worth_of(const struct desk *d, const struct account *a)
{
    const struct rule *r = a->rule; // some size by their own word, some cost the keeper nothing
    return d->exits && r->holding && !(r->uses & USE_QUOTE) && !(r->borrowing && r->borrowing->paid) &&
           !desk_kicks(d, a);
}
// Sizes the account's order at px into d->size, d->worth and d->terms; the ways out stand at the prices `now`
// and follow (exit/follow.h). leaves: now, hence behind what our other orders sell. False: d->worth says why
// not, its reason is *reason (unworth.h).
bool desk_worth_size(struct desk *d, const struct account *a, const int64_t *px, const int64_t *now,
                     bool leaves, uint8_t *reason);
// Does the ready order's way out, its version included, no longer stand?
bool desk_worth_stale(struct desk *d, const struct ready *r, const int64_t *px);
// Judges the ready order by its own tip at px anew, as desk_worth_size. True: its expected value is within
// the tolerance of d->worth, the best there is, and r->worth is of px.
bool desk_worth_renew(struct desk *d, const struct account *a, struct ready *r, const int64_t *px,
                      const int64_t *now);
// Chooses what leaves for a confirmed or predicted account: *r the ready order, or NULL and d->size. SENT, or
// why nothing leaves.
enum desk_answer desk_worth_choose(struct desk *d, struct account_state *st, const struct account *a,
                                   const int64_t *px, uint64_t now_ns, bool predicted, struct ready **r);
// Was it found not worth it, and nothing has moved since?
uint8_t desk_worth_kept(struct desk *d, const struct account_state *st, const struct account *a,
                        const int64_t *px, uint64_t now_ns, bool predicted);
void desk_worth_forget(struct desk *d, struct account_state *st);
// The same for an order to be made ready of an account that breaches at px itself (desk_prepare is asked
// about it with each price). Kept as an answer at predicted prices.
bool desk_worth_in_vain(struct desk *d, const struct account_state *st, const struct account *a,
                        const int64_t *px);
void desk_worth_was_in_vain(struct desk *d, struct account_state *st, const struct account *a,
                            const struct marks_assets *assets, const int64_t *px, uint8_t reason);

#endif
