// SPDX-License-Identifier: Apache-2.0
// The rules of Aave v3, one a version: struct rule's members with the version filled in.
#include "accounts/rules/aave/aave_common.h"

static const struct borrowing AAVE_BORROWING = {.emodes = true};

#define AAVE_RULE(id, title, v, bound, both)                                                                 \
    static int id##_rows(const struct market *m, const struct account *a, const struct band *band,           \
                         uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)                 \
    {                                                                                                        \
        return aave_rows(v, m, a, band, warn_ppm, out, e);                                                   \
    }                                                                                                        \
    static void id##_health(const struct market *m, const struct account *a, const int64_t *px,              \
                            struct health *out)                                                              \
    {                                                                                                        \
        aave_health(v, m, a, px, out);                                                                       \
    }                                                                                                        \
    static int id##_size(const struct market *m, const struct account *a, const int64_t *px,                 \
                         const struct size_policy *policy, struct order_size *out)                           \
    {                                                                                                        \
        return aave_size(v, m, a, px, policy, out);                                                          \
    }                                                                                                        \
    static int id##_settle(const struct market *m, struct account *a, const int64_t *px,                     \
                           const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)   \
    {                                                                                                        \
        return aave_settle(v, m, a, px, leg, n, out, e);                                                     \
    }                                                                                                        \
    static bool id##_takes(const struct market *m, const struct account *a, const int64_t *px,               \
                           const struct order_leg *leg, unsigned n, const struct order_size *exact)          \
    {                                                                                                        \
        return aave_takes(v, m, a, px, leg, n, exact);                                                       \
    }                                                                                                        \
    static i256 id##_holding(const struct market *m, const struct position *p)                               \
    {                                                                                                        \
        return aave_holding(v, m, p);                                                                        \
    }                                                                                                        \
    static bool id##_bends(const struct market *m, const struct account *a)                                  \
    {                                                                                                        \
        return aave_bends(v, m, a);                                                                          \
    }                                                                                                        \
    static bool id##_within(const struct market *next, unsigned i, const struct reach *r)                    \
    {                                                                                                        \
        return aave_within(v, next, i, r);                                                                   \
    }                                                                                                        \
    static int id##_validate(const struct market *m, const struct account *a, struct err *e)                 \
    {                                                                                                        \
        return aave_validate(v, m, a, e);                                                                    \
    }                                                                                                        \
    const struct rule id = {                                                                                 \
        .name = title,                                                                                       \
        .borrowing = &AAVE_BORROWING,                                                                        \
        .rows = id##_rows,                                                                                   \
        .health = id##_health,                                                                               \
        .size = id##_size,                                                                                   \
        .settle = id##_settle,                                                                               \
        .takes = id##_takes,                                                                                 \
        .holding = id##_holding,                                                                             \
        .bends = id##_bends,                                                                                 \
        .shift = (bound),                                                                                    \
        .crossed = (both),                                                                                   \
        .within = id##_within,                                                                               \
        .validate = id##_validate,                                                                           \
    }

AAVE_RULE(rule_aave_1_19, "aave-1.19", AAVE_1_19, NULL, NULL);
AAVE_RULE(rule_aave_3_3, "aave-3.3", AAVE_3_3, NULL, NULL);
AAVE_RULE(rule_aave_3_4, "aave-3.4", AAVE_3_4, NULL, NULL);
AAVE_RULE(rule_aave_3_5, "aave-3.5", AAVE_3_5, aave_shift, aave_crossed);
AAVE_RULE(rule_aave_3_6, "aave-3.6", AAVE_3_6, aave_shift, aave_crossed);
AAVE_RULE(rule_aave_3_7, "aave-3.7", AAVE_3_7, aave_shift, aave_crossed);
