// SPDX-License-Identifier: Apache-2.0
#include "accounts/export.h"

#include <inttypes.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/decimal.h"
#include "accounts/rules/rule.h"

enum { RAY_DECIMALS = 27 };

// A text with what JSON escapes; control characters do not occur in names (name_is_text).
static void put_text(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

static void put_pair(FILE *f, const char *key, const char *text)
{
    fprintf(f, ", \"%s\": ", key);
    put_text(f, text);
}

static void put_amount(FILE *f, const char *key, i128 v, unsigned decimals)
{
    char text[DEC_TEXT_MAX];
    dec_format(v, decimals, text);
    put_pair(f, key, text);
}

static void put_asset(FILE *f, const struct market *m, const struct asset *a)
{
    static const char *const kinds[] = {"", "mark", "index", "reciprocal", "told"};
    fputs("    {\"name\": ", f);
    put_text(f, a->name);
    put_pair(f, "kind", kinds[a->kind]);
    if (a->kind == ASSET_RECIPROCAL)
        put_pair(f, "base", m->asset[a->base].name);
    else
        put_pair(f, "source", a->source);
    fprintf(f, ", \"decimals\": %u, \"stale_ms\": %u, \"guard_ppm\": %u", a->decimals, a->stale_ms,
            a->guard_ppm);
    if (a->spread_ppm)
        fprintf(f, ", \"spread_ppm\": %u", a->spread_ppm);
    fputs("}", f);
}

static void put_uint(FILE *f, const char *key, uint64_t v)
{
    if (v)
        fprintf(f, ", \"%s\": %" PRIu64, key, v);
}

static void put_told(FILE *f, const char *key, i128 v, unsigned decimals)
{
    if (v)
        put_amount(f, key, v, decimals);
}

// What moves with time; what is 0 is left out, as import takes it.
static void put_moving(FILE *f, const struct instrument *s)
{
    put_told(f, "liquidity_rate", (i128)s->liquidity_rate, RAY_DECIMALS);
    put_told(f, "borrow_rate", (i128)s->borrow_rate, RAY_DECIMALS);
    put_told(f, "funding_index", s->funding_index, FUNDING_DECIMALS);
    put_told(f, "funding_rate", s->funding_rate, FUNDING_DECIMALS);
    put_uint(f, "told_at", s->told_at);
    put_uint(f, "ramp_from_bps", s->ramp_from_bps);
    put_uint(f, "emode_ramp_from_bps", s->emode_ramp_from_bps);
    if (s->ramp_end)
        fprintf(f, ", \"ramp_start\": %" PRIu64, s->ramp_start);
    put_uint(f, "ramp_end", s->ramp_end);
    put_uint(f, "grace_until", s->grace_until);
}

// Terms; what is not told is left out.
static void put_terms(FILE *f, const struct instrument *s)
{
    for (unsigned k = 0; k < s->terms.n; k++) {
        enum term key = (enum term)s->terms.key[k];
        put_amount(f, term_name(key), (i128)s->terms.value[k],
                   term_decimals(key, s->size_decimals, s->cash_decimals));
    }
}

static void put_perp(FILE *f, const struct market *m, const struct instrument *s)
{
    if (s->kind == INST_INVERSE)
        put_pair(f, "inverse", m->asset[s->inverse].name);
    put_pair(f, "currency", s->currency);
    fprintf(f, ", \"cash_decimals\": %u, \"fee_ppm\": %u, \"penalty_ppm\": %u", s->cash_decimals, s->fee_ppm,
            s->penalty_ppm);
    put_uint(f, "profit_weight_ppm", s->profit_weight_ppm);
    fputs(", \"tiers\": [", f);
    for (unsigned k = 0; k < s->n_tiers; k++) {
        char floor[DEC_TEXT_MAX];
        dec_format(s->tier[k].floor, s->cash_decimals, floor);
        fprintf(f, "%s{\"floor\": \"%s\", \"rate_ppm\": %u}", k ? ", " : "", floor, s->tier[k].rate_ppm);
    }
    fputs("]", f);
}

static void put_emodes(FILE *f, const struct instrument *s)
{
    if (s->n_emodes == 0)
        return;
    fputs(", \"emodes\": [", f);
    for (unsigned k = 0; k < s->n_emodes; k++)
        fprintf(f, "%s{\"emode\": %u, \"lt_bps\": %u, \"lb_bps\": %u}", k ? ", " : "", s->emodes[k].id,
                s->emodes[k].lt_bps, s->emodes[k].lb_bps);
    fputs("]", f);
}

static void put_instrument(FILE *f, const struct market *m, const struct instrument *s)
{
    static const char *const kinds[] = {"", "linear", "inverse", "reserve"};
    fputs("    {\"name\": ", f);
    put_text(f, s->name);
    put_pair(f, "kind", kinds[s->kind]);
    put_pair(f, "asset", m->asset[s->asset].name);
    fprintf(f, ", \"size_decimals\": %u", s->size_decimals);
    if (s->kind == INST_RESERVE) {
        fprintf(f, ", \"lt_bps\": %u, \"lb_bps\": %u, \"fee_bps\": %u", s->lt_bps, s->lb_bps, s->fee_bps);
        if (s->emode)
            fprintf(f, ", \"emode\": %u, \"emode_lt_bps\": %u, \"emode_lb_bps\": %u", s->emode,
                    s->emode_lt_bps, s->emode_lb_bps);
        put_emodes(f, s);
        put_amount(f, "liquidity_index", (i128)s->liquidity_index, RAY_DECIMALS);
        put_amount(f, "borrow_index", (i128)s->borrow_index, RAY_DECIMALS);
    } else {
        put_perp(f, m, s);
    }
    put_terms(f, s);
    put_moving(f, s);
    fputs("}", f);
}

// Of supply and debt.
static unsigned balance_decimals(const struct account *a, const struct instrument *s)
{
    return a->rule->uses & USE_BITS ? 0 : s->kind == INST_RESERVE ? s->size_decimals : s->cash_decimals;
}

// What a full liquidation leaves; an import would refuse it. Not what perpetuals with a quote settle in.
static bool left_out(const struct market *m, const struct account *a, const struct position *p)
{
    bool needed = a->rule->uses & USE_QUOTE && m->instrument[p->instrument].kind == INST_RESERVE;
    return !p->size && !p->supply && !p->debt && !p->orders && !needed;
}

static void put_position(FILE *f, const struct market *m, const struct account *a, const struct position *p)
{
    const struct instrument *s = &m->instrument[p->instrument];
    unsigned decimals = balance_decimals(a, s);
    fputs("      {\"instrument\": ", f);
    put_text(f, s->name);
    if (s->kind == INST_RESERVE) {
        put_amount(f, "supply", p->supply, decimals);
        put_amount(f, "debt", p->debt, decimals);
        fprintf(f, ", \"collateral\": %s", p->collateral ? "true" : "false");
        put_told(f, "size", p->size, s->size_decimals); // rules that say so (USE_PREMIUM)
    } else {
        put_amount(f, "size", p->size, s->size_decimals);
        if (p->entry)
            put_amount(f, "entry", p->entry, m->asset[s->asset].decimals);
        put_told(f, "supply", p->supply, decimals); // rules that say so (USE_QUOTE)
        put_told(f, "debt", p->debt, decimals);
    }
    put_told(f, "funding", p->funding, FUNDING_DECIMALS);
    put_told(f, "open_orders", p->orders, 0);
    put_told(f, "open_bids", p->bids, s->size_decimals);
    put_told(f, "open_asks", p->asks, s->size_decimals);
    fputs("}", f);
}

static void put_account(FILE *f, const struct market *m, const struct account *a)
{
    fprintf(f, "    {\"id\": %u", a->id);
    put_pair(f, "name", a->name);
    put_pair(f, "rule", a->rule->name);
    if (a->currency[0])
        put_pair(f, "currency", a->currency);
    fprintf(f, ", \"cash_decimals\": %u", a->cash_decimals);
    put_amount(f, "cash", a->cash, a->cash_decimals);
    fprintf(f, ", \"emode\": %u", a->emode);
    if (account_remembers(a))
        fprintf(f, ", \"rule_state\": \"%" PRIu64 ":%" PRIu64 "\"", a->rule_state[0], a->rule_state[1]);
    fputs(", \"positions\": [", f);
    const char *sep = "\n";
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (left_out(m, a, p))
            continue;
        fputs(sep, f);
        put_position(f, m, a, p);
        sep = ",\n";
    }
    fputs("]}", f);
}

