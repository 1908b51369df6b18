// SPDX-License-Identifier: Apache-2.0
#include "protocols/state.h"

#include <inttypes.h>
#include <string.h>

enum { MESSAGE_MAX = 320, TEXT_MAX = 100 }; // a text fits an outcome's line, so that it can be told whole

void state_open(struct state *s, const struct json *root, const char *file, struct err *e)
{
    *s = (struct state){.at = root, .file = file, .e = e};
    s->top = s;
    if (root->type != JSON_OBJECT)
        state_fail(s, root->line, "a state is an object: {\"field\": value, ...}");
}

void state_fail(struct state *s, unsigned line, const char *format, ...)
{
    char why[MESSAGE_MAX];
    va_list ap;
    if (s->top->failed)
        return;
    va_start(ap, format);
    (void)vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    s->top->failed = s->failed = true;
    (void)err_set(s->e, "%s:%u: %s", s->file, line, why);
}

// The field, marked as read; NULL: it is not there.
static const struct json *field(struct state *s, const char *name)
{
    unsigned i = 0;
    if (!s->at || s->at->type != JSON_OBJECT)
        return NULL;
    for (const struct json *j = s->at->child; j; j = j->next, i++)
        if (strcmp(j->key, name) == 0) {
            s->read |= UINT64_C(1) << i; // the reader allows 64 names
            return j;
        }
    return NULL;
}

static const struct json *needed(struct state *s, const char *name)
{
    const struct json *j = field(s, name);
    if (!j)
        state_fail(s, s->at ? s->at->line : s->top->at->line, "\"%s\" is missing: add it to this object",
                   name);
    return s->top->failed ? NULL : j;
}

bool state_has(const struct state *s, const char *name)
{
    for (const struct json *j = s->at && s->at->type == JSON_OBJECT ? s->at->child : NULL; j; j = j->next)
        if (strcmp(j->key, name) == 0)
            return true;
    return false;
}

static const char *number_text(const struct json *j)
{
    return j->type == JSON_NUMBER || j->type == JSON_STRING ? j->text : "";
}

static u256 read_u256(struct state *s, const struct json *j, unsigned bits)
{
    u256 v;
    if (!j)
        return U256_ZERO;
    if (u256_parse(number_text(j), &v) && u256_bits(v) <= bits)
        return v;
    state_fail(s, j->line, "\"%s\" must be an integer from 0 to 2^%u - 1, without sign, fraction or exponent",
               j->key, bits);
    return U256_ZERO;
}

u256 state_u256(struct state *s, const char *name, unsigned bits)
{
    return read_u256(s, needed(s, name), bits);
}

u256 state_u256_or(struct state *s, const char *name, unsigned bits, u256 absent)
{
    return state_has(s, name) ? state_u256(s, name, bits) : absent;
}

static i256 as_i256(u256 v)
{
    i256 r;
    memcpy(r.w, v.w, sizeof r.w);
    return r;
}

static i256 read_i256(struct state *s, const struct json *j, unsigned bits)
{
    u256 v, most = u256_shl(u256_from_u64(1), bits - 1);
    if (!j)
        return I256_ZERO;
    const char *text = number_text(j);
    bool minus = text[0] == '-';
    if (u256_parse(text + minus, &v) && u256_cmp(v, most) <= -!minus)
        return minus ? i256_neg(as_i256(v)) : as_i256(v);
    state_fail(s, j->line, "\"%s\" must be an integer from -2^%u to 2^%u - 1, without fraction or exponent",
               j->key, bits - 1, bits - 1);
    return I256_ZERO;
}

i256 state_i256(struct state *s, const char *name, unsigned bits)
{
    return read_i256(s, needed(s, name), bits);
}

i256 state_i256_or(struct state *s, const char *name, unsigned bits, i256 absent)
{
    return state_has(s, name) ? state_i256(s, name, bits) : absent;
}

