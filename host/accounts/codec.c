// SPDX-License-Identifier: Apache-2.0
// Wire form of accounts and markets, shared by the journal and the venue's socket. A version byte, then
// fields in a fixed order; integers are base-128 varints, least significant group first, signed ones
// zigzag-mapped. One value has one encoding: the decoder refuses padded varints and unknown flag bits, so
// that equal bytes and equal states are the same thing (orders may only be repeated with identical bytes,
// P6). So a value is written in the lowest version that holds it, and refused in a higher one: what does not
// need a later version reads and writes as it did before it.
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"

enum {
    VARINT_GROUP = 7,
    U128_GROUPS = 19,
    POSITION_COLLATERAL = 1,
    POSITION_ORDERS = 2,
    TERMS_5 = TERM_BORROW_SHARES
};

// ---- writing
// -------------------------------------------------------------------------------------------------

struct writer {
    uint8_t *p;
    size_t size, n;
    bool full;
};

static void put_byte(struct writer *w, uint8_t b)
{
    if (w->n == w->size) {
        w->full = true;
        return;
    }
    w->p[w->n++] = b;
}

static void put_u128(struct writer *w, u128 v)
{
    while (v >= 0x80) {
        put_byte(w, (uint8_t)(v & 0x7f) | 0x80);
        v >>= VARINT_GROUP;
    }
    put_byte(w, (uint8_t)v);
}

static void put_i128(struct writer *w, i128 v)
{
    put_u128(w, v < 0 ? ~((u128)v << 1) : (u128)v << 1);
}

// s has room for `size` bytes with the terminator.
static void put_text(struct writer *w, const char *s, size_t size)
{
    size_t n = strnlen(s, size);
    if (n == size) {
        w->full = true; // not terminated: nothing sensible can be written
        return;
    }
    put_byte(w, (uint8_t)n);
    for (size_t i = 0; i < n; i++)
        put_byte(w, (uint8_t)s[i]);
}

// ---- reading
// -------------------------------------------------------------------------------------------------

struct reader {
    const uint8_t *p;
    size_t len, n;
    bool bad;
};

static uint8_t get_byte(struct reader *r)
{
    if (r->bad || r->n == r->len) {
        r->bad = true;
        return 0;
    }
    return r->p[r->n++];
}

static u128 get_u128(struct reader *r)
{
    u128 v = 0;
    for (unsigned g = 0; g < U128_GROUPS; g++) {
        uint8_t b = get_byte(r);
        u128 part = b & 0x7f;
        if (g == U128_GROUPS - 1 && part > 3) // 18 groups are 126 bits: two are left
            r->bad = true;
        v |= part << (VARINT_GROUP * g);
        if (!(b & 0x80)) {
            if (b == 0 && g > 0)
                r->bad = true; // padded
            return v;
        }
    }
    r->bad = true;
    return 0;
}

static uint64_t get_u64(struct reader *r, uint64_t max)
{
    u128 v = get_u128(r);
    if (v > max) {
        r->bad = true;
        return 0;
    }
    return (uint64_t)v;
}

static i128 get_i128(struct reader *r)
{
    u128 z = get_u128(r);
    return (i128)((z >> 1) ^ (0 - (z & 1)));
}

static void get_text(struct reader *r, char *out, size_t size)
{
    size_t n = get_byte(r);
    if (r->bad || n >= size || n > r->len - r->n || memchr(r->p + r->n, 0, n)) {
        r->bad = true;
        return;
    }
    memcpy(out, r->p + r->n, n);
    r->n += n;
}

// ---- accounts
// ------------------------------------------------------------------------------------------------

bool codec_known(uint8_t version)
{
    return version == CODEC_ACCOUNT || version == CODEC_ACCOUNT_4 || version == CODEC_ACCOUNT_3 ||
           version == CODEC_ACCOUNT_2 || version == CODEC_MARKET || version == CODEC_MARKET_5 ||
           version == CODEC_MARKET_4 || version == CODEC_MARKET_3 || version == CODEC_MARKET_2;
}

