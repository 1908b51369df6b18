// SPDX-License-Identifier: Apache-2.0
// What a node sends, cut anywhere: JSON text, HTTP responses, WebSocket frames, URLs. jansson judges the
// JSON.
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/rpc_frames.h"
#include "evm/rpc_json.h"
#include "run_suite.h"

enum { MAX = 1000, ROUNDS = 300 };
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, 1.3

static struct prng rnd;

// Everything that comes out of the stream, one line a frame: "M:text|", "P:text|", "!why".
static void run(enum rpc_transport t, const char *p, size_t n, size_t piece, bool compact, char *out,
                size_t size)
{
    static uint8_t buf[8192];
    struct rpc_frames f;
    struct rpc_frame m;
    size_t have = 0, used = 0, k = 0;
    rpc_frames_init(&f, t, MAX, KEY);
    out[0] = 0;
    for (;;) {
        int rc = rpc_frames_next(&f, buf, have, &m);
        if (rc == 1) {
            k += (size_t)snprintf(out + k, size - k, "%c%.*s%s|", "MOPQC"[m.kind], (int)m.n,
                                  (const char *)m.p, m.close ? "(close)" : "");
            continue;
        }
        if (rc < 0) {
            (void)snprintf(out + k, size - k, "!%s", f.why);
            return;
        }
        if (compact)
            have = rpc_frames_compact(&f, buf, have);
        size_t more = n - used < piece ? n - used : piece;
        if (more == 0) {
            (void)snprintf(out + k, size - k, "%s", rpc_frames_idle(&f, have) ? "." : "...");
            return;
        }
        ck_assert_uint_le(have + more, sizeof buf);
        memcpy(buf + have, p + used, more);
        have += more;
        used += more;
    }
}

static void expect(enum rpc_transport t, const char *p, size_t n, const char *want)
{
    char got[4096];
    for (int compact = 0; compact < 2; compact++)
        for (size_t piece = 1; piece <= n; piece++) {
            run(t, p, n, piece, compact, got, sizeof got);
            ck_assert_msg(strncmp(got, want, strlen(want)) == 0 &&
                              (strlen(want) == strlen(got) || strchr(want, '!')),
                          "in pieces of %zu: got <%s>, want <%s>", piece, got, want);
        }
}

#define EXPECT(t, text, want) expect(t, text, sizeof(text) - 1, want)

START_TEST(json_stream)
{
    EXPECT(RPC_IPC, "{\"a\":1}{\"b\":[2]}\n", "M{\"a\":1}|M{\"b\":[2]}|.");
    EXPECT(RPC_IPC, " \r\n[{\"a\":\"}]{[\"}] \t{}", "M[{\"a\":\"}]{[\"}]|M{}|.");
    EXPECT(RPC_IPC, "{\"a\":\"\\\"}\\\\\"}{", "M{\"a\":\"\\\"}\\\\\"}|...");
    EXPECT(RPC_IPC, "{} nonsense", "M{}|!IPC");
    EXPECT(RPC_IPC, "\"text\"", "!IPC");
    char large[MAX + 10];
    memset(large, '1', sizeof large);
    large[0] = '[';
    expect(RPC_IPC, large, sizeof large, "!a message larger");
    large[MAX - 1] = ']';
    char got[4096];
    run(RPC_IPC, large, MAX, 7, true, got, sizeof got);
    ck_assert_str_eq(got + strlen(got) - 3, "]|.");
}
END_TEST

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

