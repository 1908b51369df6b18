// SPDX-License-Identifier: Apache-2.0
// One connection against a scripted node, over each transport: answers that do not come, ends of all kinds,
// requests made beforehand.
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evm/rpc_rig.h"
#include "run_suite.h"

// ---- time and ends

START_TEST(no_answer_in_time)
{
    start(ALL[_i], silent, &(struct rpc_config){.call_ns = 5 * S});
    up();
    int64_t id = call("a", 1);
    now += 3 * S;
    call("b", 2);
    quiet();
    now += 2 * S - 1;
    quiet();
    now += 1;
    if (ALL[_i] == RPC_HTTP) {
        failed(1, RPC_LOST);
        failed(2, RPC_UNSENT);
        down("no answer in time");
    } else {
        failed(1, RPC_TIMEOUT);
        char text[64];
        (void)snprintf(text, sizeof text, "{\"id\":%lld,\"result\":1}", (long long)id);
        mock_say(&m, text); // too late
        quiet();
        ck_assert_uint_eq(rpc_counters(c)->strays, 1);
        now += 3 * S;
        failed(2, RPC_TIMEOUT);
        ck_assert_int_eq(rpc_state(c), RPC_UP);
    }
    stop();
}
END_TEST

START_TEST(closed_within_a_message)
{
    start(ALL[_i], silent, NULL);
    up();
    int64_t id = call("a", 1);
    call("b", 2);
    quiet();
    char text[64];
    (void)snprintf(text, sizeof text, "{\"id\":%lld,\"result\":\"a\"}", (long long)id);
    mock_say(&m, text);
    size_t whole = m.out_n;
    mock_say(&m, text);
    m.out_n = whole + 5;
    m.hang_up = true;
    struct rpc_event ev = next();
    ck_assert(result_is(&ev, "a"));
    failed(2, RPC_LOST);
    down("within a message");
    struct err e;
    ck_assert_int_eq(rpc_connect(c, now, &e), 0); // and can be made again
    up();
    m.on = echo;
    call("c", 3);
    ev = next();
    ck_assert(result_is(&ev, "c") && ev.tag == 3);
    stop();
}
END_TEST

START_TEST(nobody_there)
{
    struct err e;
    start(ALL[_i], silent, NULL);
    up();
    quiet();
    mock_stop(&m);
    down("closed the connection");
    int rc = rpc_connect(c, now, &e);
    if (rc == 0)
        down("refused");
    ck_assert_int_eq(rpc_state(c), RPC_DOWN);
    ck_assert_int_eq(call("x", 1), -1);
    stop();
}
END_TEST

START_TEST(handshake_in_time)
{
    start(RPC_WS, silent, &(struct rpc_config){.connect_ns = 2 * S});
    m.deaf = true;
    quiet();
    now += 2 * S - 1;
    quiet();
    now += 1;
    down("handshake in time");
    stop();
}
END_TEST

START_TEST(websocket_control)
{
    start(RPC_WS, silent, NULL);
    up();
    mock_frame(&m, 0x89, "abc", 3);
    quiet();
    mock_frame(&m, 0x88, "\x03\xe8", 2);
    down("closed the WebSocket");
    ck_assert_uint_eq(m.requests, 0);
    stop();
}
END_TEST

START_TEST(notices)
{
    start(ALL[_i], silent, NULL);
    up();
    quiet();
    mock_say(&m, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0xab\","
                 "\"result\":{\"n\":1}}}");
    struct rpc_event ev = next();
    ck_assert(ev.kind == RPC_EV_NOTICE && rpc_span_is(ev.subscription, "0xab") &&
              rpc_span_is(ev.result, "{\"n\":1}"));
    stop();
}
END_TEST

// ---- requests made beforehand

START_TEST(made_beforehand)
{
    uint8_t tx[300], bytes[1024];
    for (size_t i = 0; i < sizeof tx; i++)
        tx[i] = (uint8_t)i;
    start(ALL[_i], echo, NULL);
    up();
    ck_assert_uint_eq(rpc_put_transaction(c, RPC_RAW_ID, tx, sizeof tx, bytes, 600), 0);
    ck_assert_uint_eq(rpc_put_request(c, RPC_RAW_ID, "a", "[]", "X: y\r\n", bytes, 40), 0);
    for (uint64_t i = 0; i < 600; i++) { // more than slots: they come free
        call("ordinary", i);
        size_t n = rpc_put_transaction(c, RPC_RAW_ID + i, tx, sizeof tx, bytes, sizeof bytes);
        ck_assert_uint_gt(n, 0);
        ck_assert_int_eq(rpc_send_raw(c, RPC_RAW_ID + i, bytes, n, now), RPC_SENT);
        for (int k = 0; k < 2; k++) {
            struct rpc_event ev = next();
            ck_assert_int_eq(ev.kind, RPC_EV_REPLY);
            if (ev.id < RPC_RAW_ID) {
                ck_assert(result_is(&ev, "ordinary") && ev.tag == i);
                continue;
            }
            uint8_t back[sizeof tx];
            ck_assert_uint_eq(ev.id, RPC_RAW_ID + i);
            ck_assert(rpc_json_data(ev.result, back, sizeof back) == 0 && memcmp(back, tx, sizeof tx) == 0);
        }
    }
    ck_assert_uint_eq(rpc_counters(c)->raw, 600);
    ck_assert_uint_eq(rpc_counters(c)->raw_queued, 0);
    stop();
}
END_TEST

