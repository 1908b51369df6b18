// SPDX-License-Identifier: Apache-2.0
// One asset, X (2 decimals), its policy from text, its state and sources.
#ifndef TRIPLINE_TEST_POLICY_H
#define TRIPLINE_TEST_POLICY_H

#include "base/test_seed.h"
#include "oracle/judged.h"
#include "oracle/policy.h"

static struct market market;
static struct policy policy[MARKET_ASSETS_MAX];
static struct policy_state state;
static struct observation obs[POLICY_SOURCES];
static struct policy_result result;
static struct err why;
static uint64_t now_ns;

static inline void one_asset(void)
{
    memset(&market, 0, sizeof market);
    market.n_assets = 2;
    market.asset[0] = (struct asset){.name = "X",
                                     .source = "X-PERPETUAL",
                                     .kind = ASSET_MARK,
                                     .decimals = 2,
                                     .stale_ms = 5000,
                                     .guard_ppm = 20000};
    market.asset[1] = (struct asset){.name = "1/X", .kind = ASSET_RECIPROCAL, .decimals = 18};
    policy_default(&market.asset[0], &policy[0]);
}

static inline int parse(const char *text)
{
    one_asset();
    return policy_parse("p.conf", text, strlen(text), &market, policy, &why);
}

static inline void start(void)
{
    policy_start(&policy[0], &state);
    memset(obs, 0, sizeof obs);
    now_ns = UINT64_C(1000000000);
}

static inline void use(const char *text)
{
    ck_assert_msg(parse(text) == 0, "%s", why.msg);
    start();
}

static inline void eval(void)
{
    policy_eval(&policy[0], &state, obs, now_ns, &result);
}

// The clock moves on by ms, source i says price with an exchange time of its own, the policy is evaluated.
static inline void says(unsigned i, int64_t price, unsigned ms)
{
    now_ns += ms * UINT64_C(1000000);
    (void)observation_take(&obs[i], price, now_ns, now_ns);
    eval();
}

#define assert_price(want)                                                                                   \
    do {                                                                                                     \
        ck_assert_str_eq(policy_reason_name(result.reason), "none");                                         \
        ck_assert_int_eq(result.price, want);                                                                \
    } while (0)
#define assert_held(name, want)                                                                              \
    do {                                                                                                     \
        ck_assert_str_eq(policy_reason_name(result.reason), name);                                           \
        ck_assert_int_eq(result.price, want);                                                                \
    } while (0)

#endif
