// SPDX-License-Identifier: Apache-2.0
#include "cmdfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 4, LINE_MAX_LEN = 1 << 17, BEATS_PER_LINE = 2 + CMDFILE_PAIRS_MAX / ABI_COEF_PAIRS };

struct pair {
    uint64_t asset;
    int64_t coef;
};

// A line taken apart: the keys a command knows, in its own order, and its pairs.
struct parsed {
    uint64_t value[KEYS_MAX];
    bool given[KEYS_MAX];
    struct pair pairs[CMDFILE_PAIRS_MAX];
    size_t n_pairs;
};

struct key {
    const char *name;
    unsigned bits;
    bool is_signed, required;
};

struct syntax {
    const char *name;
    uint8_t opcode;
    bool pairs;
    struct key keys[KEYS_MAX];
};

static const struct syntax commands[] = {
    {"nop", ABI_CMD_NOP, false, {{0}}},
    {"tick",
     ABI_CMD_TICK,
     false,
     {{"asset", 12, false, true},
      {"price", 40, false, true},
      {"group", 32, false, false},
      {"last", 1, false, false}}},
    {"band",
     ABI_CMD_BAND,
     false,
     {{"asset", 12, false, true},
      {"lo", 40, false, true},
      {"hi", 40, false, true},
      {"price", 40, false, false}}},
    {"row",
     ABI_CMD_ROW,
     true,
     {{"row", 24, false, true}, {"h", 64, true, true}, {"armed", 1, false, false}, {"n", 16, false, false}}},
    {"coef", ABI_CMD_COEF, true, {{0}}},
    {"arm", ABI_CMD_ARM, false, {{"row", 24, false, true}, {"armed", 1, false, false}}},
    {"read", ABI_CMD_READ, false, {{"row", 24, false, true}, {"coef", 12, false, false}}},
    {"sync", ABI_CMD_SYNC, false, {{"token", 64, false, false}}},
};

// A number of the given width, up to its terminator. Signed ones come back as their two's complement.
static bool number(const char *s, unsigned bits, bool is_signed, uint64_t *out)
{
    char *end;
    errno = 0;
    if (*s == '-' ? !is_signed : (*s < '0' || *s > '9'))
        return false;
    if (is_signed) {
        long long v = strtoll(s, &end, 0);
        int64_t max = (int64_t)(abi_mask(bits) >> 1);
        *out = (uint64_t)v;
        return !*end && end != s && !errno && v <= max && v >= -max - 1;
    }
    unsigned long long v = strtoull(s, &end, 0);
    *out = v;
    return !*end && end != s && !errno && v <= abi_mask(bits);
}

static int parse_pair(char *word, struct parsed *p, struct err *e)
{
    char *colon = strchr(word, ':');
    uint64_t asset, coef;
    if (p->n_pairs == CMDFILE_PAIRS_MAX)
        return err_set(e, "more than %d pairs", CMDFILE_PAIRS_MAX);
    *colon = 0;
    bool ok = number(word, ABI_ASSET_BITS, false, &asset) && number(colon + 1, 28, true, &coef);
    *colon = ':';
    if (!ok)
        return err_set(e, "'%s' is no pair ASSET:COEFFICIENT of 12 and 28 bits", word);
    p->pairs[p->n_pairs++] = (struct pair){asset, (int64_t)coef};
    return 0;
}

static int parse_word(char *word, const struct syntax *x, struct parsed *p, struct err *e)
{
    if (x->pairs && strchr(word, ':'))
        return parse_pair(word, p, e);
    char *equal = strchr(word, '=');
    for (size_t i = 0; equal && i < KEYS_MAX && x->keys[i].name; i++) {
        const struct key *k = &x->keys[i];
        if (strlen(k->name) != (size_t)(equal - word) || strncmp(k->name, word, (size_t)(equal - word)) != 0)
            continue;
        if (p->given[i])
            return err_set(e, "%s is given twice", k->name);
        if (!number(equal + 1, k->bits, k->is_signed, &p->value[i]))
            return err_set(e, "'%s' is no %s number of %u bits", word, k->is_signed ? "signed" : "unsigned",
                           k->bits);
        p->given[i] = true;
        return 0;
    }
    return err_set(e, "'%s' does not belong to %s", word, x->name);
}

static uint64_t value_or(const struct parsed *p, size_t key, uint64_t otherwise)
{
    return p->given[key] ? p->value[key] : otherwise;
}

static void pack_coef(struct beat *b, const struct pair *pairs, size_t n)
{
    struct abi_coef c = {0};
    for (size_t i = 0; i < n && i < ABI_COEF_PAIRS; i++) {
        c.asset[i] = (uint16_t)pairs[i].asset;
        c.coef[i] = (int32_t)pairs[i].coef;
    }
    abi_pack_coef(b, &c);
}

