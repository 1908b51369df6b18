// SPDX-License-Identifier: Apache-2.0
// Reads a journal front to back and tells a torn tail from damage to what was committed.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/file.h"
#include "journal/format.h"

// The largest record is whole in it, and short ones come in by the thousand a read.
enum { BUF_CAP = 2 * (JOURNAL_RECORD_MAX + JF_RECORD_HEAD) };

struct journal_reader {
    int fd;
    char *path;
    bool head_known;
    uint32_t seed;
    uint64_t pos;  // where the next record begins
    uint64_t torn; // as of the last time that journal_next returned 0
    uint64_t buf_at;
    size_t buf_len;
    unsigned char *buf;
};

int journal_reader_wrap(int fd, const char *path, struct journal_reader **out, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, "%.200s: not a regular file; name a journal that tripline has written", path);
    }
    struct journal_reader *r = calloc(1, sizeof *r);
    if (r) {
        r->fd = fd;
        r->path = strdup(path);
        r->buf = malloc(BUF_CAP);
    }
    if (!r || !r->path || !r->buf) {
        if (!r)
            close(fd);
        journal_reader_close(r);
        return err_set(e, "%.200s: out of memory for the read buffer", path);
    }
    *out = r;
    return 0;
}

void journal_reader_close(struct journal_reader *r)
{
    if (!r)
        return;
    close(r->fd);
    free(r->path);
    free(r->buf);
    free(r);
}

// Makes bytes [at, at + n) of the file readable at *p, n <= BUF_CAP. 1; 0 when the file ends before; -1.
static int want(struct journal_reader *r, uint64_t at, size_t n, const unsigned char **p, struct err *e)
{
    if (at < r->buf_at || at - r->buf_at > r->buf_len || r->buf_len - (at - r->buf_at) < n) {
        r->buf_at = at;
        r->buf_len = 0;
        while (r->buf_len < n) {
            ssize_t got = pread(r->fd, r->buf + r->buf_len, BUF_CAP - r->buf_len, (off_t)(at + r->buf_len));
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return err_set(e, "%.200s: cannot read at offset %" PRIu64 ": %s; check the disk", r->path,
                               at + r->buf_len, strerror(errno));
            if (got == 0)
                return 0;
            r->buf_len += (size_t)got;
        }
    }
    *p = r->buf + (at - r->buf_at);
    return 1;
}

static int file_size(struct journal_reader *r, uint64_t *size, struct err *e)
{
    struct stat st;
    if (fstat(r->fd, &st) != 0)
        return err_set(e, "%.200s: cannot stat: %s", r->path, strerror(errno));
    *size = (uint64_t)st.st_size;
    return 0;
}

// A file that is no longer than its own header, and zeros or the start of one: its creation was interrupted.
static bool looks_unborn(const unsigned char *p, size_t n)
{
    size_t magic = n < JF_MAGIC_LEN ? n : JF_MAGIC_LEN, zeros = 0;
    while (zeros < n && p[zeros] == 0)
        zeros++;
    return zeros == n || memcmp(p, JF_MAGIC, magic) == 0;
}

// 1 with the seed known; 0 when the file was never finished being created; -1.
static int load_file_head(struct journal_reader *r, struct err *e)
{
    uint64_t size = 0;
    if (file_size(r, &size, e) != 0)
        return -1;
    size_t n = size < JF_FILE_HEAD ? (size_t)size : JF_FILE_HEAD;
    const unsigned char *p = r->buf;
    r->buf_len = 0;
    int rc = want(r, 0, n, &p, e);
    if (rc < 0)
        return -1;
    r->torn = size;
    if (rc == 0)
        return 0; // shrank between the two calls: being cut by a writer
    bool magic = n >= JF_MAGIC_LEN + 4 && memcmp(p, JF_MAGIC, JF_MAGIC_LEN) == 0;
    uint32_t version = magic ? le32_load(p + 8) : 0;
    if (n == JF_FILE_HEAD && magic && version == JF_VERSION && le32_load(p + 28) == crc32c(0, p, 28)) {
        r->seed = jf_seed(le64_load(p + 16));
        r->pos = JF_FILE_HEAD;
        r->head_known = true;
        return 1;
    }
    // Only a writer of another version puts a checksum that fits beside a version that we do not know.
    if (n == JF_FILE_HEAD && magic && version != JF_VERSION && le32_load(p + 28) == crc32c(0, p, 28))
        return err_set(e,
                       "%.200s: journal of format version %" PRIu32
                       ", this program reads version %d; use the "
                       "program that wrote it",
                       r->path, version, JF_VERSION);
    if (size <= JF_FILE_HEAD && looks_unborn(p, n))
        return 0;
    if (magic)
        return err_set(e, "%.200s: the file header at offset 0 is damaged; restore the file from a copy",
                       r->path);
    return err_set(e, "%.200s: not a tripline journal (no magic at offset 0)", r->path);
}

