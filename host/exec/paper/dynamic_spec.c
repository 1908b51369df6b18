// SPDX-License-Identifier: Apache-2.0
// The text of a spec of venue_dynamic.h.
#include <stdlib.h>
#include <string.h>

#include "exec/paper/venue_dynamic.h"

enum { SPEC_LEN = 256, LEAST = 5, WINDOW = 60, TENTHS = 50, TENTHS_MAX = 1000 };
#define MONEY_MAX UINT64_C(1000000000000000)

static const char *const POLICIES[DYNAMIC_POLICIES] = {"volatility", "open-interest", "size", "scaled",
                                                       "implied"};

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

static int take_name(struct dynamic_spec *s, const char *text, struct err *e)
{
    if (*text == '\0' || strlen(text) >= sizeof s->instrument)
        return err_set(e, "instrument wants a name of at most %zu characters", sizeof s->instrument - 1);
    memcpy(s->instrument, text, strlen(text) + 1);
    return 0;
}

static int take_policy(struct dynamic_spec *s, const char *text, struct err *e)
{
    for (unsigned k = 0; k < DYNAMIC_POLICIES; k++)
        if (strcmp(text, POLICIES[k]) == 0) {
            s->policy = (enum dynamic_policy)k;
            return 0;
        }
    return err_set(e, "policy is volatility, open-interest, size, scaled or implied, not '%s'", text);
}

static int take_estimator(struct dynamic_spec *s, const char *text, struct err *e)
{
    int k = estimate_find(text);
    if (k < 0)
        return err_set(e, "estimator is ewma, realised, parkinson, garman-klass or rogers-satchell, not '%s'",
                       text);
    s->estimator = (enum estimate_kind)k;
    return 0;
}

static int take_number(struct dynamic_spec *s, const char *name, const char *text, struct err *e)
{
    const struct {
        const char *name;
        uint32_t *to;
    } half[] = {{"base_bps", &s->rule.base_bps},
                {"min_bps", &s->rule.min_bps},
                {"max_bps", &s->rule.max_bps},
                {"dead_bps", &s->rule.dead_bps},
                {"rate_mbps", &s->rule.rate_mbps},
                {"lambda_ppm", &s->lambda_ppm},
                {"period_s", &s->period_s},
                {"least", &s->least},
                {"window", &s->window},
                {"n_tenths", &s->n_tenths}};
    const struct {
        const char *name;
        uint64_t most, *to;
    } whole[] = {{"sigma0_ppm", UINT32_MAX, &s->rule.sigma0_ppm},
                 {"k_bps", INT32_MAX, &s->rule.k_bps},
                 {"lower", MONEY_MAX, &s->lower},
                 {"upper", MONEY_MAX, &s->upper},
                 {"quote", MONEY_MAX, &s->quote}};
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        if (strcmp(name, half[i].name) == 0)
            return take_32(name, text, half[i].to, e);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(name, whole[i].name) == 0)
            return number(name, text, whole[i].most, whole[i].to, e);
    return err_set(e,
                   "no such key: %s; there are instrument, policy, estimator, k_bps, min_bps, base_bps,"
                   " max_bps, sigma0_ppm, dead_bps, rate_mbps, lambda_ppm, period_s, window, least, lower,"
                   " upper, quote and n_tenths",
                   name);
}

static int take_pair(struct dynamic_spec *s, const char *name, const char *text, struct err *e)
{
    if (strcmp(name, "instrument") == 0)
        return take_name(s, text, e);
    if (strcmp(name, "policy") == 0)
        return take_policy(s, text, e);
    if (strcmp(name, "estimator") == 0)
        return take_estimator(s, text, e);
    return take_number(s, name, text, e);
}

static int check_policy(const struct dynamic_spec *s, struct err *e)
{
    bool sigma = s->policy == DYNAMIC_VOLATILITY || s->policy == DYNAMIC_SIZE;
    bool perpetual = s->rule.max_bps > CLIMB_ONE;
    if (!s->instrument[0] || (sigma && !s->rule.k_bps) || (!perpetual && !s->rule.min_bps))
        return err_set(e, "instrument, k_bps and min_bps are needed, the two above 0 (a perpetual: max_bps "
                          "above 10000 in place of min_bps)");
    if (s->policy == DYNAMIC_OPEN_INTEREST && s->lower >= s->upper)
        return err_set(e, "policy=open-interest needs lower below upper, whole units of account");
    if (s->policy == DYNAMIC_SCALED && s->quote == 0)
        return err_set(e, "policy=scaled needs quote above 0, whole units of account");
    if (s->policy == DYNAMIC_IMPLIED && (s->n_tenths < 1 || s->n_tenths > TENTHS_MAX))
        return err_set(e, "n_tenths is 1 to %d", TENTHS_MAX);
    if ((s->policy == DYNAMIC_OPEN_INTEREST || s->policy == DYNAMIC_SIZE) && !perpetual)
        return err_set(e, "policy=%s is for perpetuals: max_bps is above 10000", POLICIES[s->policy]);
    if ((s->policy == DYNAMIC_SCALED || s->policy == DYNAMIC_IMPLIED) && perpetual)
        return err_set(e, "policy=%s is for reserves: max_bps is at most 10000", POLICIES[s->policy]);
    return 0;
}

static int check_spec(const struct dynamic_spec *s, struct err *e)
{
    if (check_policy(s, e) != 0)
        return -1;
    if (s->lambda_ppm < 1 || s->lambda_ppm > 999999 || s->period_s < 1 || s->least < 1)
        return err_set(e, "lambda_ppm is 1 to 999999, period_s and least are above 0");
    if (s->window < 1 || s->window > ESTIMATE_WINDOW_MAX)
        return err_set(e, "window is 1 to %d periods", ESTIMATE_WINDOW_MAX);
    struct dynamic_rule r = s->rule; // what can be said without the instrument
    bool perpetual = r.max_bps > CLIMB_ONE;
    r.max_bps = r.max_bps ? r.max_bps : CLIMB_ONE;
    r.min_bps = r.min_bps ? r.min_bps : CLIMB_ONE;
    r.base_bps = r.base_bps ? r.base_bps : perpetual ? r.min_bps : r.max_bps;
    const char *why = perpetual ? climb_check(&r) : dynamic_check(&r);
    return why ? err_set(e, "%s", why) : 0;
}

int dynamic_spec_parse(const char *text, struct dynamic_spec *s, struct err *e)
{
    char copy[SPEC_LEN], *rest = NULL;
    *s = (struct dynamic_spec){.rule = {.sigma0_ppm = 500000, .dead_bps = 10, .rate_mbps = 1000},
                               .lambda_ppm = VOL_LAMBDA_PPM,
                               .period_s = 1,
                               .window = WINDOW,
                               .n_tenths = TENTHS,
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
    return check_spec(s, e);
}
