// SPDX-License-Identifier: Apache-2.0
// Private relay: bundles of one transaction for one target block, to several builders at once. A bundle is
// eth_sendBundle with {txs, blockNumber, replacementUuid}; the header X-Flashbots-Signature authenticates the
// body by a key of its own (never a sending key). Bodies and headers for the next block are made beforehand
// by a signer's thread, so that at the trigger only sends are left; what was not prepared is made on the spot
// and counted. A builder's answer settles nothing: receipts do. One thread; no allocation after relay_new but
// in the connections.
#ifndef TRIPLINE_EXEC_EVM_RELAY_H
#define TRIPLINE_EXEC_EVM_RELAY_H

#include "evm/rpc.h"
#include "exec/evm/sender.h"

enum { RELAY_BUILDERS_MAX = 8, RELAY_BUNDLE_MAX = 300000 }; // what builders take, bytes

struct relay_config {
    const struct rpc_config *builder; // HTTP or HTTPS; copied
    size_t n;
    const struct private_key *key; // who we are to them; must outlive the relay
    size_t bundles;                // prepared at once [128]
    size_t bytes_max;              // of one signed transaction [4096]
    bool one_thread;
};
struct relay_counters {
    uint64_t prepared, sent, cold, accepted, refused, lost, cancelled;
    uint64_t odd; // accepted with a bundle hash that is not the bundle's
    uint64_t builder_accepted[RELAY_BUILDERS_MAX], builder_refused[RELAY_BUILDERS_MAX];
};

struct relay;
struct relay *relay_new(const struct relay_config *cfg, struct err *e); // NULL with the reason
void relay_free(struct relay *r);
// For sender_config.relay.
struct sender_private relay_for_sender(struct relay *r);
// Answers, connections, what was signed. Call it often, by the sender's thread.
void relay_step(struct relay *r, uint64_t now_ns);
size_t relay_up(const struct relay *r); // builders connected
const struct relay_counters *relay_counters(const struct relay *r);
const char *relay_last_refusal(const struct relay *r); // printable; empty: none

#endif
