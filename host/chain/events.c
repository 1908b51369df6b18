// SPDX-License-Identifier: Apache-2.0
#include "chain/events.h"

#include "evm/hex.h"

// Where an event names somebody: a topic (1..3), or word w of the data as DATA_WORD + w.
enum { NONE = 0, DATA_WORD = 8 };

struct shape {
    const char *signature;
    uint8_t indexed, words; // topics beyond the first, words of data
    uint8_t user[EVENT_USERS_MAX], reserve[EVENT_RESERVES_MAX];
    bool borrow;
};

// A liquidation may move a reserve's index without ReserveDataUpdated (receiveAToken from 3.3 on), so that it
// names both reserves itself.
static const struct shape pool_events[] = {
    {"Supply(address,address,address,uint256,uint16)", 3, 2, {2}, {1}, false},
    {"Withdraw(address,address,address,uint256)", 3, 1, {2}, {1}, false},
    {"Borrow(address,address,address,uint256,uint8,uint256,uint16)", 3, 4, {2}, {1}, true},
    {"Repay(address,address,address,uint256,bool)", 3, 2, {2, 3}, {1}, false},
    {"LiquidationCall(address,address,address,uint256,uint256,address,bool)",
     3,
     4,
     {3, DATA_WORD + 2},
     {1, 2},
     false},
    {"ReserveUsedAsCollateralEnabled(address,address)", 2, 0, {2}, {NONE}, false},
    {"ReserveUsedAsCollateralDisabled(address,address)", 2, 0, {2}, {NONE}, false},
    {"UserEModeSet(address,uint8)", 1, 1, {1}, {NONE}, false},
    {"ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)", 1, 5, {NONE}, {1}, false},
    {"DeficitCreated(address,address,uint256)", 2, 1, {1}, {2}, false},
    {"MintUnbacked(address,address,address,uint256,uint16)", 3, 2, {2}, {1}, false},
    {"BackUnbacked(address,address,uint256,uint256)", 2, 2, {NONE}, {1}, false},
    {"SwapBorrowRateMode(address,address,uint8)", 2, 1, {2}, {1}, false},
};
static const struct shape token_events[] = {
    {"Transfer(address,address,uint256)", 2, 1, {1, 2}, {NONE}, false},
    {"BalanceTransfer(address,address,uint256,uint256)", 2, 2, {1, 2}, {NONE}, false},
    {"Mint(address,address,uint256,uint256,uint256)", 2, 3, {2}, {NONE}, false},
    {"Burn(address,address,uint256,uint256,uint256)", 2, 3, {1}, {NONE}, false},
};
enum {
    N_POOL = sizeof pool_events / sizeof *pool_events,
    N_TOKEN = sizeof token_events / sizeof *token_events,
    POOL_BORROW = 2,
};
static struct word pool_topics[N_POOL], token_topics[N_TOKEN];

void chain_topics_init(void)
{
    for (size_t i = 0; i < N_POOL; i++)
        pool_topics[i] = abi_topic(pool_events[i].signature);
    for (size_t i = 0; i < N_TOKEN; i++)
        token_topics[i] = abi_topic(token_events[i].signature);
}

const struct word *chain_topic_borrow(void)
{
    return &pool_topics[POOL_BORROW];
}

// ---- a log as text

static int topics_get(struct rpc_span v, struct abi_log *l)
{
    struct rpc_json_iter it;
    struct rpc_span key, item;
    int rc;
    if (!v.p || v.p[0] != '[' || !rpc_json_begin(&it, v))
        return -1;
    l->n_topics = 0;
    while ((rc = rpc_json_next(&it, &key, &item)) == 1) {
        if (l->n_topics == ABI_TOPICS_MAX || rpc_json_data(item, l->topic[l->n_topics].b, WORD_BYTES))
            return -1;
        l->n_topics++;
    }
    return rc;
}

int chain_log_get(struct rpc_span v, struct chain_log *out, uint8_t *data, struct err *e)
{
    struct abi_log *l = &out->log;
    struct rpc_span removed = rpc_json_get(v, "removed"), text = rpc_json_string(rpc_json_get(v, "data"));
    if (removed.p && !rpc_span_is(removed, "false"))
        return err_set(e, "the node tells of a log that was taken back: it is reorganising");
    l->data = data;
    if (rpc_json_data(rpc_json_get(v, "address"), l->address.b, ADDRESS_BYTES) ||
        topics_get(rpc_json_get(v, "topics"), l) || !text.p ||
        rpc_json_quantity(rpc_json_get(v, "blockNumber"), &out->block) ||
        rpc_json_quantity(rpc_json_get(v, "logIndex"), &out->index) ||
        rpc_json_data(rpc_json_get(v, "blockHash"), out->block_hash.b, WORD_BYTES))
        return err_set(e, "the node tells of a log that is malformed");
    if (text.n > 2 + 2 * (size_t)CHAIN_LOG_DATA_MAX) {
        l->n_data = CHAIN_LOG_DATA_MAX; // none of ours is as long: its shape will not fit
        return 0;
    }
    if (hex_data_get(text.p, text.n, data, CHAIN_LOG_DATA_MAX, &l->n_data))
        return err_set(e, "the node tells of a log whose data is not hexadecimal");
    return 0;
}

// ---- what it concerns

static int address_at(const struct abi_log *l, unsigned place, struct evm_address *out)
{
    struct word w;
    if (place < DATA_WORD)
        return word_to_address(&l->topic[place], out);
    memcpy(w.b, l->data + (size_t)(place - DATA_WORD) * WORD_BYTES, WORD_BYTES);
    return word_to_address(&w, out);
}

static int take(const struct abi_log *l, const uint8_t *places, size_t n, struct evm_address *out,
                uint8_t *count)
{
    static const struct evm_address zero;
    for (size_t i = 0; i < n && places[i] != NONE; i++) {
        struct evm_address a;
        if (address_at(l, places[i], &a))
            return -1;
        if (!address_equal(&a, &zero))
            out[(*count)++] = a;
    }
    return 0;
}

static int shape_get(const struct abi_log *l, const struct shape *s, const struct word *topic, size_t n,
                     struct chain_event *out, struct err *e)
{
    size_t i = 0;
    while (i < n && !word_equal(&l->topic[0], &topic[i]))
        i++;
    if (i == n)
        return 0;
    s += i;
    if (l->n_topics != 1 + s->indexed || l->n_data != (size_t)s->words * WORD_BYTES ||
        take(l, s->user, EVENT_USERS_MAX, out->user, &out->n_users) ||
        take(l, s->reserve, EVENT_RESERVES_MAX, out->reserve, &out->n_reserves))
        return err_set(e, "a log that is not as Aave's %s: is this a pool of Aave V3?", s->signature);
    out->borrow = s->borrow && out->n_users == 1;
    return 0;
}

int chain_event_get(const struct abi_log *l, enum chain_emitter by, struct chain_event *out, struct err *e)
{
    *out = (struct chain_event){0};
    if (by == EMITTER_CONFIGURATOR || by == EMITTER_PROVIDER) {
        out->settings = true;
        out->sources = by == EMITTER_PROVIDER;
        return 0;
    }
    out->sources = by == EMITTER_ORACLE;
    if (l->n_topics == 0)
        return 0;
    if (by == EMITTER_POOL)
        return shape_get(l, pool_events, pool_topics, N_POOL, out, e);
    if (by == EMITTER_TOKEN)
        return shape_get(l, token_events, token_topics, N_TOKEN, out, e);
    return 0;
}
