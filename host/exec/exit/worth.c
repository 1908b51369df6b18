// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/worth.h"

enum { PPM = 1000000, PPM_DIGITS = 6, BPS = 10000, BPS_DIGITS = 4, WEI_DIGITS = 18, VALUE_DECIMALS = 8 };
enum { VALUE_BITS = 96 }; // of any sum of money: products with ppm stay inside i128

const char *worth_reason_name(enum worth_reason r)
{
    static const char *const NAME[WORTH_REASONS] = {
        "worth it",      "no pair",  "no exit", "out of range", "no bonus left",
        "flash premium", "slippage", "gas",     "minimum",      "dust"};
    return r < WORTH_REASONS ? NAME[r] : "unknown";
}

int worth_check(const struct worth_params *p, struct err *e)
{
    for (unsigned i = 0; i < WORTH_WAYS; i++)
        if (p->way[i].gas == 0 || p->way[i].premium_bps > BPS)
            return err_set(e, "way %u: gas must not be 0, the premium at most 10000 bps", i);
    if (p->n_levels == 0 || p->n_levels > WORTH_LEVELS_MAX)
        return err_set(e, "1 to %d levels of bids", WORTH_LEVELS_MAX);
    for (unsigned i = 0; i < p->n_levels; i++) {
        const struct worth_level *l = &p->level[i];
        if (l->share_ppm > PPM || l->win_ppm > PPM)
            return err_set(e, "level %u: share and chance must be 0 to 1000000 ppm", i);
        if (i > 0 && (l->share_ppm <= l[-1].share_ppm || l->win_ppm < l[-1].win_ppm))
            return err_set(e, "level %u: shares must ascend, chances must not descend", i);
    }
    if (p->tip_floor > p->tip_cap || p->tip_cap > INT64_MAX)
        return err_set(e, "the tip's floor must not be above its cap, the cap below 2^63 wei");
    if (p->min_profit <= 0 || p->min_expected < 0)
        return err_set(e, "the least profit must be positive, the least expected value not negative");
    return 0;
}

static i256 wide(u128 v)
{
    return i256_from_u128(v);
}

// units px / 10^(decimals + px_decimals - 8), as multiplier and digits to cut off.
static unsigned scale(const struct worth_token *t, i256 *up)
{
    unsigned d = (unsigned)t->decimals + t->px_decimals;
    *up = i256_from_i64(t->px);
    if (d >= VALUE_DECIMALS)
        return d - VALUE_DECIMALS;
    *up = i256_mul(*up, i256_pow10(VALUE_DECIMALS - d));
    return 0;
}

static i256 value_floor(i256 units, const struct worth_token *t)
{
    i256 up;
    unsigned cut = scale(t, &up);
    return i256_div10_floor(i256_mul(units, up), cut);
}

static i256 value_ceil(i256 units, const struct worth_token *t)
{
    i256 up;
    unsigned cut = scale(t, &up);
    return i256_div10_ceil(i256_mul(units, up), cut);
}

i256 worth_money(u128 units, const struct worth_token *t)
{
    return value_ceil(wide(units), t);
}

u128 worth_units(int64_t money, const struct worth_token *t)
{
    i256 up;
    unsigned cut = scale(t, &up);
    i256 units = i256_div_ceil(i256_mul(i256_from_i64(money), i256_pow10(cut)), up);
    return i256_bits(units) <= EXIT_AMOUNT_BITS ? i256_lo(units) : EXIT_AMOUNT_MAX;
}

static u128 premium_of(u128 paid, uint16_t bps)
{
    return i256_lo(i256_div10_ceil(i256_mul_i64(wide(paid), bps), BPS_DIGITS));
}

// Money, rounded up: units of gas (< 2^33) at a price (< 2^64 wei).
static i256 gas_value(uint64_t units, u128 wei, int64_t native)
{
    return i256_div10_ceil(i256_mul_i64(i256_mul_u128(units, wei), native), WEI_DIGITS);
}

static bool money(i256 v, i128 *out)
{
    if (i256_bits(v) > VALUE_BITS)
        return false;
    *out = i256_to_i128(v);
    return true;
}

// The tip that spends `bid` on this much gas, within its limits.
static uint64_t tip_for(const struct worth_params *p, uint64_t gas, int64_t native, i128 bid)
{
    i256 wei = i256_mul(i256_from_i128(bid), i256_pow10(WEI_DIGITS));
    i256 tip = i256_div_floor(wei, i256_mul_u128(gas, (u128)native));
    if (i256_cmp(tip, wide(p->tip_cap)) >= 0)
        return p->tip_cap;
    uint64_t t = (uint64_t)i256_lo(tip);
    return t > p->tip_floor ? t : p->tip_floor;
}