// Version 5: open orders. Version 4: what a rule remembers. Version 3: funding of positions.
static uint8_t account_version(const struct account *a)
{
    uint8_t version = account_remembers(a) ? CODEC_ACCOUNT_4 : CODEC_ACCOUNT_2;
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (a->position[i].orders)
            return CODEC_ACCOUNT;
        if (a->position[i].funding && version == CODEC_ACCOUNT_2)
            version = CODEC_ACCOUNT_3;
    }
    return version;
}

size_t account_encode(const struct account *a, uint8_t *buf, size_t size)
{
    struct writer w = {buf, size, 0, false};
    if (!a->rule || a->n_positions > ACCOUNT_POSITIONS_MAX)
        return 0;
    uint8_t version = account_version(a);
    put_byte(&w, version);
    put_u128(&w, a->id);
    put_text(&w, a->name, NAME_LEN);
    put_text(&w, a->rule->name, NAME_LEN);
    put_text(&w, a->currency, CURRENCY_LEN);
    put_byte(&w, a->cash_decimals);
    put_byte(&w, a->emode);
    put_u128(&w, a->epoch);
    put_i128(&w, a->cash);
    for (unsigned k = 0; version >= CODEC_ACCOUNT_4 && k < RULE_STATE_WORDS; k++)
        put_u128(&w, a->rule_state[k]);
    put_u128(&w, a->n_positions);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        put_u128(&w, p->instrument);
        put_byte(&w,
                 (uint8_t)((p->collateral ? POSITION_COLLATERAL : 0) | (p->orders ? POSITION_ORDERS : 0)));
        put_i128(&w, p->size);
        put_i128(&w, p->entry);
        put_i128(&w, p->supply);
        put_i128(&w, p->debt);
        if (version != CODEC_ACCOUNT_2)
            put_i128(&w, p->funding);
        if (p->orders) {
            put_byte(&w, p->orders);
            put_u128(&w, (uint64_t)p->bids); // account_check: neither is below 0
            put_u128(&w, (uint64_t)p->asks);
        }
    }
    return w.full ? 0 : w.n;
}

static int64_t get_i64(struct reader *r)
{
    i128 v = get_i128(r);
    if (v < INT64_MIN || v > INT64_MAX) {
        r->bad = true;
        return 0;
    }
    return (int64_t)v;
}

static void get_position(struct reader *r, uint8_t version, struct position *p)
{
    p->instrument = (uint16_t)get_u64(r, MARKET_INSTRUMENTS_MAX - 1);
    uint8_t flags = get_byte(r);
    if (flags & ~(POSITION_COLLATERAL | (version == CODEC_ACCOUNT ? POSITION_ORDERS : 0)))
        r->bad = true;
    p->collateral = flags & POSITION_COLLATERAL;
    p->size = get_i128(r);
    p->entry = get_i64(r);
    p->supply = get_i128(r);
    p->debt = get_i128(r);
    p->funding = version != CODEC_ACCOUNT_2 ? get_i128(r) : 0;
    if (!(flags & POSITION_ORDERS))
        return;
    p->orders = get_byte(r);
    p->bids = (int64_t)get_u64(r, INT64_MAX);
    p->asks = (int64_t)get_u64(r, INT64_MAX);
    r->bad |= p->orders == 0;
}

size_t account_decode(const uint8_t *buf, size_t len, struct account *a)
{
    struct reader r = {buf, len, 0, false};
    char rule[NAME_LEN] = {0};
    memset(a, 0, sizeof *a);
    uint8_t version = get_byte(&r);
    if (version < CODEC_ACCOUNT_2 || version > CODEC_ACCOUNT)
        return 0;
    a->id = (uint32_t)get_u64(&r, UINT32_MAX);
    get_text(&r, a->name, NAME_LEN);
    get_text(&r, rule, NAME_LEN);
    get_text(&r, a->currency, CURRENCY_LEN);
    a->cash_decimals = get_byte(&r);
    a->emode = get_byte(&r);
    a->epoch = (uint32_t)get_u64(&r, UINT32_MAX);
    a->cash = get_i128(&r);
    for (unsigned k = 0; version >= CODEC_ACCOUNT_4 && k < RULE_STATE_WORDS; k++)
        a->rule_state[k] = get_u64(&r, (UINT64_C(1) << RULE_STATE_BITS) - 1);
    a->n_positions = (uint16_t)get_u64(&r, ACCOUNT_POSITIONS_MAX);
    for (unsigned i = 0; i < a->n_positions && !r.bad; i++)
        get_position(&r, version, &a->position[i]);
    if (r.bad || version != account_version(a))
        return 0;
    a->rule = rule_find(rule);
    return account_check(NULL, a, NULL) ? 0 : r.n;
}

