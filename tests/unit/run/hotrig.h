// SPDX-License-Identifier: Apache-2.0
// A session on preloaded frames with everything behind it that a run has (journal, gateway, kill switch,
// somebody who reads its counters), in a child whose hot thread is trapped (traps.h). A test program includes
// it once.
#ifndef TRIPLINE_TEST_RUN_HOTRIG_H
#define TRIPLINE_TEST_RUN_HOTRIG_H

#include <check.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/resident.h"
#include "exec/exit/exits.h"
#include "exec/kill.h"
#include "exec/paper/auction_spec.h"
#include "exec/paper/paper.h"
#include "exec/paper/venue.h"
#include "feed/gen.h"
#include "run/board.h"
#include "run/live.h"
#include "run_suite.h"
#include "traps.h"

enum { FRAMES = 3000, FRAME_ROOM_BYTES = 2048, BURST_FRAMES = 32, IDLE_POLLS = 2000 };

// What is set up; what is not named is as by default.
struct hot_way {
    const char *name, *device;
    uint32_t accounts, lanes, slots;
    uint32_t frames;
    unsigned threads; // of the device vector; waiting for a late helper, it lets others run (docs/vector.md)
    bool policies, boxes, packed, worth;
    bool depth;    // the frames have whole books, and the desk sells into them
    bool venue;    // the paper gateway and its venue, whose replies come while frames do
    bool auctions; // and that venue sells collateral by auction
    bool live;     // live_run()'s loop instead of session_frame() alone
};
// A step that the trapped thread takes now and then on purpose: the test of the traps.
typedef void hot_mutant(void);

static struct {
    uint64_t ts;
    size_t len;
    uint8_t data[FRAME_ROOM_BYTES];
} frame[FRAMES];
static size_t n_frames;

static void preload(size_t most, bool books)
{
    struct gen_config c;
    struct err e;
    const uint8_t *data;
    size_t len;
    gen_config_default(&c);
    c.book_levels = books ? GEN_BOOK_LEVELS_MAX : 0;
    c.path = GEN_CRASH;
    c.packets = most;
    struct gen *g = gen_open(&c, &e);
    ck_assert(g != NULL);
    for (n_frames = 0; n_frames < most && gen_next(g, &frame[n_frames].ts, &data, &len); n_frames++) {
        ck_assert_uint_le(len, FRAME_ROOM_BYTES);
        memcpy(frame[n_frames].data, data, len);
        frame[n_frames].len = len;
    }
    gen_close(g);
}

// Every aggregate, mean and kind of guard.
static const char POLICY[] =
    "asset BTC_USDC-PERPETUAL\naggregate median\nmin_live 1\n"
    "source deribit BTC_USDC-PERPETUAL mark max_age_ms=60000\n"
    "source deribit BTC-PERPETUAL mark max_age_ms=60000\n"
    "source deribit BTC-PERPETUAL mid max_age_ms=60000\n"
    "twap geometric window_ms=2000 warmup=partial\npublish twap\n"
    "guard trend ticks=5000 confirm_ms=100\nguard jump bps=9000 of=stable\n"
    "asset ETH_USDC-PERPETUAL\naggregate weighted\nmin_live 1\n"
    "source deribit ETH_USDC-PERPETUAL mark weight=3\nsource deribit ETH-PERPETUAL last weight=1\n"
    "reference deribit eth_usd index max_age_ms=60000\n"
    "guard deviation bps=9000 of=reference then=clamp\nguard rate bps=5000 every_ms=100 then=clamp\n"
    "asset SOL_USDC-PERPETUAL\naggregate maker\nsource deribit SOL_USDC-PERPETUAL mark\n"
    "twap arithmetic window_ms=500 warmup=partial\nguard ratio max=50 of=twap\n";

// ---- the gateway that only counts

static size_t counted;
static int count_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    counted++;
    return 0;
}
static int count_poll(struct gateway *g, struct order_reply *out)
{
    (void)g;
    (void)out;
    return 0;
}
static void count_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops count_ops = {
    .submit = count_submit, .poll = count_poll, .counters = count_counters};

// ---- the world, in the child

static struct hot_world {
    char dir[32], journal[64], store[64], socket[64], venue_db[64], kill[64];
    struct book book;
    struct session_config cfg;
    struct journal *j;
    struct device *dev;
    struct gateway *gw;
    struct session *s;
    struct kill_switch *killer;
    struct board *board;
    struct err e;
    hot_mutant *mutant;
    size_t next; // frame
    unsigned idle;
} world;

// Outcomes of the child beside those of traps.h.
enum { HOT_OK, HOT_FAILED, HOT_TRAPPED = 3, HOT_NO_SECCOMP = 77 };

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "# %s: %s\n", what, world.e.msg);
    _exit(HOT_FAILED);
}

static uint64_t hot_put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    return journal_put2(ctx, type, a, na, b, nb);
}

static uint64_t hot_durable(void *ctx)
{
    return journal_durable(ctx);
}

