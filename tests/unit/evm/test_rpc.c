// SPDX-License-Identifier: Apache-2.0
// One connection against a scripted node, over each transport: what is asked is answered once or accounted
// for, whatever the node says.
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/rpc_rig.h"
#include "run_suite.h"

static struct prng rnd;

// ---- what is asked is answered

START_TEST(calls_and_batches) // however the bytes come
{
    static const size_t CHOP[] = {0, 1, 7, 1000};
    start(ALL[_i / 4], echo, NULL);
    m.chop = CHOP[_i % 4];
    up();
    for (int round = 0; round < 3; round++) {
        bool seen[60] = {false};
        for (uint64_t i = 0; i < 60; i++) {
            if (i == 20)
                rpc_batch_begin(c);
            char word[16];
            (void)snprintf(word, sizeof word, "w%llu", (unsigned long long)i);
            ck_assert_int_gt(call(word, i), 0);
            if (i == 49)
                ck_assert_int_eq(rpc_batch_end(c), 0);
        }
        for (int i = 0; i < 60; i++) {
            struct rpc_event ev = next();
            char word[16];
            (void)snprintf(word, sizeof word, "w%llu", (unsigned long long)ev.tag);
            ck_assert_msg(result_is(&ev, word), "kind %d tag %llu", ev.kind, (unsigned long long)ev.tag);
            ck_assert(!seen[ev.tag]);
            seen[ev.tag] = true;
        }
    }
    ck_assert_uint_eq(m.requests, 3 * 31);
    ck_assert_uint_eq(rpc_counters(c)->replies, 180);
    ck_assert_uint_eq(rpc_counters(c)->strays, 0);
    ck_assert_uint_eq(m.accepts, 1);
    quiet();
    stop();
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
    start(ALL[_i], silent, NULL);
    up();
    for (int i = 0; i < RPC_CALLS_MAX; i++)
        ck_assert_int_gt(call("x", 1), 0);
    ck_assert_int_eq(call("x", 2), -1);
    uint8_t bytes[256];
    size_t n = rpc_put_request(c, RPC_RAW_ID, "a", "[]", NULL, bytes, sizeof bytes);
    ck_assert_int_eq(rpc_send_raw(c, RPC_RAW_ID, bytes, n, now), RPC_REFUSED);
    rpc_drop(c, "enough");
    for (int i = 0; i < RPC_CALLS_MAX; i++) {
        struct rpc_event ev = next();
        ck_assert(ev.kind == RPC_EV_FAILED && ev.tag == 1);
        // HTTP sends one at a time: of the others not a byte has left
        ck_assert_int_eq(ev.why, _i == RPC_HTTP && i > 0 ? RPC_UNSENT : RPC_LOST);
    }
    down("enough");
    ck_assert_int_eq(call("x", 2), -1);
    ck_assert_int_eq(rpc_send_raw(c, RPC_RAW_ID, bytes, n, now), RPC_REFUSED);
    stop();
}
END_TEST

START_TEST(errors_of_the_node)
{
    start(ALL[_i], script, NULL);
    up();
    m.ctx = "{\"id\":#,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"nonce too "
            "low\",\"data\":\"0x01\"}}";
    call("x", 5);
    struct rpc_event ev = next();
    ck_assert(ev.kind == RPC_EV_ERROR && ev.tag == 5 && ev.code == -32000);
    ck_assert(rpc_span_is(rpc_json_string(ev.message), "nonce too low") && rpc_span_is(ev.data, "\"0x01\""));
    m.ctx = "{\"id\":#,\"result\":null,\"error\":null}"; // as older nodes say it
    call("x", 6);
    ev = next();
    ck_assert(ev.kind == RPC_EV_REPLY && ev.tag == 6 && rpc_json_null(ev.result) && ev.result.p);
    m.ctx = "{\"id\":#,\"error\":\"what\"}";
    call("x", 7);
    ev = next();
    ck_assert(ev.kind == RPC_EV_ERROR && ev.tag == 7 && ev.code == 0 && !ev.message.p);
    stop();
}
END_TEST

