// SPDX-License-Identifier: Apache-2.0
// The state held against the contract, account by account, at the block of the state.
#include <stdlib.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "chain/follower_inside.h"
#include "evm/address.h"

enum { DEBT_UNIT_DIGITS = 22, WAD_DIGITS = 18, HEALTH_BITS = 195 }; // HEALTH_BITS: times 1e18 within 255 bits

struct audited {
    size_t n;
    uint32_t id[CHAIN_READ_ACCOUNTS];
    struct evm_address user[CHAIN_READ_ACCOUNTS];
    bool odd[CHAIN_READ_ACCOUNTS], differs[CHAIN_READ_ACCOUNTS];
};

// Up to n accounts with ids from `id` on.
static int take_accounts(struct follower *f, uint64_t id, size_t n, struct audited *a, struct err *e)
{
    int rc = tables_row(&f->t, SQL_ACCOUNT_FROM, e, "ii", id, (uint64_t)n);
    for (; rc == 1 && a->n < CHAIN_READ_ACCOUNTS; rc = tables_row(&f->t, SQL_ACCOUNT_FROM, e, NULL)) {
        a->id[a->n] = (uint32_t)tables_u64(&f->t, SQL_ACCOUNT_FROM, 0);
        if (tables_blob(&f->t, SQL_ACCOUNT_FROM, 1, a->user[a->n++].b, ADDRESS_BYTES))
            break;
    }
    tables_end(&f->t, SQL_ACCOUNT_FROM);
    return rc ? err_set(e, "%s: table chain_accounts is damaged", f->cfg.db) : 0;
}

static void note(struct chain_audit *out, const struct evm_address *user, const char *what)
{
    char text[ADDRESS_TEXT] = "";
    if (out->first[0])
        return;
    if (user)
        address_format(user, text);
    (void)snprintf(out->first, sizeof out->first, "%.64s%s%.100s", text, user ? ": " : "", what);
}

static int compare_states(struct follower *f, struct audited *a, struct chain_audit *out, struct err *e)
{
    struct err why;
    if (chain_read_accounts(f->link, &f->meta.at.hash, &f->pool, a->user, a->n, f->account, a->odd, e))
        return -1;
    for (size_t i = 0; i < a->n; i++) {
        struct account *x = f->account[i];
        if (store_live_get(f->t.store, a->id[i], f->before, e) != 1)
            return err_set(e, "%s: account %u is not there", f->cfg.db, a->id[i]);
        x->id = a->id[i];
        x->rule = f->rule;
        memcpy(x->name, f->before->name, sizeof x->name);
        x->epoch = f->before->epoch;
        if (a->odd[i] || account_validate(f->market, x, &why))
            x->n_positions = 0;
        a->differs[i] = !follower_same(x, f->before);
        out->states += a->differs[i];
        if (a->differs[i])
            note(out, &a->user[i], "positions or eMode differ from the contract's");
    }
    out->accounts += a->n;
    return 0;
}

// ---- health

static bool priced(const struct market *m, const struct account *a, const int64_t *px)
{
    bool any = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        any |= a->position[i].debt != 0;
        if (px[m->instrument[a->position[i].instrument].asset] <= 0)
            return false;
    }
    return any;
}

// The rules compare sums of the same unit: requirement is debt times 1e22, equity over it the health factor.
static bool same_health(const struct health *h, const struct chain_health *c)
{
    struct word debt, factor;
    i256 wad = i256_pow10(WAD_DIGITS);
    return word_from_unsigned(i256_div10_floor(h->requirement, DEBT_UNIT_DIGITS), &debt) == 0 &&
           word_from_unsigned(i256_div_floor(i256_mul(h->equity, wad), h->requirement), &factor) == 0 &&
           word_equal(&debt, &c->debt) && word_equal(&factor, &c->factor);
}

static int compare_health(struct follower *f, const struct audited *a, const struct market *now,
                          const int64_t *px, struct chain_audit *out, struct err *e)
{
    struct chain_health word[CHAIN_READ_ACCOUNTS];
    if (chain_read_health(f->link, &f->meta.at.hash, &f->pool, a->user, a->n, word, e))
        return -1;
    for (size_t i = 0; i < a->n; i++) {
        struct health h;
        if (store_live_get(f->t.store, a->id[i], f->before, e) != 1)
            return err_set(e, "%s: account %u is not there", f->cfg.db, a->id[i]);
        bool can = priced(now, f->before, px);
        if (can)
            f->rule->health(now, f->before, px, &h);
        if (!can || i256_sign(h.requirement) <= 0 || i256_bits(h.equity) > HEALTH_BITS) {
            out->unpriced++;
        } else if (!same_health(&h, &word[i])) {
            out->health++;
            note(out, &a->user[i], "debt or health factor differ from getUserAccountData");
        }
    }
    return 0;
}

