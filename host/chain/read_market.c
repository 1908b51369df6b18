// SPDX-License-Identifier: Apache-2.0
// Reserves, eMode categories and addresses of the market.
#include <ctype.h>
#include <stdlib.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "chain/calls.h"
#include "chain/read.h"
#include "evm/abi.h"

enum {
    PRICE_DECIMALS = 8, // base currency of Aave's oracles
    SYMBOL_MAX = 24,
    EMODE_LAST = 255,
    // words of getReserveData
    DATA_CONFIG = 0,
    DATA_LIQUIDITY_INDEX = 1,
    DATA_LIQUIDITY_RATE = 2,
    DATA_BORROW_INDEX = 3,
    DATA_BORROW_RATE = 4,
    DATA_UPDATED = 6,
    DATA_ID = 7,
    DATA_ATOKEN = 8,
    DATA_VTOKEN = 10,
    DATA_WORDS = 15,
};

struct reader {
    struct calls c;
    struct chain_link *l;
    struct chain_pool *p;
    struct market *m;
    size_t n_assets;
    struct evm_address asset[CHAIN_RESERVES_MAX];
};

// Bits at..at+n of a word, not across 64.
static uint32_t field(const struct word *w, unsigned at, unsigned n)
{
    return (uint32_t)(be64_load(w->b + 24 - at / 64 * 8) >> at % 64 & ((UINT64_C(1) << n) - 1));
}

static int address_word(const struct calls *c, size_t i, size_t w, struct evm_address *out, struct err *e)
{
    struct word v;
    if (!calls_word(c, i, w, &v) || word_to_address(&v, out))
        return err_set(e, "the pool answers with something that is no address: is this a pool of Aave V3?");
    return 0;
}

// ---- addresses

static int read_list(struct reader *r, struct err *e)
{
    struct calls *c = &r->c;
    const struct evm_address *pool = &r->p->pool;
    struct word one = word_from_u64(1), v;
    uint64_t n;
    calls_begin(c, &r->c.block);
    calls_add(c, pool, abi_selector("getReservesList()"), NULL);
    calls_add(c, pool, abi_selector("ADDRESSES_PROVIDER()"), NULL);
    calls_add(c, pool, abi_selector("POOL_REVISION()"), NULL);
    calls_add(c, pool, abi_selector("getEModeCategoryCollateralConfig(uint8)"), &one);
    if (calls_end(c, r->l, e) || calls_need(c, 0, 2, "getReservesList", e) ||
        calls_need(c, 1, 1, "ADDRESSES_PROVIDER", e) || calls_need(c, 2, 1, "POOL_REVISION", e) ||
        calls_may(c, 3, 3, "getEModeCategoryCollateralConfig", e) ||
        address_word(c, 1, 0, &r->p->provider, e))
        return -1;
    r->p->emode_bitmaps = c->result[3].ok;
    if (!calls_word(c, 2, 0, &v) || word_to_u64(&v, &r->p->revision) || !calls_word(c, 0, 1, &v) ||
        word_to_u64(&v, &n) || n > CHAIN_RESERVES_MAX)
        return err_set(e, "the pool lists more than %d reserves", CHAIN_RESERVES_MAX);
    for (r->n_assets = 0; r->n_assets < n; r->n_assets++)
        if (address_word(c, 0, 2 + r->n_assets, &r->asset[r->n_assets], e))
            return -1;
    calls_begin(c, &r->c.block);
    calls_add(c, &r->p->provider, abi_selector("getPoolConfigurator()"), NULL);
    calls_add(c, &r->p->provider, abi_selector("getPriceOracle()"), NULL);
    return calls_end(c, r->l, e) || calls_need(c, 0, 1, "getPoolConfigurator", e) ||
                   calls_need(c, 1, 1, "getPriceOracle", e) ||
                   address_word(c, 0, 0, &r->p->configurator, e) || address_word(c, 1, 0, &r->p->oracle, e)
               ? -1
               : 0;
}

// ---- a reserve

