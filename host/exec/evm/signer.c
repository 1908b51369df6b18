// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/signer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/spsc.h"

// An idle signer looks again after this, doubled up to the longest: a give must not cost a system call.
enum { NAP_MIN_NS = 20000, NAP_MAX_NS = 500000 };

struct signer {
    struct spsc in;
    struct sign_job *ring[SIGNER_JOBS];
    bool threaded;
    int stop; // atomic
    pthread_t thread;
};

static void sign(struct sign_job *j)
{
    if (j->body) {
        (void)key_bundle_header(j->key, j->body, j->n_body, j->header);
        j->rc = 0;
    } else {
        j->rc = tx_sign(&j->template, j->key, j->nonce, j->tip, j->fee, j->out, j->size, &j->made);
    }
    __atomic_store_n(&j->state, JOB_DONE, __ATOMIC_RELEASE);
}

static void *run(void *arg)
{
    struct signer *s = arg;
    struct sign_job *j;
    for (long ns = NAP_MIN_NS;;) {
        int stop = __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE); // before the queue: what was given is done
        if (spsc_pop(&s->in, &j)) {
            sign(j);
            ns = NAP_MIN_NS;
        } else if (stop) {
            return NULL;
        } else {
            nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
            ns = ns * 2 < NAP_MAX_NS ? ns * 2 : NAP_MAX_NS;
        }
    }
}

// The thread must not be the one to run the program's signal handlers.
static int start(struct signer *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        (void)pthread_setname_np(s->thread, "signer");
    return rc;
}

struct signer *signer_new(bool threaded, struct err *e)
{
    struct signer *s = calloc(1, sizeof *s);
    if (!s) {
        (void)err_set(e, "signer: out of memory");
        return NULL;
    }
    spsc_init(&s->in, s->ring, sizeof *s->ring, SIGNER_JOBS);
    s->threaded = threaded;
    int rc = threaded ? start(s) : 0;
    if (rc) {
        (void)err_set(e, "signer: cannot start its thread: %s", strerror(rc));
        free(s);
        return NULL;
    }
    return s;
}

int signer_give(struct signer *s, struct sign_job *j)
{
    __atomic_store_n(&j->state, JOB_BUSY, __ATOMIC_RELAXED); // published by the queue
    if (!s->threaded) {
        sign(j);
    } else if (!spsc_push(&s->in, &j)) {
        j->state = JOB_IDLE;
        return -1;
    }
    return 0;
}

void signer_free(struct signer *s)
{
    if (!s)
        return;
    if (s->threaded) {
        __atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
        (void)pthread_join(s->thread, NULL);
    }
    free(s);
}