START_TEST(http_status) // a refusal by the server before the node: the calls are told, the connection lives
{
    start(RPC_HTTP, silent, NULL);
    up();
    rpc_batch_begin(c);
    call("a", 1);
    call("b", 2);
    rpc_batch_end(c);
    quiet();
    mock_text(&m, "HTTP/1.1 429 Slow\r\nContent-Length: 5\r\n\r\n<br/>");
    for (uint64_t i = 1; i <= 2; i++) {
        struct rpc_event ev = next();
        ck_assert(ev.kind == RPC_EV_ERROR && ev.status == 429 && ev.tag == i && ev.code == 0);
    }
    call("c", 3);
    quiet();
    mock_text(&m, "HTTP/1.1 400 Bad\r\nContent-Length: "
                  "49\r\n\r\n{\"error\":{\"code\":-32600,\"message\":\"m\"},\"id\":null}");
    struct rpc_event ev = next();
    ck_assert(ev.kind == RPC_EV_ERROR && ev.status == 400 && ev.code == -32600 && ev.tag == 3);
    rpc_batch_begin(c);
    call("d", 4);
    call("e", 5);
    rpc_batch_end(c);
    quiet();
    mock_say(&m,
             "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"batch too large\"}}");
    for (uint64_t i = 4; i <= 5; i++) {
        ev = next();
        ck_assert(ev.kind == RPC_EV_ERROR && ev.status == 0 && ev.code == -32600 &&
                  (ev.tag == 4 || ev.tag == 5));
    }
    stop();
}
END_TEST

START_TEST(a_batch_answered_in_part)
{
    start(RPC_HTTP, silent, NULL);
    up();
    char text[128];
    rpc_batch_begin(c);
    call("a", 1);
    int64_t id = call("b", 2);
    rpc_batch_end(c);
    quiet();
    (void)snprintf(text, sizeof text, "[{\"id\":%lld,\"result\":\"b\"}]", (long long)id);
    mock_say(&m, text);
    struct rpc_event ev = next();
    ck_assert(result_is(&ev, "b") && ev.tag == 2);
    failed(1, RPC_UNANSWERED);
    ck_assert_int_eq(rpc_state(c), RPC_UP);
    stop();
}
END_TEST

START_TEST(connection_close_header)
{
    start(RPC_HTTP, silent, NULL);
    up();
    int64_t id = call("a", 1);
    call("b", 2);
    quiet();
    char text[200], body[64];
    (void)snprintf(body, sizeof body, "{\"id\":%lld,\"result\":\"a\"}", (long long)id);
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    mock_text(&m, text);
    struct rpc_event ev = next();
    ck_assert(result_is(&ev, "a"));
    failed(2, RPC_UNSENT);
    down("keep them alive");
    stop();
}
END_TEST

// ---- garbage

static const struct {
    const char *say; // # is the id
    const char *why; // the connection ends so; NULL: it lives, and the call is still open
    bool only_http, not_http;
} GARBAGE[] = {
    {"{\"id\":#,\"result\":01}", "not JSON", false, false},
    {"{\"id\":#,\"result\":\"\xff\"}", "not JSON", false, false},
    {"{\"id\":#}", "not JSON-RPC", false, false},
    {"{\"id\":#,\"result\":1,\"error\":{\"code\":1}}", "not JSON-RPC", false, false},
    {"{\"id\":#,\"result\":1,\"result\":2}", "not JSON-RPC", false, false},
    {"[1]", "not JSON-RPC", false, false},
    {"{\"id\":#0,\"result\":1}", "out of step", true, false},
    {"[]", NULL, false, true},
    {"{\"id\":#0,\"result\":1}", NULL, false, true},
    {"{\"id\":4503599627370496,\"result\":1}", NULL, false, true},
    {"{\"id\":18446744073709551615,\"result\":1}", NULL, false, true},
    {"{\"id\":\"#\",\"result\":1}", NULL, false, true},
    {"{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}", NULL, false, true},
    {"{\"method\":\"eth_subscription\"}", NULL, false, true},
    {"{\"method\":\"eth_subscription\",\"params\":{\"subscription\":1,\"result\":2}}", NULL, false, true},
    {"{\"method\":\"other\",\"params\":{\"subscription\":\"0x1\",\"result\":2}}", NULL, false, true},
    {"{\"id\":#,\"method\":\"eth_call\",\"params\":[]}", NULL, false, true},
};
enum { N_GARBAGE = sizeof GARBAGE / sizeof *GARBAGE };