// ---- CSV

static void put_csv_text(FILE *f, const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || (!strpbrk(s, ",\"") && s[0] != ' ' && s[n - 1] != ' ')) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

static void put_csv_amount(FILE *f, i128 v, unsigned decimals)
{
    char text[DEC_TEXT_MAX];
    dec_format(v, decimals, text);
    fputs(text, f);
}

static void put_csv_position(FILE *f, const struct market *m, const struct account *a,
                             const struct position *p)
{
    const struct instrument *s = &m->instrument[p->instrument];
    put_csv_text(f, s->name);
    fputc(',', f);
    bool reserve = s->kind == INST_RESERVE;
    unsigned decimals = balance_decimals(a, s);
    if (!reserve || p->size)
        put_csv_amount(f, p->size, s->size_decimals);
    fputc(',', f);
    if (p->entry)
        put_csv_amount(f, p->entry, m->asset[s->asset].decimals);
    fputc(',', f);
    if (reserve || p->supply)
        put_csv_amount(f, p->supply, decimals);
    fputc(',', f);
    if (reserve || p->debt)
        put_csv_amount(f, p->debt, decimals);
    fputs(!reserve ? "," : p->collateral ? ",true" : ",false", f);
    fputc(',', f);
    if (p->funding)
        put_csv_amount(f, p->funding, FUNDING_DECIMALS);
    if (p->orders) {
        fprintf(f, ",%u,", p->orders);
        put_csv_amount(f, p->bids, s->size_decimals);
        fputc(',', f);
        put_csv_amount(f, p->asks, s->size_decimals);
        fputc('\n', f);
    } else {
        fputs(",,,\n", f);
    }
}

