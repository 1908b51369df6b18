// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_dynamic.h"

#include <stdlib.h>
#include <string.h>

enum { SPEC_LEN = 256, LEAST = 5, MS = 1000 };

// ---- the text

static int number(const char *name, const char *text, uint64_t most, uint64_t *out, struct err *e)
{
    char *end;
    unsigned long long v = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (*text < '0' || *text > '9' || *end != '\0' || strlen(text) > 18 || v > most)
        return err_set(e, "%s takes a whole number up to %llu, not '%s'", name, (unsigned long long)most,
                       text);
    *out = v;
    return 0;
}

static int take_32(const char *name, const char *text, uint32_t *out, struct err *e)
{
    uint64_t v;
    if (number(name, text, UINT32_MAX, &v, e) != 0)
        return -1;
    *out = (uint32_t)v;
    return 0;
}

static int take_pair(struct dynamic_spec *s, const char *name, const char *text, struct err *e)
{
    const struct {
        const char *name;
        uint32_t *to;
    } half[] = {{"base_bps", &s->rule.base_bps},   {"min_bps", &s->rule.min_bps},
                {"max_bps", &s->rule.max_bps},     {"dead_bps", &s->rule.dead_bps},
                {"rate_mbps", &s->rule.rate_mbps}, {"lambda_ppm", &s->lambda_ppm},
                {"period_s", &s->period_s},        {"least", &s->least}};
    if (strcmp(name, "instrument") == 0) {
        if (*text == '\0' || strlen(text) >= sizeof s->instrument)
            return err_set(e, "instrument wants a name of at most %zu characters", sizeof s->instrument - 1);
        memcpy(s->instrument, text, strlen(text) + 1);
        return 0;
    }
    if (strcmp(name, "sigma0_ppm") == 0)
        return number(name, text, UINT32_MAX, &s->rule.sigma0_ppm, e);
    if (strcmp(name, "k_bps") == 0)
        return number(name, text, INT32_MAX, &s->rule.k_bps, e);
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        if (strcmp(name, half[i].name) == 0)
            return take_32(name, text, half[i].to, e);
    return err_set(e,
                   "no such key: %s; there are instrument, k_bps, min_bps, base_bps, max_bps, sigma0_ppm,"
                   " dead_bps, rate_mbps, lambda_ppm, period_s and least",
                   name);
}

int dynamic_spec_parse(const char *text, struct dynamic_spec *s, struct err *e)
{
    char copy[SPEC_LEN], *rest = NULL;
    *s = (struct dynamic_spec){.rule = {.sigma0_ppm = 500000, .dead_bps = 10, .rate_mbps = 1000},
                               .lambda_ppm = VOL_LAMBDA_PPM,
                               .period_s = 1,
                               .least = LEAST};
    if (strlen(text) >= sizeof copy)
        return err_set(e, "longer than %d characters", SPEC_LEN - 1);
    memcpy(copy, text, strlen(text) + 1);
    for (char *pair = strtok_r(copy, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(pair, '=');
        if (!value)
            return err_set(e, "'%s' is no name=value", pair);
        *value++ = '\0';
        if (take_pair(s, pair, value, e) != 0)
            return -1;
    }
    if (!s->instrument[0] || !s->rule.k_bps || !s->rule.min_bps)
        return err_set(e, "instrument, k_bps and min_bps are needed, the two above 0");
    if (s->lambda_ppm < 1 || s->lambda_ppm > 999999 || s->period_s < 1 || s->least < 1)
        return err_set(e, "lambda_ppm is 1 to 999999, period_s and least are above 0");
    struct dynamic_rule r = s->rule; // what can be said without the instrument
    r.base_bps = r.base_bps ? r.base_bps : r.max_bps ? r.max_bps : 10000;
    r.max_bps = r.max_bps ? r.max_bps : 10000;
    const char *why = dynamic_check(&r);
    return why ? err_set(e, "%s", why) : 0;
}

// ---- one instrument

static bool as_set(const struct dynamic_follow *f, const struct instrument *in)
{
    bool ramp = f->at.from_bps != f->at.to_bps;
    return in->lt_bps == f->at.to_bps && in->ramp_from_bps == (ramp ? f->at.from_bps : 0) &&
           in->ramp_start == (ramp ? f->at.start : 0) && in->ramp_end == (ramp ? f->at.end : 0);
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
}

int dynamic_follow(struct dynamic_follow *f, const struct dynamic_spec *s, const struct market *m,
                   struct err *e)
{
    unsigned i = 0;
    while (i < m->n_instruments && strcmp(m->instrument[i].name, s->instrument) != 0)
        i++;
    if (i == m->n_instruments || m->instrument[i].kind != INST_RESERVE)
        return err_set(e, "--dynamic: %s is no reserve of this market", s->instrument);
    const struct instrument *in = &m->instrument[i];
    if (in->emode_ramp_from_bps)
        return err_set(e, "--dynamic: %s has an e-mode ramp, which shares its moments", s->instrument);
    *f = (struct dynamic_follow){.spec = s, .rule = s->rule, .instrument = (uint16_t)i};
    f->rule.base_bps = f->rule.base_bps ? f->rule.base_bps : in->lt_bps;
    f->rule.max_bps = f->rule.max_bps ? f->rule.max_bps : f->rule.base_bps;
    f->vol = (struct vol_ewma){.lambda_ppm = s->lambda_ppm, .period_ms = (uint64_t)s->period_s * MS};
    const char *why = dynamic_check(&f->rule);
    if (why)
        return err_set(e, "--dynamic: %s: %s", s->instrument, why);
    adopt(f, in, m->now_s);
    return 0;
}

bool dynamic_mark(struct dynamic_follow *f, int64_t price, uint64_t second, uint64_t now,
                  struct instrument *in)
{
    if (price <= 0 || second == 0 || !vol_ewma_price(&f->vol, (uint64_t)price, second * MS) ||
        f->vol.n < f->spec->least)
        return false;
    if (!as_set(f, in))
        adopt(f, in, now);
    uint64_t sigma = vol_sigma_ppm(f->vol.var, f->vol.period_ms, VOL_YEAR_MS);
    if (!dynamic_step(&f->rule, &f->at, sigma, now))
        return false;
    bool ramp = f->at.from_bps != f->at.to_bps;
    in->lt_bps = f->at.to_bps;
    in->ramp_from_bps = ramp ? f->at.from_bps : 0;
    in->ramp_start = ramp ? f->at.start : 0;
    in->ramp_end = ramp ? f->at.end : 0;
    return true;
}
