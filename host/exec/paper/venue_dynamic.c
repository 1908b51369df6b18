// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_dynamic.h"

#include <string.h>

enum { MS = 1000, DAY_MS = 86400000 };
static const int64_t IV_OF_PPM = 1000000; // 1e-12 of 1e-6

// ---- reserves

static bool as_set(const struct dynamic_follow *f, const struct instrument *in)
{
    bool ramp = f->at.from_bps != f->at.to_bps;
    return in->lt_bps == f->at.to_bps && in->ramp_from_bps == (ramp ? f->at.from_bps : 0) &&
           in->ramp_start == (ramp ? f->at.start : 0) && in->ramp_end == (ramp ? f->at.end : 0) &&
           (!f->with_emode || (int64_t)in->emode_lt_bps == (int64_t)f->at.to_bps + f->emode_gap);
}

// From where it stands: at the start, and after somebody else has set it.
static void adopt(struct dynamic_follow *f, const struct instrument *in, uint64_t now)
{
    dynamic_start(&f->at, in->lt_bps, now);
    if (in->ramp_from_bps) {
        f->at.from_bps = in->ramp_from_bps;
        f->at.start = in->ramp_start;
        f->at.end = in->ramp_end;
    }
    uint32_t own = in->emode_ramp_from_bps ? in->lt_bps : dynamic_at(&f->at, now);
    f->with_emode = in->emode != 0 && in->emode_lt_bps != 0;
    f->emode_gap = f->with_emode ? (int32_t)in->emode_lt_bps - (int32_t)own : 0;
}

static void set_reserve(const struct dynamic_follow *f, struct instrument *in)
{
    bool ramp = f->at.from_bps != f->at.to_bps;
    in->lt_bps = f->at.to_bps;
    in->ramp_from_bps = ramp ? f->at.from_bps : 0;
    in->ramp_start = ramp ? f->at.start : 0;
    in->ramp_end = ramp ? f->at.end : 0;
    if (!f->with_emode)
        return;
    in->emode_lt_bps = (uint32_t)((int32_t)f->at.to_bps + f->emode_gap);
    in->emode_ramp_from_bps = ramp ? (uint32_t)((int32_t)f->at.from_bps + f->emode_gap) : 0;
}

static int begin_reserve(struct dynamic_follow *f, const struct instrument *in, uint64_t now, struct err *e)
{
    if (f->spec->rule.max_bps > CLIMB_ONE)
        return err_set(e, "--dynamic: %s is no perpetual: max_bps is at most 10000", in->name);
    if (in->emode_ramp_from_bps &&
        (int64_t)in->emode_ramp_from_bps - in->emode_lt_bps != (int64_t)in->ramp_from_bps - in->lt_bps)
        return err_set(e, "--dynamic: %s has an e-mode ramp, which shares its moments", in->name);
    f->rule.base_bps = f->rule.base_bps ? f->rule.base_bps : in->lt_bps;
    f->rule.max_bps = f->rule.max_bps ? f->rule.max_bps : f->rule.base_bps;
    const char *why = dynamic_check(&f->rule);
    if (why)
        return err_set(e, "--dynamic: %s: %s", in->name, why);
    adopt(f, in, now);
    if (f->with_emode &&
        ((int64_t)f->rule.min_bps + f->emode_gap < 1 || (int64_t)f->rule.max_bps + f->emode_gap > CLIMB_ONE))
        return err_set(e,
                       "--dynamic: %s: the threshold of its e-mode keeps its distance of %d bps, and would "
                       "leave 1 to 10000: change min_bps or max_bps",
                       in->name, f->emode_gap);
    return 0;
}

// ---- perpetuals

static const uint32_t *root_of(const struct dynamic_follow *f, unsigned k)
{
    return f->spec->policy == DYNAMIC_SIZE ? &f->root[k] : NULL;
}

static bool tiers_as_set(const struct dynamic_follow *f, const struct instrument *in)
{
    bool same = in->n_tiers == f->n_tiers;
    for (unsigned k = 0; k < in->n_tiers && same; k++)
        same = in->tier[k].rate_ppm == climb_rate(f->base[k], f->climb.at_bps, root_of(f, k));
    return same;
}

