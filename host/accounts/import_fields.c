// SPDX-License-Identifier: Apache-2.0
// Records: which names each kind has, and typed access to their texts.
#include <stdarg.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/decimal.h"
#include "accounts/import.h"

static const char *const KEYS[RECORD_KINDS] = {
    [RECORD_ASSET] = "name kind source decimals base stale_ms guard_ppm spread_ppm",
    [RECORD_INSTRUMENT] =
        ("name kind asset inverse size_decimals currency cash_decimals tiers fee_ppm "
         "penalty_ppm profit_weight_ppm lt_bps lb_bps "
         "fee_bps emode emode_lt_bps emode_lb_bps emodes liquidity_index borrow_index told_at "
         "liquidity_rate borrow_rate ramp_from_bps emode_ramp_from_bps ramp_start ramp_end "
         "grace_until funding_index funding_rate"),
    [RECORD_TIER] = "floor rate_ppm",
    [RECORD_EMODE] = "emode lt_bps lb_bps",
    [RECORD_SHOCK] = "scenario instrument shock_ppm",
    [RECORD_ACCOUNT] = "id name rule currency cash cash_decimals emode rule_state",
    [RECORD_POSITION] =
        "instrument size entry funding supply debt collateral open_orders open_bids open_asks",
};

const char *const ACCOUNT_KEYS[ACCOUNT_TEXTS] = {"id",   "name",          "rule",  "currency",
                                                 "cash", "cash_decimals", "emode", "rule_state"};
const char *const POSITION_KEYS[POSITION_TEXTS] = {"instrument", "size",       "entry",   "supply",
                                                   "debt",       "collateral", "funding", "open_orders",
                                                   "open_bids",  "open_asks"};

const char *record_keys(enum record_kind kind)
{
    return KEYS[kind];
}

bool record_knows(enum record_kind kind, const char *key)
{
    size_t n = strlen(key);
    for (const char *s = KEYS[kind]; *s; s += strcspn(s, " "), s += *s == ' ')
        if (n && strcspn(s, " ") == n && memcmp(s, key, n) == 0)
            return true;
    return kind == RECORD_INSTRUMENT && term_find(key) != TERM_NONE;
}

int import_error(struct import *im, unsigned line, const char *fmt, ...)
{
    char why[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(im->e, "%s:%u: %s", im->label, line, why);
}

const char *record_text(const struct record *r, const char *key)
{
    for (unsigned i = 0; i < r->n; i++)
        if (strcmp(r->field[i].key, key) == 0)
            return r->field[i].text && *r->field[i].text ? r->field[i].text : NULL;
    return NULL;
}

int get_text(struct import *im, const struct record *r, const char *key, bool required, const char **out)
{
    const char *s = record_text(r, key);
    if (s)
        *out = s;
    return s || !required ? 0 : import_error(im, r->line, "%s is missing", key);
}

int get_symbol(struct import *im, const struct record *r, const char *key, char out[NAME_LEN])
{
    const char *s;
    if (get_text(im, r, key, true, &s))
        return -1;
    if (!name_is_symbol(s))
        return import_error(im, r->line,
                            "%s '%.40s': 1 to %d printable characters without blank , ; = or quotes", key, s,
                            NAME_LEN - 1);
    memset(out, 0, NAME_LEN);
    memcpy(out, s, strlen(s));
    return 0;
}

int get_currency(struct import *im, const struct record *r, bool required, char out[CURRENCY_LEN])
{
    const char *s = NULL;
    if (get_text(im, r, "currency", required, &s))
        return -1;
    return s ? text_currency(im, r->line, s, out) : 0;
}

int text_currency(struct import *im, unsigned line, const char *text, char out[CURRENCY_LEN])
{
    if (!name_is_currency(text))
        return import_error(im, line, "currency '%.40s' must be 1 to %d upper-case letters or digits", text,
                            CURRENCY_LEN - 1);
    memset(out, 0, CURRENCY_LEN);
    memcpy(out, text, strlen(text));
    return 0;
}

int import_decimal(struct import *im, unsigned line, const char *key, const char *text, unsigned decimals,
                   i128 *out)
{
    struct err why;
    return dec_parse(text, decimals, out, &why) ? import_error(im, line, "%s: %.200s", key, why.msg) : 0;
}

int get_decimal(struct import *im, const struct record *r, const char *key, bool required, unsigned decimals,
                i128 *out)
{
    const char *s = NULL;
    if (get_text(im, r, key, required, &s))
        return -1;
    return s ? import_decimal(im, r->line, key, s, decimals, out) : 0;
}

int text_uint(struct import *im, unsigned line, const char *key, const char *text, uint64_t max,
              uint64_t *out)
{
    i128 v = 0;
    if (import_decimal(im, line, key, text, 0, &v))
        return -1;
    if (v < 0 || (u128)v > max)
        return import_error(im, line, "%s must be 0 to %llu", key, (unsigned long long)max);
    *out = (uint64_t)v;
    return 0;
}

int get_uint(struct import *im, const struct record *r, const char *key, bool required, uint64_t max,
             uint64_t *out)
{
    const char *s = NULL;
    if (get_text(im, r, key, required, &s))
        return -1;
    return s ? text_uint(im, r->line, key, s, max, out) : 0;
}