uint64_t state_u64(struct state *s, const char *name, uint64_t most)
{
    const struct json *j = needed(s, name);
    u256 v;
    if (!j)
        return 0;
    if (u256_parse(number_text(j), &v) && u256_cmp(v, u256_from_u64(most)) <= 0)
        return v.w[0];
    state_fail(s, j->line,
               "\"%s\" must be an integer from 0 to %" PRIu64 ", without sign, fraction or exponent", j->key,
               most);
    return 0;
}

uint64_t state_u64_or(struct state *s, const char *name, uint64_t most, uint64_t absent)
{
    return state_has(s, name) ? state_u64(s, name, most) : absent;
}

bool state_bool_or(struct state *s, const char *name, bool absent)
{
    const struct json *j = field(s, name);
    if (!j)
        return absent;
    if (j->type != JSON_BOOL)
        state_fail(s, j->line, "\"%s\" must be true or false", name);
    return !s->top->failed && j->text[0] == 't';
}

const char *state_text_or(struct state *s, const char *name, const char *absent)
{
    const struct json *j = field(s, name);
    if (!j)
        return absent;
    if (j->type == JSON_STRING && strlen(j->text) <= TEXT_MAX)
        return j->text;
    state_fail(s, j->line, "\"%s\" must be a text in quotes, of at most %d bytes", name, TEXT_MAX);
    return "";
}

static void choices(char out[MESSAGE_MAX], const char *const *names, unsigned n)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < n && used < MESSAGE_MAX; i++) {
        int k = snprintf(out + used, MESSAGE_MAX - used, "%s\"%s\"", i ? ", " : "", names[i]);
        used += k > 0 ? (size_t)k : 0;
    }
}

unsigned state_choice(struct state *s, const char *name, const char *const *names, unsigned n, bool absent_ok)
{
    char known[MESSAGE_MAX];
    const struct json *j = absent_ok ? field(s, name) : needed(s, name);
    if (!j)
        return 0;
    for (unsigned i = 0; i < n && j->type == JSON_STRING; i++)
        if (strcmp(j->text, names[i]) == 0)
            return i;
    choices(known, names, n);
    state_fail(s, j->line, "\"%s\" must be one of %.200s", name, known);
    return 0;
}

struct state state_object(struct state *s, const char *name, bool *there)
{
    const struct json *j = there ? field(s, name) : needed(s, name);
    if (j && j->type != JSON_OBJECT) {
        state_fail(s, j->line, "\"%s\" must be an object: {\"field\": value, ...}", name);
        j = NULL;
    }
    if (there)
        *there = j != NULL;
    return (struct state){.at = j, .file = s->file, .e = s->e, .top = s->top, .failed = s->top->failed};
}

static unsigned length(const struct json *j)
{
    unsigned n = 0;
    for (j = j->child; j; j = j->next)
        n++;
    return n;
}

bool state_next(struct state *s, const char *name, unsigned most, const struct json **it,
                struct state *element)
{
    const struct json *j;
    if (*it) {
        j = (*it)->next;
    } else {
        const struct json *list = field(s, name);
        if (list && list->type != JSON_ARRAY)
            state_fail(s, list->line, "\"%s\" must be a list of objects: [{...}, ...]", name);
        else if (list && length(list) > most)
            state_fail(s, list->line, "\"%s\" has %u elements; %u are the most here", name, length(list),
                       most);
        j = list ? list->child : NULL;
    }
    if (!j || s->top->failed)
        return false;
    if (j->type != JSON_OBJECT) {
        state_fail(s, j->line, "every element of \"%s\" must be an object: {\"field\": value, ...}", name);
        return false;
    }
    *it = j;
    *element = (struct state){.at = j, .file = s->file, .e = s->e, .top = s->top};
    return true;
}

bool state_done(struct state *s)
{
    unsigned i = 0;
    for (const struct json *j = s->at && !s->top->failed ? s->at->child : NULL; j; j = j->next, i++)
        if (!(s->read >> i & 1))
            state_fail(s, j->line, "\"%s\" is not known here: correct its name or leave it out", j->key);
    return !s->top->failed;
}