// What is told is the base, unless it is a multiple of the base there is.
static void adopt_tiers(struct dynamic_follow *f, const struct instrument *in, uint64_t now)
{
    uint32_t have[TIERS_MAX], at = CLIMB_ONE;
    i128 floor[TIERS_MAX];
    for (unsigned k = 0; k < in->n_tiers; k++) {
        have[k] = in->tier[k].rate_ppm;
        floor[k] = in->tier[k].floor;
    }
    bool known = f->n_tiers == in->n_tiers &&
                 climb_fit(f->base, root_of(f, 0), f->n_tiers, have, CLIMB_ONE, f->rule.max_bps, &at);
    if (!known) {
        at = CLIMB_ONE;
        f->n_tiers = in->n_tiers;
        memcpy(f->base, have, in->n_tiers * sizeof *have);
        if (in->n_tiers > 1)
            climb_roots(floor, in->n_tiers, f->root);
    }
    f->climb = (struct climb){at, now};
}

static int begin_perpetual(struct dynamic_follow *f, const struct instrument *in,
                           const struct instrument *first, uint64_t now, struct err *e)
{
    const struct dynamic_spec *s = f->spec;
    if (s->rule.max_bps <= CLIMB_ONE)
        return err_set(e, "--dynamic: %s is no reserve of this market; a perpetual's max_bps is above 10000",
                       in->name);
    f->rule.min_bps = f->rule.min_bps ? f->rule.min_bps : CLIMB_ONE;
    f->rule.base_bps = f->rule.base_bps ? f->rule.base_bps : f->rule.min_bps;
    const char *why = climb_check(&f->rule);
    if (why)
        return err_set(e, "--dynamic: %s: %s", in->name, why);
    if (s->policy == DYNAMIC_SIZE && in->n_tiers < 2)
        return err_set(e, "--dynamic: %s has one tier: policy=size needs two or more", in->name);
    adopt_tiers(f, first, now);
    adopt_tiers(f, in, now);
    f->goal = f->climb.at_bps;
    uint64_t most = (uint64_t)f->base[f->n_tiers - 1] * f->rule.max_bps;
    if (most > (uint64_t)CLIMB_RATE_MOST * CLIMB_ONE)
        return err_set(e,
                       "--dynamic: %s: its last tier of %u ppm would reach all of the notional: max_bps is "
                       "at most %u",
                       in->name, f->base[f->n_tiers - 1],
                       (uint32_t)((uint64_t)CLIMB_RATE_MOST * CLIMB_ONE / f->base[f->n_tiers - 1]));
    return 0;
}

int dynamic_follow(struct dynamic_follow *f, const struct dynamic_spec *s, const struct market *m,
                   const struct market *first, struct err *e)
{
    unsigned i = 0;
    while (i < m->n_instruments && strcmp(m->instrument[i].name, s->instrument) != 0)
        i++;
    if (i == m->n_instruments)
        return err_set(e, "--dynamic: %s is no reserve of this market, and no perpetual", s->instrument);
    *f = (struct dynamic_follow){.spec = s, .rule = s->rule, .instrument = (uint16_t)i};
    estimate_begin(&f->vol, s->estimator, s->window, (uint64_t)s->period_s * MS, s->lambda_ppm);
    const struct instrument *in = &m->instrument[i];
    if (in->kind == INST_RESERVE)
        return begin_reserve(f, in, m->now_s, e);
    return begin_perpetual(f, in, first ? &first->instrument[i] : in, m->now_s, e);
}

// ---- a mark

static bool counts(const struct dynamic_follow *f)
{
    return f->spec->policy == DYNAMIC_OPEN_INTEREST || f->spec->policy == DYNAMIC_SCALED;
}

bool dynamic_wants_held(const struct dynamic_follow *f, uint64_t second)
{
    return counts(f) && second > f->looked;
}

