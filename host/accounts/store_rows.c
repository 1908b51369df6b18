// SPDX-License-Identifier: Apache-2.0
// Tables of the market. The reader trusts none of them: another program may have written the file.
#include "accounts/store_columns.h"

#include <string.h>

#include "accounts/book.h"

static const char *const ASSET_KINDS[] = {
    [ASSET_MARK] = "mark", [ASSET_INDEX] = "index", [ASSET_RECIPROCAL] = "reciprocal"};
static const char *const INST_KINDS[] = {
    [INST_LINEAR] = "linear", [INST_INVERSE] = "inverse", [INST_RESERVE] = "reserve"};

// ---- writing

static int write_assets(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO assets VALUES (?,?,?,?,?,?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; rc == 0 && i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        bind_int(&b, i);
        bind_text(&b, a->name);
        bind_text(&b, ASSET_KINDS[a->kind]);
        bind_text(&b, a->source);
        bind_int(&b, a->decimals);
        if (a->kind == ASSET_RECIPROCAL)
            bind_int(&b, a->base);
        else
            bind_null(&b);
        bind_int(&b, a->stale_ms);
        bind_int(&b, a->guard_ppm);
        bind_int(&b, a->spread_ppm);
        rc = step_insert(s, &b, e);
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_tiers(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO tiers VALUES (?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        for (unsigned k = 0; rc == 0 && k < m->instrument[i].n_tiers; k++) {
            bind_int(&b, i);
            bind_int(&b, k);
            bind_wide(&b, m->instrument[i].tier[k].floor);
            bind_int(&b, m->instrument[i].tier[k].rate_ppm);
            rc = step_insert(s, &b, e);
        }
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_scenarios(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO scenarios VALUES (?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        for (unsigned i = 0; rc == 0 && i < m->n_instruments; i++) {
            if (m->scenario[x].shock_ppm[i] == 0)
                continue;
            bind_int(&b, x);
            bind_text(&b, m->scenario[x].name);
            bind_int(&b, i);
            bind_int(&b, m->scenario[x].shock_ppm[i]);
            rc = step_insert(s, &b, e);
        }
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_emodes(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO emodes VALUES (?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        for (unsigned k = 0; rc == 0 && k < m->instrument[i].n_emodes; k++) {
            const struct emode *x = &m->instrument[i].emodes[k];
            bind_int(&b, i);
            bind_int(&b, x->id);
            bind_int(&b, x->lt_bps);
            bind_int(&b, x->lb_bps);
            rc = step_insert(s, &b, e);
        }
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_terms(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO terms VALUES (?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct terms *t = &m->instrument[i].terms;
        for (unsigned k = 0; rc == 0 && k < t->n; k++) {
            bind_int(&b, i);
            bind_text(&b, term_name((enum term)t->key[k]));
            bind_wide(&b, (i128)t->value[k]); // market_check bounds each by 2^127
            rc = step_insert(s, &b, e);
        }
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_instruments(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {
        prepare(s,
                "INSERT INTO instruments VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                e),
        0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; rc == 0 && i < m->n_instruments; i++) {
        const struct instrument *x = &m->instrument[i];
        bind_int(&b, i);
        bind_text(&b, x->name);
        bind_text(&b, INST_KINDS[x->kind]);
        bind_int(&b, x->asset);
        if (x->kind == INST_INVERSE)
            bind_int(&b, x->inverse);
        else
            bind_null(&b);
        bind_int(&b, x->size_decimals);
        bind_text(&b, x->currency);
        bind_int(&b, x->cash_decimals);
        bind_int(&b, x->fee_ppm);
        bind_int(&b, x->penalty_ppm);
        bind_int(&b, x->profit_weight_ppm);
        bind_int(&b, x->lt_bps);
        bind_int(&b, x->lb_bps);
        bind_int(&b, x->fee_bps);
        bind_int(&b, x->emode);
        bind_int(&b, x->emode_lt_bps);
        bind_int(&b, x->emode_lb_bps);
        bind_wide(&b, (i128)x->liquidity_index); // market_check bounds it by 1e33
        bind_wide(&b, (i128)x->borrow_index);
        bind_wide(&b, (i128)x->liquidity_rate);
        bind_wide(&b, (i128)x->borrow_rate);
        bind_wide(&b, x->funding_index);
        bind_wide(&b, x->funding_rate);
        bind_int(&b, (int64_t)x->told_at);
        bind_int(&b, x->ramp_from_bps);
        bind_int(&b, x->emode_ramp_from_bps);
        bind_int(&b, (int64_t)x->ramp_start);
        bind_int(&b, (int64_t)x->ramp_end);
        bind_int(&b, (int64_t)x->grace_until);
        rc = step_insert(s, &b, e);
    }
    sqlite3_finalize(b.st);
    return rc;
}

// What is told has no source to be stored: a book is paired when it is loaded, not before it is saved.
static int none_told(const struct store *s, const struct market *m, struct err *e)
{
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind == ASSET_TOLD)
            return err_set(e, "%s: asset %s is told by a chain, and not for a store", s->path,
                           m->asset[i].name);
    return 0;
}

static int write_market(struct store *s, const struct market *m, struct err *e)
{
    if (none_told(s, m, e) != 0)
        return -1;
    return write_assets(s, m, e) || write_instruments(s, m, e) || write_tiers(s, m, e) ||
                   write_emodes(s, m, e) || write_terms(s, m, e) || write_scenarios(s, m, e)
               ? -1
               : 0;
}

int store_write_market(struct store *s, const struct market *m, struct err *e)
{
    return store_create_tables(s, e) ? -1 : write_market(s, m, e);
}

int store_rewrite_market(struct store *s, const struct market *m, struct err *e)
{
    struct err why;
    if (market_check(m, &why))
        return err_set(e, "%s: not written: %.400s", s->path, why.msg);
    return store_exec(s,
                      "DELETE FROM scenarios; DELETE FROM terms; DELETE FROM emodes; DELETE FROM tiers; "
                      "DELETE FROM instruments;"
                      "DELETE FROM assets",
                      e)
               ? -1
               : write_market(s, m, e);
}

// ---- reading

static int read_assets(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare_read(
            s,
            "SELECT id,name,kind,source,decimals,base,stale_ms,guard_ppm,spread_ppm FROM assets ORDER BY id",
            "SELECT id,name,kind,source,decimals,base,stale_ms,guard_ppm,0 FROM assets ORDER BY id", e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t id = col_int(&c, MARKET_ASSETS_MAX - 1);
        if (c.bad || id != m->n_assets) {
            err_set(e, "%s: table assets: ids must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        struct asset *a = &m->asset[id];
        col_string(&c, a->name, NAME_LEN);
        a->kind = col_kind(&c, ASSET_KINDS, sizeof ASSET_KINDS / sizeof *ASSET_KINDS);
        col_string(&c, a->source, NAME_LEN);
        a->decimals = (uint8_t)col_int(&c, DECIMALS_MAX);
        a->base = (uint16_t)col_optional_int(&c, MARKET_ASSETS_MAX - 1);
        a->stale_ms = (uint32_t)col_int(&c, UINT32_MAX);
        a->guard_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        a->spread_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        m->n_assets++;
        rc = c.bad ? row_bad(s, "assets", a->name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static void take_instrument(struct columns *c, struct instrument *x)
{
    col_string(c, x->name, NAME_LEN);
    x->kind = col_kind(c, INST_KINDS, sizeof INST_KINDS / sizeof *INST_KINDS);
    x->asset = (uint16_t)col_int(c, MARKET_ASSETS_MAX - 1);
    x->inverse = (uint16_t)col_optional_int(c, MARKET_ASSETS_MAX - 1);
    x->size_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    col_string(c, x->currency, CURRENCY_LEN);
    x->cash_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    x->fee_ppm = (uint32_t)col_int(c, UINT32_MAX);
    x->penalty_ppm = (uint32_t)col_int(c, UINT32_MAX);
    x->lt_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->lb_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->fee_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode = (uint8_t)col_int(c, UINT8_MAX);
    x->emode_lt_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode_lb_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->liquidity_index = col_amount(c);
    x->borrow_index = col_amount(c);
    x->profit_weight_ppm = (uint32_t)col_int(c, UINT32_MAX);
    x->liquidity_rate = col_amount(c);
    x->borrow_rate = col_amount(c);
    x->funding_index = col_wide(c);
    i128 rate = col_wide(c);
    if (rate < INT64_MIN || rate > INT64_MAX)
        c->bad = c->bad ? c->bad : "funding_rate";
    x->funding_rate = (int64_t)rate;
    x->told_at = col_int(c, INT64_MAX);
    x->ramp_from_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode_ramp_from_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->ramp_start = col_int(c, INT64_MAX);
    x->ramp_end = col_int(c, INT64_MAX);
    x->grace_until = col_int(c, INT64_MAX);
}

#define INSTRUMENT_COLUMNS                                                                                   \
    "SELECT "                                                                                                \
    "id,name,kind,asset,inverse,size_decimals,currency,cash_decimals,fee_ppm,penalty_ppm,lt_bps,lb_bps,"     \
    "fee_bps,emode,emode_lt_bps,emode_lb_bps,liquidity_index,borrow_index,"
#define VERSION_3_COLUMNS                                                                                    \
    "profit_weight_ppm,liquidity_rate,borrow_rate,funding_index,funding_rate,told_at,ramp_from_bps,emode_"   \
    "ramp_from_bps,ramp_"                                                                                    \
    "start,"                                                                                                 \
    "ramp_end,grace_until"

static int read_instruments(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare_read(s, INSTRUMENT_COLUMNS VERSION_3_COLUMNS " FROM instruments ORDER BY id",
                     INSTRUMENT_COLUMNS "0,'0','0','0','0',0,0,0,0,0,0 FROM instruments ORDER BY id", e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t id = col_int(&c, MARKET_INSTRUMENTS_MAX - 1);
        if (c.bad || id != m->n_instruments) {
            err_set(e, "%s: table instruments: ids must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        take_instrument(&c, &m->instrument[id]);
        m->n_instruments++;
        rc = c.bad ? row_bad(s, "instruments", m->instrument[id].name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int read_tiers(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare(s, "SELECT instrument,tier,floor,rate_ppm FROM tiers ORDER BY instrument,tier", e), 0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t i = col_int(&c, MARKET_INSTRUMENTS_MAX - 1), k = col_int(&c, TIERS_MAX - 1);
        if (c.bad || i >= m->n_instruments || k != m->instrument[i].n_tiers) {
            err_set(e, "%s: table tiers: tiers of an instrument must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        struct instrument *x = &m->instrument[i];
        x->tier[k].floor = col_wide(&c);
        x->tier[k].rate_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        x->n_tiers++;
        rc = c.bad ? row_bad(s, "tiers", x->name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int read_emodes(struct store *s, struct market *m, struct err *e)
{
    if (s->version == STORE_SCHEMA_OLD || s->version == STORE_SCHEMA_NO_EMODES)
        return 0;
    struct columns c = {
        prepare(s, "SELECT instrument,emode,lt_bps,lb_bps FROM emodes ORDER BY instrument,emode", e), 0,
        NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t i = col_int(&c, MARKET_INSTRUMENTS_MAX - 1);
        if (c.bad || i >= m->n_instruments || m->instrument[i].n_emodes == EMODES_MAX) {
            err_set(e, "%s: table emodes: at most %d rows an instrument, of instruments that exist", s->path,
                    EMODES_MAX);
            break;
        }
        struct instrument *x = &m->instrument[i];
        struct emode *y = &x->emodes[x->n_emodes++];
        y->id = (uint8_t)col_int(&c, UINT8_MAX);
        y->lt_bps = (uint16_t)col_int(&c, UINT16_MAX);
        y->lb_bps = (uint16_t)col_int(&c, UINT16_MAX);
        rc = c.bad ? row_bad(s, "emodes", x->name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

// Schema version 5 had the first four terms, as columns.
static const char TERMS_OF_CREDITS[] =
    "SELECT instrument,'exchange_rate' AS term,exchange_rate AS value FROM credits UNION ALL "
    "SELECT instrument,'close_factor',close_factor FROM credits UNION ALL "
    "SELECT instrument,'borrow_assets',borrow_assets FROM credits UNION ALL "
    "SELECT instrument,'borrow_shares',borrow_shares FROM credits";

static int read_terms(struct store *s, struct market *m, struct err *e)
{
    if (s->version < STORE_SCHEMA_CREDITS)
        return 0;
    struct columns c = {prepare(s,
                                s->version == STORE_SCHEMA_CREDITS
                                    ? TERMS_OF_CREDITS
                                    : "SELECT instrument,term,value FROM terms ORDER BY instrument,term",
                                e),
                        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        uint64_t i = col_int(&c, MARKET_INSTRUMENTS_MAX - 1);
        const char *name = col_text(&c);
        enum term key = term_find(name);
        if (c.bad || i >= m->n_instruments || key == TERM_NONE) {
            rc = err_set(e, "%s: table terms: '%.40s': a term that is known, of an instrument that exists",
                         s->path, name);
            break;
        }
        u128 value = col_amount(&c);
        rc = c.bad ? row_bad(s, "terms", m->instrument[i].name, c.bad, e) : 0;
        if (rc == 0 && !term_set(&m->instrument[i].terms, key, value))
            rc = err_set(e, "%s: table terms: more than %d of %s", s->path, INSTRUMENT_TERMS_MAX,
                         m->instrument[i].name);
    }
    sqlite3_finalize(c.st);
    return rc;
}

// One row: a scenario's shock of one instrument. A scenario's name stands in each of its rows.
static int take_shock(struct store *s, struct columns *c, struct market *m, struct err *e)
{
    char name[NAME_LEN] = "";
    uint64_t x = col_int(c, SCENARIOS_MAX - 1);
    col_string(c, name, NAME_LEN);
    uint64_t i = col_int(c, MARKET_INSTRUMENTS_MAX - 1);
    int64_t shock = col_signed(c, MARKET_PPM);
    if (c->bad)
        return row_bad(s, "scenarios", name, c->bad, e);
    bool next = x == m->n_scenarios;
    if (x > m->n_scenarios || i >= m->n_instruments || (!next && strcmp(m->scenario[x].name, name) != 0))
        return err_set(e, "%s: table scenarios: they must be 0, 1, 2 ... without a hole, each of one name",
                       s->path);
    memcpy(m->scenario[x].name, name, NAME_LEN);
    m->scenario[x].shock_ppm[i] = (int32_t)shock;
    m->n_scenarios += next;
    return 0;
}

static int read_scenarios(struct store *s, struct market *m, struct err *e)
{
    if (s->version == STORE_SCHEMA_OLD)
        return 0;
    struct columns c = {
        prepare(s, "SELECT scenario,name,instrument,shock_ppm FROM scenarios ORDER BY scenario,instrument",
                e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1)
        rc = take_shock(s, &c, m, e);
    sqlite3_finalize(c.st);
    return rc;
}

int store_read_market(struct store *s, struct market *m, struct err *e)
{
    struct err why;
    memset(m, 0, sizeof *m);
    if (read_assets(s, m, e) || read_instruments(s, m, e) || read_tiers(s, m, e) || read_emodes(s, m, e) ||
        read_terms(s, m, e) || read_scenarios(s, m, e))
        return -1;
    return market_check(m, &why) ? err_set(e, "%s: %.400s", s->path, why.msg) : 0;
}