// Chooses among the levels. `gross`: what is left before gas. False when a sum does not fit.
static bool bid(const struct worth_params *p, const struct worth_cost *c, const struct worth_gas *g,
                i128 gross, struct worth *out)
{
    i128 base;
    if (!money(gas_value(out->gas, g->base_fee, g->native), &base))
        return false;
    i128 room = gross > base ? gross - base : 0;
    for (unsigned i = 0; i < p->n_levels; i++) {
        const struct worth_level *l = &p->level[i];
        i128 spend =
            i256_to_i128(i256_div10_floor(i256_mul_i64(i256_from_i128(room), l->share_ppm), PPM_DIGITS));
        uint64_t tip = tip_for(p, out->gas, g->native, spend);
        u128 wei = (u128)g->base_fee + tip;
        i128 cost, lost;
        if (!money(gas_value(out->gas, wei, g->native), &cost) ||
            !money(gas_value(c->revert_gas, wei, g->native), &lost))
            return false;
        i128 profit = gross - cost, win = l->win_ppm;
        i256 sum = i256_from_i128(win * profit - (PPM - win) * lost);
        i128 expected = i256_to_i128(i256_div10_floor(sum, PPM_DIGITS));
        if (i > 0 && expected <= out->expected)
            continue;
        out->level = (uint8_t)i;
        out->tip = tip;
        out->gas_cost = cost;
        out->profit = profit;
        out->expected = expected;
    }
    return true;
}

// What is lost on the way from the bonus to the profit, and where nothing is left.
static enum worth_reason reason_of(const struct worth_params *p, const struct worth_gas *g,
                                   const struct worth *w)
{
    i128 left = w->bonus - w->fee - w->premium_value - w->slippage;
    if (left <= 0) {
        if (w->bonus - w->fee <= 0)
            return WORTH_BONUS;
        return w->bonus - w->fee - w->premium_value <= 0 ? WORTH_PREMIUM : WORTH_SLIPPAGE;
    }
    i256 least = gas_value(w->gas, (u128)g->base_fee + p->tip_floor, g->native);
    if (i256_cmp(i256_from_i128(left), least) <= 0)
        return WORTH_GAS;
    return w->profit < p->min_profit || w->expected < p->min_expected ? WORTH_MINIMUM : WORTH_YES;
}

void worth_value(const struct worth_params *p, enum worth_way way, const struct worth_gas *gas,
                 const struct worth_token *debt, const struct worth_token *coll, const struct exit_venue *v,
                 const struct worth_amounts *x, struct worth *out)
{
    const struct worth_cost *c = &p->way[way];
    *out = (struct worth){.reason = WORTH_RANGE, .x = *x, .version = v->version};
    if (x->paid > EXIT_AMOUNT_MAX || x->got > EXIT_AMOUNT_MAX || x->fee > EXIT_AMOUNT_MAX ||
        (uint64_t)c->gas + v->gas > UINT32_MAX)
        return;
    out->gas = c->gas + v->gas;
    out->premium = premium_of(x->paid, c->premium_bps);
    out->out = v->out(v, x->got);
    i256 owed = wide(x->paid + out->premium);
    i256 taken = value_floor(wide(x->got + x->fee), coll), received = value_floor(wide(x->got), coll);
    i256 paid = value_ceil(wide(x->paid), debt), owed_value = value_ceil(owed, debt);
    i256 gross = value_floor(i256_sub(wide(out->out), owed), debt);
    i128 g;
    if (!money(i256_sub(taken, paid), &out->bonus) || !money(i256_sub(taken, received), &out->fee) ||
        !money(i256_sub(owed_value, paid), &out->premium_value) ||
        !money(i256_sub(i256_sub(received, owed_value), gross), &out->slippage) || !money(gross, &g) ||
        !bid(p, c, gas, g, out))
        return;
    out->reason = reason_of(p, gas, out);
}

bool worth_again(const struct worth *w, const struct worth_params *p, enum worth_way way,
                 const struct worth_gas *gas, const struct worth_token *debt, const struct exit_venue *v,
                 u128 paid, u128 got)
{
    if (w->version != v->version || w->x.got == 0 || paid > EXIT_AMOUNT_MAX || got > EXIT_AMOUNT_MAX)
        return false;
    // Concave: got of w->x.got sold brings at least that part of w->out, more than all of it at least w->out.
    u128 part = got < w->x.got ? got : w->x.got;
    u128 less = paid + premium_of(paid, p->way[way].premium_bps) + v->slop;
    i256 net = i256_sub(i256_mul_u128(w->out, part), i256_mul_u128(less, w->x.got));
    i256 need =
        i256_add(gas_value(w->gas, (u128)gas->base_fee + w->tip, gas->native), i256_from_i64(p->min_profit));
    i256 up;
    unsigned cut = scale(debt, &up);
    need = i256_mul(need, wide(w->x.got)); // below 2^110 * 2^112
    i256 left, right;
    if (i256_mul_ovf(net, up, &left) || i256_mul_ovf(need, i256_pow10(cut), &right))
        return false;
    return i256_cmp(left, right) >= 0;
}