START_TEST(http)
{
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: 2\r\n\r\n{}" OK_HEAD "content-length:\t3 \r\n\r\n[1]",
           "M{}|M[1]|.");
    EXPECT(RPC_HTTP,
           OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0a;x=y\r\n1234567890\r\n1 \r\n}\r\n0\r\n\r\n",
           "M{1234567890}|.");
    EXPECT(RPC_HTTP,
           OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\nC: d\r\n\r\n" OK_HEAD
                   "Content-Length: 1\r\n\r\n1",
           "M{}|M1|.");
    EXPECT(RPC_HTTP, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "M|.");
    EXPECT(RPC_HTTP, "HTTP/1.1 200\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1", "M1(close)|.");
    EXPECT(RPC_HTTP, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1", "M1(close)|.");
    EXPECT(RPC_HTTP, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n1", "M1|.");
    EXPECT(RPC_HTTP, "HTTP/1.1 204 None\r\n\r\n", "M|.");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: 5\r\n\r\n{}", "...");
}
END_TEST

START_TEST(http_refused)
{
    EXPECT(RPC_HTTP, "SSH-2.0-x\r\n\r\n", "!HTTP: not a response");
    EXPECT(RPC_HTTP, "HTTP/2.0 200 OK\r\n\r\n", "!HTTP: not a response");
    EXPECT(RPC_HTTP, "HTTP/1.1 099 OK\r\n\r\n", "!HTTP: not a response");
    EXPECT(RPC_HTTP, OK_HEAD "\r\n", "!HTTP: a response without a length");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: -1\r\n\r\n", "!HTTP: Content-Length");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "!HTTP: Content-Length");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "!HTTP: two lengths");
    EXPECT(RPC_HTTP, OK_HEAD "Transfer-Encoding: gzip\r\n\r\n", "!HTTP: Transfer-Encoding");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Encoding: gzip\r\n\r\n", "!HTTP: a compressed body");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length : 1\r\n\r\n", "!HTTP: a malformed header");
    EXPECT(RPC_HTTP, OK_HEAD "Content-Length: 1001\r\n\r\n", "!a message larger");
    EXPECT(RPC_HTTP, "HTTP/1.1 101 Switching\r\n\r\n", "!HTTP: a switch");
#define CHUNKS OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
    EXPECT(RPC_HTTP, CHUNKS "\r\n", "!HTTP: a chunk without");
    EXPECT(RPC_HTTP, CHUNKS "g\r\n", "!HTTP: a chunk without");
    EXPECT(RPC_HTTP, CHUNKS "1\r\n{}\r\n", "!HTTP: a chunk of another");
    EXPECT(RPC_HTTP, CHUNKS "3e8\r\n", "...");
    EXPECT(RPC_HTTP, CHUNKS "3e9\r\n", "!a message larger");
    EXPECT(RPC_HTTP, CHUNKS "1\r\n1\r\n3e8\r\n", "!a message larger");
    EXPECT(RPC_HTTP, CHUNKS "ffffffffffffffff\r\n", "!HTTP: a chunk without");
}
END_TEST

START_TEST(http_head_too_long)
{
    static char p[RPC_HEAD_MAX + 100];
    char got[256];
    memset(p, 'x', sizeof p);
    memcpy(p, OK_HEAD, sizeof OK_HEAD - 1);
    static uint8_t buf[sizeof p];
    memcpy(buf, p, sizeof p);
    struct rpc_frames f;
    struct rpc_frame m;
    rpc_frames_init(&f, RPC_HTTP, MAX, NULL);
    ck_assert_int_eq(rpc_frames_next(&f, buf, RPC_HEAD_MAX, &m), 0);
    ck_assert_int_eq(rpc_frames_next(&f, buf, RPC_HEAD_MAX + 1, &m), -1);
    (void)snprintf(got, sizeof got, "%s", f.why);
    ck_assert_str_eq(got, "HTTP: a head that is too long");
}
END_TEST

#define OPEN_HEAD                                                                                            \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define OPENED OPEN_HEAD ACCEPT "\r\n"

START_TEST(websocket)
{
    char accept[RPC_WS_ACCEPT_LEN + 1], key[RPC_WS_KEY_LEN + 1];
    rpc_ws_accept(KEY, accept);
    ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
    rpc_ws_key((const uint8_t *)"the sample nonce", key);
    ck_assert_str_eq(key, KEY);
    EXPECT(RPC_WS, OPENED "\x81\x05Hello", "O|MHello|."); // RFC 6455, 5.7
    EXPECT(RPC_WS, OPENED "\x01\x03Hel\x80\x02lo\x81\x01x", "O|MHello|Mx|.");
    EXPECT(RPC_WS, OPENED "\x01\x03Hel\x89\x05Hello\x00\x00\x8a\x02ok\x80\x02lo\x82\x01x",
           "O|PHello|Qok|MHello|Mx|.");
    EXPECT(RPC_WS, OPENED "\x88\x02\x03\xe8", "O|C\x03\xe8|.");
    EXPECT(RPC_WS,
           OPENED "\x81\x7e\x00\x7e"
                  "12345678901234567890123456789012345678901234567890123456789012"
                  "3456789012345678901234567890123456789012345678901234567890123456",
           "O|M12345678901234567890123456789012345678901234567890123456789012"
           "3456789012345678901234567890123456789012345678901234567890123456|.");
    EXPECT(RPC_WS, OPENED "\x81\x05Hell", "O|...");
    EXPECT(RPC_WS, OPENED "\x01\x01H", "O|...");
}
END_TEST