static int make_row(const struct parsed *p, struct beat *beats)
{
    struct abi_row row = {.row = (uint32_t)p->value[0],
                          .h = (int64_t)p->value[1],
                          .armed = value_or(p, 2, 1) != 0,
                          .n = (uint16_t)value_or(p, 3, p->n_pairs)};
    for (size_t i = 0; i < p->n_pairs && i < ABI_ROW_PAIRS; i++) {
        row.asset[i] = (uint16_t)p->pairs[i].asset;
        row.coef[i] = (int32_t)p->pairs[i].coef;
    }
    int n = 0;
    abi_pack_row(&beats[n++], &row);
    for (size_t i = ABI_ROW_PAIRS; i < p->n_pairs; i += ABI_COEF_PAIRS)
        pack_coef(&beats[n++], p->pairs + i, p->n_pairs - i);
    return n;
}

static int make(const struct syntax *x, const struct parsed *p, struct beat *beats, struct err *e)
{
    const uint64_t *v = p->value;
    switch (x->opcode) {
    case ABI_CMD_TICK:
        abi_pack_tick(beats, &(struct abi_tick){.asset = (uint16_t)v[0],
                                                .price = v[1],
                                                .group = (uint32_t)v[2],
                                                .last = value_or(p, 3, 1) != 0});
        return 1;
    case ABI_CMD_BAND:
        abi_pack_band(
            beats,
            &(struct abi_band){
                .asset = (uint16_t)v[0], .lo = v[1], .hi = v[2], .set_price = p->given[3], .price = v[3]});
        return 1;
    case ABI_CMD_ROW:
        return make_row(p, beats);
    case ABI_CMD_COEF:
        if (p->n_pairs > ABI_COEF_PAIRS)
            return err_set(e, "coef takes at most %d pairs", ABI_COEF_PAIRS);
        pack_coef(beats, p->pairs, p->n_pairs);
        return 1;
    case ABI_CMD_ARM:
        abi_pack_arm(beats, &(struct abi_arm){.row = (uint32_t)v[0], .armed = value_or(p, 1, 1) != 0});
        return 1;
    case ABI_CMD_READ:
        abi_pack_read(
            beats, &(struct abi_read){.row = (uint32_t)v[0], .coef = p->given[1], .asset = (uint16_t)v[1]});
        return 1;
    case ABI_CMD_SYNC:
        abi_pack_sync(beats, &(struct abi_sync){.token = v[0]});
        return 1;
    default:
        abi_pack_nop(beats, &(struct abi_nop){0});
        return 1;
    }
}

// `beat W3 W2 W1 W0`
static int parse_beat(char *save, struct beat *b, struct err *e)
{
    for (int i = 3; i >= 0; i--) {
        char *word = strtok_r(NULL, " \t\r", &save), *end = NULL;
        errno = 0;
        if (word)
            b->w[i] = strtoull(word, &end, 16);
        if (!word || *end || end == word || *word == '-' || errno)
            return err_set(e, "beat takes four hexadecimal words of 64 bits");
    }
    if (strtok_r(NULL, " \t\r", &save))
        return err_set(e, "beat takes four words, not more");
    return 1;
}

static int parse_words(char *text, struct parsed *p, struct beat *beats, struct err *e)
{
    char *save = NULL, *word = strtok_r(text, " \t\r", &save);
    if (!word)
        return 0;
    if (strcmp(word, "beat") == 0)
        return parse_beat(save, beats, e);
    const struct syntax *x = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, word) == 0)
            x = &commands[i];
    if (!x)
        return err_set(e, "'%s' is no command; there are nop, tick, band, row, coef, arm, read, sync, beat",
                       word);
    memset(p->value, 0, sizeof p->value);
    memset(p->given, 0, sizeof p->given);
    p->n_pairs = 0;
    while ((word = strtok_r(NULL, " \t\r", &save)))
        if (parse_word(word, x, p, e))
            return -1;
    for (size_t i = 0; i < KEYS_MAX && x->keys[i].name; i++)
        if (x->keys[i].required && !p->given[i])
            return err_set(e, "%s needs %s=", x->name, x->keys[i].name);
    return make(x, p, beats, e);
}

int cmdfile_parse(const char *line, struct beat *beats, size_t room, struct err *e)
{
    if (room < BEATS_PER_LINE)
        return err_set(e, "no room for a line's beats");
    size_t len = strcspn(line, "#\n");
    char *text = malloc(len + 1);
    struct parsed *p = malloc(sizeof *p);
    int n;
    if (text && p) {
        memcpy(text, line, len);
        text[len] = 0;
        n = parse_words(text, p, beats, e);
    } else {
        n = err_set(e, "out of memory");
    }
    free(text);
    free(p);
    return n;
}