START_TEST(garbage)
{
    for (size_t g = 0; g < N_GARBAGE; g++) {
        if (ALL[_i] == RPC_HTTP ? GARBAGE[g].not_http : GARBAGE[g].only_http)
            continue;
        char say[256];
        (void)snprintf(say, sizeof say, "%s", GARBAGE[g].say);
        start(ALL[_i], script, NULL);
        m.ctx = say;
        up();
        call("x", 1);
        if (GARBAGE[g].why) {
            failed(1, RPC_LOST);
            down(GARBAGE[g].why);
            ck_assert_uint_eq(rpc_counters(c)->malformed, 1);
        } else {
            quiet();
            ck_assert_uint_eq(rpc_counters(c)->strays, strcmp(say, "[]") != 0);
            m.on = echo; // and is none the worse for it
            call("y", 2);
            struct rpc_event ev = next();
            ck_assert_msg(result_is(&ev, "y") && ev.tag == 2, "after %s", say);
        }
        stop();
    }
}
END_TEST

START_TEST(an_answer_twice)
{
    start(ALL[_i], silent, NULL);
    up();
    int64_t id = call("a", 1);
    quiet();
    char text[128];
    (void)snprintf(text, sizeof text, "{\"id\":%lld,\"result\":1}", (long long)id);
    mock_say(&m, text);
    ck_assert_int_eq(next().kind, RPC_EV_REPLY);
    call("b", 2);
    mock_say(&m, text); // its slot may be the second call's: the id tells
    if (ALL[_i] == RPC_HTTP) {
        failed(2, RPC_LOST);
        down("out of step");
    } else {
        quiet();
        ck_assert_uint_eq(rpc_counters(c)->strays, 1);
    }
    stop();
}
END_TEST

START_TEST(unasked)
{
    start(RPC_HTTP, silent, NULL);
    up();
    quiet();
    mock_say(&m, "{\"id\":1,\"result\":1}");
    down("an answer to nothing");
    stop();
}
END_TEST

START_TEST(too_large)
{
    start(ALL[_i], script, &(struct rpc_config){.max_message = 2000});
    char say[4096];
    memset(say, 'x', sizeof say);
    memcpy(say, "{\"id\":#,\"result\":\"", 18);
    (void)snprintf(say + 1900, sizeof say - 1900, "\"}");
    m.ctx = say;
    up();
    call("x", 1);
    ck_assert_int_eq(next().kind, RPC_EV_REPLY);
    memset(say + 1900, 'x', 1000);
    (void)snprintf(say + 2100, sizeof say - 2100, "\"}");
    call("x", 2);
    failed(2, RPC_LOST);
    down("larger than is allowed");
    stop();
}
END_TEST

START_TEST(large) // beyond the first buffer, in pieces
{
    enum { N = 3000000 };
    start(ALL[_i], silent, NULL);
    up();
    int64_t id = call("x", 1);
    quiet();
    char *say = malloc(N + 64);
    int n = sprintf(say, "{\"id\":%lld,\"result\":\"", (long long)id);
    memset(say + n, 'x', N);
    memcpy(say + n + N, "\"}", 3);
    mock_say(&m, say);
    m.chop = 100000;
    struct rpc_event ev = next();
    ck_assert(ev.kind == RPC_EV_REPLY && ev.result.n == N + 2);
    free(say);
    m.on = echo;
    call("y", 2);
    ev = next();
    ck_assert(result_is(&ev, "y"));
    stop();
}
END_TEST

