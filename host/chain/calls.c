// SPDX-License-Identifier: Apache-2.0
#include "chain/calls.h"

#include <stdio.h>

#include "evm/hex.h"

void calls_begin(struct calls *c, const struct word *block)
{
    c->n = 0;
    c->why[0] = '\0';
    c->block = *block;
}

void calls_add(struct calls *c, const struct evm_address *to, uint32_t selector, const struct word *arg)
{
    char where[2 * ADDRESS_BYTES + 1] = "", what[2 * WORD_BYTES + 1] = "", block[2 * WORD_BYTES + 1] = "";
    hex_put(to->b, ADDRESS_BYTES, where);
    hex_put(c->block.b, WORD_BYTES, block);
    if (arg)
        hex_put(arg->b, WORD_BYTES, what);
    (void)snprintf(
        c->params[c->n], sizeof c->params[0],
        "[{\"to\":\"0x%s\",\"data\":\"0x%08x%s\"},{\"blockHash\":\"0x%s\",\"requireCanonical\":true}]", where,
        selector, what, block);
    c->call[c->n] = (struct chain_call){"eth_call", c->params[c->n]};
    c->n++;
}

static int take(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    struct calls *c = to;
    struct chain_result *r = &c->result[i];
    r->ok = a->ok;
    r->n = 0;
    // Geth, anvil and erigon say the first, nethermind the second.
    r->reverted = !a->ok && (a->code == 3 || strstr(a->why, "revert") || strstr(a->why, "VM execution"));
    if (!a->ok) {
        if (!c->why[0])
            (void)snprintf(c->why, sizeof c->why, "%s", a->why);
        return 0;
    }
    struct rpc_span text = rpc_json_string(a->result);
    if (text.n > 2 + 2 * sizeof r->bytes)
        text.n = 2 + 2 * sizeof r->bytes;
    if (!text.p || hex_data_get(text.p, text.n, r->bytes, sizeof r->bytes, &r->n))
        return err_set(e, "the node answers a call with something that is not data");
    return 0;
}

int calls_end(struct calls *c, struct chain_link *l, struct err *e)
{
    return c->n ? chain_ask(l, c->call, c->n, take, c, e) : 0;
}

int calls_need(const struct calls *c, size_t i, size_t words, const char *what, struct err *e)
{
    const struct chain_result *r = &c->result[i];
    if (!r->ok)
        return err_set(e, "%s: the node refuses: %s", what, c->why);
    return r->n >= words * WORD_BYTES
               ? 0
               : err_set(e, "%s: the answer is too short: is this a pool of Aave V3?", what);
}

int calls_may(const struct calls *c, size_t i, size_t words, const char *what, struct err *e)
{
    return c->result[i].reverted ? 0 : calls_need(c, i, words, what, e);
}

bool calls_word(const struct calls *c, size_t i, size_t w, struct word *out)
{
    const struct chain_result *r = &c->result[i];
    if (!r->ok || r->n < (w + 1) * WORD_BYTES)
        return false;
    memcpy(out->b, r->bytes + w * WORD_BYTES, WORD_BYTES);
    return true;
}
