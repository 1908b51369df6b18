// SPDX-License-Identifier: Apache-2.0
#include "chain/source.h"

#include "evm/abi.h"

static const char *const SIGNATURE[N_GETTER] = {
    [GET_LATEST_ANSWER] = "latestAnswer()",
    [GET_AGGREGATOR] = "aggregator()",
    [GET_LATEST_ROUND] = "latestRound()",
    [GET_FEED_DECIMALS] = "decimals()",
    [GET_RATIO] = "getRatio()",
    [GET_RATIO_DECIMALS] = "RATIO_DECIMALS()",
    [GET_RATIO_PROVIDER] = "RATIO_PROVIDER()",
    [GET_SNAPSHOT_RATIO] = "getSnapshotRatio()",
    [GET_SNAPSHOT_TIME] = "getSnapshotTimestamp()",
    [GET_GROWTH_SCALED] = "getMaxRatioGrowthPerSecondScaled()",
    [GET_GROWTH] = "getMaxRatioGrowthPerSecond()",
    [GET_BASE_TO_USD] = "BASE_TO_USD_AGGREGATOR()",
    [GET_ASSET_TO_USD] = "ASSET_TO_USD_AGGREGATOR()",
    [GET_PRICE_CAP] = "getPriceCap()",
    [GET_PEG_TO_BASE] = "PEG_TO_BASE()",
    [GET_ASSET_TO_PEG] = "ASSET_TO_PEG()",
    [GET_DECIMALS] = "DECIMALS()",
    [GET_PRICE] = "price()",
};
static const uint64_t GROWTH_SCALE = 1000000; // of getMaxRatioGrowthPerSecondScaled

uint32_t getter_selector(enum getter g)
{
    return abi_selector(SIGNATURE[g]);
}

const char *source_kind_name(enum source_kind k)
{
    static const char *const name[N_SOURCE_KIND] = {"unread", "feed",    "capped ratio", "capped stable",
                                                    "fixed",  "product", "other"};
    return name[k];
}