// ---- markets
// -------------------------------------------------------------------------------------------------

static void put_instrument(struct writer *w, const struct instrument *s)
{
    put_text(w, s->name, NAME_LEN);
    put_byte(w, s->kind);
    put_byte(w, s->size_decimals);
    put_text(w, s->currency, CURRENCY_LEN);
    put_byte(w, s->cash_decimals);
    put_u128(w, s->asset);
    put_u128(w, s->inverse);
    put_byte(w, (uint8_t)s->n_tiers);
    for (unsigned k = 0; k < s->n_tiers; k++) {
        put_i128(w, s->tier[k].floor);
        put_u128(w, s->tier[k].rate_ppm);
    }
    put_u128(w, s->fee_ppm);
    put_u128(w, s->penalty_ppm);
    put_u128(w, s->lt_bps);
    put_u128(w, s->lb_bps);
    put_u128(w, s->fee_bps);
    put_byte(w, s->emode);
    put_u128(w, s->emode_lt_bps);
    put_u128(w, s->emode_lb_bps);
    put_u128(w, s->liquidity_index);
    put_u128(w, s->borrow_index);
}

// Version 3: a profit's weight, and what moves with time.
static void put_version_3(struct writer *w, const struct instrument *s)
{
    put_u128(w, s->profit_weight_ppm);
    put_u128(w, s->told_at);
    put_i128(w, s->funding_index);
    put_i128(w, s->funding_rate);
    put_u128(w, s->liquidity_rate);
    put_u128(w, s->borrow_rate);
    put_u128(w, s->ramp_from_bps);
    put_u128(w, s->emode_ramp_from_bps);
    put_u128(w, s->ramp_start);
    put_u128(w, s->ramp_end);
    put_u128(w, s->grace_until);
}

static void get_version_3(struct reader *r, struct instrument *s)
{
    s->profit_weight_ppm = (uint32_t)get_u64(r, UINT32_MAX);
    s->told_at = get_u64(r, UINT64_MAX);
    s->funding_index = get_i128(r);
    s->funding_rate = get_i64(r);
    s->liquidity_rate = get_u128(r);
    s->borrow_rate = get_u128(r);
    s->ramp_from_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->emode_ramp_from_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->ramp_start = get_u64(r, UINT64_MAX);
    s->ramp_end = get_u64(r, UINT64_MAX);
    s->grace_until = get_u64(r, UINT64_MAX);
}

// Version 4: eMode categories beyond the first.
static void put_emodes(struct writer *w, const struct instrument *s)
{
    put_byte(w, s->n_emodes);
    for (unsigned k = 0; k < s->n_emodes; k++) {
        put_byte(w, s->emodes[k].id);
        put_u128(w, s->emodes[k].lt_bps);
        put_u128(w, s->emodes[k].lb_bps);
    }
}

static void get_emodes(struct reader *r, struct instrument *s)
{
    unsigned n = get_byte(r);
    r->bad |= n > EMODES_MAX;
    for (unsigned k = 0; k < n && !r->bad; k++) {
        s->emodes[k].id = get_byte(r);
        s->emodes[k].lt_bps = (uint16_t)get_u64(r, UINT16_MAX);
        s->emodes[k].lb_bps = (uint16_t)get_u64(r, UINT16_MAX);
    }
    s->n_emodes = r->bad ? 0 : (uint8_t)n;
}

// Version 5: the first four terms.
static void put_terms_5(struct writer *w, const struct terms *t)
{
    for (unsigned key = TERM_NONE + 1; key <= TERMS_5; key++)
        put_u128(w, term_get(t, (enum term)key));
}

