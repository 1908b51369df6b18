// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/auction_spec.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/rules/rule.h"

enum { SPEC_LEN = 512, BPS = 10000, PPM = 1000000, PPM_TO_RAY_DIGITS = 21, DIGITS_MAX = 19 };

struct number {
    const char *name;
    uint64_t min, max;
    size_t offset;
    uint8_t bytes; // 4 or 8
};
#define NUMBER(name, field, bytes, min, max)                                                                 \
    {                                                                                                        \
        name, min, max, offsetof(struct auction_spec, field), bytes                                          \
    }
enum { SECONDS_MAX = 100000000 };
static const struct number numbers[] = {
    NUMBER("tau", calc.tau, 8, 1, SECONDS_MAX),
    NUMBER("step", calc.step, 8, 1, SECONDS_MAX),
    NUMBER("buf_bps", buf_bps, 4, 1, 1000 * BPS),
    NUMBER("cusp_bps", cusp_bps, 4, 0, BPS),
    NUMBER("tail", tail, 8, 1, SECONDS_MAX),
    NUMBER("chop_bps", chop_bps, 4, BPS, 10 * BPS),
    NUMBER("chip_bps", chip_bps, 4, 0, BPS),
    NUMBER("tip_e8", tip_e8, 8, 0, INT64_MAX),
    NUMBER("dust_e8", dust_e8, 8, 0, INT64_MAX),
    NUMBER("rival_pct", rival_pct, 4, 0, 100),
    NUMBER("rival_from_bps", rival_from_bps, 4, 1, 10 * BPS),
    NUMBER("rival_to_bps", rival_to_bps, 4, 1, 10 * BPS),
    NUMBER("rival_part_pct", rival_part_pct, 4, 1, 100),
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static int parse(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
    char *end;
    unsigned long long v = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (*text < '0' || *text > '9' || *end != '\0' || strlen(text) > DIGITS_MAX || v < min || v > max)
        return err_set(e, "%s takes a whole number from %llu to %llu, not '%s'", name,
                       (unsigned long long)min, (unsigned long long)max, text);
    *out = v;
    return 0;
}

static int take_curve(struct auction_spec *s, const char *text, struct err *e)
{
    for (unsigned i = 0; i < CURVE_KINDS; i++)
        if (strcmp(text, CURVE_NAMES[i]) == 0) {
            s->calc.kind = (enum curve_kind)i;
            return 0;
        }
    return err_set(e, "no such curve: %s; there are linear, stairstep and exponential", text);
}

// Where who liquidates only starts it, what is taken is for sale if the collateral has a chop (venue_kick):
// not what goes to a stability pool.
static bool for_sale(const struct rule *r)
{
    struct instrument in = {.kind = INST_RESERVE};
    if (!r->borrowing->paid)
        return true;
    if (r->borrowing->terms)
        r->borrowing->terms(&in);
    return term_get(&in.terms, TERM_CHOP) != 0;
}

static int take_rule(struct auction_spec *s, const char *text, struct err *e)
{
    const struct rule *r = rule_find(text);
    if (!r || !r->borrowing || strlen(text) >= sizeof s->rule)
        return err_set(e, "rule=%s: a lending rule is wanted: see `tripline rule list`", text);
    if (!for_sale(r))
        return err_set(e, "rule=%s: what this rule takes goes to a pool, none is auctioned; leave it out",
                       text);
    memcpy(s->rule, text, strlen(text) + 1);
    return 0;
}

static int take(struct auction_spec *s, const char *name, const char *text, struct err *e)
{
    uint64_t v;
    if (strcmp(name, "curve") == 0)
        return take_curve(s, text, e);
    if (strcmp(name, "rule") == 0)
        return take_rule(s, text, e);
    if (strcmp(name, "cut_ppm") == 0) {
        int bad = parse(name, text, 1, PPM, &v, e);
        if (!bad)
            (void)u256_mul(u256_from_u64(v), u256_pow10(PPM_TO_RAY_DIGITS), &s->calc.cut);
        return bad;
    }
    if (strcmp(name, "wall") == 0) {
        int bad = parse(name, text, 0, 1, &v, e);
        s->wall = !bad && v;
        return bad;
    }
    for (unsigned i = 0; i < NUMBERS; i++) {
        const struct number *k = &numbers[i];
        if (strcmp(name, k->name) != 0)
            continue;
        if (parse(name, text, k->min, k->max, &v, e) != 0)
            return -1;
        uint32_t half = (uint32_t)v;
        memcpy((char *)s + k->offset, k->bytes == 4 ? (const void *)&half : (const void *)&v, k->bytes);
        return 0;
    }
    return err_set(e,
                   "no such key: %s; there are curve, tau, step, cut_ppm, buf_bps, cusp_bps, tail, chop_bps,"
                   " chip_bps, tip_e8, dust_e8, rule, rival_pct, rival_from_bps, rival_to_bps,"
                   " rival_part_pct and wall",
                   name);
}

int auction_spec_parse(const char *text, struct auction_spec *s, struct err *e)
{
    char copy[SPEC_LEN], *rest = NULL;
    *s = (struct auction_spec){
        .calc = {.kind = CURVE_EXPONENTIAL, .tau = 3600, .step = 60},
        .buf_bps = 12000,
        .cusp_bps = 4000,
        .tail = 3600,
        .chop_bps = BPS,
        .rival_from_bps = 9500,
        .rival_to_bps = 10200,
        .rival_part_pct = 50,
    };
    (void)u256_mul(u256_from_u64(990000), u256_pow10(PPM_TO_RAY_DIGITS), &s->calc.cut);
    if (strlen(text) >= sizeof copy)
        return err_set(e, "longer than %d characters", SPEC_LEN - 1);
    memcpy(copy, text, strlen(text) + 1);
    for (char *pair = strtok_r(copy, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(pair, '=');
        if (!value)
            return err_set(e, "'%s' is no name=value", pair);
        *value++ = '\0';
        if (take(s, pair, value, e) != 0)
            return -1;
    }
    if (s->rival_from_bps > s->rival_to_bps)
        return err_set(e, "rival_from_bps is above rival_to_bps: it is the lower of the two");
    return 0;
}