static int grow(struct cmdfile *f, size_t *room)
{
    if (*room - f->n >= BEATS_PER_LINE)
        return 0;
    size_t more = *room * 2 + BEATS_PER_LINE;
    struct beat *beats = realloc(f->beats, more * sizeof *beats);
    if (beats)
        f->beats = beats;
    uint32_t *lines = realloc(f->lines, more * sizeof *lines);
    if (lines)
        f->lines = lines;
    if (!beats || !lines)
        return -1;
    *room = more;
    return 0;
}

static int read_lines(FILE *in, const char *path, struct cmdfile *f, char *line, struct err *e)
{
    size_t room = 0;
    for (uint32_t at = 1; fgets(line, LINE_MAX_LEN, in); at++) {
        struct err why;
        if (!strchr(line, '\n') && !feof(in))
            return err_set(e, "%s:%u: line is longer than %d characters", path, at, LINE_MAX_LEN - 2);
        if (grow(f, &room))
            return err_set(e, "%s:%u: out of memory", path, at);
        int n = cmdfile_parse(line, f->beats + f->n, room - f->n, &why);
        if (n < 0)
            return err_set(e, "%s:%u: %.300s", path, at, why.msg);
        for (int i = 0; i < n; i++)
            f->lines[f->n++] = at;
    }
    return ferror(in) ? err_set(e, "%s: %s", path, strerror(errno)) : 0;
}

int cmdfile_read(const char *path, struct cmdfile *out, struct err *e)
{
    *out = (struct cmdfile){0};
    FILE *in = fopen(path, "r");
    if (!in)
        return err_set(e, "%s: %s", path, strerror(errno));
    char *line = malloc(LINE_MAX_LEN);
    int rc = line ? read_lines(in, path, out, line, e) : err_set(e, "%s: out of memory", path);
    free(line);
    fclose(in);
    if (rc)
        cmdfile_free(out);
    return rc;
}

void cmdfile_free(struct cmdfile *f)
{
    free(f->beats);
    free(f->lines);
    *f = (struct cmdfile){0};
}

// Pairs of a ROW beat that its text must hold: those due, and what stands in the places behind them.
static int row_pairs(const struct abi_row *x)
{
    int n = x->n < ABI_ROW_PAIRS ? x->n : ABI_ROW_PAIRS;
    for (int i = n; i < ABI_ROW_PAIRS; i++)
        if (x->asset[i] || x->coef[i])
            n = i + 1;
    return n;
}

static void print_row(char *text, size_t size, const struct beat *b, struct beat *again)
{
    struct abi_row x;
    abi_unpack_row(b, &x);
    abi_pack_row(again, &x);
    int n = snprintf(text, size, "row row=%u h=%" PRId64 " armed=%d n=%u", x.row, x.h, x.armed, x.n);
    for (int i = 0; i < row_pairs(&x); i++)
        n += snprintf(text + n, size - (size_t)n, " %u:%d", x.asset[i], x.coef[i]);
}

static void print_coef(char *text, size_t size, const struct beat *b, struct beat *again)
{
    struct abi_coef x;
    abi_unpack_coef(b, &x);
    abi_pack_coef(again, &x);
    int n = snprintf(text, size, "coef");
    for (int i = 0; i < ABI_COEF_PAIRS; i++)
        n += snprintf(text + n, size - (size_t)n, " %u:%d", x.asset[i], x.coef[i]);
}

// Prints the beat's fields and says what a beat of just these fields looks like.
static bool print_fields(char *text, const struct beat *b, struct beat *again)
{
    const size_t size = CMDFILE_TEXT_MAX;
    switch (abi_opcode(b)) {
    case ABI_CMD_NOP:
        snprintf(text, size, "nop");
        abi_pack_nop(again, &(struct abi_nop){0});
        return true;
    case ABI_CMD_TICK: {
        struct abi_tick x;
        abi_unpack_tick(b, &x);
        abi_pack_tick(again, &x);
        snprintf(text, size, "tick asset=%u price=%" PRIu64 " group=%u last=%d", x.asset, x.price, x.group,
                 x.last);
        return true;
    }
    case ABI_CMD_BAND: {
        struct abi_band x;
        abi_unpack_band(b, &x);
        if (!x.set_price)
            x.price = 0;
        abi_pack_band(again, &x);
        int n = snprintf(text, size, "band asset=%u lo=%" PRIu64 " hi=%" PRIu64, x.asset, x.lo, x.hi);
        if (x.set_price)
            snprintf(text + n, size - (size_t)n, " price=%" PRIu64, x.price);
        return true;
    }
    case ABI_CMD_ROW:
        print_row(text, size, b, again);
        return true;
    case ABI_CMD_COEF:
        print_coef(text, size, b, again);
        return true;
    case ABI_CMD_ARM: {
        struct abi_arm x;
        abi_unpack_arm(b, &x);
        abi_pack_arm(again, &x);
        snprintf(text, size, "arm row=%u armed=%d", x.row, x.armed);
        return true;
    }
    case ABI_CMD_READ: {
        struct abi_read x;
        abi_unpack_read(b, &x);
        if (!x.coef)
            x.asset = 0;
        abi_pack_read(again, &x);
        int n = snprintf(text, size, "read row=%u", x.row);
        if (x.coef)
            snprintf(text + n, size - (size_t)n, " coef=%u", x.asset);
        return true;
    }
    case ABI_CMD_SYNC: {
        struct abi_sync x;
        abi_unpack_sync(b, &x);
        abi_pack_sync(again, &x);
        snprintf(text, size, "sync token=%" PRIu64, x.token);
        return true;
    }
    default:
        return false;
    }
}

