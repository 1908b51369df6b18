// SPDX-License-Identifier: Apache-2.0
#include "chain/exchange.h"

#include <stdlib.h>

#include "chain/calls.h"
#include "evm/abi.h"
#include "evm/address.h"
#include "evm/hex.h"

enum { ASKED_OF_A_PAIR = 3, RESERVE_BITS = 112 };

static struct calls *calls_new(struct err *e)
{
    struct calls *c = malloc(sizeof *c);
    if (!c)
        err_set(e, "out of memory");
    return c;
}

static int take_address(const struct calls *c, size_t i, const char *what, struct evm_address *out,
                        struct err *e)
{
    struct word w;
    if (calls_need(c, i, 1, what, e) || !calls_word(c, i, 0, &w))
        return -1;
    return word_to_address(&w, out) == 0 ? 0 : err_set(e, "%s: the answer is no address", what);
}

static int read_factory(struct calls *c, struct chain_link *l, const struct word *block,
                        const struct evm_address *router, struct evm_address *out, struct err *e)
{
    calls_begin(c, block);
    calls_add(c, router, abi_selector("factory()"), NULL);
    if (calls_end(c, l, e))
        return -1;
    struct err why;
    char text[ADDRESS_TEXT];
    address_format(router, text);
    return take_address(c, 0, "factory", out, &why)
               ? err_set(e, "%s is no router of Uniswap V2's kind: %.200s", text, why.msg)
               : 0;
}

static int take_pair(const struct calls *c, size_t i, const struct evm_address *factory,
                     struct exchange_pair *p, struct err *e)
{
    struct evm_address of;
    struct err why;
    char text[ADDRESS_TEXT];
    address_format(&p->pair, text);
    if (take_address(c, i, "token0", &p->token0, &why) ||
        take_address(c, i + 1, "token1", &p->token1, &why) || take_address(c, i + 2, "factory", &of, &why))
        return err_set(e, "%s is no pair of Uniswap V2's kind: %.200s", text, why.msg);
    return address_equal(&of, factory)
               ? 0
               : err_set(e, "the pair %s is of another factory than the router's: a sale would not go there",
                         text);
}

int exchange_read_pairs(struct chain_link *l, const struct word *block, const struct evm_address *router,
                        struct exchange_pair *p, size_t n, struct err *e)
{
    struct evm_address factory;
    struct calls *c = n ? calls_new(e) : NULL;
    if (n && !c)
        return -1;
    int rc = n ? read_factory(c, l, block, router, &factory, e) : 0;
    for (size_t from = 0; rc == 0 && from < n;) {
        size_t to = from;
        calls_begin(c, block);
        for (; to < n && c->n + ASKED_OF_A_PAIR <= CHAIN_CALLS_MAX; to++) {
            calls_add(c, &p[to].pair, abi_selector("token0()"), NULL);
            calls_add(c, &p[to].pair, abi_selector("token1()"), NULL);
            calls_add(c, &p[to].pair, abi_selector("factory()"), NULL);
        }
        rc = calls_end(c, l, e);
        for (size_t i = from; rc == 0 && i < to; i++)
            rc = take_pair(c, ASKED_OF_A_PAIR * (i - from), &factory, &p[i], e);
        from = to;
    }
    free(c);
    return rc;
}

static int take_reserves(const struct calls *c, size_t i, struct exchange_reserves *out, struct err *e)
{
    struct word w0, w1;
    if (calls_need(c, i, 2, "getReserves", e) || !calls_word(c, i, 0, &w0) || !calls_word(c, i, 1, &w1))
        return -1;
    if (word_to_u128(&w0, &out->r0) || word_to_u128(&w1, &out->r1) || out->r0 >> RESERVE_BITS ||
        out->r1 >> RESERVE_BITS)
        return err_set(e, "getReserves: the answer is out of range");
    return 0;
}

int exchange_read_reserves(struct chain_link *l, const struct word *block, const struct exchange_pair *p,
                           size_t n, struct exchange_reserves *out, struct err *e)
{
    struct calls *c = n ? calls_new(e) : NULL;
    int rc = n && !c ? -1 : 0;
    for (size_t from = 0; rc == 0 && from < n;) {
        size_t to = from;
        calls_begin(c, block);
        for (; to < n && !calls_full(c); to++)
            calls_add(c, &p[to].pair, abi_selector("getReserves()"), NULL);
        rc = calls_end(c, l, e);
        for (size_t i = from; rc == 0 && i < to; i++)
            rc = take_reserves(c, i - from, &out[i], e);
        from = to;
    }
    free(c);
    return rc;
}

static int take_base_fee(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    (void)i;
    return a->ok && rpc_json_quantity(rpc_json_get(a->result, "baseFeePerGas"), to) == 0
               ? 0
               : err_set(e, "the node does not tell the block's base fee");
}

int exchange_read_base_fee(struct chain_link *l, const struct word *block, uint64_t *wei, struct err *e)
{
    char hash[2 * WORD_BYTES + 1] = "", params[2 * WORD_BYTES + 16];
    hex_put(block->b, WORD_BYTES, hash);
    (void)snprintf(params, sizeof params, "[\"0x%s\",false]", hash);
    const struct chain_call c = {"eth_getBlockByHash", params};
    return chain_ask(l, &c, 1, take_base_fee, wei, e);
}
