// SPDX-License-Identifier: Apache-2.0
#include "evm/key.h"

#include <errno.h>
#include <fcntl.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evm/hex.h"
#include "evm/keccak.h"

enum {
    KEY_DIGITS = 2 * WORD_BYTES,
    KEY_TEXT_MAX = 2 + KEY_DIGITS + 2, // prefix, digits, line end
    CURVE_POINT = 65,                  // 4, x, y
};

struct private_key {
    secp256k1_context *curve; // blinded by random numbers of its own
    struct evm_address address;
    uint8_t secret[WORD_BYTES];
};

static struct evm_address address_of(const secp256k1_context *curve, const secp256k1_pubkey *public)
{
    uint8_t point[CURVE_POINT];
    size_t n = sizeof point;
    struct word h;
    struct evm_address a;
    (void)secp256k1_ec_pubkey_serialize(curve, point, &n, public, SECP256K1_EC_UNCOMPRESSED);
    keccak256(point + 1, n - 1, &h);
    memcpy(a.b, h.b + WORD_BYTES - ADDRESS_BYTES, ADDRESS_BYTES);
    return a;
}

// A page of its own. Both requests may be refused (RLIMIT_MEMLOCK); the key works without.
static struct private_key *key_new(void)
{
    void *p =
        mmap(NULL, sizeof(struct private_key), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)mlock(p, sizeof(struct private_key));
    (void)madvise(p, sizeof(struct private_key), MADV_DONTDUMP);
    return p;
}

void key_free(struct private_key *k)
{
    if (!k)
        return;
    if (k->curve)
        secp256k1_context_destroy(k->curve);
    explicit_bzero(k, sizeof *k);
    (void)munmap(k, sizeof *k);
}

static int make_curve(struct private_key *k)
{
    uint8_t seed[WORD_BYTES];
    k->curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    if (!k->curve || getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return -1;
    int ok = secp256k1_context_randomize(k->curve, seed);
    explicit_bzero(seed, sizeof seed);
    return ok ? 0 : -1;
}

struct private_key *key_from_bytes(const uint8_t secret[static WORD_BYTES], struct err *e)
{
    struct private_key *k = key_new();
    secp256k1_pubkey public;
    if (!k || make_curve(k)) {
        (void)err_set(e, "private key: no memory or no random numbers from the system");
        key_free(k);
        return NULL;
    }
    memcpy(k->secret, secret, WORD_BYTES);
    if (!secp256k1_ec_pubkey_create(k->curve, &public, k->secret)) {
        (void)err_set(e, "private key: 0, or not below the order of the curve");
        key_free(k);
        return NULL;
    }
    k->address = address_of(k->curve, &public);
    return k;
}

static struct private_key *key_from_text(const char *text, size_t n, struct err *e)
{
    uint8_t secret[WORD_BYTES];
    if (n == KEY_DIGITS + 2 && text[0] == '0' && text[1] == 'x') {
        text += 2;
        n -= 2;
    }
    struct private_key *k = NULL;
    if (n != KEY_DIGITS || hex_get(text, n, secret))
        (void)err_set(e,
                      "private key: 64 hexadecimal digits are wanted, with or without 0x, and nothing else");
    else
        k = key_from_bytes(secret, e);
    explicit_bzero(secret, sizeof secret);
    return k;
}

// Length of the file's text without its line end; -1: e says why.
static int read_text(const char *path, char text[static KEY_TEXT_MAX + 1], struct err *e)
{
    struct stat st;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        (void)err_set(e, "%s: a key file must be a regular file", path);
    else if (st.st_uid != geteuid() || st.st_mode & (S_IRWXG | S_IRWXO))
        (void)err_set(e, "%s: others may read or change this key file; chown it to yourself and chmod 600 it",
                      path);
    else if ((n = read(fd, text, KEY_TEXT_MAX + 1)) < 0)
        (void)err_set(e, "%s: %s", path, strerror(errno));
    (void)close(fd);
    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n > 0 && text[n - 1] == '\r')
        n--;
    return (int)n;
}

