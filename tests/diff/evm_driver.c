// SPDX-License-Identifier: Apache-2.0
// host/evm, line by line: a command on stdin, its answer on stdout, "refused" for what is none. Bytes are
// hexadecimal digits, "-" for none. evm_diff.py sends random commands and judges the answers.
//   keccak BYTES CUT              in two pieces
//   rlp_put TOKENS                s BYTES string, l ... . list
//   rlp_get BYTES                 as tokens
//   abi_put SELECTOR WORDS TOKENS   selector or "-"; w WORD, b BYTES, a COUNT WORDS ... ., t WORDS ... .
//   abi_get BYTES TOKENS          the shape: w, b, a WORDS one item ., t ... .; the values as tokens
//   tx KEY TYPE CHAIN NONCE TIP FEE GAS TO VALUE DATA ACCESS   signed bytes, hash, sender
//   tx_get BYTES                  the fields as above, sender
//   sign KEY HASH, signer R S PARITY HASH
//   personal KEY MESSAGE, header KEY BODY
//   address ADDRESS, address_text TEXT, created ADDRESS NONCE, slot WORD WORD, quantity TEXT
#include <stdio.h>
#include <stdlib.h>

#include "evm/abi.h"
#include "evm/hex.h"
#include "evm/keccak.h"
#include "evm/tx.h"

enum { BYTES_MAX = 1 << 18, TOKENS_MAX = 1 << 15, DEPTH_MAX = 64 };

static char line[4 * BYTES_MAX];
static char *token[TOKENS_MAX];
static size_t n_tokens, at;
static uint8_t in[BYTES_MAX], out[BYTES_MAX], extra[BYTES_MAX];

static void die(const char *why)
{
    fprintf(stderr, "evm_driver: %s\n", why);
    exit(2);
}

static const char *next(void)
{
    if (at == n_tokens)
        die("too few words in a command");
    return token[at++];
}

static size_t next_bytes(uint8_t *to, size_t size)
{
    const char *t = next();
    size_t n = strcmp(t, "-") == 0 ? 0 : strlen(t);
    if (n / 2 > size || hex_get(t, n, to))
        die("bad bytes in a command");
    return n / 2;
}

static void next_fixed(uint8_t *to, size_t n)
{
    if (next_bytes(to, n) != n)
        die("bytes of another length in a command");
}

static i256 next_number(void)
{
    i256 v;
    if (i256_parse(next(), &v))
        die("bad number in a command");
    return v;
}

static uint64_t next_u64(void)
{
    return strtoull(next(), NULL, 10);
}

// As words of 64 digits, so that the whole range passes.
static struct word next_word(void)
{
    struct word w;
    next_fixed(w.b, WORD_BYTES);
    return w;
}

static void print_bytes(const uint8_t *p, size_t n, const char *end)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("%s%s", n ? "" : "-", end);
}

static void print_address(const struct evm_address *a)
{
    char text[ADDRESS_TEXT];
    address_format(a, text);
    fputs(text, stdout);
}

static void keccak(void)
{
    size_t n = next_bytes(in, sizeof in), cut = next_u64();
    struct keccak k;
    struct word once, pieces;
    keccak256(in, n, &once);
    keccak_init(&k);
    keccak_add(&k, in, cut);
    keccak_add(&k, in + cut, n - cut);
    keccak_end(&k, &pieces);
    if (word_equal(&once, &pieces))
        print_bytes(once.b, WORD_BYTES, "");
    else
        fputs("pieces give another digest", stdout);
}

// ---- RLP

static void rlp_put(void) // backwards, as it is encoded
{
    struct rlp_out o = rlp_out_of(out, sizeof out);
    size_t mark[DEPTH_MAX], depth = 0;
    for (size_t i = n_tokens; i-- > 1;) {
        if (strcmp(token[i], ".") == 0) {
            mark[depth++] = rlp_mark(&o);
        } else if (strcmp(token[i], "l") == 0) {
            rlp_put_list(&o, mark[--depth]);
        } else if (strcmp(token[i], "s") != 0) {
            at = i;
            rlp_put_bytes(&o, in, next_bytes(in, sizeof in));
        }
    }
    at = n_tokens;
    print_bytes(o.at, rlp_mark(&o), o.bad ? " bad" : "");
}

