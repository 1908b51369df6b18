// SPDX-License-Identifier: Apache-2.0
#include "protocols/evaluate.h"

#include <stdlib.h>
#include <string.h>

// A line of many is a document of its own: its values stand where the file has them.
static void move_lines(struct json *j, unsigned by)
{
    for (; j; j = j->next) {
        j->line += by;
        move_lines(j->child, by); // at most 16 deep: the reader's bound
    }
}

int evaluate_text(const struct protocol *p, const char *text, size_t len, const char *file, unsigned line,
                  struct outcome *out, struct err *e)
{
    struct json_doc doc;
    struct state s;
    int rc = -1;
    out->n = 0;
    if (json_parse(text, len, &doc)) {
        (void)err_set(e, "%s:%u: no JSON: %s", file, doc.error_line + line - 1, doc.error);
    } else {
        move_lines(doc.root, line - 1);
        state_open(&s, doc.root, file, e);
        rc = s.failed ? -1 : p->eval(&s, out, e);
        if (rc == 0 && out->n > OUTCOME_MAX)
            rc = err_set(e, "%s:%u: more than %d results: give the rule a smaller state", file, line,
                         OUTCOME_MAX);
    }
    json_free(&doc);
    return rc;
}

static void put_text(const char *s, FILE *to)
{
    putc('"', to);
    for (; *s; s++) {
        if ((unsigned char)*s < ' ')
            fprintf(to, "\\u%04x", (unsigned)(unsigned char)*s);
        else if (*s == '"' || *s == '\\')
            fprintf(to, "\\%c", *s);
        else
            putc(*s, to);
    }
    putc('"', to);
}

void evaluate_json(const struct outcome *o, FILE *to)
{
    putc('{', to);
    for (size_t i = 0; i < o->n; i++) {
        fputs(i ? ", " : "", to);
        put_text(o->line[i].name, to);
        fputs(": ", to);
        if (o->line[i].quoted)
            put_text(o->line[i].text, to);
        else
            fputs(o->line[i].text, to);
    }
    fputs("}\n", to);
}

void evaluate_print(const struct outcome *o, FILE *to)
{
    size_t width = 0;
    for (size_t i = 0; i < o->n; i++)
        if (strlen(o->line[i].name) > width)
            width = strlen(o->line[i].name);
    for (size_t i = 0; i < o->n; i++)
        fprintf(to, "%-*s  %s\n", (int)width, o->line[i].name,
                o->line[i].quoted && !o->line[i].text[0] ? "-" : o->line[i].text);
}

static void put_answer(int rc, const struct outcome *o, const struct err *e, bool json, FILE *to,
                       const char *who)
{
    if (rc == 0) {
        (json ? evaluate_json : evaluate_print)(o, to);
    } else if (json) {
        fputs("{\"error\": ", to);
        put_text(e->msg, to);
        fputs("}\n", to);
    } else {
        fprintf(stderr, "%s: %s\n", who, e->msg);
    }
}

// Brackets that `line` leaves open, outside of texts, which end in their line.
static long open_brackets(const char *line)
{
    long open = 0;
    for (bool text = false; *line; line++) {
        if (text && *line == '\\' && line[1])
            line++;
        else if (*line == '"')
            text = !text;
        else if (!text)
            open += (*line == '{' || *line == '[') - (*line == '}' || *line == ']');
    }
    return open;
}

struct asker {
    const struct protocol *p;
    const char *file, *who;
    bool json;
    FILE *to;
    long failed, answers;
    char *text; // of the document that is being read; empty: none is
    size_t len, room;
    unsigned begin, lines; // where it began, the lines read
    long open;
};

// Answers what has been read, if anything.
static void answer(struct asker *q)
{
    static _Thread_local struct outcome out; // 48 KB: too much for a stack
    struct err why;
    if (q->len == 0)
        return;
    q->len -= q->text[q->len - 1] == '\n'; // what ends too early ends in this line, not in the next
    int rc = evaluate_text(q->p, q->text, q->len, q->file, q->begin, &out, &why);
    if (!q->json && q->answers++)
        putc('\n', q->to);
    put_answer(rc, &out, &why, q->json, q->to, q->who);
    q->failed += rc != 0;
    q->len = 0;
    q->open = 0;
    (void)fflush(q->to); // ferror says the rest
}

// A document ends with its last bracket. One that has too few must not take the next along: an empty line, or
// one that begins with a bracket, ends it too.
static int take_line(struct asker *q, const char *line, size_t n, struct err *e)
{
    bool empty = strspn(line, " \t\r\n") == n;
    q->lines++;
    if (empty || *line == '{' || *line == '[')
        answer(q);
    if (empty)
        return 0;
    if (q->len + n > q->room) {
        char *more = realloc(q->text, q->room = 2 * (q->len + n));
        if (!more)
            return err_set(e, "%s:%u: out of memory: a state is smaller", q->file, q->lines);
        q->text = more;
    }
    q->begin = q->len ? q->begin : q->lines;
    memcpy(q->text + q->len, line, n);
    q->len += n;
    q->open += open_brackets(line);
    if (q->open <= 0)
        answer(q);
    return 0;
}

long evaluate_lines(const struct protocol *p, FILE *from, const char *file, bool json, FILE *to,
                    const char *who, struct err *e)
{
    struct asker q = {.p = p, .file = file, .who = who, .json = json, .to = to};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;
    while (rc == 0 && !ferror(to) && (n = getline(&line, &room, from)) >= 0)
        rc = take_line(&q, line, (size_t)n, e);
    answer(&q);
    free(line);
    free(q.text);
    if (rc == 0 && (ferror(from) || ferror(to)))
        rc = err_set(e, ferror(to) ? "the answers cannot be written" : "%s cannot be read", file);
    return rc ? rc : q.failed;
}