START_TEST(websocket_refused)
{
    EXPECT(RPC_WS, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "!WebSocket: the handshake was refused");
    EXPECT(RPC_WS, "HTTP/1.1 429 Slow down\r\n\r\n", "!WebSocket: refused, too many");
    EXPECT(RPC_WS, OPEN_HEAD "\r\n", "!WebSocket: a wrong answer");
    EXPECT(RPC_WS, OPEN_HEAD "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n",
           "!WebSocket: a wrong answer");
    EXPECT(RPC_WS, OPEN_HEAD ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
           "!WebSocket: a wrong answer");
    EXPECT(RPC_WS, "HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
           "!WebSocket: a wrong answer");
    EXPECT(RPC_WS, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n" ACCEPT "\r\n", "!WebSocket: a wrong answer");
    EXPECT(RPC_WS, OPENED "\xc1\x00", "O|!WebSocket: reserved");
    EXPECT(RPC_WS, OPENED "\x81\x80\x00\x00\x00\x00", "O|!WebSocket: a masked");
    EXPECT(RPC_WS, OPENED "\x83\x00", "O|!WebSocket: an unknown");
    EXPECT(RPC_WS, OPENED "\x8b\x00", "O|!WebSocket: an unknown");
    EXPECT(RPC_WS, OPENED "\x80\x00", "O|!WebSocket: a fragment out");
    EXPECT(RPC_WS, OPENED "\x01\x01H\x81\x01i", "O|!WebSocket: a fragment out");
    EXPECT(RPC_WS, OPENED "\x09\x00", "O|!WebSocket: a fragment out");
    EXPECT(RPC_WS, OPENED "\x89\x7e\x00\x7e", "O|!WebSocket: a fragment out");
    EXPECT(RPC_WS, OPENED "\x88\x01\x03", "O|!WebSocket: a malformed close");
    EXPECT(RPC_WS, OPENED "\x81\x7e\x00\x7d", "O|!WebSocket: a length not");
    EXPECT(RPC_WS, OPENED "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "O|!WebSocket: a length not");
    EXPECT(RPC_WS, OPENED "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "O|!a message larger");
    EXPECT(RPC_WS, OPENED "\x81\x7e\x03\xe9", "O|!a message larger");
    EXPECT(RPC_WS, OPENED "\x01\x01H\x80\x7e\x03\xe8", "O|!a message larger");
}
END_TEST

START_TEST(websocket_sent)
{
    static const size_t N[] = {0, 1, 125, 126, 65535, 65536};
    static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t h[RPC_WS_HEAD_MAX], hello[5] = {'H', 'e', 'l', 'l', 'o'};
    for (size_t i = 0; i < sizeof N / sizeof *N; i++) {
        size_t n = rpc_ws_head(h, RPC_WS_TEXT, N[i], MASK),
               more = N[i] > 65535 ? 8
                      : N[i] > 125 ? 2
                                   : 0,
               len = 0;
        ck_assert_uint_eq(n, 6 + more);
        ck_assert_uint_eq(h[0], 0x81);
        for (size_t k = 0; k < more; k++)
            len = len << 8 | h[2 + k];
        ck_assert_uint_eq(more ? len : (h[1] & 0x7fu), N[i]);
        ck_assert_uint_eq(h[1], 0x80 | (more == 8 ? 127 : more == 2 ? 126 : N[i]));
        ck_assert_mem_eq(h + n - 4, MASK, 4);
    }
    rpc_ws_mask(hello, 5, MASK);
    ck_assert_mem_eq(hello, "\x7f\x9f\x4d\x51\x58", 5); // RFC 6455, 5.7
}
END_TEST

// ---- JSON

static bool whole(const char *p, size_t n)
{
    return rpc_json_whole(p, n).p != NULL;
}

// jansson takes no number beyond its types and no NUL in a string; what it takes we take, what we take it
// takes or it is one of these two.
static void against_jansson(const char *p, size_t n)
{
    json_error_t e;
    json_t *j = json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    bool ours = whole(p, n), range = json_error_code(&e) == json_error_numeric_overflow;
    ck_assert_msg((j != NULL) == ours || (ours && range), "<%.*s>: we say %d, jansson %s", (int)n, p, ours,
                  j ? "yes" : e.text);
    json_decref(j);
}

static const char *const TEXTS[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "nul",
    "tru",
    "0",
    "-0",
    "01",
    "-",
    "1.",
    "1.5",
    ".5",
    "1e5",
    "1E+5",
    "1e",
    "1e+",
    "-1.25e-3",
    "+1",
    "\"\"",
    "\"a\"",
    "\"\\\"\"",
    "\"\\u0041\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ude00\"",
    "\"\\ud800\\u0041\"",
    "\"\\x\"",
    "\"\t\"",
    "\"\\",
    "\"\\\"",
    "\"\xc3\xa9\"",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xe2\x82\xac\"",
    "\"\xed\xa0\x80\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xff\"",
    "[1,2,3]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1",
    "]",
    "{\"a\":1}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "{\"a\":1,\"b\":{\"c\":[{}]}}",
    "{\"a\":1]",
    "[1}",
    " [ 1 , 2 ] ",
    "{ \"a\" : 1 , \"b\" : [ ] }",
    "1 2",
    "{}{}",
    "",
    " ",
    "[[[[[[[[[[]]]]]]]]]]",
    "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}",
    "[\"\\/\\b\\f\\n\\r\\t\"]",
    "1e400",
    "123456789012345678901234567890",
};
enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS };

START_TEST(json_grammar)
{
    for (size_t i = 0; i < N_TEXTS; i++)
        against_jansson(TEXTS[i], strlen(TEXTS[i]));
}
END_TEST

START_TEST(json_damaged)
{
    static const char ALPHABET[] = "{}[]\",:\\ue1-.+0atrfnls \xc3\xa9\xed\xf4\x01";
    prng_seed(&rnd, test_seed(20261121));
    unsigned taken = 0;
    for (int k = 0; k < ROUNDS * (int)test_rounds(1000); k++) {
        char text[160];
        size_t n = 0;
        for (uint64_t parts = prng_below(&rnd, 3); n == 0 || parts--;) {
            const char *t = TEXTS[prng_below(&rnd, N_TEXTS)];
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", *t ? t : "0");
        }
        for (uint64_t edits = prng_below(&rnd, 3); edits--;)
            text[prng_below(&rnd, n)] = ALPHABET[prng_below(&rnd, sizeof ALPHABET - 1)];
        against_jansson(text, n);
        taken += whole(text, n);
    }
    ck_assert_uint_gt(taken, 20 * test_rounds(1000)); // both answers are tried
    ck_assert_uint_lt(taken, 280 * test_rounds(1000));
}
END_TEST

START_TEST(json_depth)
{
    char deep[2 * RPC_JSON_DEPTH + 2];
    memset(deep, '[', RPC_JSON_DEPTH + 1);
    memset(deep + RPC_JSON_DEPTH + 1, ']', RPC_JSON_DEPTH + 1);
    ck_assert(whole(deep, 2 * RPC_JSON_DEPTH + 2)); // an empty one at the bottom is not entered
    deep[RPC_JSON_DEPTH + 1] = '1';
    ck_assert(!whole(deep, 2 * RPC_JSON_DEPTH + 2));
    deep[RPC_JSON_DEPTH] = '1';
    deep[RPC_JSON_DEPTH + 1] = ']';
    ck_assert(whole(deep, 2 * RPC_JSON_DEPTH + 1));
}
END_TEST

static struct rpc_span span(const char *p)
{
    return (struct rpc_span){p, strlen(p)};
}

START_TEST(json_values)
{
    static const char T[] =
        "{\"x\":{\"id\":9},\"i\\u0064\":8,\"id\":7,\"list\":[1,\"two\",{\"id\":3}],\"id\":6}";
    uint64_t u;
    int64_t s;
    uint8_t d[2];
    ck_assert_int_eq(rpc_json_uint(rpc_json_get(span(T), "id"), &u), 0);
    ck_assert_uint_eq(u, 7);
    ck_assert_ptr_null(rpc_json_get(span(T), "two").p);
    ck_assert_ptr_null(rpc_json_get(span("[1]"), "1").p);
    struct rpc_json_iter it;
    struct rpc_span key, v;
    ck_assert(rpc_json_begin(&it, rpc_json_get(span(T), "list")));
    ck_assert(rpc_json_next(&it, &key, &v) == 1 && rpc_span_is(v, "1"));
    ck_assert(rpc_json_next(&it, &key, &v) == 1 && rpc_span_is(rpc_json_string(v), "two"));
    ck_assert(rpc_json_next(&it, &key, &v) == 1 && rpc_span_is(v, "{\"id\":3}"));
    ck_assert(rpc_json_next(&it, &key, &v) == 0 && rpc_json_next(&it, &key, &v) == 0);
    ck_assert(rpc_json_uint(span("18446744073709551615"), &u) == 0 && u == UINT64_MAX);
    ck_assert(rpc_json_uint(span("18446744073709551616"), &u) == -1 && rpc_json_uint(span("1.0"), &u) == -1 &&
              rpc_json_uint(span("-1"), &u) == -1 && rpc_json_uint(span("\"1\""), &u) == -1);
    ck_assert(rpc_json_int(span("-32601"), &s) == 0 && s == -32601);
    ck_assert(rpc_json_int(span("9223372036854775807"), &s) == 0 &&
              rpc_json_int(span("9223372036854775808"), &s) == -1);
    ck_assert(rpc_json_quantity(span("\"0x0\""), &u) == 0 && u == 0);
    ck_assert(rpc_json_quantity(span("\"0xffffffffffffffff\""), &u) == 0 && u == UINT64_MAX);
    ck_assert(rpc_json_quantity(span("\"0x10000000000000000\""), &u) == -1 &&
              rpc_json_quantity(span("\"0x00\""), &u) == -1 && rpc_json_quantity(span("\"0x\""), &u) == -1 &&
              rpc_json_quantity(span("\"0xg\""), &u) == -1 && rpc_json_quantity(span("\"10\""), &u) == -1 &&
              rpc_json_quantity(span("16"), &u) == -1);
    ck_assert(rpc_json_data(span("\"0x0aFf\""), d, 2) == 0 && d[0] == 0x0a && d[1] == 0xff);
    ck_assert(rpc_json_data(span("\"0x0af\""), d, 2) == -1 &&
              rpc_json_data(span("\"0x0afff\""), d, 2) == -1 &&
              rpc_json_data(span("\"0x0ag0\""), d, 2) == -1);
    char text[8];
    ck_assert_str_eq(rpc_json_print(span("\"a\x1b\xff\x7f.long\""), text, sizeof text), "a???.lo");
    ck_assert_str_eq(rpc_json_print((struct rpc_span){NULL, 0}, text, sizeof text), "");
}
END_TEST

// ---- URLs

START_TEST(urls)
{
    static const struct {
        const char *text, *host, *path, *shown;
        enum rpc_transport transport;
        bool tls, numeric;
        unsigned port;
    } GOOD[] = {
        {"ipc:/a/b", "", "/a/b", "ipc:/a/b", RPC_IPC, false, true, 0},
        {"./node.ipc", "", "./node.ipc", "ipc:./node.ipc", RPC_IPC, false, true, 0},
        {"http://127.0.0.1:8545", "127.0.0.1", "/", "http://127.0.0.1:8545", RPC_HTTP, false, true, 8545},
        {"ws://[::1]:8546/x?k=s", "::1", "/x?k=s", "ws://[::1]:8546", RPC_WS, false, true, 8546},
        {"https://node.example/v3/secret#f", "node.example", "/v3/secret", "https://node.example:443",
         RPC_HTTP, true, false, 443},
        {"wss://node.example?key=s", "node.example", "/?key=s", "wss://node.example:443", RPC_WS, true, false,
         443},
        {"http://localhost", "127.0.0.1", "/", "http://127.0.0.1:80", RPC_HTTP, false, true, 80},
    };
    static const char *const BAD[] = {"",
                                      "ftp://a",
                                      "http://",
                                      "http://:1",
                                      "http://a:0",
                                      "http://a:65536",
                                      "http://a:",
                                      "http://a:1x",
                                      "http://u:secret@a/",
                                      "http://a b/",
                                      "http://a/b c",
                                      "http://a/\r\nX: y",
                                      "http://[::1",
                                      "http://[a]/",
                                      "http://[::1]x/",
                                      "ipc:",
                                      "http://a\r\nb/"};
    struct rpc_url u;
    struct err e;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        ck_assert_msg(rpc_url_parse(GOOD[i].text, &u, &e) == 0, "%s: %s", GOOD[i].text, e.msg);
        ck_assert_str_eq(u.host, GOOD[i].host);
        ck_assert_str_eq(u.path, GOOD[i].path);
        ck_assert_str_eq(u.shown, GOOD[i].shown);
        ck_assert(u.transport == GOOD[i].transport && u.tls == GOOD[i].tls && u.numeric == GOOD[i].numeric &&
                  u.port == GOOD[i].port);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        ck_assert_msg(rpc_url_parse(BAD[i], &u, &e) == -1, "<%s> is taken", BAD[i]);
        ck_assert(!strstr(e.msg, "secret"));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rpc_frames");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, json_stream);
    tcase_add_test(t, http);
    tcase_add_test(t, http_refused);
    tcase_add_test(t, http_head_too_long);
    tcase_add_test(t, websocket);
    tcase_add_test(t, websocket_refused);
    tcase_add_test(t, websocket_sent);
    tcase_add_test(t, json_grammar);
    tcase_add_test(t, json_damaged);
    tcase_add_test(t, json_depth);
    tcase_add_test(t, json_values);
    tcase_add_test(t, urls);
    suite_add_tcase(s, t);
    return run_suite(s);
}