static void get_terms_5(struct reader *r, struct terms *t)
{
    for (unsigned key = TERM_NONE + 1; key <= TERMS_5; key++) {
        u128 v = get_u128(r);
        r->bad |= v >> TERM_BITS != 0;
        (void)term_set(t, (enum term)key, v); // has room for these few
    }
}

// Version 6: terms of any rule, as pairs.
static void put_terms(struct writer *w, const struct terms *t)
{
    put_byte(w, t->n);
    for (unsigned k = 0; k < t->n; k++) {
        put_byte(w, t->key[k]);
        put_u128(w, t->value[k]);
    }
}

static void get_terms(struct reader *r, struct terms *t)
{
    unsigned n = get_byte(r);
    r->bad |= n > INSTRUMENT_TERMS_MAX;
    for (unsigned k = 0; k < n && !r->bad; k++) {
        t->key[k] = get_byte(r);
        t->value[k] = get_u128(r);
    }
    t->n = r->bad ? 0 : (uint8_t)n;
    r->bad |= !terms_sound(t);
}

static void put_scenarios(struct writer *w, const struct market *m)
{
    put_u128(w, m->n_scenarios);
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        put_text(w, m->scenario[x].name, NAME_LEN);
        for (unsigned i = 0; i < m->n_instruments; i++)
            put_i128(w, m->scenario[x].shock_ppm[i]);
    }
}

static void get_scenarios(struct reader *r, struct market *m)
{
    m->n_scenarios = (uint16_t)get_u64(r, SCENARIOS_MAX);
    for (unsigned x = 0; x < m->n_scenarios && !r->bad; x++) {
        get_text(r, m->scenario[x].name, NAME_LEN);
        for (unsigned i = 0; i < m->n_instruments; i++) {
            i128 shock = get_i128(r);
            r->bad |= shock < INT32_MIN || shock > INT32_MAX;
            m->scenario[x].shock_ppm[i] = (int32_t)shock;
        }
    }
}

// Version 6: terms of any rule. Version 5: the first of them. Version 4: further eMode categories. Version 3:
// assets' spreads, profits' weights, scenarios and what moves with time.
static uint8_t market_version(const struct market *m)
{
    unsigned last = TERM_NONE;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct terms *t = &m->instrument[i].terms;
        if (t->n && t->key[t->n - 1] > last)
            last = t->key[t->n - 1];
    }
    if (last != TERM_NONE)
        return last > TERMS_5 ? CODEC_MARKET : CODEC_MARKET_5;
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (m->instrument[i].n_emodes)
            return CODEC_MARKET_4;
    if (m->n_scenarios)
        return CODEC_MARKET_3;
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].spread_ppm)
            return CODEC_MARKET_3;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct instrument *s = &m->instrument[i];
        if (s->profit_weight_ppm || s->told_at || s->funding_index || s->funding_rate || s->liquidity_rate ||
            s->borrow_rate || s->ramp_from_bps || s->emode_ramp_from_bps || s->ramp_start || s->ramp_end ||
            s->grace_until)
            return CODEC_MARKET_3;
    }
    return CODEC_MARKET_2;
}

static void get_instrument(struct reader *r, struct instrument *s)
{
    get_text(r, s->name, NAME_LEN);
    s->kind = get_byte(r);
    s->size_decimals = get_byte(r);
    get_text(r, s->currency, CURRENCY_LEN);
    s->cash_decimals = get_byte(r);
    s->asset = (uint16_t)get_u64(r, MARKET_ASSETS_MAX - 1);
    s->inverse = (uint16_t)get_u64(r, MARKET_ASSETS_MAX - 1);
    s->n_tiers = get_byte(r);
    if (s->n_tiers > TIERS_MAX) {
        r->bad = true;
        s->n_tiers = 0;
    }
    for (unsigned k = 0; k < s->n_tiers; k++) {
        s->tier[k].floor = get_i128(r);
        s->tier[k].rate_ppm = (uint32_t)get_u64(r, UINT32_MAX);
    }
    s->fee_ppm = (uint32_t)get_u64(r, UINT32_MAX);
    s->penalty_ppm = (uint32_t)get_u64(r, UINT32_MAX);
    s->lt_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->lb_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->fee_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->emode = get_byte(r);
    s->emode_lt_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->emode_lb_bps = (uint32_t)get_u64(r, UINT32_MAX);
    s->liquidity_index = get_u128(r);
    s->borrow_index = get_u128(r);
}