struct private_key *key_from_file(const char *path, struct err *e)
{
    char text[KEY_TEXT_MAX + 1];
    struct err why;
    int n = read_text(path, text, e);
    struct private_key *k = n < 0 ? NULL : key_from_text(text, (size_t)n, &why);
    explicit_bzero(text, sizeof text);
    if (n >= 0 && !k)
        (void)err_set(e, "%s: %s", path, why.msg);
    return k;
}

struct private_key *key_from_env(const char *name, struct err *e)
{
    char *text = getenv(name);
    if (!text) {
        (void)err_set(e, "environment variable %s is not set; it should hold a private key", name);
        return NULL;
    }
    struct err why;
    struct private_key *k = key_from_text(text, strlen(text), &why);
    explicit_bzero(text, strlen(text));
    (void)unsetenv(name);
    if (!k)
        (void)err_set(e, "environment variable %s: %s", name, why.msg);
    return k;
}

const struct evm_address *key_address(const struct private_key *k)
{
    return &k->address;
}

void key_sign(const struct private_key *k, const struct word *hash, struct signature *out)
{
    secp256k1_ecdsa_recoverable_signature made;
    uint8_t rs[2 * WORD_BYTES];
    int id = 0;
    // Fails for invalid secrets only, and key_from_bytes lets none in.
    (void)secp256k1_ecdsa_sign_recoverable(k->curve, &made, hash->b, k->secret,
                                           secp256k1_nonce_function_rfc6979, NULL);
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(k->curve, rs, &id, &made);
    memcpy(out->r.b, rs, WORD_BYTES);
    memcpy(out->s.b, rs + WORD_BYTES, WORD_BYTES);
    out->parity = (uint8_t)(id & 1);
}

// Half the order of the curve, rounded down: larger values of s are refused (EIP-2).
static const struct word s_max = {{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                   0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0}};

int signature_signer(const struct signature *s, const struct word *hash, struct evm_address *out)
{
    const secp256k1_context *curve = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey public;
    uint8_t rs[2 * WORD_BYTES];
    if (s->parity > 1 || word_compare(&s->s, &s_max) > 0)
        return -1;
    memcpy(rs, s->r.b, WORD_BYTES);
    memcpy(rs + WORD_BYTES, s->s.b, WORD_BYTES);
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(curve, &parsed, rs, s->parity) ||
        !secp256k1_ecdsa_recover(curve, &public, &parsed, hash->b))
        return -1;
    *out = address_of(curve, &public);
    return 0;
}

// ---- EIP-191

struct word personal_hash(const void *message, size_t n)
{
    static const char prefix[] = "\x19"
                                 "Ethereum Signed Message:\n";
    char length[24];
    struct keccak k;
    struct word h;
    int digits = snprintf(length, sizeof length, "%zu", n);
    keccak_init(&k);
    keccak_add(&k, prefix, sizeof prefix - 1);
    keccak_add(&k, length, (size_t)digits);
    keccak_add(&k, message, n);
    keccak_end(&k, &h);
    return h;
}

void key_personal_sign(const struct private_key *k, const void *message, size_t n,
                       uint8_t out[static SIGNATURE_BYTES])
{
    struct word h = personal_hash(message, n);
    struct signature s;
    key_sign(k, &h, &s);
    memcpy(out, s.r.b, WORD_BYTES);
    memcpy(out + WORD_BYTES, s.s.b, WORD_BYTES);
    out[2 * WORD_BYTES] = (uint8_t)(27 + s.parity);
}

size_t key_bundle_header(const struct private_key *k, const void *body, size_t n,
                         char out[static BUNDLE_HEADER_MAX])
{
    char digest[2 + 2 * WORD_BYTES] = "0x";
    uint8_t signature[SIGNATURE_BYTES];
    struct word h;
    keccak256(body, n, &h);
    hex_put(h.b, WORD_BYTES, digest + 2);
    key_personal_sign(k, digest, sizeof digest, signature);
    address_format(&k->address, out);
    char *at = out + ADDRESS_TEXT - 1;
    memcpy(at, ":0x", 3);
    hex_put(signature, SIGNATURE_BYTES, at + 3);
    at[3 + 2 * SIGNATURE_BYTES] = '\0';
    return BUNDLE_HEADER_MAX - 1;
}
