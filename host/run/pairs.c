// SPDX-License-Identifier: Apache-2.0
// Accounts that are there twice (accounts/pair.h, docs/pairs.md): what the session makes of a predicting
// account's flags, and how a state reaches both. Orders are always the even one's: the desk knows no odd
// ones.
#include "run/inside.h"

#include <stdlib.h>

#include "accounts/assets.h"
#include "accounts/book.h"

int pairs_open(struct session *s, struct err *e)
{
    const struct book *b = s->book;
    s->paired = market_pairing(&b->market, &s->pair);
    if (!s->paired)
        return 0;
    for (size_t i = 0; i < b->n_accounts; i += 2)
        if (i + 1 == b->n_accounts || pair_predicts(book_id(b, i)) || book_id(b, i + 1) != book_id(b, i) + 1)
            return err_set(e, "account %u is not paired, as its market is", book_id(b, i));
    s->near = calloc(book_room(b) + 1, sizeof *s->near);
    return s->near ? 0 : err_set(e, "out of memory for a session");
}

static const int64_t *predicted_prices(struct session *s)
{
    const int64_t *px = oracle_prices(s->oracle);
    if (s->predicted.known)
        return s->predicted.px;
    for (unsigned i = 0; i < s->book->market.n_assets; i++)
        s->predicted.px[i] = px[i < s->pair.assets ? s->pair.predicts[i] : i];
    s->predicted.known = true;
    return s->predicted.px;
}

// Does one of the odd account's prices predict something else than is told?
static bool predicts(struct session *s, size_t odd)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    const int64_t *px = oracle_prices(s->oracle);
    size_t n = account_assets(&s->book->market, book_account(s->book, odd, &s->account), assets);
    for (size_t i = 0; i < n; i++)
        if (px[assets[i]] != px[assets[i] - s->pair.assets])
            return true;
    return false;
}

// P5 for an order on a prediction: nothing is held of what decides and of what predicts, and the oldest price
// of both counts.
static bool may_predict(struct session *s, size_t odd, uint64_t *age)
{
    uint64_t told;
    if (session_hold(s, pairs_even(odd), &told) != HOLD_NONE || session_hold(s, odd, age) != HOLD_NONE)
        return false;
    *age = told > *age ? told : *age;
    return predicts(s, odd);
}

enum engine_verdict pairs_breach(struct session *s, size_t odd)
{
    const size_t even = pairs_even(odd);
    const int64_t *px = predicted_prices(s);
    uint64_t age;
    if (s->reason[odd] != WHY_PREDICTED) {
        s->reason[odd] = WHY_PREDICTED;
        s->count.predicted[0]++;
    }
    desk_prepare(s->desk, even, px);
    desk_imminent(s->desk, even);
    if (s->cfg.desk.predicted_max_e8 == 0 || !may_predict(s, odd, &age) ||
        desk_predict(s->desk, even, px, s->now_ns, age) != DESK_SENT)
        return VERDICT_KEEP;
    s->count.predicted[1]++;
    if (s->audited)
        audit_order(&s->audit, s->book, even, px);
    return VERDICT_KEEP; // the engine knows of no order of the odd one, and of the even one's own breach
                         // nothing
}

// The order of a pair is made for the breach that is predicted, where there is one in sight.
void pairs_near(struct session *s, size_t account, bool on)
{
    const size_t even = pairs_even(account), odd = even + 1;
    s->near[account] = on;
    if (s->near[odd] || engine_flagged(s->engine, odd))
        desk_prepare(s->desk, even, predicted_prices(s));
    else if (s->near[even]) {
        const int64_t *px = next_wanted(s) ? next_prices(s, even) : NULL;
        desk_prepare(s->desk, even, px ? px : oracle_prices(s->oracle));
    } else
        next_keep(s, even);
}

// Of the store's instruments only: copies are the odd one's.
static bool is_even(const struct session *s, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].instrument >= s->pair.instruments)
            return false;
    return !pair_predicts(a->id);
}

void pairs_follow(struct session *s, size_t even)
{
    const size_t odd = even + 1;
    account_odd(&s->pair, book_account(s->book, even, &s->account), &s->odd);
    if ((odd == s->book->n_accounts ? book_add(s->book, &s->odd, &s->why)
                                    : book_put(s->book, odd, &s->odd, &s->why)) != 0)
        s->failed = -1;
    else
        session_check(s, engine_account_changed(s->engine, odd, &s->why));
}

void pairs_state(struct session *s, const struct account *a)
{
    if (is_even(s, a))
        session_told(s, a, s->accounts_max ? s->accounts_max - 1 : 0); // a new one takes two places
    else
        s->count.unpaired++;
}
