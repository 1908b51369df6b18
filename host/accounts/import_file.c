// SPDX-License-Identifier: Apache-2.0
// An import as a whole: a file or a text, the store's book, both together into the store. Nothing is written
// before the whole file has been read and every account, the store's own included, has passed its rule.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/import.h"
#include "accounts/store_sql.h"

enum { LABEL_MAX = 90 };
static const size_t JSON_BYTES_MAX = (size_t)1 << 30;

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcasecmp(s + n - k, end) == 0;
}

// ---- one file onto one book

// The whole of a source; NULL with *e set.
static char *read_all(const char *file, const struct import_source *src, size_t *len, struct err *e)
{
    char *buf = NULL;
    size_t size = 0;
    ssize_t n = 0;
    *len = 0;
    do {
        *len += (size_t)n;
        if (*len == size) {
            char *p = size < JSON_BYTES_MAX ? realloc(buf, size = size ? size * 2 : BUFSIZ) : NULL;
            if (!p) {
                err_set(e, "%s: too large", file);
                free(buf);
                return NULL;
            }
            buf = p;
        }
        n = src->read_at(src->ctx, *len, buf + *len, size - *len);
    } while (n > 0);
    if (n == 0)
        return buf;
    err_set(e, "%s: %s", file, strerror(errno));
    free(buf);
    return NULL;
}

static int read_json(struct import *im, const struct import_source *src)
{
    struct json_doc doc = {0};
    size_t len;
    char *text = read_all(im->file, src, &len, im->e);
    int rc = text ? import_json(im, text, len, &doc) : -1;
    if (rc == 0)
        rc = import_accounts_end(im);
    json_free(&doc);
    free(text);
    return rc;
}

static int import_with(const char *file, const struct import_source *src, struct book *b, unsigned *line,
                       const struct progress *progress, struct err *e)
{
    bool json = ends_with(file, ".json");
    if (!json && !ends_with(file, ".csv"))
        return err_set(e, "%.90s: the name must end in .csv or .json, which tells the format", file);
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return err_set(e, "out of memory");
    im->file = file;
    im->label = strlen(file) > LABEL_MAX ? file + strlen(file) - LABEL_MAX : file;
    im->e = e;
    im->progress = progress;
    im->market = b->market;
    im->out = b->packed;
    im->n_base = b->n_accounts;
    int rc = json ? read_json(im, src) : import_csv(im, src);
    if (rc == 0)
        rc = import_merge(im);
    if (rc == 0) {
        b->market = im->market;
        b->n_accounts = packed_count(b->packed);
        rc = (int)im->n_staged;
        if (line)
            memcpy(line, im->instrument_line, sizeof im->instrument_line);
    }
    import_accounts_free(im);
    free(im);
    return rc;
}

int import_file(const char *file, const struct import_source *src, struct book *b,
                const struct progress *progress, struct err *e)
{
    return import_with(file, src, b, NULL, progress, e);
}

// ---- texts

struct span {
    const char *text;
    size_t len;
};

static ssize_t read_span(void *ctx, uint64_t at, char *to, size_t n)
{
    const struct span *s = ctx;
    size_t left = at < s->len ? s->len - (size_t)at : 0;
    n = n < left ? n : left;
    if (n)
        memcpy(to, s->text + at, n);
    return (ssize_t)n;
}

int import_text_lines(const char *file, const char *text, size_t len, const struct book *base,
                      struct book *out, unsigned line[MARKET_INSTRUMENTS_MAX], struct err *e)
{
    struct span span = {text, len};
    const struct import_source src = {read_span, &span, len};
    struct account *scratch = malloc(sizeof *scratch);
    memset(out, 0, sizeof *out);
    int rc = scratch ? book_packed(out, 0, e) : err_set(e, "out of memory");
    if (rc == 0)
        out->market = base->market;
    for (size_t i = 0; rc == 0 && i < base->n_accounts; i++)
        rc = book_append(out, book_account(base, i, scratch), e);
    if (rc == 0)
        rc = import_with(file, &src, out, line, NULL, e);
    if (rc >= 0 && book_unpack(out, SIZE_MAX, e))
        rc = -1;
    if (rc < 0)
        book_free(out);
    free(scratch);
    return rc;
}