START_TEST(overtakes_what_waits) // HTTP: ordinary requests wait for each other, one made beforehand for none
{
    uint8_t bytes[512];
    start(RPC_HTTP, silent, NULL);
    up();
    for (uint64_t i = 0; i < 5; i++)
        call("x", i);
    quiet();
    ck_assert_uint_eq(m.requests, 1);
    size_t n = rpc_put_request(c, RPC_RAW_ID + 7, "test_echo", "[\"raw\"]", NULL, bytes, sizeof bytes);
    ck_assert_int_eq(rpc_send_raw(c, RPC_RAW_ID + 7, bytes, n, now), RPC_SENT);
    quiet();
    ck_assert_uint_eq(m.requests, 2);
    mock_say(&m, "{\"id\":256,\"result\":\"x\"}"); // the first call's id
    mock_say(&m, "{\"id\":4503599627370503,\"result\":\"raw\"}");
    m.on = echo;
    struct rpc_event ev = next();
    ck_assert(result_is(&ev, "x") && ev.tag == 0);
    ev = next();
    ck_assert(result_is(&ev, "raw") && ev.id == RPC_RAW_ID + 7);
    for (uint64_t i = 1; i < 5; i++) {
        ev = next();
        ck_assert(result_is(&ev, "x") && ev.tag == i);
    }
    stop();
}
END_TEST

// Sends until it is refused. Ids go on from *id.
static unsigned fill(uint64_t *id)
{
    static uint8_t bytes[RPC_RAW_MAX];
    static char params[60000];
    memset(params, 'x', sizeof params);
    memcpy(params, "[\"", 2);
    memcpy(params + sizeof params - 3, "\"]", 3);
    unsigned queued = 0;
    for (int rc = 0; rc != RPC_REFUSED; *id += rc != RPC_REFUSED) {
        if (queued == 2 && rpc_where(c)->transport != RPC_HTTP)
            ck_assert_int_gt(call("late", 1), 0); // behind those before it
        size_t n = rpc_put_request(c, *id, "test_echo", params, NULL, bytes, sizeof bytes);
        ck_assert_uint_gt(n, 0);
        rc = rpc_send_raw(c, *id, bytes, n, now);
        queued += rc == RPC_QUEUED;
    }
    return queued;
}

static void is_next(const struct rpc_event *ev, uint64_t *want)
{
    ck_assert_int_eq(ev->kind, RPC_EV_REPLY);
    if (ev->id < RPC_RAW_ID)
        return;
    ck_assert_uint_gt(ev->result.n, 59000);
    ck_assert_uint_eq(ev->id, (*want)++);
}

// A node that reads little or nothing: requests wait whole and in order, then are refused whole.
START_TEST(node_does_not_read)
{
    start(ALL[_i], echo, NULL);
    up();
    quiet();
    uint64_t id = RPC_RAW_ID, want = RPC_RAW_ID;
    m.deaf = true;
    ck_assert_uint_ge(fill(&id), 3);
    for (int i = 0; i < 4; i++) {
        struct rpc_event ev;
        m.deaf = false;
        mock_step(&m);
        m.deaf = true;
        if (rpc_poll(c, now, &ev)) // a part of what waits goes out
            is_next(&ev, &want);
        (void)fill(&id);
    }
    m.deaf = false;
    while (want < id) {
        struct rpc_event ev = next();
        is_next(&ev, &want);
    }
    ck_assert_uint_ge(rpc_counters(c)->raw_refused, 5);
    stop();
}
END_TEST

