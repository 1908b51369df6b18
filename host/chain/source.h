// SPDX-License-Identifier: Apache-2.0
// What a price source of AaveOracle is. A contract says so by the getters that it answers: a description or a
// name proves nothing, and getters do not either, so what is found here is a proposal that prices.h verifies
// by value before it counts and ever after. Sources form a graph: adapters rest on other sources (base feeds,
// ratio providers), each kept once. Pure functions over the caller's memory, no allocation, any thread.
#ifndef TRIPLINE_CHAIN_SOURCE_H
#define TRIPLINE_CHAIN_SOURCE_H

#include "chain/adapter.h"
#include "evm/word.h"

enum source_kind {
    SOURCE_UNREAD,       // nothing known yet
    SOURCE_FEED,         // an aggregator, or a proxy in front of one: its AnswerUpdated logs tell the answer
    SOURCE_CAPPED_RATIO, // CAPO: base feed * min(ratio, cap(time))
    SOURCE_CAPPED_STABLE,
    SOURCE_FIXED,
    SOURCE_PRODUCT, // two feeds: asset to peg, peg to base ("synchronicity")
    SOURCE_OTHER,   // none of these: latestAnswer() is asked for at each block
    N_SOURCE_KIND,
};

// What a source may be asked; each answers one word.
enum getter {
    GET_LATEST_ANSWER,
    GET_AGGREGATOR,
    GET_LATEST_ROUND,
    GET_FEED_DECIMALS, // decimals()
    GET_RATIO,
    GET_RATIO_DECIMALS,
    GET_RATIO_PROVIDER,
    GET_SNAPSHOT_RATIO,
    GET_SNAPSHOT_TIME,
    GET_GROWTH_SCALED,
    GET_GROWTH,
    GET_BASE_TO_USD,
    GET_ASSET_TO_USD,
    GET_PRICE_CAP,
    GET_PEG_TO_BASE,
    GET_ASSET_TO_PEG,
    GET_DECIMALS, // DECIMALS()
    GET_PRICE,
    N_GETTER,
};
#define GET_ALL ((UINT32_C(1) << N_GETTER) - 1)

enum { SOURCE_CHILDREN = 2, SOURCE_NONE = UINT16_MAX };

struct source {
    struct evm_address at;
    enum source_kind kind;
    // What it answered, and which getters did not revert.
    uint32_t answered;
    struct word got[N_GETTER];
    // From source_classify:
    struct evm_address aggregator; // SOURCE_FEED: whose logs count
    struct evm_address rests_on[SOURCE_CHILDREN];
    uint8_t n_rests_on;
    uint16_t child[SOURCE_CHILDREN]; // their places in the caller's table
    struct ratio_cap cap;            // SOURCE_CAPPED_RATIO
    uint32_t decimals;               // SOURCE_PRODUCT: of the result
    bool ratio_is_feed;              // the ratio is child 1's answer
    // Values as of now:
    i256 ratio;   // SOURCE_CAPPED_RATIO with ratio_is_feed false
    i256 answer;  // SOURCE_FEED, _FIXED, _OTHER: what it says; SOURCE_CAPPED_STABLE: the cap
    bool reverts; // SOURCE_FEED, _OTHER: latestAnswer() does
};

uint32_t getter_selector(enum getter g);
const char *source_kind_name(enum source_kind k);

// Takes what all getters answered (`answered`, `got`) and sets kind, parameters and values. A source whose
// parameters no adapter has is SOURCE_OTHER.
void source_classify(struct source *s);
// The getters to ask again at every block, or when something at the source may have changed.
uint32_t source_each_block(const struct source *s);
uint32_t source_refresh(const struct source *s);

// latestAnswer() at `time` (s) given what its children answer.
struct answer source_answer(const struct source *s, const struct answer child[SOURCE_CHILDREN],
                            uint32_t child_decimals, uint64_t time);

#endif