int import_text(const char *file, const char *text, size_t len, const struct book *base, struct book *out,
                struct err *e)
{
    return import_text_lines(file, text, len, base, out, NULL, e);
}

// ---- files and stores

static ssize_t read_fd(void *ctx, uint64_t at, char *to, size_t n)
{
    const int *fd = ctx;
    ssize_t got;
    do
        got = pread(*fd, to, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

// What cannot be read twice (a pipe) goes through a temporary file. Gives the descriptor to read from, or -1;
// a signal ends it.
static int spool(int from)
{
    char buf[1 << 16];
    ssize_t n;
    FILE *f = tmpfile();
    int fd = f ? dup(fileno(f)) : -1;
    while (fd >= 0 && (n = read(from, buf, sizeof buf)) != 0)
        if (n < 0 || write(fd, buf, (size_t)n) != n) {
            close(fd);
            fd = -1;
        }
    if (f)
        (void)fclose(f);
    return fd;
}

// A descriptor that pread works on, or -1 with *e set.
static int open_source(const char *file, uint64_t *size, struct err *e)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC), own;
    if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        own = S_ISDIR(st.st_mode) ? -1 : spool(fd);
        errno = S_ISDIR(st.st_mode) ? EISDIR : errno;
        int why = errno;
        close(fd);
        errno = why;
        fd = own;
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        err_set(e, "%s: %s", file, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

static int take_old(void *ctx, const struct account *a, struct err *e)
{
    return book_append(ctx, a, e);
}

static int write_book(struct store *s, const struct book *b, const struct progress *progress, struct err *e)
{
    struct account_sink w = {0};
    struct account *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return err_set(e, "out of memory");
    int rc = store_write_market(s, &b->market, e) || store_put_begin(s, &w, e) ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < b->n_accounts; i++)
        rc = store_put(s, &w, &b->market, book_account(b, i, scratch), e) ||
                     progress_at(progress, "writing", i + 1, b->n_accounts, e)
                 ? -1
                 : 0;
    store_put_end(&w);
    free(scratch);
    return rc;
}

static int import_into(struct store *s, bool empty, const char *file, const struct import_source *src,
                       const struct progress *progress, struct err *e)
{
    struct book *b = calloc(1, sizeof *b);
    const struct store_visitor old = {NULL, take_old, b, false, progress};
    if (!b)
        return err_set(e, "out of memory");
    int rc = book_packed(b, 0, e);
    if (rc == 0 && !empty)
        rc = store_read_market(s, &b->market, e) || store_read_accounts(s, &b->market, &old, e) ? -1 : 0;
    if (rc == 0)
        rc = import_file(file, src, b, progress, e);
    if (rc >= 0 && write_book(s, b, progress, e))
        rc = -1;
    book_free(b);
    free(b);
    return rc;
}

int store_import_with(const char *path, const char *file, const struct progress *progress, struct err *e)
{
    struct store s;
    struct import_source src = {.read_at = read_fd};
    bool empty = false, existed = store_exists(path);
    int fd = open_source(file, &src.size, e);
    if (fd < 0)
        return -1;
    src.ctx = &fd;
    int rc = store_begin_write(&s, path, &empty, e);
    if (rc == 0) {
        rc = import_into(&s, empty, file, &src, progress, e);
        if (store_end(&s, rc >= 0, rc >= 0 ? e : NULL))
            rc = -1;
        if (rc < 0 && !existed)
            store_remove(path);
    }
    close(fd);
    return rc;
}

int store_import(const char *path, const char *file, struct err *e)
{
    return store_import_with(path, file, NULL, e);
}