static void rlp_get(void)
{
    bool bad = false;
    struct rlp_in stack[DEPTH_MAX];
    size_t n = next_bytes(in, sizeof in), depth = 0, used = 0;
    static char text[4 * BYTES_MAX];
    stack[0] = rlp_in_of(in, n, &bad);
    for (bool first = true; !bad && (first || depth);) {
        struct rlp_in *r = &stack[depth];
        if (!first && !rlp_more(r)) {
            depth--;
            used += (size_t)sprintf(text + used, ". ");
            continue;
        }
        first = false;
        if (r->left && r->p[0] >= 0xc0) {
            if (depth + 1 == DEPTH_MAX)
                die("lists too deep");
            stack[depth + 1] = rlp_get_list(r);
            depth++;
            used += (size_t)sprintf(text + used, "l ");
        } else {
            const uint8_t *p = rlp_get_bytes(r, &n);
            used += (size_t)sprintf(text + used, n ? "s " : "s -");
            hex_put(p, n, text + used);
            used += 2 * n;
            text[used++] = ' ';
        }
    }
    text[used] = '\0';
    fputs(rlp_end(&stack[0]) ? text : "refused", stdout);
}

// ---- ABI

static void put_values(struct abi_out *o, struct abi_head *h) // up to "." or the end
{
    while (at < n_tokens) {
        const char *t = next();
        if (strcmp(t, ".") == 0)
            return;
        if (strcmp(t, "w") == 0) {
            struct word w = next_word();
            abi_put_word(o, h, &w);
        } else if (strcmp(t, "b") == 0) {
            size_t n = next_bytes(in, sizeof in);
            abi_put_bytes(o, h, in, n);
        } else {
            size_t count = strcmp(t, "a") == 0 ? next_u64() : 0, words = next_u64();
            struct abi_head tail =
                strcmp(t, "a") == 0 ? abi_put_array(o, h, count, words) : abi_put_tuple(o, h, words);
            put_values(o, &tail);
        }
    }
}

static void abi_put(void)
{
    const char *selector = next();
    size_t words = next_u64();
    memset(out, 0xa5, sizeof out); // what is not written shows
    struct abi_out o = abi_out_of(out, sizeof out);
    struct abi_head h =
        strcmp(selector, "-") == 0 ? abi_row(&o, words) : abi_call(&o, abi_selector(selector), words);
    put_values(&o, &h);
    size_t n = abi_done(&o);
    struct abi_out again = abi_out_of(extra, n ? n - 1 : 0); // one byte too few is refused
    at = 3;
    h = strcmp(selector, "-") == 0 ? abi_row(&again, words) : abi_call(&again, abi_selector(selector), words);
    put_values(&again, &h);
    print_bytes(out, n, abi_done(&again) ? " too long" : "");
}

static void get_values(struct abi_in *r) // up to "." or the end
{
    while (at < n_tokens) {
        const char *t = next();
        size_t n;
        if (strcmp(t, ".") == 0)
            return;
        if (strcmp(t, "w") == 0) {
            struct word w = abi_get_word(r);
            print_bytes(w.b, WORD_BYTES, " ");
        } else if (strcmp(t, "b") == 0) {
            const uint8_t *p = abi_get_bytes(r, &n);
            print_bytes(p, n, " ");
        } else if (strcmp(t, "t") == 0) {
            struct abi_in tail = abi_get_tuple(r);
            get_values(&tail);
        } else {
            size_t words = next_u64(), item = at, depth = 1;
            struct abi_in tail = abi_get_array(r, words, &n);
            printf("%zu ", n);
            for (size_t i = 0; i < n; i++) {
                at = item;
                get_values(&tail);
            }
            for (at = item; depth; at++) { // behind the item's shape
                depth += strcmp(token[at], "a") == 0 || strcmp(token[at], "t") == 0;
                depth -= strcmp(token[at], ".") == 0;
            }
        }
    }
}

