// SPDX-License-Identifier: Apache-2.0
// Reads what a node answers, in place: spans into the received text, no tree, no allocation, nothing trusted.
// The grammar is RFC 8259's in full (escapes, UTF-8, numbers), nested at most RPC_JSON_DEPTH deep; what is
// not of it is refused whole. Pure functions over the caller's memory, any thread.
#ifndef TRIPLINE_EVM_RPC_JSON_H
#define TRIPLINE_EVM_RPC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RPC_JSON_DEPTH = 64 };

// Text inside somebody else's buffer; p == NULL: absent.
struct rpc_span {
    const char *p;
    size_t n;
};

// Bytes of the one value that begins at p[0]; 0 when there is none, or it is cut off or malformed.
size_t rpc_json_value(const char *p, size_t n);

// The one value that the text consists of, without the blanks around it; absent when it is not one.
struct rpc_span rpc_json_whole(const char *p, size_t n);

// Members of an object, items of an array, in their order: begin, then next until it returns 0; -1 when
// malformed. The key comes as written, without quotes: a key with escapes equals none of ours.
struct rpc_json_iter {
    const char *p, *end;
    char close; // 0: ended
    bool first;
};
bool rpc_json_begin(struct rpc_json_iter *it, struct rpc_span v); // false: neither object nor array
int rpc_json_next(struct rpc_json_iter *it, struct rpc_span *key, struct rpc_span *value);

// Member of that name (the first), absent when there is none or v is no object.
struct rpc_span rpc_json_get(struct rpc_span v, const char *key);

bool rpc_span_is(struct rpc_span s, const char *text);
bool rpc_json_null(struct rpc_span v); // absent or null

// 0, or -1 when v is not exactly that: a JSON integer >= 0 below 2^64; one above -2^63 below 2^63; a string
// "0x…" of 1 to 16 hexadecimal digits without leading zeros (a quantity); a string "0x…" of exactly n bytes
// (data).
int rpc_json_uint(struct rpc_span v, uint64_t *out);
int rpc_json_int(struct rpc_span v, int64_t *out);
int rpc_json_quantity(struct rpc_span v, uint64_t *out);
int rpc_json_data(struct rpc_span v, uint8_t *out, size_t n);

// A string's content as written, without quotes; absent when v is no string.
struct rpc_span rpc_json_string(struct rpc_span v);

// For people: a string's or any text's printable ASCII, everything else as '?', cut to size with terminator.
// Returns buf.
const char *rpc_json_print(struct rpc_span v, char *buf, size_t size);

#endif
