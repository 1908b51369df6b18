// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/venue/venue_tiers.h"

#include <stdio.h>

i256 venue_maintenance(const struct venue_tiers *t, i256 notional, unsigned *tier)
{
    i256 most = I256_ZERO;
    unsigned at = 0;
    for (unsigned k = 0; k < t->n; k++) {
        i256 v = i256_sub(i256_mul(notional, t->tier[k].rate), t->tier[k].cut);
        if (k == 0 || i256_cmp(v, most) >= 0) {
            most = v;
            at = k;
        }
    }
    if (tier)
        *tier = at;
    return most;
}

i256 venue_notional(const struct venue_position *p)
{
    return i256_mul(i256_abs(p->size), p->mark);
}

i256 venue_unrealised(const struct venue_position *p)
{
    return i256_mul(p->size, i256_sub(p->mark, p->entry));
}

// Continued fractions: whole parts first, then the rests upside down. Products would need 360 bits.
int venue_fraction_cmp(i256 an, i256 ad, i256 bn, i256 bd)
{
    for (int sign = 1;; sign = -sign) {
        i256 a = i256_div_floor(an, ad), b = i256_div_floor(bn, bd);
        if (i256_cmp(a, b) != 0)
            return sign * i256_cmp(a, b);
        an = i256_sub(an, i256_mul(a, ad));
        bn = i256_sub(bn, i256_mul(b, bd));
        if (i256_sign(an) == 0 || i256_sign(bn) == 0)
            return sign * (i256_sign(an) - i256_sign(bn));
        i256 x = an, y = bn;
        an = ad;
        ad = x;
        bn = bd;
        bd = y;
    }
}

void venue_reduce(i256 *num, i256 *den)
{
    i256 a = i256_abs(*num), b = *den;
    while (i256_sign(b) != 0) {
        i256 rest = i256_sub(a, i256_mul(i256_div_floor(a, b), b));
        a = b;
        b = rest;
    }
    *num = i256_div_trunc(*num, a);
    *den = i256_div_trunc(*den, a);
}

void venue_fraction_text(char out[VENUE_PRICE_TEXT], i256 num, i256 den)
{
    char a[I256_DIGITS_MAX], b[I256_DIGITS_MAX];
    (void)i256_format(num, a, sizeof a);
    (void)i256_format(den, b, sizeof b);
    (void)snprintf(out, VENUE_PRICE_TEXT, "%.58s/%.58s", a, b);
}

void venue_range_all(struct venue_range *r)
{
    i256 one = i256_from_i64(1);
    *r = (struct venue_range){.low_num = I256_ZERO, .low_den = one, .high_num = I256_ZERO, .high_den = one};
}

static void raise_low(struct venue_range *r, i256 num, i256 den)
{
    if (i256_sign(num) <= 0 || (r->has_low && venue_fraction_cmp(num, den, r->low_num, r->low_den) <= 0))
        return;
    r->has_low = true;
    r->low_num = num;
    r->low_den = den;
}

static void lower_high(struct venue_range *r, i256 num, i256 den)
{
    if (i256_sign(num) < 0)
        r->empty = true;
    if (r->has_high && venue_fraction_cmp(num, den, r->high_num, r->high_den) >= 0)
        return;
    r->has_high = true;
    r->high_num = num;
    r->high_den = den;
}

void venue_range_cut(struct venue_range *r, i256 c, i256 a)
{
    i256 num = i256_sign(a) > 0 ? i256_neg(c) : c, den = i256_abs(a);
    if (i256_sign(a) == 0) {
        r->empty |= i256_sign(c) < 0;
        return;
    }
    venue_reduce(&num, &den);
    if (i256_sign(a) > 0)
        raise_low(r, num, den);
    else
        lower_high(r, num, den);
    if (r->has_low && r->has_high && venue_fraction_cmp(r->low_num, r->low_den, r->high_num, r->high_den) > 0)
        r->empty = true;
}