static void abi_get(void)
{
    size_t n = next_bytes(in, sizeof in);
    bool bad = false;
    uint8_t *copy = malloc(n ? n : 1); // exact size, for sanitizers
    if (!copy)
        die("no memory");
    memcpy(copy, in, n);
    struct abi_in r = abi_in_of(copy, n, &bad);
    get_values(&r);
    fputs(bad ? "refused" : "", stdout);
    free(copy);
}

// ---- transactions

static struct private_key *next_key(void)
{
    struct err e;
    uint8_t secret[WORD_BYTES];
    next_fixed(secret, sizeof secret);
    struct private_key *k = key_from_bytes(secret, &e);
    if (!k)
        die(e.msg);
    return k;
}

static size_t next_access(uint8_t *to, size_t size) // ADDRESS,SLOT,SLOT;ADDRESS
{
    enum { ITEMS = 64, SLOTS = 1024 };
    static struct tx_access item[ITEMS];
    static struct word slot[SLOTS];
    char *text = token[at++];
    size_t n = 0, slots = 0, bytes;
    for (char *save, *p = strcmp(text, "-") == 0 ? NULL : strtok_r(text, ";", &save); p;
         p = strtok_r(NULL, ";", &save)) {
        char *inner, *q = strtok_r(p, ",", &inner);
        if (n == ITEMS || hex_get(q, strlen(q), item[n].address.b))
            die("bad access list");
        item[n].slot = slot + slots;
        item[n].n_slots = 0;
        while ((q = strtok_r(NULL, ",", &inner))) {
            if (slots == SLOTS || hex_get(q, strlen(q), slot[slots++].b))
                die("bad access list");
            item[n].n_slots++;
        }
        n++;
    }
    if (tx_access_encode(item, n, to, size < TX_ACCESS_ROOM(n, slots) ? size : TX_ACCESS_ROOM(n, slots),
                         &bytes))
        die("access list does not fit the room stated");
    return bytes;
}

static void print_sender(const struct tx_decoded *d)
{
    struct evm_address sender;
    if (tx_sender(d, &sender))
        fputs("nobody", stdout);
    else
        print_address(&sender);
}

static void tx(void)
{
    static uint8_t mem[BYTES_MAX];
    struct private_key *k = next_key();
    struct tx t = {.type = (uint8_t)next_u64()};
    t.chain_id = next_u64();
    uint64_t nonce = next_u64();
    u128 tip = i256_lo(next_number());
    u128 fee = i256_lo(next_number());
    t.gas = next_u64();
    t.create = next_bytes(t.to.b, ADDRESS_BYTES) == 0;
    t.value = next_word();
    t.data = in;
    t.n_data = next_bytes(in, sizeof in);
    t.access = extra;
    t.n_access = next_access(extra, sizeof extra);
    struct tx_template p;
    struct tx_signed s;
    struct tx_decoded d;
    struct err e;
    if (tx_template_init(&p, &t, mem, TX_TEMPLATE_ROOM(t.n_data, t.n_access), &e) ||
        tx_sign(&p, k, nonce, tip, fee, out, TX_ROOM(t.n_data, t.n_access), &s)) {
        fputs("refused", stdout);
    } else {
        print_bytes(out, s.n, " ");
        print_bytes(s.hash.b, WORD_BYTES, " ");
        if (tx_decode(out, s.n, &d, &e) || !word_equal(&d.hash, &s.hash))
            fputs("does not decode", stdout);
        else
            print_sender(&d);
    }
    key_free(k);
}

static void print_access(const uint8_t *payload, size_t n)
{
    bool bad = false;
    struct rlp_in list = rlp_in_of(payload, n, &bad), slots;
    struct evm_address a;
    struct word slot;
    fputs(n ? "" : "-", stdout);
    for (const char *sep = ""; tx_access_next(&list, &a, &slots); sep = ";") {
        fputs(sep, stdout);
        print_bytes(a.b, ADDRESS_BYTES, "");
        while (tx_slot_next(&slots, &slot)) {
            putchar(',');
            print_bytes(slot.b, WORD_BYTES, "");
        }
    }
    putchar(' ');
}

static void print_number(u128 v)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(i256_from_u128(v), text, sizeof text);
    printf("%s ", text);
}

