// SPDX-License-Identifier: Apache-2.0
// Signs transactions and headers of bundles, in a thread of its own or at once. A job belongs to its owner
// until signer_give and again once job_done says so; between them the signer alone reads and writes it and
// what it points to. One thread gives. No allocation after signer_new.
#ifndef TRIPLINE_EXEC_EVM_SIGNER_H
#define TRIPLINE_EXEC_EVM_SIGNER_H

#include <stdbool.h>

#include "evm/tx.h"

enum { SIGNER_JOBS = 1024 }; // given and not done, at most
enum job_state { JOB_IDLE, JOB_BUSY, JOB_DONE };

struct sign_job {
    int state; // enum job_state, atomic
    const struct private_key *key;
    // A bundle's header when body is there, else a transaction.
    const uint8_t *body;
    size_t n_body;
    char *header; // BUNDLE_HEADER_MAX bytes
    struct tx_template template;
    uint64_t nonce;
    u128 tip, fee;
    uint8_t *out;
    size_t size;
    struct tx_signed made;
    int rc; // 0, or -1 as tx_sign
};
static inline enum job_state job_state(const struct sign_job *j)
{
    return (enum job_state)__atomic_load_n(&j->state, __ATOMIC_ACQUIRE);
}

struct signer;
// threaded false: signer_give signs before it returns (tests, tools).
struct signer *signer_new(bool threaded, struct err *e);
// 0, or -1: SIGNER_JOBS are under way; the job is the caller's still.
int signer_give(struct signer *s, struct sign_job *j);
void signer_free(struct signer *s); // finishes what was given first

#endif
