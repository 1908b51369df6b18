// SPDX-License-Identifier: Apache-2.0
// tripline top: a running `tripline run`'s lines, from DPDK's telemetry socket.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/top_socket.h"

static const char help[] =
    "usage: tripline top [OPTIONS]\n"
    "\n"
    "Shows the lines of a running `tripline run`: what each brought, missed and brought late; above them "
    "what\n"
    "the feed, the engine, liquidation by stages and margin calls did.\n"
    "\n"
    "  --dir DIR      the run's --dir (default tripline.run)\n"
    "  --once         one table, then the end\n"
    "  --interval S   seconds between tables, 1 to 3600 (default 1)\n"
    "  --help         this text\n"
    "\n"
    "Columns, each since the start of the run: packets whole datagrams (per second since the table before);\n"
    "first: accepted from this line; copies: the other one was first; late: after its gap was declared; "
    "early:\n"
    "before a number below it; gaps, lost: never brought by this line; bad: refused; unknown: messages of\n"
    "unknown templates; lead: copies' time behind the first, least and most, in us; stale: seconds of "
    "silence\n"
    "beyond the venue's heartbeats. Flags: B broken (waits for a hole), S stale, G lost on every line.\n"
    "\n"
    "exit status: 0 done, or the run has ended; 1 there is no such run, or it does not answer; 2 usage\n";

enum { NAME = 64 };

struct line {
    char name[NAME];
    uint64_t packets;
};

struct top {
    const char *dir;
    bool once;
    uint64_t interval;
    int fd;
    struct line *old, *new; // of the table before, and of this one
    size_t n_old, n_new, room;
    struct timespec shown;
    double seconds; // since the table before, 0: there is none
};

static volatile sig_atomic_t stop;
static void on_stop(int sig)
{
    (void)sig;
    stop = 1;
}

static const char *text(const struct json *row, const char *key)
{
    for (const struct json *j = row->child; j; j = j->next)
        if (j->key && strcmp(j->key, key) == 0)
            return j->text ? j->text : "";
    return "0";
}

static uint64_t value(const struct json *row, const char *key)
{
    return strtoull(text(row, key), NULL, 10);
}

static int remember(struct top *t, const char *name, uint64_t packets)
{
    if (t->n_new == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        struct line *a = realloc(t->old, room * sizeof *a), *b;
        if (a)
            t->old = a;
        b = a ? realloc(t->new, room * sizeof *b) : NULL;
        if (!b)
            return -1;
        t->new = b;
        t->room = room;
    }
    struct line *l = &t->new[t->n_new++];
    (void)snprintf(l->name, sizeof l->name, "%s", name);
    l->packets = packets;
    return 0;
}

// Packets a second since the table before. Lines come in the order in which they were first heard, so a
// line's place only moves when others before it appear.
static double rate(const struct top *t, const char *name, uint64_t packets)
{
    for (size_t i = 0; t->seconds > 0 && i < t->n_old; i++)
        if (strcmp(t->old[i].name, name) == 0 && packets >= t->old[i].packets) // else it was let go of
            return (double)(packets - t->old[i].packets) / t->seconds;
    return 0;
}

static int show_line(struct top *t, const struct json *row)
{
    uint64_t packets = value(row, "packets");
    char lead[48] = "-", flags[4];
    if (value(row, "copies"))
        (void)snprintf(lead, sizeof lead, "%.1f..%.1f", strtod(text(row, "lead_ns_min"), NULL) / 1e3,
                       strtod(text(row, "lead_ns_max"), NULL) / 1e3);
    (void)snprintf(flags, sizeof flags, "%s%s%s", value(row, "broken") ? "B" : "",
                   value(row, "stale") ? "S" : "", value(row, "stream_lost") ? "G" : "");
    printf("%-26s %9.0f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64
           " %7" PRIu64 " %5" PRIu64 " %7" PRIu64 " %17s %7.1f %s\n",
           row->key, rate(t, row->key, packets), packets, value(row, "first"), value(row, "copies"),
           value(row, "late"), value(row, "early"), value(row, "gaps"), value(row, "lost"), value(row, "bad"),
           value(row, "unknown_templates"), lead, (double)value(row, "stale_ns") / 1e9, flags);
    return remember(t, row->key, packets);
}

static void show_feed(const struct json *row)
{
    if (strcmp(row->key, "dropped") == 0)
        return;
    if (strcmp(row->key, "feed") != 0) { // a protocol's own counters
        printf("books %s:", row->key);
        for (const struct json *j = row->child; j; j = j->next)
            printf("%s %s %s", j == row->child ? "" : ",", j->text ? j->text : "0", j->key);
        putchar('\n');
    } else {
        printf("feed  %s frames, %s packets, %s messages; %s gaps (%s missing), %s duplicates, %s early, %s "
               "restarts, %s streams evicted, %s lines moved; books %s whole, %s broken\n",
               text(row, "frames"), text(row, "packets"), text(row, "messages"), text(row, "gaps"),
               text(row, "missing"), text(row, "duplicates"), text(row, "early"), text(row, "restarts"),
               text(row, "streams_evicted"), text(row, "lines_moved"), text(row, "books_whole"),
               text(row, "books_broken"));
    }
}