// symbol() is a string, of old tokens a bytes32.
static void symbol_of(const struct chain_result *s, unsigned id, const struct market *m, char name[NAME_LEN])
{
    const uint8_t *p = s->bytes;
    size_t n = s->ok && s->n >= WORD_BYTES ? WORD_BYTES : 0, used = 0;
    if (s->n >= 3 * WORD_BYTES) {
        n = s->bytes[2 * WORD_BYTES - 1];
        p += 2 * (size_t)WORD_BYTES;
        n = n < WORD_BYTES ? n : WORD_BYTES;
    }
    memset(name, 0, NAME_LEN);
    for (size_t i = 0; i < n && p[i] && used < SYMBOL_MAX; i++)
        name[used++] = isgraph(p[i]) && !strchr(",;=\"'", p[i]) ? (char)p[i] : '_';
    if (used == 0 || market_instrument(m, name) >= 0)
        (void)snprintf(name + used, NAME_LEN - used, "-%u", id);
}

static int add_asset(struct market *m, const char *name, uint16_t *out, struct err *e)
{
    int at = market_asset(m, name);
    if (at < 0 && m->n_assets == MARKET_ASSETS_MAX)
        return err_set(e, "more than %d assets", MARKET_ASSETS_MAX);
    *out = (uint16_t)(at < 0 ? m->n_assets : at);
    if (at >= 0)
        return 0;
    struct asset *a = &m->asset[m->n_assets++];
    *a = (struct asset){.kind = ASSET_INDEX, .decimals = PRICE_DECIMALS};
    memcpy(a->name, name, NAME_LEN);
    (void)snprintf(a->source, sizeof a->source, "%.26s_usd", name);
    for (char *p = a->source; *p; p++)
        *p = (char)tolower(*p);
    return 0;
}

static int add_instrument(struct market *m, struct chain_reserve *r, unsigned id, unsigned decimals,
                          const struct chain_result *symbol, struct err *e)
{
    struct instrument in = {.kind = INST_RESERVE, .size_decimals = (uint8_t)decimals};
    if (m->n_instruments == MARKET_INSTRUMENTS_MAX)
        return err_set(e, "more than %d instruments", MARKET_INSTRUMENTS_MAX);
    symbol_of(symbol, id, m, in.name);
    if (add_asset(m, in.name, &in.asset, e))
        return -1;
    r->instrument = m->n_instruments;
    m->instrument[m->n_instruments++] = in;
    return 0;
}

static int amount(const struct calls *c, size_t i, size_t w, u128 *out)
{
    struct word v;
    return calls_word(c, i, w, &v) ? word_to_u128(&v, out) : -1;
}

// Results at, at + 1 (grace period) and at + 2 (symbol; where it was asked for) are those of one reserve.
static int take_reserve(struct reader *r, size_t at, const struct evm_address *asset, bool symbol,
                        struct err *e)
{
    const struct calls *c = &r->c;
    struct word config, v, grace = {{0}};
    uint64_t id, until;
    if (calls_need(c, at, DATA_WORDS, "getReserveData", e) ||
        calls_may(c, at + 1, 1, "getLiquidationGracePeriod", e) ||
        (symbol && calls_may(c, at + 2, 1, "symbol", e)))
        return -1;
    (void)calls_word(c, at, DATA_CONFIG, &config);
    (void)calls_word(c, at, DATA_ID, &v);
    (void)calls_word(c, at + 1, 0, &grace);
    if (word_to_u64(&v, &id) || id >= CHAIN_RESERVES_MAX)
        return err_set(e, "a reserve's id is beyond %d", CHAIN_RESERVES_MAX);
    struct chain_reserve *x = &r->p->reserve[id];
    if (x->instrument != UINT16_MAX && !address_equal(&x->asset, asset))
        return err_set(e, "the pool has given reserve %llu another token: index again into a new store",
                       (unsigned long long)id);
    x->asset = *asset;
    x->listed = true;
    if (address_word(c, at, DATA_ATOKEN, &x->atoken, e) || address_word(c, at, DATA_VTOKEN, &x->vtoken, e))
        return -1;
    if (x->instrument == UINT16_MAX &&
        add_instrument(r->m, x, (unsigned)id, field(&config, 48, 8), &c->result[at + 2], e))
        return -1;
    struct instrument *in = &r->m->instrument[x->instrument];
    in->lt_bps = field(&config, 16, 16);
    in->lb_bps = field(&config, 32, 16);
    in->fee_bps = field(&config, 152, 16);
    bool active = field(&config, 56, 1), paused = field(&config, 60, 1);
    (void)calls_word(c, at, DATA_UPDATED, &v);
    if (amount(c, at, DATA_LIQUIDITY_INDEX, &in->liquidity_index) ||
        amount(c, at, DATA_LIQUIDITY_RATE, &in->liquidity_rate) ||
        amount(c, at, DATA_BORROW_INDEX, &in->borrow_index) ||
        amount(c, at, DATA_BORROW_RATE, &in->borrow_rate) || word_to_u64(&v, &in->told_at) ||
        word_to_u64(&grace, &until))
        return err_set(e, "reserve %s: a value is out of range", in->name);
    // What cannot be liquidated at all has a grace period without an end.
    in->grace_until = !active || paused || until > MOVING_TIME_MAX ? MOVING_TIME_MAX : until;
    if (in->told_at == 0) // never used: indexes of 1, nothing moves
        in->liquidity_rate = in->borrow_rate = 0;
    return 0;
}

