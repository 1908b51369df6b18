// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline run`: what its files share. cmd_run.c puts the pipeline together; where orders go is
// either the paper venue (run_venue.c) or a chain (run_chain.c).
#ifndef TRIPLINE_CLI_RUN_INSIDE_H
#define TRIPLINE_CLI_RUN_INSIDE_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "cli/run_options.h"
#include "exec/kill.h"
#include "run/live.h"
#include "run/recover.h"

enum { RUN_PATH_LEN = 1024 };

// run_progress.c: shown by a thread of its own.
struct run_progress {
    pthread_t thread;
    sem_t end;
    bool open;
    uint64_t frames_in_all;                        // of a capture, 0: endless
    _Atomic uint64_t frames, ticks, flags, orders; // written by the hot thread
};

struct chain_line;
struct chain_file;
struct run {
    struct run_options o;
    char journal_path[RUN_PATH_LEN], venue_db[RUN_PATH_LEN], socket[RUN_PATH_LEN], kill_path[RUN_PATH_LEN],
        ready_path[RUN_PATH_LEN];
    struct book book;
    struct recover past;
    bool resumed;
    struct journal *journal;
    struct gateway *gateway;
    struct device *device;
    struct session *session;
    struct kill_switch *kill;
    char *policy;  // the file of --oracle
    bool bad_file; // it, or that of --chain, cannot be read, or is wrong
    struct run_ports *ports;
    uint64_t capture_frames;
    struct run_progress progress;
    FILE *histograms;
    uint64_t histograms_ns; // its beginning, stream time
    // the paper venue
    uint64_t looked_up[4];       // by enum order_status
    struct order_reply *outcome; // of past.open, in its order
    size_t n_outcomes, n_states;
    uint64_t told;     // number of the venue's last state without an order when accounts were fetched
    size_t n_store;    // accounts of the store
    uint32_t stranger; // account that the venue has and the store has not, 0 = none
    bool other_market; // the venue's is not the store's, for this reason
    struct err bad_market;
    struct venue_process *venue;
    // the chain
    struct chain_file *file;
    struct chain_line *line;
};

extern volatile sig_atomic_t run_stop; // set by signals, and by whatever must end the run

// Each gives 0, or -1 with *e set.
int run_histograms_open(struct run *r, struct err *e);
int run_histograms_close(struct run *r, struct err *e); // writes them, while the session is there
int run_progress_open(struct run_progress *p, uint64_t frames_in_all, struct err *e);
void run_progress(void *run, uint64_t frames); // live_config.progress
void run_progress_close(struct run_progress *p);
int run_venue_open(struct run *r, struct err *e); // starts it, unless it runs already, and looks orders up
int run_venue_gateway(struct run *r, struct err *e);
int run_venue_outcomes(struct run *r, struct err *e); // for the record, once the session has begun
void run_venue_close(struct run *r);
int run_chain_read(struct run *r, struct err *e);    // the file, before anything is opened
int run_chain_open(struct run *r, struct err *e);    // accounts and gateway; the journal is open
int run_chain_resumed(struct run *r, struct err *e); // what earlier runs left on its way
void run_chain_tend(struct run *r);                  // between packets: what has failed ends the run
bool run_chain_end(struct run *r, struct err *e);    // says what is still on its way; false: it had failed
void run_chain_close(struct run *r);

#endif