static uint32_t bit(enum getter g)
{
    return UINT32_C(1) << g;
}
static bool has(const struct source *s, enum getter g)
{
    return (s->answered & bit(g)) != 0;
}
static i256 value(const struct source *s, enum getter g)
{
    return word_to_signed(&s->got[g]);
}
static bool small(const struct source *s, enum getter g, uint32_t *out)
{
    uint64_t v;
    if (!has(s, g) || word_to_u64(&s->got[g], &v) || v > ADAPTER_DECIMALS_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}
// An address that is not 0 and not the source itself.
static bool other_address(const struct source *s, enum getter g, struct evm_address *out)
{
    struct evm_address a;
    if (!has(s, g) || word_is_zero(&s->got[g]) || word_to_address(&s->got[g], &a) ||
        address_equal(&a, &s->at))
        return false;
    *out = a;
    return true;
}

static void take_answer(struct source *s, enum getter g)
{
    s->reverts = !has(s, g);
    s->answer = s->reverts ? I256_ZERO : value(s, g);
}

static bool is_feed(struct source *s)
{
    if (!has(s, GET_LATEST_ANSWER))
        return false;
    if (!other_address(s, GET_AGGREGATOR, &s->aggregator)) {
        if (has(s, GET_AGGREGATOR) || !has(s, GET_LATEST_ROUND))
            return false;
        s->aggregator = s->at; // an aggregator without a proxy
    }
    take_answer(s, GET_LATEST_ANSWER);
    return true;
}

static bool is_capped_ratio(struct source *s)
{
    struct ratio_cap *c = &s->cap;
    bool scaled = has(s, GET_GROWTH_SCALED);
    if (!other_address(s, GET_BASE_TO_USD, &s->rests_on[0]) || !has(s, GET_RATIO) ||
        !has(s, GET_SNAPSHOT_RATIO) || !has(s, GET_SNAPSHOT_TIME) || !(scaled || has(s, GET_GROWTH)) ||
        !small(s, GET_RATIO_DECIMALS, &c->decimals) || word_to_u64(&s->got[GET_SNAPSHOT_TIME], &c->since) ||
        word_to_unsigned(&s->got[GET_SNAPSHOT_RATIO], &c->snapshot) ||
        word_to_unsigned(&s->got[scaled ? GET_GROWTH_SCALED : GET_GROWTH], &c->growth))
        return false;
    c->scale = scaled ? GROWTH_SCALE : 1;
    s->ratio = value(s, GET_RATIO);
    s->n_rests_on = other_address(s, GET_RATIO_PROVIDER, &s->rests_on[1]) ? 2 : 1;
    return true;
}

static bool is_capped_stable(struct source *s)
{
    if (!other_address(s, GET_ASSET_TO_USD, &s->rests_on[0]) || !has(s, GET_PRICE_CAP))
        return false;
    s->n_rests_on = 1;
    take_answer(s, GET_PRICE_CAP);
    return true;
}

static bool is_product(struct source *s)
{
    if (!other_address(s, GET_ASSET_TO_PEG, &s->rests_on[0]) ||
        !other_address(s, GET_PEG_TO_BASE, &s->rests_on[1]) || !small(s, GET_DECIMALS, &s->decimals))
        return false;
    s->n_rests_on = 2;
    return true;
}

static bool is_fixed(struct source *s)
{
    if (!has(s, GET_PRICE) || !has(s, GET_LATEST_ANSWER) ||
        !word_equal(&s->got[GET_PRICE], &s->got[GET_LATEST_ANSWER]))
        return false;
    take_answer(s, GET_PRICE);
    return true;
}

void source_classify(struct source *s)
{
    s->n_rests_on = 0;
    s->reverts = false;
    s->answer = s->ratio = I256_ZERO;
    if (is_capped_ratio(s)) {
        s->kind = SOURCE_CAPPED_RATIO;
    } else if (is_capped_stable(s)) {
        s->kind = SOURCE_CAPPED_STABLE;
    } else if (is_product(s)) {
        s->kind = SOURCE_PRODUCT;
    } else if (is_feed(s)) {
        s->kind = SOURCE_FEED;
    } else if (is_fixed(s)) {
        s->kind = SOURCE_FIXED;
    } else {
        s->kind = SOURCE_OTHER;
        take_answer(s, GET_LATEST_ANSWER);
    }
}

uint32_t source_each_block(const struct source *s)
{
    if (s->kind == SOURCE_CAPPED_RATIO && !s->ratio_is_feed)
        return bit(GET_RATIO);
    return s->kind == SOURCE_OTHER ? bit(GET_LATEST_ANSWER) : 0;
}

uint32_t source_refresh(const struct source *s)
{
    switch (s->kind) {
    case SOURCE_FEED:
        return bit(GET_LATEST_ANSWER) | bit(GET_AGGREGATOR);
    case SOURCE_CAPPED_RATIO:
        return bit(GET_RATIO) | bit(GET_SNAPSHOT_RATIO) | bit(GET_SNAPSHOT_TIME) | bit(GET_GROWTH_SCALED) |
               bit(GET_GROWTH);
    case SOURCE_CAPPED_STABLE:
        return bit(GET_PRICE_CAP);
    case SOURCE_FIXED:
        return bit(GET_PRICE) | bit(GET_LATEST_ANSWER);
    case SOURCE_PRODUCT:
        return 0; // nothing of it can change
    case SOURCE_OTHER:
        return bit(GET_LATEST_ANSWER);
    default:
        return GET_ALL;
    }
}

struct answer source_answer(const struct source *s, const struct answer child[SOURCE_CHILDREN],
                            uint32_t child_decimals, uint64_t time)
{
    for (unsigned i = 0; i < s->n_rests_on; i++)
        if (child[i].reverts && (i == 0 || s->kind != SOURCE_CAPPED_RATIO || s->ratio_is_feed))
            return (struct answer){I256_ZERO, true};
    switch (s->kind) {
    case SOURCE_CAPPED_RATIO:
        return adapter_capped_ratio(&s->cap, child[0].value, s->ratio_is_feed ? child[1].value : s->ratio,
                                    time);
    case SOURCE_CAPPED_STABLE:
        return adapter_capped_stable(child[0].value, s->answer);
    case SOURCE_PRODUCT:
        return adapter_product(child[0].value, child[1].value, s->decimals, child_decimals);
    default:
        return (struct answer){s->answer, s->reverts};
    }
}
