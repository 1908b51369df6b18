// SPDX-License-Identifier: Apache-2.0
// Line-driven front of exec/exit/route.h for tests/diff/route_diff.py: one command a line on stdin, decimal
// numbers. A malformed line ends the program with status 2. Commands marked -> answer one line on stdout.
//   begin                      no paths
//   path HOPS HOP*             HOP: p IN OUT KEEP OF | b LOT UNIT DECIMALS FEE N (TICKS LOTS)*N
//   set GAS                   -> ok SLOP | err TEXT
//   bisect                     from here on by bisection, also where levels are merged
//   split Q                   -> proceeds part*8
//   out Q                     -> proceeds, by the venue
//   upto OUT IN               -> quantity
//   least I OUT               -> the least quantity for OUT of path I's first hop, a book; else none
//   near OUT IN               -> out in
#include "exec/exit/route.h"

#include "talk.h"

#include <inttypes.h>

static struct route route;
static struct depth book[ROUTE_PATHS_MAX][ROUTE_HOPS_MAX];
static unsigned paths;
static struct err error;

static u128 big(void)
{
    return i256_lo(wide());
}

static uint64_t num(void)
{
    return (uint64_t)big();
}

static void put(u128 v)
{
    say(i256_from_u128(v));
}

static void do_begin(void)
{
    paths = 0;
}

static void read_book(struct depth *d)
{
    u128 lot = big();
    uint64_t unit = num();
    uint8_t decimals = (uint8_t)num();
    if (depth_begin(d, lot, unit, decimals, (uint32_t)num(), &error))
        malformed(error.msg);
    for (unsigned n = (unsigned)num(); n > 0; n--) {
        int64_t ticks = (int64_t)num();
        if (depth_add(d, ticks, 1, (int64_t)num(), 1, &error))
            malformed(error.msg);
    }
    depth_end(d);
}

static void do_path(void)
{
    if (paths == ROUTE_PATHS_MAX)
        malformed("number of paths");
    struct route_path *p = &route.path[paths];
    p->n = (uint8_t)num();
    for (unsigned k = 0; k < p->n && k < ROUTE_HOPS_MAX; k++) {
        struct route_hop *h = &p->hop[k];
        *h = (struct route_hop){0};
        if (*word() == 'b') {
            h->book = &book[paths][k];
            read_book(&book[paths][k]);
            continue;
        }
        h->pool.in = big();
        h->pool.out = big();
        h->pool.keep = (uint32_t)num();
        h->pool.of = (uint32_t)num();
    }
    paths++;
}

static void do_set(void)
{
    if (route_set(&route, paths, (uint32_t)num(), &error)) {
        printf("err %s\n", error.msg);
        return;
    }
    printf("ok ");
    put(route.venue.slop);
    putchar('\n');
}

static void do_bisect(void)
{
    route.merged = false;
}

static void do_split(void)
{
    u128 part[ROUTE_PATHS_MAX];
    put(route_split(&route, big(), part));
    for (unsigned i = 0; i < ROUTE_PATHS_MAX; i++)
        put(part[i]);
    putchar('\n');
}

static void do_out(void)
{
    put(route.venue.out(&route.venue, big()));
    putchar('\n');
}

static void do_upto(void)
{
    i256 out = wide();
    put(route.venue.upto(&route.venue, exit_rate_near(out, wide())));
    putchar('\n');
}

static void do_least(void)
{
    unsigned i = (unsigned)num() % ROUTE_PATHS_MAX;
    u128 q;
    if (depth_least(&book[i][0], big(), &q))
        put(q);
    else
        printf("none");
    putchar('\n');
}

static void do_near(void)
{
    i256 out = wide();
    struct exit_rate r = exit_rate_near(out, wide());
    printf("%" PRIu64 " %" PRIu64 "\n", r.out, r.in);
}

static const struct command commands[] = {
    {"begin", do_begin}, {"path", do_path},   {"set", do_set},   {"split", do_split},   {"out", do_out},
    {"upto", do_upto},   {"least", do_least}, {"near", do_near}, {"bisect", do_bisect},
};

int main(void)
{
    return talk(commands, sizeof commands / sizeof commands[0]);
}