static void show_engine(const struct json *row)
{
    if (strcmp(row->key, "engine") == 0)
        printf("engine %s groups, %s flags and %s without the device; %s confirmed, %s early, %s watched; "
               "boxes moved %s, after "
               "a jump %s\n",
               text(row, "groups"), text(row, "flags"), text(row, "host_flags"), text(row, "confirmed"),
               text(row, "early"), text(row, "watching"), text(row, "boxes_background"),
               text(row, "boxes_foreground"));
    else if (strcmp(row->key, "stages") == 0)
        printf(
            "stages %s: orders %s partial, %s full, %s backstop, %s bankrupt; %s taken back, %s liquidations "
            "ended\n",
            text(row, "policy"), text(row, "partial"), text(row, "full"), text(row, "backstop"),
            text(row, "bankrupt"), text(row, "taken_back"), text(row, "ended"));
    else if (strcmp(row->key, "calls") == 0)
        printf("calls entered %s, %s, %s; left %s, %s, %s; standing %s, %s, %s (margin calls by level)\n",
               text(row, "entered_1"), text(row, "entered_2"), text(row, "entered_3"), text(row, "left_1"),
               text(row, "left_2"), text(row, "left_3"), text(row, "standing_1"), text(row, "standing_2"),
               text(row, "standing_3"));
    else
        printf("tiers %s accounts on the device (%s rows), %s on the host, %s flagged; box %s ppm\n",
               text(row, "device"), text(row, "rows_used"), text(row, "host"), text(row, "flagged"),
               text(row, "box_ppm"));
}

static void show_port(const struct json *row)
{
    printf("port  %s: %s frames, %s of other groups; filter %s, %s groups, %s queues, %s flow rules; "
           "IGMPv%s: %s "
           "queries, %s reports\n",
           text(row, "port"), text(row, "frames"), text(row, "other_groups"), text(row, "filter"),
           text(row, "groups"), text(row, "queues"), text(row, "flows"), text(row, "igmp_version"),
           text(row, "igmp_queries"), text(row, "igmp_reports"));
}

// All rows of one command; `show` returns nothing, show_line's memory aside.
static int show_all(struct top *t, const char *cmd, int which, struct err *e)
{
    unsigned long next = 0;
    int rc = 0;
    do {
        struct json_doc doc;
        struct json *row = NULL;
        unsigned long first = next;
        rc = top_ask(t->fd, cmd, first, &doc, &row, &next, e);
        for (; rc == 0 && row; row = row->next) {
            if (row->type != JSON_OBJECT)
                continue;
            if (which == 'f')
                show_feed(row);
            else if (which == 'e')
                show_engine(row);
            else if (which == 'p')
                show_port(row);
            else if (show_line(t, row) != 0)
                rc = err_set(e, "out of memory");
        }
        json_free(&doc);
        if (next && next <= first)
            return err_set(e, "%s: answers go in circles", cmd);
    } while (rc == 0 && next);
    return rc;
}

static int show(struct top *t, struct err *e)
{
    struct timespec now;
    struct line *was = t->old;
    clock_gettime(CLOCK_MONOTONIC, &now);
    t->seconds = t->shown.tv_sec || t->shown.tv_nsec
                     ? (double)(now.tv_sec - t->shown.tv_sec) + (double)(now.tv_nsec - t->shown.tv_nsec) / 1e9
                     : 0;
    t->shown = now;
    t->old = t->new;
    t->n_old = t->n_new;
    t->new = was;
    t->n_new = 0;
    if (!t->once && isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout); // home, clear
    int rc = show_all(t, "/tripline/feed", 'f', e);
    if (rc == 0)
        rc = show_all(t, "/tripline/engine", 'e', e);
    if (rc == 0)
        rc = show_all(t, "/tripline/ports", 'p', e);
    if (rc == 0) {
        printf("%-26s %9s %10s %10s %10s %6s %6s %6s %7s %5s %7s %17s %7s\n", "line", "per s", "packets",
               "first", "copies", "late", "early", "gaps", "lost", "bad", "unknown", "lead", "stale");
        rc = show_all(t, "/tripline/lines", 'l', e);
    }
    if (!t->once && !isatty(STDOUT_FILENO))
        putchar('\n');
    return fflush(stdout) == 0 ? rc : err_set(e, "cannot write: %s", strerror(errno));
}

static int usage(const char *why, const char *arg)
{
    fprintf(stderr, "tripline top: %s%s%s\ntry `tripline top --help`\n", why, arg ? ": " : "",
            arg ? arg : "");
    return 2;
}

// 0; 1 help was printed; 2 wrong usage.
static int parse(int argc, char **argv, struct top *t)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"once", no_argument, NULL, 'o'},
                                            {"interval", required_argument, NULL, 'i'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'd')
            t->dir = optarg;
        else if (c == 'o')
            t->once = true;
        else if (c == 'i' && number_parse(optarg, 1, 3600, &t->interval) != 0)
            return usage("--interval wants a number from 1 to 3600", optarg);
        else if (c == 'h') {
            fputs(help, stdout);
            return 1;
        } else if (c == '?')
            return usage("bad option", NULL);
    }
    return optind < argc ? usage("unexpected argument", argv[optind]) : 0;
}

int cmd_top(int argc, char **argv)
{
    struct top t = {.dir = "tripline.run", .interval = 1};
    struct err e = {{0}};
    int rc = parse(argc, argv, &t);
    if (rc)
        return rc == 1 ? 0 : rc;
    struct sigaction sa = {.sa_handler = on_stop}; // without SA_RESTART: waits end
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    t.fd = top_connect(t.dir, &e);
    rc = t.fd < 0 ? -1 : show(&t, &e);
    while (rc == 0 && !t.once && !stop) {
        const struct timespec wait = {.tv_sec = (time_t)t.interval};
        if (nanosleep(&wait, NULL) == 0)
            rc = show(&t, &e);
    }
    if (t.fd >= 0)
        (void)close(t.fd);
    free(t.old);
    free(t.new);
    if (stop)
        return 0;
    if (rc == 1)
        fputs("tripline top: the run has ended\n", stderr);
    if (rc < 0)
        fprintf(stderr, "tripline top: %s\n", e.msg);
    return rc < 0 ? 1 : 0;
}