static void tx_get(void)
{
    struct tx_decoded d;
    struct err e;
    size_t n = next_bytes(in, sizeof in);
    if (tx_decode(in, n, &d, &e)) {
        fputs("refused", stdout);
        return;
    }
    printf("%u %llu %llu ", d.tx.type, (unsigned long long)d.tx.chain_id, (unsigned long long)d.tx.nonce);
    print_number(d.tx.tip);
    print_number(d.tx.fee);
    printf("%llu ", (unsigned long long)d.tx.gas);
    print_bytes(d.tx.to.b, d.tx.create ? 0 : ADDRESS_BYTES, " ");
    print_bytes(d.tx.value.b, WORD_BYTES, " ");
    print_bytes(d.tx.data, d.tx.n_data, " ");
    print_access(d.tx.access, d.tx.n_access);
    print_sender(&d);
}

// ---- signatures

static void sign(void)
{
    struct private_key *k = next_key();
    struct word hash = next_word();
    struct signature s;
    key_sign(k, &hash, &s);
    print_bytes(s.r.b, WORD_BYTES, " ");
    print_bytes(s.s.b, WORD_BYTES, " ");
    printf("%u ", s.parity);
    print_address(key_address(k));
    key_free(k);
}

static void signer(void)
{
    struct signature s;
    s.r = next_word();
    s.s = next_word();
    s.parity = (uint8_t)next_u64();
    struct word hash = next_word();
    struct evm_address a;
    if (signature_signer(&s, &hash, &a))
        fputs("refused", stdout);
    else
        print_address(&a);
}

static void personal(void)
{
    struct private_key *k = next_key();
    uint8_t signature[SIGNATURE_BYTES];
    size_t n = next_bytes(in, sizeof in);
    key_personal_sign(k, in, n, signature);
    print_bytes(signature, sizeof signature, "");
    key_free(k);
}

static void header(void)
{
    struct private_key *k = next_key();
    char text[BUNDLE_HEADER_MAX];
    size_t n = next_bytes(in, sizeof in), length = key_bundle_header(k, in, n, text);
    fputs(length == strlen(text) ? text : "wrong length", stdout);
    key_free(k);
}

// ---- addresses, keys of storage, numbers

static struct evm_address next_address(void)
{
    struct evm_address a;
    next_fixed(a.b, ADDRESS_BYTES);
    return a;
}

static void format_address(void)
{
    struct evm_address a = next_address();
    print_address(&a);
}

static void parse_address(void)
{
    struct evm_address a;
    struct err e;
    if (address_parse(next(), &a, &e))
        fputs("refused", stdout);
    else
        print_bytes(a.b, ADDRESS_BYTES, "");
}

static void quantity(void)
{
    char again[HEX_QUANTITY_MAX];
    struct word w;
    const char *text = next();
    if (hex_quantity_get(text, strlen(text), &w)) {
        fputs("refused", stdout);
        return;
    }
    (void)hex_quantity_put(&w, again);
    print_bytes(w.b, WORD_BYTES, " ");
    fputs(again, stdout);
}

static const struct {
    const char *name;
    void (*run)(void);
} commands[] = {
    {"keccak", keccak},
    {"rlp_put", rlp_put},
    {"rlp_get", rlp_get},
    {"abi_put", abi_put},
    {"abi_get", abi_get},
    {"tx", tx},
    {"tx_get", tx_get},
    {"sign", sign},
    {"signer", signer},
    {"personal", personal},
    {"header", header},
    {"address", format_address},
    {"address_text", parse_address},
    {"quantity", quantity},
};

int main(void)
{
    while (fgets(line, sizeof line, stdin)) {
        n_tokens = 0;
        for (char *save, *p = strtok_r(line, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
            if (n_tokens == TOKENS_MAX)
                die("too many words in a command");
            token[n_tokens++] = p;
        }
        at = 1;
        size_t i = 0, n = sizeof commands / sizeof *commands;
        while (i < n && n_tokens && strcmp(commands[i].name, token[0]) != 0)
            i++;
        if (i == n || n_tokens == 0)
            die("unknown command");
        commands[i].run();
        putchar('\n');
    }
    return 0;
}
