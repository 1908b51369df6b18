// SPDX-License-Identifier: Apache-2.0
// The file of `tripline run --chain FILE`: nodes, contracts, keys and habits of a run on a chain, as YAML
// (docs/chain_run.md has the keys). Every message names file and line, and none repeats a value: it may be a
// secret that stands in the wrong place. Keys come from files of their own (evm/key.h). At start-up, one
// thread.
#ifndef TRIPLINE_CLI_CHAIN_FILE_H
#define TRIPLINE_CLI_CHAIN_FILE_H

#include "exec/evm/relay.h"
#include "exec/exit/exits.h"
#include "run/chain_line.h"

enum { CHAIN_FILE_KEYS = 64, CHAIN_FILE_TEXTS = 128, CHAIN_FILE_PATH = 1024 };

struct chain_file {
    // What the file says; accounts' store, journal, kill switch and notices are the caller's to fill in.
    struct chain_line_config line;
    char txlog[CHAIN_FILE_PATH]; // empty: not said
    // what line leads to
    struct rpc_config node[NODES_MAX];
    struct private_key *key[CHAIN_FILE_KEYS];
    const struct private_key *keys[CHAIN_FILE_KEYS];
    size_t n_keys;
    struct chain_pool_config pool[EXITS_POOLS_MAX];
    struct relay_config relay;
    struct rpc_config builder[RELAY_BUILDERS_MAX];
    struct private_key *relay_key;
    char *text[CHAIN_FILE_TEXTS];
    size_t n_texts;
};

// 0, or -1 with *e set; chain_file_free in both cases.
int chain_file_read(const char *path, struct chain_file *f, struct err *e);
void chain_file_free(struct chain_file *f);

#endif