size_t market_encode(const struct market *m, uint8_t *buf, size_t size)
{
    struct writer w = {buf, size, 0, false};
    if (m->n_assets > MARKET_ASSETS_MAX || m->n_instruments > MARKET_INSTRUMENTS_MAX ||
        m->n_scenarios > SCENARIOS_MAX)
        return 0;
    uint8_t version = market_version(m);
    put_byte(&w, version);
    put_u128(&w, m->n_assets);
    put_u128(&w, m->n_instruments);
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        put_text(&w, a->name, NAME_LEN);
        put_text(&w, a->source, NAME_LEN);
        put_byte(&w, a->kind);
        put_byte(&w, a->decimals);
        put_u128(&w, a->base);
        put_u128(&w, a->stale_ms);
        put_u128(&w, a->guard_ppm);
        if (version != CODEC_MARKET_2)
            put_u128(&w, a->spread_ppm);
    }
    for (unsigned i = 0; i < m->n_instruments; i++) {
        if (m->instrument[i].n_tiers > TIERS_MAX || m->instrument[i].n_emodes > EMODES_MAX ||
            m->instrument[i].terms.n > INSTRUMENT_TERMS_MAX)
            return 0;
        put_instrument(&w, &m->instrument[i]);
        if (version != CODEC_MARKET_2)
            put_version_3(&w, &m->instrument[i]);
        if (version >= CODEC_MARKET_4)
            put_emodes(&w, &m->instrument[i]);
        if (version == CODEC_MARKET_5)
            put_terms_5(&w, &m->instrument[i].terms);
        if (version == CODEC_MARKET)
            put_terms(&w, &m->instrument[i].terms);
    }
    if (version != CODEC_MARKET_2)
        put_scenarios(&w, m);
    return w.full ? 0 : w.n;
}

size_t market_decode(const uint8_t *buf, size_t len, struct market *m)
{
    struct reader r = {buf, len, 0, false};
    memset(m, 0, sizeof *m);
    uint8_t version = get_byte(&r);
    if (version != CODEC_MARKET && version != CODEC_MARKET_5 && version != CODEC_MARKET_4 &&
        version != CODEC_MARKET_3 && version != CODEC_MARKET_2)
        return 0;
    m->n_assets = (uint16_t)get_u64(&r, MARKET_ASSETS_MAX);
    m->n_instruments = (uint16_t)get_u64(&r, MARKET_INSTRUMENTS_MAX);
    for (unsigned i = 0; i < m->n_assets && !r.bad; i++) {
        struct asset *a = &m->asset[i];
        get_text(&r, a->name, NAME_LEN);
        get_text(&r, a->source, NAME_LEN);
        a->kind = get_byte(&r);
        a->decimals = get_byte(&r);
        a->base = (uint16_t)get_u64(&r, MARKET_ASSETS_MAX - 1);
        a->stale_ms = (uint32_t)get_u64(&r, UINT32_MAX);
        a->guard_ppm = (uint32_t)get_u64(&r, UINT32_MAX);
        a->spread_ppm = version != CODEC_MARKET_2 ? (uint32_t)get_u64(&r, UINT32_MAX) : 0;
    }
    for (unsigned i = 0; i < m->n_instruments && !r.bad; i++) {
        get_instrument(&r, &m->instrument[i]);
        if (version != CODEC_MARKET_2)
            get_version_3(&r, &m->instrument[i]);
        if (version >= CODEC_MARKET_4)
            get_emodes(&r, &m->instrument[i]);
        if (version == CODEC_MARKET_5)
            get_terms_5(&r, &m->instrument[i].terms);
        if (version == CODEC_MARKET)
            get_terms(&r, &m->instrument[i].terms);
    }
    if (version != CODEC_MARKET_2)
        get_scenarios(&r, m);
    return r.bad || version != market_version(m) || market_check(m, NULL) ? 0 : r.n;
}