static int read_reserves(struct reader *r, const struct evm_address *asset, size_t n, bool symbol,
                         struct err *e)
{
    size_t each = symbol ? 3 : 2, chunk = CHAIN_CALLS_MAX / each;
    for (size_t from = 0; from < n; from += chunk) {
        size_t k = n - from < chunk ? n - from : chunk;
        calls_begin(&r->c, &r->c.block);
        for (size_t i = from; i < from + k; i++) {
            struct word arg = word_from_address(&asset[i]);
            calls_add(&r->c, &r->p->pool, abi_selector("getReserveData(address)"), &arg);
            calls_add(&r->c, &r->p->pool, abi_selector("getLiquidationGracePeriod(address)"), &arg);
            if (symbol)
                calls_add(&r->c, &asset[i], abi_selector("symbol()"), NULL);
        }
        if (calls_end(&r->c, r->l, e))
            return -1;
        for (size_t i = 0; i < k; i++)
            if (take_reserve(r, i * each, &asset[from + i], symbol, e))
                return -1;
    }
    return 0;
}

// ---- eMode categories

static int add_emode(struct instrument *in, unsigned id, uint32_t lt, uint32_t lb, struct err *e)
{
    if (in->emode == 0) {
        in->emode = (uint8_t)id;
        in->emode_lt_bps = lt;
        in->emode_lb_bps = lb;
        return 0;
    }
    if (in->n_emodes == EMODES_MAX)
        return err_set(e, "reserve %s is in more than %d eMode categories", in->name, EMODES_MAX + 1);
    in->emodes[in->n_emodes++] = (struct emode){(uint8_t)id, (uint16_t)lt, (uint16_t)lb};
    return 0;
}

// Words first, first + 1: threshold and bonus; of result at + 1: members as a bitmap.
static int take_category(struct reader *r, size_t at, unsigned id, size_t first, struct err *e)
{
    struct word lt, lb, members;
    uint64_t t, b;
    if (calls_need(&r->c, at, first + 2, "eMode category", e) ||
        calls_need(&r->c, at + 1, 1,
                   r->p->emode_bitmaps ? "getEModeCategoryCollateralBitmap" : "getReservesList", e))
        return -1;
    (void)calls_word(&r->c, at, first, &lt);
    (void)calls_word(&r->c, at, first + 1, &lb);
    (void)calls_word(&r->c, at + 1, 0, &members);
    if (word_to_u64(&lt, &t) || word_to_u64(&lb, &b) || t > UINT16_MAX || b > UINT16_MAX)
        return err_set(e, "eMode category %u: a value is out of range", id);
    for (unsigned i = 0; t && i < CHAIN_RESERVES_MAX; i++) {
        const struct chain_reserve *x = &r->p->reserve[i];
        if (x->instrument == UINT16_MAX || !(members.b[WORD_BYTES - 1 - i / 8] >> i % 8 & 1))
            continue;
        if (add_emode(&r->m->instrument[x->instrument], id, (uint32_t)t, (uint32_t)b, e))
            return -1;
    }
    return 0;
}

