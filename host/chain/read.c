// SPDX-License-Identifier: Apache-2.0
// Blocks, accounts, prices; the market is read_market.c's.
#include "chain/read.h"

#include <stdlib.h>

#include "chain/calls.h"
#include "evm/abi.h"
#include "evm/hex.h"

// ---- blocks

struct block_answer {
    struct chain_block *out;
    bool found;
};

static int take_block(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    struct block_answer *b = to;
    (void)i;
    if (!a->ok)
        return err_set(e, "the node refuses to tell a block: %.200s", a->why);
    b->found = !rpc_json_null(a->result);
    if (b->found && (rpc_json_quantity(rpc_json_get(a->result, "number"), &b->out->number) ||
                     rpc_json_quantity(rpc_json_get(a->result, "timestamp"), &b->out->timestamp) ||
                     rpc_json_data(rpc_json_get(a->result, "hash"), b->out->hash.b, WORD_BYTES) ||
                     rpc_json_data(rpc_json_get(a->result, "parentHash"), b->out->parent.b, WORD_BYTES)))
        return err_set(e, "the node tells a block that is malformed");
    return 0;
}

int chain_read_number(struct chain_link *l, uint64_t number, struct chain_block *out, bool *found,
                      struct err *e)
{
    char params[64];
    struct block_answer b = {out, false};
    const struct chain_call c = {"eth_getBlockByNumber", params};
    (void)snprintf(params, sizeof params, "[\"0x%llx\",false]", (unsigned long long)number);
    if (chain_ask(l, &c, 1, take_block, &b, e))
        return -1;
    *found = b.found;
    return b.found && out->number != number ? err_set(e, "the node tells another block than it was asked for")
                                            : 0;
}

int chain_read_head(struct chain_link *l, struct chain_block *out, struct err *e)
{
    struct block_answer b = {out, false};
    const struct chain_call c = {"eth_getBlockByNumber", "[\"latest\",false]"};
    if (chain_ask(l, &c, 1, take_block, &b, e))
        return -1;
    return b.found ? 0 : err_set(e, "the node has no latest block");
}

// ---- accounts

struct want {
    uint8_t account, reserve;
    bool debt;
};

struct wants {
    struct calls c;
    struct want want[CHAIN_CALLS_MAX];
    struct account *const *out;
    bool *odd;
    const struct chain_pool *pool;
};

static bool bit(const struct word *w, unsigned n)
{
    return w->b[WORD_BYTES - 1 - n / 8] >> n % 8 & 1;
}

static struct position *position_of(struct account *a, uint16_t instrument)
{
    unsigned i = 0;
    while (i < a->n_positions && a->position[i].instrument < instrument)
        i++;
    if (i < a->n_positions && a->position[i].instrument == instrument)
        return &a->position[i];
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return NULL;
    memmove(&a->position[i + 1], &a->position[i], (a->n_positions - i) * sizeof a->position[0]);
    a->n_positions++;
    a->position[i] = (struct position){.instrument = instrument};
    return &a->position[i];
}

// A flag of debt without a variable debt is one at a stable rate, of which the rules know nothing.
static int take_balances(struct wants *w, struct err *e)
{
    for (size_t i = 0; i < w->c.n; i++) {
        const struct want *x = &w->want[i];
        struct word v;
        u128 n = 0;
        if (calls_need(&w->c, i, 1, "scaledBalanceOf", e))
            return -1;
        (void)calls_word(&w->c, i, 0, &v);
        bool wide = word_to_u128(&v, &n) || n >> 126;
        struct position *p = position_of(w->out[x->account], w->pool->reserve[x->reserve].instrument);
        if (wide || !p || (x->debt && n == 0)) {
            w->odd[x->account] = true;
        } else if (x->debt) {
            p->debt = (i128)n;
        } else {
            p->supply = (i128)n;
            p->collateral = true;
        }
    }
    w->c.n = 0;
    return 0;
}

static int want(struct wants *w, struct chain_link *l, const struct want *x, const struct evm_address *user,
                struct err *e)
{
    const struct chain_reserve *r = &w->pool->reserve[x->reserve];
    if (r->instrument == UINT16_MAX)
        return err_set(e, "an account uses reserve %u, which the pool did not list", x->reserve);
    if (calls_full(&w->c) && (calls_end(&w->c, l, e) || take_balances(w, e)))
        return -1;
    struct word arg = word_from_address(user);
    w->want[w->c.n] = *x;
    calls_add(&w->c, x->debt ? &r->vtoken : &r->atoken, abi_selector("scaledBalanceOf(address)"), &arg);
    return 0;
}

// Bits 2r (borrows) and 2r + 1 (uses as collateral) of the account's configuration.
static int want_account(struct wants *w, struct chain_link *l, size_t i, const struct word *config,
                        const struct evm_address *user, struct err *e)
{
    for (unsigned r = 0; r < CHAIN_RESERVES_MAX; r++) {
        const struct want supply = {(uint8_t)i, (uint8_t)r, false}, debt = {(uint8_t)i, (uint8_t)r, true};
        if (bit(config, 2 * r + 1) && want(w, l, &supply, user, e))
            return -1;
        if (bit(config, 2 * r) && want(w, l, &debt, user, e))
            return -1;
    }
    return 0;
}