// A request of which a part is out is finished before anything else goes, also when the kernel has room
// again: else the node would see one within the other.
START_TEST(behind_a_part)
{
    static uint8_t bytes[RPC_RAW_MAX];
    static char params[60000];
    bool ordinary = _i >= 3; // what is out in part: an ordinary request, or one made beforehand
    start(ALL[_i % 3], echo, NULL);
    up();
    quiet();
    m.deaf = true;
    memset(params, 'x', sizeof params);
    memcpy(params, "[\"", 2);
    memcpy(params + sizeof params - 3, "\"]", 3);
    unsigned taken = 0;
    for (int full = 0; full < 3;) {
        ck_assert_uint_lt(taken, RPC_CALLS_MAX - 4);
        size_t n = rpc_put_request(c, RPC_RAW_ID + taken, "test_echo", params, NULL, bytes, sizeof bytes);
        uint64_t sent = rpc_counters(c)->bytes_out;
        int rc = ordinary ? 0 : rpc_send_raw(c, RPC_RAW_ID + taken, bytes, n, now);
        if (ordinary)
            ck_assert_int_gt(rpc_call(c, "test_echo", params, 1, now), 0);
        ck_assert_int_ne(rc, RPC_REFUSED);
        taken++;
        full += ordinary ? rpc_counters(c)->bytes_out == sent : rc == RPC_QUEUED;
    }
    m.deaf = false;
    for (int i = 0; i < 20; i++)
        mock_step(&m); // the kernel has room again, and nobody has called rpc_poll
    size_t n = rpc_put_request(c, RPC_RAW_ID + taken, "test_echo", "[\"y\"]", NULL, bytes, sizeof bytes);
    ck_assert_int_ne(rpc_send_raw(c, RPC_RAW_ID + taken, bytes, n, now), RPC_REFUSED);
    for (unsigned i = 0; i <= taken; i++)
        ck_assert_int_eq(next().kind, RPC_EV_REPLY);
    stop();
}
END_TEST

START_TEST(out_of_step) // HTTP: the answer to the second before the one to the first
{
    uint8_t bytes[512];
    start(RPC_HTTP, silent, NULL);
    up();
    call("x", 3);
    size_t n = rpc_put_request(c, RPC_RAW_ID + 7, "test_echo", "[\"raw\"]", NULL, bytes, sizeof bytes);
    ck_assert_int_eq(rpc_send_raw(c, RPC_RAW_ID + 7, bytes, n, now), RPC_SENT);
    quiet();
    mock_say(&m, "{\"id\":4503599627370503,\"result\":\"raw\"}");
    for (int i = 0; i < 2; i++) {
        struct rpc_event ev = next();
        ck_assert(ev.kind == RPC_EV_FAILED && ev.why == RPC_LOST);
    }
    down("out of step");
    stop();
}
END_TEST

START_TEST(hidden_secret)
{
    struct err e;
    ck_assert_ptr_null(
        rpc_new(&(struct rpc_config){.url = "http://127.0.0.1/key", .header = "Authorization: x"}, &e));
    ck_assert(!strstr(e.msg, "key") && !strstr(e.msg, "Authorization: x"));
}
END_TEST

START_TEST(own_headers)
{
    uint8_t bytes[512];
    start(RPC_HTTP, echo, &(struct rpc_config){.header = "Authorization: Bearer t\r\n"});
    up();
    size_t n =
        rpc_put_request(c, RPC_RAW_ID, "a", "[]", "X-Flashbots-Signature: s\r\n", bytes, sizeof bytes - 1);
    bytes[n] = 0;
    ck_assert(strstr((char *)bytes, "\r\nAuthorization: Bearer t\r\nX-Flashbots-Signature: s\r\n\r\n{"));
    ck_assert_int_gt(rpc_call_header(c, "test_echo", "[\"h\"]", "X-Other: v\r\n", 1, now), 0);
    struct rpc_event ev = next();
    ck_assert(result_is(&ev, "h"));
    stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rpc_raw");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, no_answer_in_time, 0, 3);
    tcase_add_loop_test(t, closed_within_a_message, 0, 3);
    tcase_add_loop_test(t, nobody_there, 0, 3);
    tcase_add_test(t, handshake_in_time);
    tcase_add_test(t, websocket_control);
    tcase_add_loop_test(t, notices, 0, 1);
    tcase_add_loop_test(t, notices, 2, 3);
    tcase_add_loop_test(t, made_beforehand, 0, 3);
    tcase_add_test(t, overtakes_what_waits);
    tcase_add_loop_test(t, node_does_not_read, 0, 3);
    tcase_add_loop_test(t, behind_a_part, 0, 6);
    tcase_add_test(t, out_of_step);
    tcase_add_test(t, hidden_secret);
    tcase_add_test(t, own_headers);
    suite_add_tcase(s, t);
    return run_suite(s);
}