static void print_raw(char *text, const struct beat *b)
{
    snprintf(text, CMDFILE_TEXT_MAX, "beat %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64, b->w[3],
             b->w[2], b->w[1], b->w[0]);
}

void cmdfile_print(char *text, const struct beat *cmd)
{
    struct beat again;
    if (!print_fields(text, cmd, &again) || memcmp(&again, cmd, sizeof again) != 0)
        print_raw(text, cmd);
}

static const char *cause_name(uint8_t cause)
{
    static const char *const names[] = {
        [ABI_CAUSE_TICK] = "tick", [ABI_CAUSE_ROW] = "row", [ABI_CAUSE_ARM] = "arm"};
    return cause < sizeof names / sizeof *names && names[cause] ? names[cause] : "?";
}

static const char *error_name(uint8_t code)
{
    static const char *const names[] = {
        [ABI_ERR_OPCODE] = "opcode",         [ABI_ERR_ROW] = "row",
        [ABI_ERR_ASSET] = "asset",           [ABI_ERR_PRICE] = "price",
        [ABI_ERR_COEF_ORDER] = "coef_order", [ABI_ERR_ROW_CUT] = "row_cut",
        [ABI_ERR_COEF_ASSET] = "coef_asset", [ABI_ERR_COEF_VALUE] = "coef_value",
        [ABI_ERR_PARITY] = "parity",
    };
    return code < sizeof names / sizeof *names && names[code] ? names[code] : "?";
}

// Group and stamps stand in the same place in every event.
static void print_common(char *text, size_t used, const struct beat *evt, bool stamps)
{
    struct abi_sync_done any;
    abi_unpack_sync_done(evt, &any);
    int n = snprintf(text + used, CMDFILE_TEXT_MAX - used, " group=%u", any.group);
    if (stamps)
        snprintf(text + used + n, CMDFILE_TEXT_MAX - used - (size_t)n, " in=%u out=%u", any.cycle_in,
                 any.cycle_out);
}

void cmdfile_print_event(char *text, const struct beat *evt, bool stamps)
{
    const size_t size = CMDFILE_TEXT_MAX;
    int n;
    switch (abi_opcode(evt)) {
    case ABI_EVT_BAND_EXIT: {
        struct abi_band_exit x;
        abi_unpack_band_exit(evt, &x);
        n = snprintf(text, size, "band_exit asset=%u price=%" PRIu64, x.asset, x.price);
        break;
    }
    case ABI_EVT_TRIGGER: {
        struct abi_trigger x;
        abi_unpack_trigger(evt, &x);
        n = snprintf(text, size, "trigger cause=%s row=%u h=%" PRId64 " asset=%u price=%" PRIu64,
                     cause_name(x.cause), x.row, x.h, x.asset, x.price);
        break;
    }
    case ABI_EVT_READ: {
        struct abi_read_data x;
        abi_unpack_read_data(evt, &x);
        if (x.coef)
            n = snprintf(text, size, "read row=%u armed=%d asset=%u coef=%" PRId64, x.row, x.armed, x.asset,
                         x.h);
        else
            n = snprintf(text, size, "read row=%u armed=%d h=%" PRId64, x.row, x.armed, x.h);
        break;
    }
    case ABI_EVT_SYNC: {
        struct abi_sync_done x;
        abi_unpack_sync_done(evt, &x);
        n = snprintf(text, size, "sync token=%" PRIu64, x.token);
        break;
    }
    case ABI_EVT_ERROR: {
        struct abi_error x;
        abi_unpack_error(evt, &x);
        n = snprintf(text, size, "error code=%s opcode=%u asset=%u row=%u", error_name(x.code), x.opcode,
                     x.asset, x.row);
        break;
    }
    default:
        print_raw(text, evt);
        return;
    }
    print_common(text, (size_t)n, evt, stamps);
}