static void open_gateway(const struct hot_way *w)
{
    static struct gateway counting = {.ops = &count_ops};
    struct gateway_paper_config c = {
        .socket = world.socket, .durable = hot_durable, .durable_ctx = world.j, .poll_us = 50};
    char *argv[] = {(char[]){"/proc/self/exe"},
                    (char[]){"venue"},
                    world.socket,
                    world.store,
                    world.venue_db,
                    w->auctions ? (char[]){"tail=60,cut_ppm=900000"} : NULL,
                    NULL};
    world.gw = &counting;
    if (!w->venue)
        return;
    if (store_save(world.store, &world.book, &world.e) != 0 ||
        !venue_spawn(argv, world.socket, 20000, &world.e) || !(world.gw = gateway_paper_open(&c, &world.e)))
        give_up("venue");
}

// Pools of a thousand million dollars a side between WETH and every other reserve.
static void tell_ways_out(void)
{
    static const struct {
        const char *name;
        uint64_t whole, unit;
    } reserve[] = {{"WETH", 312500, 1000000000000000000},
                   {"WBTC", 15625, 100000000},
                   {"SOL", 6666667, 1000000000},
                   {"USDC", 1000000000, 1000000}};
    static struct exits_told told = {.base_fee = 1000000000};
    static uint8_t rec[EXITS_BYTES_MAX];
    const struct market *m = &world.book.market;
    uint16_t at[4] = {0};
    for (uint16_t i = 0; i < m->n_instruments; i++)
        for (unsigned k = 0; k < 4; k++)
            if (strcmp(m->instrument[i].name, reserve[k].name) == 0)
                at[k] = i;
    told.native = at[0];
    for (unsigned k = 1; k < 4; k++)
        told.pool[told.n++] = (struct exits_pool){.a = at[0],
                                                  .b = at[k],
                                                  .in_a = (u128)reserve[0].whole * reserve[0].unit,
                                                  .in_b = (u128)reserve[k].whole * reserve[k].unit,
                                                  .keep = 997,
                                                  .of = 1000,
                                                  .gas = 90000};
    size_t n = exits_encode(&told, rec, sizeof rec);
    if (n == 0 || session_input(world.s, J_EXITS, rec, n, &world.e) != 0)
        give_up("ways out");
}

static void *ask_board(void *board)
{
    for (;;)
        if (board_ask(board))
            (void)usleep(500);
    return NULL;
}

// Beside the loop, as in a run.
static void open_others(void)
{
    pthread_t asker;
    world.board = board_new(&world.book.market);
    world.killer = kill_open(world.kill, &world.e);
    if (!world.board || !world.killer || pthread_create(&asker, NULL, ask_board, world.board) != 0)
        give_up("kill switch and board");
}

static void open_world(const struct hot_way *w)
{
    const struct gen_options go = {.seed = 5, .accounts = w->accounts ? w->accounts : 240};
    const struct device_config dc = {.backend = w->device ? w->device : "model",
                                     .lanes = w->lanes,
                                     .slots = w->slots,
                                     .threads = w->threads,
                                     .arrival = true};
    clock_init();
    config_default(&world.cfg);
    world.cfg.policy = w->policies ? POLICY : NULL;
    world.cfg.policy_len = w->policies ? sizeof POLICY - 1 : 0;
    world.cfg.engine.near_rows = w->boxes ? 40 : 0;
    world.cfg.polled = w->live;
    if (w->worth)
        world.cfg.desk.worth.mode = DESK_WORTH_FLASH;
    world.cfg.desk.min_profit_e8 = w->worth;
    if (w->depth) {
        world.cfg.desk.depth.mode = DESK_DEPTH_FEED;
        world.cfg.desk.worth.mode = w->worth ? DESK_WORTH_DIRECT : DESK_WORTH_OFF;
    }
    world.cfg.bids.max = w->auctions ? 4096 : 0;
    device_register(&device_ops_model);
    device_register(&device_ops_fan);
    device_register(&device_ops_vector);
    if (accounts_generate(&go, &world.book, &world.e) != 0 ||
        (w->packed && book_pack(&world.book, &world.e) != 0) ||
        journal_open(world.journal, false, &world.j, &world.e) != 0 ||
        device_open(&dc, &world.dev, &world.e) != 0)
        give_up("set-up");
    open_gateway(w);
    const struct session_log log = {world.j, hot_put};
    world.s = session_new(&world.cfg, &world.book, world.dev, world.gw, &log, false, &world.e);
    if (!world.s || session_begin(world.s, &world.e) != 0)
        give_up("session");
    if (w->worth)
        tell_ways_out();
    if (w->live)
        open_others();
}

// ---- the hot stretch

static bool all_answered(const struct hot_way *w)
{
    return !w->venue || session_outstanding(world.s) == 0;
}

static void take_answers(const struct hot_way *w)
{
    static struct order_reply r;
    while (w->venue && gateway_poll(world.gw, &r) == 1)
        if ((r.status == ORDER_INPUT ? session_input(world.s, r.input.type, r.input.data, r.input.n, &world.e)
                                     : session_reply(world.s, &r, &world.e)) != 0)
            give_up("reply");
}

