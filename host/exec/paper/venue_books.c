// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_books.h"

#include <string.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "exec/marks.h"

void books_marks(const struct market *m, const struct account *a, const struct wire_order *w,
                 int64_t px[MARKET_ASSETS_MAX])
{
    memset(px, 0, MARKET_ASSETS_MAX * sizeof px[0]);
    for (unsigned i = 0; i < w->n_marks; i++)
        px[w->mark[i].asset] = w->mark[i].price;
    marks_derive(m, a, px);
}

int books_settle(const struct market *m, const struct account *before, const int64_t *px,
                 const struct order *o, struct account *after, struct settlement *s, struct err *e)
{
    if (o->key.epoch != before->epoch)
        return err_set(e, "epoch %u, the account is at %u", o->key.epoch, before->epoch);
    if (before->epoch == UINT32_MAX)
        return err_set(e, "epochs are used up");
    struct marks_assets used;
    if (marks_of(m, before, &used))
        return err_set(e, "more than %d assets", ROW_ASSETS_MAX);
    for (unsigned i = 0; i < used.n; i++) {
        if (px[used.asset[i]] <= 0)
            return err_set(e, "no mark for %s", m->asset[used.asset[i]].name);
    }
    *after = *before;
    s->n = 0;
    if (before->rule->settle(m, after, px, o->leg, o->n, s, e))
        return -1;
    after->epoch++;
    return 0;
}

i256 books_holding(const struct market *m, const struct account *a, int32_t instrument)
{
    if (instrument < 0)
        return account_cash(m, a);
    i256 net = i256_from_i64(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->instrument != instrument || in->kind != INST_RESERVE)
            continue;
        net = i256_add(net, a->rule->holding(m, p));
    }
    return net;
}

bool books_accrue_at_all(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (m->instrument[a->position[i].instrument].kind == INST_RESERVE)
            return true;
    return false;
}

void books_accrue(const struct market *then, const struct market *now, const struct account *a,
                  struct settlement *out)
{
    out->n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        uint16_t in = a->position[i].instrument;
        i256 more = i256_sub(books_holding(now, a, in), books_holding(then, a, in));
        if (i256_sign(more) == 0)
            continue;
        out->flow[out->n++] = (struct flow){.party = PARTY_ACCOUNT, .instrument = in, .amount = more};
        out->flow[out->n++] = (struct flow){.party = PARTY_POOL, .instrument = in, .amount = i256_neg(more)};
    }
}

static int conserve_one(const struct market *m, const struct account *before, const struct account *after,
                        const struct settlement *s, int32_t instrument, struct err *e)
{
    i256 sum = i256_from_i64(0), account = i256_from_i64(0);
    for (unsigned i = 0; i < s->n; i++) {
        if (s->flow[i].instrument != instrument)
            continue;
        sum = i256_add(sum, s->flow[i].amount);
        if (s->flow[i].party == PARTY_ACCOUNT)
            account = i256_add(account, s->flow[i].amount);
    }
    i256 moved = i256_sub(books_holding(m, after, instrument), books_holding(m, before, instrument));
    const char *name = instrument < 0 ? "cash" : m->instrument[instrument].name;
    if (i256_sign(sum) != 0)
        return err_set(e, "settlement does not conserve: flows of %s do not sum to zero", name);
    if (i256_cmp(account, moved) != 0)
        return err_set(e, "settlement does not conserve: %s of the account moved by another amount", name);
    return 0;
}

int books_conserve(const struct market *m, const struct account *before, const struct account *after,
                   const struct settlement *s, struct err *e)
{
    if (s->n > FLOWS_MAX)
        return err_set(e, "settlement does not conserve: too many flows");
    for (unsigned i = 0; i < s->n; i++) {
        const struct flow *f = &s->flow[i];
        if (f->party >= PARTY_COUNT || f->instrument < -1 || f->instrument >= m->n_instruments)
            return err_set(e, "settlement does not conserve: a flow names nobody");
        if (conserve_one(m, before, after, s, f->instrument, e))
            return -1;
    }
    // Balances that no flow speaks of have to stand still.
    if (conserve_one(m, before, after, s, -1, e))
        return -1;
    for (unsigned i = 0; i < before->n_positions; i++) {
        if (conserve_one(m, before, after, s, before->position[i].instrument, e))
            return -1;
    }
    return 0;
}
