// SPDX-License-Identifier: Apache-2.0
#include "chain/liquidator.h"

#include <stdlib.h>

#include "chain/calls.h"
#include "evm/abi.h"
#include "evm/address.h"

enum { ASK_POOL, ASK_WETH, ASK_ROUTER, ASK_SENDERS };

static void ask(struct calls *c, const struct word *block, const struct liquidator_wanted *w)
{
    static const struct evm_address nobody;
    struct word arg = word_from_address(w->router ? w->router : &nobody);
    calls_begin(c, block);
    calls_add(c, &w->contract, abi_selector("POOL()"), NULL);
    calls_add(c, &w->contract, abi_selector("WETH()"), NULL);
    calls_add(c, &w->contract, abi_selector("routers(address)"), &arg);
    for (size_t i = 0; i < w->n_senders; i++) {
        arg = word_from_address(&w->sender[i]);
        calls_add(c, &w->contract, abi_selector("callers(address)"), &arg);
    }
}

static int same(const struct calls *c, size_t i, const char *contract, const char *what,
                const struct evm_address *want, struct err *e)
{
    struct word w;
    struct evm_address is;
    char text[ADDRESS_TEXT], wanted[ADDRESS_TEXT];
    if (!calls_word(c, i, 0, &w) || word_to_address(&w, &is))
        return err_set(e, "%s is no liquidation contract: it does not tell its %s (docs/flash.md)", contract,
                       what);
    address_format(&is, text);
    address_format(want, wanted);
    return address_equal(&is, want) ? 0
                                    : err_set(e, "the liquidation contract %s is made for the %s %s, not %s",
                                              contract, what, text, wanted);
}

static int allowed(const struct calls *c, size_t i, const char *contract, const char *what,
                   const struct evm_address *who, const char *call, struct err *e)
{
    struct word w;
    char text[ADDRESS_TEXT];
    address_format(who, text);
    if (!calls_word(c, i, 0, &w))
        return err_set(e, "%s is no liquidation contract: it does not tell its %ss (docs/flash.md)", contract,
                       what);
    return word_is_zero(&w)
               ? err_set(e, "the liquidation contract %s does not allow the %s %s: its owner can (%s)",
                         contract, what, text, call)
               : 0;
}

int liquidator_check(struct chain_link *l, const struct word *block, const struct liquidator_wanted *w,
                     struct err *e)
{
    char contract[ADDRESS_TEXT];
    if (w->n_senders > LIQUIDATOR_SENDERS_MAX)
        return err_set(e, "%zu senders; at most %d are possible", w->n_senders, LIQUIDATOR_SENDERS_MAX);
    struct calls *c = malloc(sizeof *c);
    if (!c)
        return err_set(e, "out of memory");
    address_format(&w->contract, contract);
    ask(c, block, w);
    int rc = calls_end(c, l, e);
    if (rc == 0)
        rc = same(c, ASK_POOL, contract, "pool", &w->pool, e);
    if (rc == 0)
        rc = same(c, ASK_WETH, contract, "native coin's token", &w->native, e);
    if (rc == 0 && w->router)
        rc = allowed(c, ASK_ROUTER, contract, "router", w->router, "setRouter", e);
    for (size_t i = 0; rc == 0 && i < w->n_senders; i++)
        rc = allowed(c, ASK_SENDERS + i, contract, "caller", &w->sender[i], "setCaller", e);
    free(c);
    return rc;
}