// Ends the child: the hot thread may do nothing but that any more.
__attribute__((noreturn)) static void judge(const struct hot_way *w)
{
    struct engine_tiers t;
    trap_end();
    const struct desk_counters *n = desk_counters(session_desk(world.s));
    engine_tiers(session_engine(world.s), &t);
    bool ok =
        t.boxed == w->boxes && n->answer[DESK_SENT] > 0 && (w->venue || counted == n->answer[DESK_SENT]);
    if (w->venue)
        ok &= n->filled > 0;
    if (w->auctions && !w->live) // live, on a busy machine, the frames may end before the venue's answer
        ok &= bids_counters(session_bids(world.s))->taken > 0;
    if (w->worth)
        ok &= n->ready_again + n->ready_valued > 0;
    _exit(ok ? HOT_OK : HOT_FAILED);
}

static void await_answers(const struct hot_way *w)
{
    do
        take_answers(w);
    while (!all_answered(w));
}

static void run_frames(const struct hot_way *w)
{
    for (size_t i = 0; i < n_frames; i++) {
        if (session_frame(world.s, frame[i].ts, frame[i].data, frame[i].len, frame[i].len, &world.e) != 0 ||
            session_idle(world.s, 8, &world.e) != 0)
            give_up("frame");
        take_answers(w);
        if (i % 64 ==
            0) // so that frames come after the venue's answers on a busy machine too: auctions are told
            await_answers(w);
        if (world.mutant && i == n_frames / 2)
            world.mutant();
    }
    await_answers(w);
}

static const struct hot_way *way; // of poll_frames

static size_t poll_frames(void *ctx, live_frame *cb, void *cb_ctx)
{
    size_t n = 0;
    (void)ctx;
    for (; n < BURST_FRAMES && world.next < n_frames; n++, world.next++)
        cb(cb_ctx, frame[world.next].ts, frame[world.next].data, frame[world.next].len,
           frame[world.next].len);
    if (world.mutant && world.idle == IDLE_POLLS / 2)
        world.mutant();
    // live_run() would sleep for outstanding replies at its own end, which is no hot path.
    if (n == 0 && all_answered(way) && ++world.idle > IDLE_POLLS)
        judge(way);
    return n;
}

static uint64_t frames_until(void *ctx)
{
    (void)ctx;
    return world.next ? frame[world.next - 1].ts : 0;
}

static bool kill_wanted(void *ctx)
{
    return kill_on(ctx);
}

static void tend_board(void *ctx)
{
    board_serve(ctx, world.s, NULL, 0, clock_stream_ns());
}

static void run_live(const struct hot_way *w)
{
    static const volatile sig_atomic_t stop;
    const struct live_source src = {.poll = poll_frames, .read_until = frames_until};
    const struct live_config c = {.stop = &stop,
                                  .max_ns = UINT64_MAX,
                                  .kill_wanted = kill_wanted,
                                  .kill_ctx = world.killer,
                                  .tend = tend_board,
                                  .tend_ctx = world.board};
    way = w;
    (void)live_run(&c, &src, world.s, world.gw, &world.e);
    give_up("the loop ended"); // judge() ends the process before
}

__attribute__((noreturn)) static void hot_child(const struct hot_way *w)
{
    open_world(w);
    (void)resident_now();
    if (trap_begin(w->threads > 1) != 0)
        _exit(HOT_NO_SECCOMP);
    if (w->live)
        run_live(w);
    run_frames(w);
    judge(w);
}

// ---- the parent

static int hot_run(const struct hot_way *w, hot_mutant *mutant)
{
    char rm[64];
    int status = 0;
    trapped = mmap(NULL, sizeof *trapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(trapped != MAP_FAILED);
    memset(trapped, 0, sizeof *trapped);
    trapped->system_call = -1;
    memset(&world, 0, sizeof world);
    world.mutant = mutant;
    (void)snprintf(world.dir, sizeof world.dir, "/tmp/tl-hot-XXXXXX");
    ck_assert(mkdtemp(world.dir) != NULL);
    (void)snprintf(world.journal, sizeof world.journal, "%s/journal", world.dir);
    (void)snprintf(world.store, sizeof world.store, "%s/store.db", world.dir);
    (void)snprintf(world.venue_db, sizeof world.venue_db, "%s/venue.db", world.dir);
    (void)snprintf(world.socket, sizeof world.socket, "%s/s", world.dir);
    (void)snprintf(world.kill, sizeof world.kill, "%s/kill", world.dir);
    preload(w->frames ? w->frames : FRAMES, w->depth);
    pid_t pid = fork();
    if (pid == 0)
        hot_child(w);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)snprintf(rm, sizeof rm, "rm -rf %s", world.dir);
    ck_assert_int_eq(system(rm), 0);
    return status;
}

static inline int hot_be_venue(char **argv)
{
    struct err e;
    struct auction_spec spec;
    struct venue_options o = {.socket = argv[2], .accounts = argv[3], .state = argv[4]};
    if (argv[5] && auction_spec_parse(argv[5], &spec, &e) == 0)
        o.auctions = &spec;
    if (venue_serve(&o, &e) == 0)
        return 0;
    fprintf(stderr, "%s\n", e.msg);
    return 1;
}

#endif