int journal_reader_open(const char *path, struct journal_reader **out, struct err *e)
{
    // Non-blocking, so that a FIFO is refused and not waited for.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, "%.200s: cannot open the journal: %s", path, strerror(errno));
    struct journal_reader *r;
    if (journal_reader_wrap(fd, path, &r, e) != 0)
        return -1;
    if (load_file_head(r, e) < 0) {
        journal_reader_close(r);
        return -1;
    }
    *out = r;
    return 0;
}

// The record at pos. 1; 0 with *why when there is no whole one; -1 when reading failed.
static int take(struct journal_reader *r, struct journal_record *rec, const char **why, struct err *e)
{
    const unsigned char *p;
    struct jf_head h;
    int rc = want(r, r->pos, JF_RECORD_HEAD, &p, e);
    *why = "incomplete record header";
    if (rc <= 0)
        return rc;
    *why = "record header fails its checksum";
    if (!jf_head_load(p, r->seed, r->pos, &h))
        return 0;
    rc = want(r, r->pos, JF_RECORD_HEAD + (size_t)h.len, &p, e);
    *why = "incomplete record";
    if (rc <= 0)
        return rc;
    *why = "payload fails its checksum";
    if (crc32c(0, p + JF_RECORD_HEAD, h.len) != h.payload_crc)
        return 0;
    rec->type = h.type;
    rec->len = h.len;
    rec->data = p + JF_RECORD_HEAD;
    rec->lsn = r->pos + JF_RECORD_HEAD + h.len;
    return 1;
}

// Looks behind the broken place at pos for a record whose batch began behind it too, which proves that pos
// had been durable. 1 with its offset; 0 when there is none; -1.
static int find_proof(struct journal_reader *r, uint64_t size, uint64_t *at, struct err *e)
{
    for (uint64_t o = r->pos + 1; size - o >= JF_RECORD_HEAD; o++) {
        const unsigned char *p;
        struct jf_head h;
        int rc = want(r, o, JF_RECORD_HEAD, &p, e);
        if (rc <= 0)
            return rc;
        // The cheap half of the test first: it turns most places down without a CRC.
        if (le32_load(p + 4) >= o - r->pos || !jf_head_load(p, r->seed, o, &h))
            continue;
        *at = o;
        return 1;
    }
    return 0;
}

// No whole record at pos: 0 at the end and at a torn tail, -1 when committed data is damaged; 1 when there is
// one by now.
static int judge_tail(struct journal_reader *r, struct journal_record *rec, const char *why, struct err *e)
{
    uint64_t size = 0, at = 0;
    if (file_size(r, &size, e) != 0)
        return -1;
    r->torn = size > r->pos ? size - r->pos : 0;
    int rc = r->torn > JF_RECORD_HEAD ? find_proof(r, size, &at, e) : 0;
    r->buf_len = 0; // the file may grow: look afresh next time
    if (rc <= 0)
        return rc;
    // In a file that grows the proof may have been written since the first look, and the rest of this record
    // before it.
    rc = take(r, rec, &why, e);
    if (rc != 0)
        return rc;
    return err_set(
        e,
        "%.200s: damaged at offset %" PRIu64 ": %s, but it had been committed, as the record at offset "
        "%" PRIu64 " shows; restore the file from a copy, or set it aside and look up every open order",
        r->path, r->pos, why, at);
}

int journal_next(struct journal_reader *r, struct journal_record *rec, struct err *e)
{
    if (!r->head_known) {
        int rc = load_file_head(r, e);
        if (rc <= 0)
            return rc;
    }
    for (;;) {
        const char *why;
        int rc = take(r, rec, &why, e);
        if (rc == 0)
            rc = judge_tail(r, rec, why, e);
        if (rc <= 0)
            return rc;
        r->pos = rec->lsn;
        if (rec->type != JF_MARK)
            return 1;
    }
}

uint64_t journal_reader_torn(const struct journal_reader *r)
{
    return r->torn;
}

uint64_t journal_reader_end(const struct journal_reader *r)
{
    return r->pos;
}

uint32_t journal_reader_seed(const struct journal_reader *r)
{
    return r->seed;
}

bool journal_reader_unborn(const struct journal_reader *r)
{
    return !r->head_known;
}