// Whole units of account, rounded down, at most 2^96 - 1.
static u128 money(const struct dynamic_seen *seen, const struct instrument *in)
{
    bool inverse = in->kind == INST_INVERSE; // sized in it
    i256 v = inverse ? seen->held : i256_mul_i64(seen->held, seen->price);
    v = i256_div10_floor(v, (unsigned)in->size_decimals + (inverse ? 0u : seen->price_decimals));
    return i256_bits(v) > 96 ? ((u128)1 << 96) - 1 : (u128)i256_to_i128(v);
}

// Annualised, or of a day for Aloe's, whose oracle answers between its samples.
static uint64_t sigma_of(const struct dynamic_follow *f, uint64_t horizon_ms)
{
    return vol_sigma_ppm(estimate_var(&f->vol), f->vol.ewma.period_ms, horizon_ms);
}

static uint32_t implied(struct dynamic_follow *f, uint64_t second)
{
    uint64_t sigma = sigma_of(f, DAY_MS);
    if (sigma > UINT32_MAX)
        sigma = UINT32_MAX;
    u256 estimate = u256_from_u64(sigma * (uint64_t)IV_OF_PPM);
    if (f->iv.at == 0)
        f->iv.now = f->iv.before = ALOE_IV_COLD_START;
    (void)aloe_update(&f->iv, estimate, ALOE_AVERAGE_WINDOW, second);
    u128 iv = aloe_at(&f->iv, second);
    return implied_threshold(&f->rule, iv >> 63 ? UINT64_MAX >> 1 : (uint64_t)iv, f->spec->n_tenths);
}

// False: nothing is known yet, or nothing new.
static bool target_of(struct dynamic_follow *f, const struct dynamic_seen *seen, const struct instrument *in,
                      uint32_t *target)
{
    const struct dynamic_spec *s = f->spec;
    if (seen->price <= 0 || seen->second == 0)
        return false;
    if (counts(f)) {
        if (!dynamic_wants_held(f, seen->second))
            return false;
        f->looked = seen->second;
        u128 v = money(seen, in);
        *target = s->policy == DYNAMIC_SCALED ? scaled_threshold(&f->rule, v, s->quote)
                                              : climb_open_interest(&f->rule, v, s->lower, s->upper);
        return true;
    }
    if (!estimate_price(&f->vol, (uint64_t)seen->price, seen->second * MS) || f->vol.n < s->least)
        return false;
    if (s->policy == DYNAMIC_IMPLIED)
        *target = implied(f, seen->second);
    else
        *target = in->kind == INST_RESERVE ? dynamic_target(&f->rule, sigma_of(f, VOL_YEAR_MS))
                                           : climb_target(&f->rule, sigma_of(f, VOL_YEAR_MS));
    return true;
}

// A ramp of steps goes on at every order, whatever it brings.
static bool mark_perpetual(struct dynamic_follow *f, uint64_t now, struct instrument *in)
{
    if (!tiers_as_set(f, in))
        adopt_tiers(f, in, now);
    if (f->climb.since == 0) // begun before any clock: nothing is earned yet
        f->climb.since = now;
    if (!climb_step(&f->rule, &f->climb, f->goal, now))
        return false;
    bool any = false;
    for (unsigned k = 0; k < in->n_tiers; k++) {
        uint32_t rate = climb_rate(f->base[k], f->climb.at_bps, root_of(f, k));
        rate = rate > CLIMB_RATE_MOST ? CLIMB_RATE_MOST : rate; // of a base that somebody else has set
        any |= rate != in->tier[k].rate_ppm;
        in->tier[k].rate_ppm = rate;
    }
    return any;
}

bool dynamic_mark(struct dynamic_follow *f, const struct dynamic_seen *seen, struct instrument *in)
{
    uint32_t target = f->goal;
    bool known = target_of(f, seen, in, &target);
    if (in->kind != INST_RESERVE) {
        f->goal = target;
        return mark_perpetual(f, seen->now, in);
    }
    if (!known)
        return false;
    if (!as_set(f, in))
        adopt(f, in, seen->now);
    if (f->at.since == 0)
        f->at.since = seen->now;
    if (!dynamic_step_to(&f->rule, &f->at, target, seen->now))
        return false;
    set_reserve(f, in);
    return true;
}
