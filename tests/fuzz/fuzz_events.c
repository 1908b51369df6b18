// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a log as a node tells it (host/chain/events.h). The first byte is the emitter, the rest
// the text. Nothing is read outside it; who is named was in a topic or the data, and is not the zero address.
#include <stdio.h>
#include <stdlib.h>

#include "chain/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static bool named(const struct abi_log *l, const struct evm_address *a)
{
    struct word w = word_from_address(a);
    for (unsigned i = 1; i < l->n_topics; i++)
        if (word_equal(&w, &l->topic[i]))
            return true;
    for (size_t at = 0; at + WORD_BYTES <= l->n_data; at += WORD_BYTES)
        if (memcmp(w.b, l->data + at, WORD_BYTES) == 0)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static const struct evm_address zero;
    static uint8_t bytes[CHAIN_LOG_DATA_MAX];
    struct chain_log l;
    struct chain_event ev;
    struct err e;
    if (!ready)
        chain_topics_init();
    ready = true;
    if (size == 0)
        return 0;
    char *copy = malloc(size); // exact size: the sanitizer sees every byte read beyond it
    HOLDS(copy);
    memcpy(copy, data + 1, size - 1);
    struct rpc_span v = rpc_json_whole(copy, size - 1);
    if (v.p && chain_log_get(v, &l, bytes, &e) == 0 &&
        chain_event_get(&l.log, (enum chain_emitter)(data[0] % (EMITTER_ORACLE + 1)), &ev, &e) == 0) {
        HOLDS(ev.n_users <= EVENT_USERS_MAX && ev.n_reserves <= EVENT_RESERVES_MAX);
        HOLDS(!ev.borrow || ev.n_users == 1);
        for (unsigned i = 0; i < ev.n_users; i++)
            HOLDS(named(&l.log, &ev.user[i]) && !address_equal(&ev.user[i], &zero));
        for (unsigned i = 0; i < ev.n_reserves; i++)
            HOLDS(named(&l.log, &ev.reserve[i]));
    }
    free(copy);
    return 0;
}