// ---- the market

static int compare_market(struct follower *f, struct chain_audit *out, struct err *e)
{
    struct chain_wanted all = {.settings = true};
    f->next_pool = f->pool;
    memcpy(f->next_market, f->market, sizeof *f->market);
    if (chain_read_market(f->link, &f->meta.at.hash, &all, &f->next_pool, f->next_market, e))
        return -1;
    for (unsigned i = 0; i < f->next_market->n_instruments; i++) {
        const struct instrument *x = &f->next_market->instrument[i];
        out->reserves++;
        if (i < f->market->n_instruments && !instrument_differs(x, &f->market->instrument[i]))
            continue;
        out->market++;
        note(out, NULL, x->name);
    }
    return 0;
}

static int audit_all(struct follower *f, uint64_t n, bool health, struct market *now, struct chain_audit *out,
                     struct err *e)
{
    int64_t px[MARKET_ASSETS_MAX];
    memcpy(now, f->market, sizeof *now);
    market_now(now, f->meta.at.timestamp * 1000000000);
    if (health && chain_read_prices(f->link, &f->meta.at.hash, &f->pool, px, now, e))
        return -1;
    for (uint64_t id = 1, left = n; f->meta.last_id && (n ? left > 0 : id <= f->meta.last_id);) {
        struct audited a = {.n = 0};
        uint64_t from = n ? 1 + prng_below(&f->rng, f->meta.last_id) : id;
        size_t most = n && left < CHAIN_READ_ACCOUNTS ? 1 : CHAIN_READ_ACCOUNTS;
        if (take_accounts(f, from, most, &a, e))
            return -1;
        if (a.n == 0)
            break;
        if (compare_states(f, &a, out, e) || (health && compare_health(f, &a, now, px, out, e)))
            return -1;
        id = a.id[a.n - 1] + UINT64_C(1);
        left -= n ? a.n < left ? a.n : left : 0;
    }
    return compare_market(f, out, e);
}

int follower_audit(struct follower *f, uint64_t n, bool health, struct chain_audit *out, struct err *e)
{
    *out = (struct chain_audit){0};
    if (f->meta.phase != PHASE_FOLLOWING)
        return err_set(e, "%s is not complete: run `tripline chain index` on it first", f->cfg.db);
    struct market *now = malloc(sizeof *now);
    if (!now)
        return err_set(e, "out of memory");
    int rc = audit_all(f, n, health, now, out, e);
    free(now);
    return rc;
}

// ---- all the time

// A node may answer from the block that it is just making: what differs counts when it differs after the next
// block too. Of `a`, the first n_again are of the audit before. How many are left as differing.
static size_t settle_doubts(struct follower *f, struct audited *a, size_t n_again)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->differs[i] && i >= n_again) {
            f->doubtful[f->n_doubtful++] = a->id[i];
            a->differs[i] = false;
        }
        n += a->differs[i];
    }
    f->n.differences += n;
    return n;
}

void follower_audit_block(struct follower *f)
{
    struct chain_audit out = {0};
    struct audited a = {.n = 0};
    struct err e;
    for (size_t i = 0; i < f->n_doubtful; i++) {
        if (take_accounts(f, f->doubtful[i], 1, &a, &e))
            return;
        a.n -= a.n && a.id[a.n - 1] != f->doubtful[i]; // it went with its block
    }
    const size_t n_again = a.n;
    for (unsigned i = 0; i < f->cfg.audit && f->meta.last_id && a.n < CHAIN_READ_ACCOUNTS; i++)
        if (take_accounts(f, 1 + prng_below(&f->rng, f->meta.last_id), 1, &a, &e))
            return;
    if (a.n == 0 || compare_states(f, &a, &out, &e))
        return;
    f->n.audited += a.n;
    f->n_doubtful = 0;
    if (settle_doubts(f, &a, n_again) == 0)
        return;
    const struct chain_block at = f->meta.at;
    touched_clear(&f->touched);
    f->next_pool = f->pool;
    memcpy(f->next_market, f->market, sizeof *f->market);
    for (size_t i = 0; i < a.n; i++) {
        if (a.differs[i] && f->cfg.hooks.hold)
            f->cfg.hooks.hold(f->cfg.hooks.ctx, a.id[i], "its positions or eMode differ from the contract's");
        if (a.differs[i] && touched_add(&f->touched, &a.user[i], false, &e))
            return;
    }
    (void)follower_apply(f, &at, false, &e);
}