// A supply of nothing that is still enabled is no position.
static void drop_empty(struct account *a, bool odd)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n_positions && !odd; i++)
        if (a->position[i].supply || a->position[i].debt)
            a->position[n++] = a->position[i];
    a->n_positions = (uint16_t)n;
    for (unsigned i = 0; i < n; i++)
        a->position[i].collateral = a->position[i].collateral && a->position[i].supply;
}

static int read_configs(struct calls *c, struct chain_link *l, const struct chain_pool *p,
                        const struct evm_address *user, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct word arg = word_from_address(&user[i]);
        calls_add(c, &p->pool, abi_selector("getUserConfiguration(address)"), &arg);
        calls_add(c, &p->pool, abi_selector("getUserEMode(address)"), &arg);
    }
    if (calls_end(c, l, e))
        return -1;
    for (size_t i = 0; i < c->n; i++)
        if (calls_need(c, i, 1, i % 2 ? "getUserEMode" : "getUserConfiguration", e))
            return -1;
    return 0;
}

static int read_accounts(struct wants *w, struct word *config, struct chain_link *l,
                         const struct evm_address *user, size_t n, struct err *e)
{
    if (read_configs(&w->c, l, w->pool, user, n, e))
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct word emode;
        (void)calls_word(&w->c, 2 * i, 0, &config[i]);
        (void)calls_word(&w->c, 2 * i + 1, 0, &emode);
        w->out[i]->n_positions = 0;
        w->out[i]->emode = emode.b[WORD_BYTES - 1];
        w->odd[i] = word_length(&emode) > 1;
    }
    w->c.n = 0;
    for (size_t i = 0; i < n; i++)
        if (want_account(w, l, i, &config[i], &user[i], e))
            return -1;
    if (calls_end(&w->c, l, e) || take_balances(w, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        drop_empty(w->out[i], w->odd[i]);
    return 0;
}

int chain_read_accounts(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                        const struct evm_address *user, size_t n, struct account *const *out, bool *odd,
                        struct err *e)
{
    struct word config[CHAIN_READ_ACCOUNTS];
    struct wants *w = malloc(sizeof *w);
    if (!w)
        return err_set(e, "out of memory");
    w->out = out;
    w->odd = odd;
    w->pool = p;
    calls_begin(&w->c, block);
    int rc = read_accounts(w, config, l, user, n, e);
    free(w);
    return rc;
}

// ---- the protocol's own word

static int take_prices(const struct calls *c, const struct market *m, const struct chain_pool *p,
                       const uint8_t *id, int64_t *px, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        struct word v;
        uint64_t price;
        if (calls_may(c, i, 1, "getAssetPrice", e))
            return -1;
        if (!calls_word(c, i, 0, &v) || word_to_u64(&v, &price) || price > INT64_MAX)
            price = 0;
        px[m->instrument[p->reserve[id[i]].instrument].asset] = (int64_t)price;
    }
    return 0;
}

int chain_read_prices(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                      int64_t px[MARKET_ASSETS_MAX], const struct market *m, struct err *e)
{
    uint8_t id[CHAIN_CALLS_MAX];
    struct calls *c = malloc(sizeof *c);
    int rc = c ? 0 : err_set(e, "out of memory");
    memset(px, 0, MARKET_ASSETS_MAX * sizeof *px);
    for (unsigned r = 0; rc == 0 && r < CHAIN_RESERVES_MAX;) {
        calls_begin(c, block);
        for (; r < CHAIN_RESERVES_MAX && !calls_full(c); r++) {
            struct word arg = word_from_address(&p->reserve[r].asset);
            id[c->n] = (uint8_t)r;
            if (p->reserve[r].instrument != UINT16_MAX)
                calls_add(c, &p->oracle, abi_selector("getAssetPrice(address)"), &arg);
        }
        rc = calls_end(c, l, e) || take_prices(c, m, p, id, px, e) ? -1 : 0;
    }
    free(c);
    return rc;
}

int chain_read_health(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                      const struct evm_address *user, size_t n, struct chain_health *out, struct err *e)
{
    struct calls *c = malloc(sizeof *c);
    if (!c)
        return err_set(e, "out of memory");
    calls_begin(c, block);
    for (size_t i = 0; i < n; i++) {
        struct word arg = word_from_address(&user[i]);
        calls_add(c, &p->pool, abi_selector("getUserAccountData(address)"), &arg);
    }
    int rc = calls_end(c, l, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = calls_need(c, i, 6, "getUserAccountData", e);
        if (rc == 0) {
            (void)calls_word(c, i, 1, &out[i].debt);
            (void)calls_word(c, i, 5, &out[i].factor);
        }
    }
    free(c);
    return rc;
}
