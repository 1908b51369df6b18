// SPDX-License-Identifier: Apache-2.0
// Another thread reads a session's counters while it runs: every answer is complete and consistent in itself,
// answers follow each other in time, and a session that does not serve is not waited for for ever. Under the
// thread sanitizer this also shows that nothing is shared without order.
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/store.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/test_seed.h"
#include "feed/gen.h"
#include "feed/gen_frame.h"
#include "run/board.h"
#include "run_suite.h"

static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    return 0;
}
static void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops tg_ops = {.submit = tg_submit, .counters = tg_counters};
static struct gateway gw = {.ops = &tg_ops};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    (void)type;
    (void)a;
    (void)na;
    (void)b;
    (void)nb;
    return ++*(uint64_t *)ctx;
}

static struct book book;
static struct board *board;
static struct session *session;
static struct device *dev;

static void open_session(bool boxed)
{
    static struct session_config cfg;
    static uint64_t lsn;
    static const struct session_log log = {&lsn, put};
    const struct gen_options go = {.seed = 5, .accounts = 40};
    const struct device_config dc = {.backend = "model"};
    struct err e;
    clock_init();
    config_default(&cfg);
    cfg.engine.near_rows = boxed ? 20 : 0;
    cfg.desk.stages = boxed ? STAGES_NONE : STAGES_DRIFT;
    cfg.calls.level_ppm[0] = boxed ? 0 : 100000; // wants a warning row for each
    device_register(&device_ops_model);
    ck_assert_int_eq(accounts_generate(&go, &book, &e), 0);
    ck_assert_int_eq(device_open(&dc, &dev, &e), 0);
    session = session_new(&cfg, &book, dev, &gw, &log, false, &e);
    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(session_begin(session, &e), 0);
    board = board_new(&book.market);
    ck_assert_ptr_nonnull(board);
}

static _Atomic bool done;

// An empty packet of Starbase's: after it the venue's own counters have a row.
static void hear_starbase(void)
{
    static struct gen_frame f;
    const struct frame_options o = {0};
    struct err e;
    uint8_t *p = frame_payload(&f, &o);
    memset(p, 0, 24);
    le64_store(p, UINT64_C(1790000000000000000));
    le64_store(p + 8, 1000);
    le32_store(p + 16, 44849);
    p[20] = 1; // live
    frame_finish(&f, &o, 1, 6100, 24);
    ck_assert_int_eq(session_frame(session, 1, f.buf, f.len, f.wire, &e), 0);
}

static void *hot_thread(void *arg)
{
    static const struct ports_port port = {.name = "p", .filter = "groups", .frames = 7};
    struct gen_config c;
    struct err e;
    const uint8_t *data;
    uint64_t ts;
    size_t len;
    (void)arg;
    gen_config_default(&c);
    c.packets = 4000;
    struct gen *g = gen_open(&c, &e);
    while (gen_next(g, &ts, &data, &len)) {
        if (session_frame(session, ts, data, len, len, &e) != 0)
            abort();
        board_serve(board, session, &port, 1, ts);
    }
    gen_close(g);
    while (!done) // idle
        board_serve(board, session, &port, 1, UINT64_MAX);
    return NULL;
}

static uint64_t field(const struct telemetry_row *r, const char *key)
{
    for (unsigned i = 0; i < r->n; i++)
        if (strcmp(r->field[i].key, key) == 0)
            return r->field[i].value;
    ck_abort_msg("no field %s", key);
}

START_TEST(test_read_while_running)
{
    static struct telemetry_row row;
    pthread_t t;
    uint64_t frames = 0, lines = 0, used = 0;
    const bool boxed = _i == 1;
    done = false;
    open_session(boxed);
    ck_assert_int_eq(pthread_create(&t, NULL, hot_thread, NULL), 0);
    for (unsigned i = 0; i < 2000 && frames < test_rounds(4000); i++) {
        while (!board_ask(board)) // the other thread has not had its turn; the test's own timeout ends a hang
            ;
        ck_assert(board_feed_row(board, 0, memset(&row, 0, sizeof row)));
        ck_assert_uint_ge(field(&row, "frames"), frames);
        frames = field(&row, "frames");
        lines = used = 0;
        while (board_line_row(board, lines, memset(&row, 0, sizeof row))) {
            lines++; // without loss on the one line
            ck_assert_uint_eq(field(&row, "packets"), field(&row, "first") + field(&row, "kept"));
            ck_assert_uint_eq(field(&row, "lost"), 0);
            ck_assert_ptr_nonnull(strstr(row.name, "deribit/"));
            used += field(&row, "used");
        }
        size_t prices = 0;
        while (board_price_row(board, prices, memset(&row, 0, sizeof row)))
            prices++;
        ck_assert_uint_eq(prices, book.market.n_assets);
        ck_assert(board_engine_row(board, 0, memset(&row, 0, sizeof row)) && field(&row, "groups") <= frames);
        ck_assert(board_engine_row(board, 1, memset(&row, 0, sizeof row)));
        ck_assert_str_eq(row.name, boxed ? "tiers" : "stages");
        ck_assert(board_engine_row(board, 2, memset(&row, 0, sizeof row)) == !boxed);
        ck_assert(boxed || (strcmp(row.name, "calls") == 0 &&
                            field(&row, "entered_1") == field(&row, "left_1") + field(&row, "standing_1")));
        ck_assert(!board_engine_row(board, 3, &row));
        ck_assert(board_port_row(board, 0, memset(&row, 0, sizeof row)) && field(&row, "frames") == 7);
        ck_assert(!board_port_row(board, 1, &row) && !board_feed_row(board, 2, &row));
    }
    done = true;
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    ck_assert_uint_gt(frames, 0);
    ck_assert_uint_gt(lines, 2);
    ck_assert(used > 0 && used < lines); // those of the market's prices, and nothing else
    ck_assert(!board_asked(board));
    // Nobody serves: an answer that never comes, and no row of an old one.
    ck_assert(!board_ask(board));
    ck_assert(board_asked(board));
    ck_assert(!board_feed_row(board, 0, &row) && !board_line_row(board, 0, &row));
    board_serve(board, session, NULL, 0, 1);
    ck_assert(board_feed_row(board, 0, memset(&row, 0, sizeof row)) && !board_port_row(board, 0, &row));
    ck_assert_uint_eq(field(&row, "streams_evicted") + field(&row, "lines_moved"), 0);
    ck_assert(!board_feed_row(board, 2, &row));
    hear_starbase();
    ck_assert(!board_ask(board));
    board_serve(board, session, NULL, 0, 1);
    ck_assert(board_feed_row(board, 2, memset(&row, 0, sizeof row)) && !board_feed_row(board, 3, &row));
    ck_assert_str_eq(row.name, "starbase");
    ck_assert_uint_eq(field(&row, "joined") + field(&row, "no_room") + field(&row, "unmatched"), 0);
    board_free(board);
    session_free(session);
    device_close(dev);
    book_free(&book);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("board");
    TCase *t = tcase_create("board");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_read_while_running, 0, 2);
    suite_add_tcase(su, t);
    return run_suite(su);
}