static const char CSV_HEADER[] =
    "account,name,rule,currency,cash,cash_decimals,emode,rule_state,instrument,size,"
    "entry,supply,debt,collateral,funding,open_orders,open_bids,open_asks\n";

// The account's own columns stand on its first line only.
static void put_csv_account(FILE *f, const struct market *m, const struct account *a)
{
    bool first = true;
    fprintf(f, "%u,", a->id);
    put_csv_text(f, a->name);
    fprintf(f, ",%s,%s,", a->rule->name, a->currency);
    if (a->cash)
        put_csv_amount(f, a->cash, a->cash_decimals);
    fputc(',', f);
    if (a->currency[0] || a->cash_decimals)
        fprintf(f, "%u", a->cash_decimals);
    fprintf(f, ",%u,", a->emode);
    if (account_remembers(a))
        fprintf(f, "%" PRIu64 ":%" PRIu64, a->rule_state[0], a->rule_state[1]);
    fputc(',', f);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (left_out(m, a, p))
            continue;
        if (!first)
            fprintf(f, "%u,,,,,,,,", a->id);
        put_csv_position(f, m, a, p);
        first = false;
    }
    if (first)
        fputs(",,,,,,,,,\n", f);
}

// ---- exports

static void put_scenarios(FILE *f, const struct market *m)
{
    const char *sep = ",\n  \"scenarios\": [\n";
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        for (unsigned i = 0; i < m->n_instruments; i++) {
            if (m->scenario[x].shock_ppm[i] == 0)
                continue;
            fprintf(f, "%s    {\"scenario\": ", sep);
            put_text(f, m->scenario[x].name);
            put_pair(f, "instrument", m->instrument[i].name);
            fprintf(f, ", \"shock_ppm\": %" PRId32 "}", m->scenario[x].shock_ppm[i]);
            sep = ",\n";
        }
    }
    fputs("\n  ]", f);
}

static void put_market(FILE *f, const struct market *m)
{
    fputs("{\n  \"assets\": [", f);
    for (unsigned i = 0; i < m->n_assets; i++) {
        fputs(i ? ",\n" : "\n", f);
        put_asset(f, m, &m->asset[i]);
    }
    fputs("\n  ],\n  \"instruments\": [", f);
    for (unsigned i = 0; i < m->n_instruments; i++) {
        fputs(i ? ",\n" : "\n", f);
        put_instrument(f, m, &m->instrument[i]);
    }
    fputs("\n  ]", f);
    if (m->n_scenarios)
        put_scenarios(f, m);
}

void export_begin(struct exporter *x, FILE *f, enum export_form form, const struct market *m)
{
    *x = (struct exporter){f, form, m, false};
    if (form == EXPORT_CSV)
        fputs(CSV_HEADER, f);
    else
        put_market(f, m);
    if (form == EXPORT_JSON)
        fputs(",\n  \"accounts\": [", f);
}

void export_account(struct exporter *x, const struct account *a)
{
    if (x->form == EXPORT_CSV) {
        put_csv_account(x->f, x->market, a);
        return;
    }
    fputs(x->some ? ",\n" : "\n", x->f);
    put_account(x->f, x->market, a);
    x->some = true;
}

int export_end(struct exporter *x)
{
    if (x->form == EXPORT_JSON)
        fputs("\n  ]", x->f);
    if (x->form != EXPORT_CSV)
        fputs("\n}\n", x->f);
    return fflush(x->f) || ferror(x->f) ? -1 : 0;
}

int book_export(const struct book *b, FILE *f)
{
    struct exporter x;
    struct account scratch;
    export_begin(&x, f, EXPORT_JSON, &b->market);
    for (size_t i = 0; i < b->n_accounts; i++)
        export_account(&x, book_account(b, i, &scratch));
    return export_end(&x);
}
