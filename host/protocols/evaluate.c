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

// A document of several lines, in the place of one a line: the remedy.
static void tell_one_line(struct err *why)
{
    size_t n = strlen(why->msg);
    if (strstr(why->msg, ": no JSON: "))
        (void)snprintf(why->msg + n, sizeof why->msg - n,
                       "; with - a document is one line: if it is several, name its file, or /dev/stdin");
}

long evaluate_lines(const struct protocol *p, FILE *from, const char *file, bool json, FILE *to,
                    const char *who, struct err *e)
{
    static _Thread_local struct outcome out; // 48 KB: too much for a stack
    struct err why;
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    long failed = 0, answers = 0;
    for (unsigned line = 1; (n = getline(&text, &room, from)) >= 0; line++) {
        if (strspn(text, " \t\r\n") == (size_t)n)
            continue;
        size_t len =
            (size_t)n - (text[n - 1] == '\n'); // what ends too early ends in this line, not in the next
        int rc = evaluate_text(p, text, len, file, line, &out, &why);
        if (rc)
            tell_one_line(&why);
        if (!json && answers++)
            putc('\n', to);
        put_answer(rc, &out, &why, json, to, who);
        failed += rc != 0;
        if (fflush(to))
            break;
    }
    free(text);
    if (ferror(from) || ferror(to))
        return err_set(e, ferror(to) ? "the answers cannot be written" : "%s cannot be read", file);
    return failed;
}
