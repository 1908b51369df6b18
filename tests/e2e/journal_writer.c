// SPDX-License-Identifier: Apache-2.0
// Victim of test_journal_kill.py: appends numbered records to a journal (created when missing) until SIGTERM,
// and says on stdout what has become durable, one "durable LSN" line at a time, each in one write.
//   journal_writer JOURNAL SEED
// Record i: type 1 + i % 14, then u64 i and i % 300 bytes (i + k) % 256.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "journal/journal.h"

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
    (void)sig;
    stop = 1;
}

static int die(const struct err *e)
{
    fprintf(stderr, "journal_writer: %s\n", e->msg);
    return EXIT_FAILURE;
}

static int count_records(const char *path, uint64_t *n, struct err *e)
{
    struct journal_reader *r;
    struct journal_record rec;
    int rc;
    if (journal_reader_open(path, &r, e) != 0)
        return -1;
    for (*n = 0; (rc = journal_next(r, &rec, e)) > 0; ++*n)
        ;
    journal_reader_close(r);
    return rc;
}

static int say_durable(uint64_t lsn)
{
    char line[48];
    int n = snprintf(line, sizeof line, "durable %" PRIu64 "\n", lsn);
    return write(STDOUT_FILENO, line, (size_t)n) == n ? 0 : -1;
}

static int append_records(struct journal *j, uint64_t i, struct prng *r, struct err *e)
{
    unsigned char head[8], body[300];
    uint64_t said = 0;
    while (!stop) {
        for (uint64_t burst = 1 + prng_below(r, 40); burst > 0; burst--, i++) {
            size_t n = i % sizeof body;
            le64_store(head, i);
            for (size_t k = 0; k < n; k++)
                body[k] = (unsigned char)(i + k);
            if (journal_put2(j, (enum journal_type)(1 + i % 14), head, sizeof head, body, n) == 0)
                return journal_failed(j, e) ? -1 : 0;
        }
        if (prng_chance(r, 1, 4) && journal_sync(j, e) != 0)
            return -1;
        if (journal_durable(j) != said && say_durable(said = journal_durable(j)) != 0)
            return err_set(e, "stdout: %s", strerror(errno));
        nanosleep(&(struct timespec){.tv_nsec = (long)prng_below(r, 2000000)}, NULL);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {""};
    struct journal *j;
    struct prng r;
    uint64_t n = 0;
    if (argc != 3) {
        fputs("usage: journal_writer JOURNAL SEED\n", stderr);
        return 2;
    }
    signal(SIGTERM, on_term);
    bool append = access(argv[1], F_OK) == 0;
    if (append && count_records(argv[1], &n, &e) != 0)
        return die(&e);
    prng_seed(&r, strtoull(argv[2], NULL, 10));
    if (journal_open_ring(argv[1], append, 1 << 14, &j, &e) != 0)
        return die(&e);
    int rc = append_records(j, n, &r, &e);
    struct err at_close;
    if (journal_close(j, rc == 0 ? &e : &at_close) != 0 || rc != 0)
        return die(&e);
    return EXIT_SUCCESS;
}