// Since 3.2: any of 255 categories, each with a bitmap of reserves.
static int read_categories(struct reader *r, struct err *e)
{
    enum { EACH = CHAIN_CALLS_MAX / 2 };
    for (unsigned from = 1; from <= EMODE_LAST; from += EACH) {
        calls_begin(&r->c, &r->c.block);
        unsigned end = from + EACH <= EMODE_LAST + 1 ? from + EACH : EMODE_LAST + 1;
        for (unsigned id = from; id < end; id++) {
            struct word arg = word_from_u64(id);
            calls_add(&r->c, &r->p->pool, abi_selector("getEModeCategoryCollateralConfig(uint8)"), &arg);
            calls_add(&r->c, &r->p->pool, abi_selector("getEModeCategoryCollateralBitmap(uint8)"), &arg);
        }
        if (calls_end(&r->c, r->l, e))
            return -1;
        for (unsigned id = from; id < end; id++)
            if (take_category(r, 2 * (size_t)(id - from), id, 1, e))
                return -1;
    }
    return 0;
}

// Before: each reserve names its one category (bits 168 to 175 of its configuration).
static int read_old_categories(struct reader *r, struct err *e)
{
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++) {
        const struct chain_reserve *x = &r->p->reserve[i];
        struct word arg = word_from_address(&x->asset), config, lt, lb;
        if (!x->listed)
            continue;
        calls_begin(&r->c, &r->c.block);
        calls_add(&r->c, &r->p->pool, abi_selector("getConfiguration(address)"), &arg);
        if (calls_end(&r->c, r->l, e) || calls_need(&r->c, 0, 1, "getConfiguration", e))
            return -1;
        (void)calls_word(&r->c, 0, 0, &config);
        unsigned id = field(&config, 168, 8);
        if (id == 0)
            continue;
        arg = word_from_u64(id);
        calls_begin(&r->c, &r->c.block);
        calls_add(&r->c, &r->p->pool, abi_selector("getEModeCategoryData(uint8)"), &arg);
        if (calls_end(&r->c, r->l, e) || calls_need(&r->c, 0, 4, "getEModeCategoryData", e))
            return -1;
        (void)calls_word(&r->c, 0, 2, &lt); // an offset, ltv, threshold, bonus
        (void)calls_word(&r->c, 0, 3, &lb);
        if (field(&lt, 0, 16) &&
            add_emode(&r->m->instrument[x->instrument], id, field(&lt, 0, 16), field(&lb, 0, 16), e))
            return -1;
    }
    return 0;
}

static int read_settings(struct reader *r, struct err *e)
{
    if (read_list(r, e))
        return -1;
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++) {
        struct chain_reserve *x = &r->p->reserve[i];
        x->listed = false;
        if (x->instrument == UINT16_MAX)
            continue;
        struct instrument *in = &r->m->instrument[x->instrument];
        in->grace_until = MOVING_TIME_MAX; // unless it is still listed
        in->emode = in->n_emodes = 0;
        in->emode_lt_bps = in->emode_lb_bps = 0;
        memset(in->emodes, 0, sizeof in->emodes);
    }
    if (read_reserves(r, r->asset, r->n_assets, true, e))
        return -1;
    return r->p->emode_bitmaps ? read_categories(r, e) : read_old_categories(r, e);
}

int chain_read_market(struct chain_link *l, const struct word *block, const struct chain_wanted *w,
                      struct chain_pool *p, struct market *m, struct err *e)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, "out of memory");
    r->l = l;
    r->p = p;
    r->m = m;
    r->c.block = *block;
    int rc;
    if (w->settings) {
        rc = read_settings(r, e);
    } else {
        for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
            if (w->reserve[i] && p->reserve[i].listed)
                r->asset[r->n_assets++] = p->reserve[i].asset;
        rc = read_reserves(r, r->asset, r->n_assets, false, e);
    }
    free(r);
    struct err why;
    if (rc == 0 && market_check(m, &why))
        rc = err_set(e, "the chain's market: %.400s", why.msg);
    return rc;
}
