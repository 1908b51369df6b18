// SPDX-License-Identifier: Apache-2.0
#include "cli/print_accounts.h"

#include <stdio.h>

#include "accounts/assets.h"
#include "accounts/decimal.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"

enum { RAY_DECIMALS = 27 };

// What of an instrument moves with time, at the second of --at; ends the line.
static void print_moving(const struct instrument *s)
{
    char x[DEC_TEXT_MAX], y[DEC_TEXT_MAX];
    if (s->liquidity_rate || s->borrow_rate) {
        dec_format((i128)liquidity_index_now(s), RAY_DECIMALS, x);
        dec_format((i128)borrow_index_now(s), RAY_DECIMALS, y);
        printf(", supply index %s, debt index %s", x, y);
        dec_format((i128)s->liquidity_rate, RAY_DECIMALS, x);
        dec_format((i128)s->borrow_rate, RAY_DECIMALS, y);
        printf(", a year's rates %s and %s", x, y);
    }
    if (s->ramp_from_bps)
        printf(", ramp from %u to %u bps until %llu", s->ramp_from_bps, s->lt_bps,
               (unsigned long long)s->ramp_end);
    if (s->grace_until)
        printf(", %s until %llu", grace_now(s) ? "in its grace period" : "grace period ended",
               (unsigned long long)s->grace_until);
    if (s->funding_index || s->funding_rate) {
        dec_format(funding_now(s), FUNDING_DECIMALS, x);
        dec_format(s->funding_rate, FUNDING_DECIMALS, y);
        printf(", funding index %s, %s a second", x, y);
    }
    putchar('\n');
}

void print_market(const struct market *m)
{
    static const char *const asset_kinds[] = {"", "mark", "index", "reciprocal"};
    static const char *const inst_kinds[] = {"", "linear", "inverse", "reserve"};
    printf("%-24s %-10s %-24s %8s %9s %9s %10s\n", "asset", "kind", "source", "decimals", "stale_ms",
           "guard_ppm", "spread_ppm");
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        printf("%-24s %-10s %-24s %8u %9u %9u %10u\n", a->name, asset_kinds[a->kind],
               a->kind == ASSET_RECIPROCAL ? m->asset[a->base].name : a->source, a->decimals, a->stale_ms,
               a->guard_ppm, a->spread_ppm ? a->spread_ppm : MARKET_PPM);
    }
    printf("\n%-24s %-10s %-24s %s\n", "instrument", "kind", "asset", "parameters");
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct instrument *s = &m->instrument[i];
        printf("%-24s %-10s %-24s ", s->name, inst_kinds[s->kind], m->asset[s->asset].name);
        if (s->kind == INST_RESERVE)
            printf("threshold %u bps, bonus %u bps, eMode %u", lt_now(s), s->lb_bps, s->emode);
        else
            printf("settles in %s, %u tiers from %u ppm, fee %u ppm, penalty %u ppm", s->currency, s->n_tiers,
                   s->tier[0].rate_ppm, s->fee_ppm, s->penalty_ppm);
        if (s->profit_weight_ppm)
            printf(", profit counts %u ppm", s->profit_weight_ppm);
        print_moving(s);
    }
}

// Health of an account in words: "1.2345 healthy", or what is missing.
static void health_text(const struct market *m, const struct account *a, const int64_t *px, char *out,
                        size_t size)
{
    uint16_t need[ACCOUNT_ASSETS_MAX];
    size_t n = account_assets(m, a, need);
    struct health h;
    for (size_t i = 0; i < n; i++) {
        if (px[need[i]] <= 0) {
            (void)snprintf(out, size, "no price of %s", m->asset[need[i]].name);
            return;
        }
    }
    a->rule->health(m, a, px, &h);
    const char *state = h.liquidatable ? "LIQUIDATABLE" : "healthy";
    if (i256_sign(h.requirement) == 0)
        (void)snprintf(out, size, "- %s", state);
    else
        (void)snprintf(out, size, "%.6g %s", i256_to_double(h.equity) / i256_to_double(h.requirement), state);
}

void print_accounts(const struct book *b, const int64_t *px)
{
    printf("%-10s %-20s %-16s %9s %24s %-8s%s\n", "id", "name", "rule", "positions", "cash", "currency",
           px ? "  health" : "");
    struct account scratch;
    for (size_t i = 0; i < b->n_accounts; i++) {
        const struct account *a = book_account(b, i, &scratch);
        char cash[DEC_TEXT_MAX], health[NAME_LEN + 32] = "";
        dec_format(a->cash, a->cash_decimals, cash);
        if (px)
            health_text(&b->market, a, px, health, sizeof health);
        printf("%-10u %-20s %-16s %9u %24s %-8s%s%s\n", a->id, a->name, a->rule->name, a->n_positions, cash,
               a->currency[0] ? a->currency : "-", px ? "  " : "", health);
    }
}

static void print_position(const struct market *m, const struct account *a, const struct position *p)
{
    const struct instrument *s = &m->instrument[p->instrument];
    char x[DEC_TEXT_MAX], y[DEC_TEXT_MAX];
    bool bits = a->rule->uses & USE_BITS;
    if (s->kind == INST_RESERVE) {
        dec_format(p->supply, bits ? 0 : s->size_decimals, x);
        dec_format(p->debt, bits ? 0 : s->size_decimals, y);
        printf("  %-24s scaled supply %s%s, scaled debt %s\n", s->name, x,
               p->collateral ? " (collateral)" : "", y);
    } else if (a->rule->uses & USE_QUOTE) {
        dec_format(p->size, s->size_decimals, x);
        dec_format(p->supply - p->debt, bits ? 0 : s->cash_decimals, y);
        printf("  %-24s size %s, quote %s\n", s->name, x, y);
    } else {
        dec_format(p->size, s->size_decimals, x);
        dec_format(p->entry, m->asset[s->asset].decimals, y);
        if (p->entry) {
            printf("  %-24s size %s, entry %s", s->name, x, y);
        } else { // rules that keep what it has cost as a balance
            dec_format(p->supply - p->debt, s->cash_decimals, y);
            printf("  %-24s size %s, quote %s", s->name, x, y);
        }
        dec_format(p->funding, FUNDING_DECIMALS, x);
        printf("%s%s\n", p->funding ? ", funding settled to " : "", p->funding ? x : "");
    }
    if (p->orders) {
        dec_format(p->bids, s->size_decimals, x);
        dec_format(p->asks, s->size_decimals, y);
        printf("  %-24s open orders %u: buy %s, sell %s\n", "", p->orders, x, y);
    }
}

int print_account(const struct book *b, uint32_t id, const int64_t *px)
{
    char text[DEC_TEXT_MAX];
    struct account scratch;
    size_t i = book_find(b, id);
    if (i == SIZE_MAX)
        return -1;
    const struct account *a = book_account(b, i, &scratch);
    dec_format(a->cash, a->cash_decimals, text);
    printf("account %u %s\n  rule %s, eMode %u, epoch %u, cash %s%s%s\n", a->id, a->name, a->rule->name,
           a->emode, a->epoch, text, a->currency[0] ? " " : "", a->currency);
    for (unsigned k = 0; k < a->n_positions; k++)
        print_position(&b->market, a, &a->position[k]);
    if (px) {
        health_text(&b->market, a, px, text, sizeof text);
        printf("  health %s\n", text);
    }
    return 0;
}