// Control frames without end between the parts of a message must not fill the memory.
START_TEST(pings_within_a_message)
{
    start(RPC_WS, silent, &(struct rpc_config){.max_message = 2000});
    up();
    quiet();
    mock_frame(&m, 0x01, "{", 1);
    for (int i = 0; i < 20000; i++) {
        mock_frame(&m, 0x8a, "pongpongpongpong", 16);
        if (i % 1000 == 0)
            quiet();
    }
    mock_frame(&m, 0x80, "}", 1);
    quiet();
    ck_assert_uint_eq(rpc_counters(c)->strays, 1); // the message came out, an answer to nothing
    stop();
}
END_TEST

static void damage(struct mock *node, json_t *r)
{
    size_t was = node->out_n;
    echo(node, r);
    for (uint64_t k = prng_below(&rnd, 3); k--;)
        node->out[was + prng_below(&rnd, node->out_n - was)] = (char)prng_u64(&rnd);
    if (prng_chance(&rnd, 1, 8))
        node->out_n = was + prng_below(&rnd, node->out_n - was);
    node->hang_up = prng_chance(&rnd, 1, 8);
}

START_TEST(damaged) // every call ends once, whatever comes
{
    prng_seed(&rnd, test_seed(20261121) + (uint64_t)_i);
    struct err e;
    start(ALL[_i], damage, &(struct rpc_config){.max_message = 5000});
    uint64_t asked = 0, ended = 0, wrong = 0, downs = 0;
    for (unsigned k = 0; k < test_rounds(4000); k++) {
        m.chop = prng_below(&rnd, 40);
        if (rpc_state(c) == RPC_UP && rpc_counters(c)->calls - ended < 20)
            asked += call("hello", 1) > 0;
        struct rpc_event ev = {0};
        for (int i = 0; i < 3; i++) {
            mock_step(&m);
            if (rpc_poll(c, now, &ev)) {
                downs += ev.kind == RPC_EV_DOWN;
                ended += ev.kind == RPC_EV_REPLY || ev.kind == RPC_EV_ERROR || ev.kind == RPC_EV_FAILED;
                wrong += ev.kind == RPC_EV_REPLY && !result_is(&ev, "hello");
            }
        }
        now += S / 10;
        if (rpc_state(c) == RPC_DOWN && ev.kind == RPC_EV_DOWN)
            ck_assert_int_eq(rpc_connect(c, now, &e), 0);
    }
    m.on = silent;
    rpc_drop(c, "the end");
    struct rpc_event ev = {0};
    while (rpc_poll(c, now, &ev))
        ended += ev.kind == RPC_EV_REPLY || ev.kind == RPC_EV_ERROR || ev.kind == RPC_EV_FAILED;
    ck_assert_uint_eq(ended, asked);
    ck_assert_uint_gt(asked, test_rounds(200));
    ck_assert_uint_gt(downs, test_rounds(20));
    ck_assert_uint_lt(wrong, asked / 2);
    stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rpc");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, calls_and_batches, 0, 12);
    tcase_add_loop_test(t, no_more_than_there_is_room_for, 0, 3);
    tcase_add_loop_test(t, errors_of_the_node, 0, 3);
    tcase_add_test(t, http_status);
    tcase_add_test(t, a_batch_answered_in_part);
    tcase_add_test(t, connection_close_header);
    tcase_add_loop_test(t, garbage, 0, 3);
    tcase_add_loop_test(t, an_answer_twice, 0, 3);
    tcase_add_test(t, unasked);
    tcase_add_loop_test(t, too_large, 0, 3);
    tcase_add_loop_test(t, large, 0, 3);
    tcase_add_test(t, pings_within_a_message);
    tcase_add_loop_test(t, damaged, 0, 3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
