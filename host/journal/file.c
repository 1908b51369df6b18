// SPDX-License-Identifier: Apache-2.0
// Creates a journal file, or takes an existing one up again after whatever ended its last writer.
#include "journal/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/format.h"

// A name is durable only when its directory is.
static int sync_directory(const char *path, struct err *e)
{
    char *real = realpath(path, NULL);
    int fd = real ? open(dirname(real), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int rc = fd < 0 ? -1 : fsync(fd);
    if (rc != 0 && fd >= 0 && errno == EINVAL)
        rc = 0; // a file system that knows no such thing for directories
    if (rc != 0)
        err_set(e, "%.200s: cannot make its directory entry durable: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(real);
    return rc;
}

static int write_file_head(const char *path, struct journal_file *f, struct err *e)
{
    unsigned char head[JF_FILE_HEAD];
    uint64_t nonce;
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return err_set(e, "%.200s: no random number from the system: %s", path, strerror(errno));
    jf_file_head_store(head, nonce);
    size_t done = 0;
    while (done < sizeof head) {
        ssize_t n = pwrite(f->fd, head + done, sizeof head - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, "%.200s: cannot write: %s; free some space or name another place", path,
                           strerror(n < 0 ? errno : ENOSPC));
        done += (size_t)n;
    }
    if (fsync(f->fd) != 0)
        return err_set(e, "%.200s: cannot make the file durable: %s", path, strerror(errno));
    f->end = JF_FILE_HEAD;
    f->seed = jf_seed(nonce);
    return sync_directory(path, e);
}

static int lock(const char *path, int fd, struct err *e)
{
    struct stat st, now;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, "%.200s: not a regular file; a journal needs one", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        // Between opening and locking another writer may have put a new file in its place.
        if (stat(path, &now) == 0 && now.st_dev == st.st_dev && now.st_ino == st.st_ino)
            return 0;
        return err_set(e, "%.200s: another file has taken its name meanwhile; try again", path);
    }
    if (errno == EWOULDBLOCK)
        return err_set(e,
                       "%.200s: another tripline has this journal open for writing; stop it or name another "
                       "journal",
                       path);
    return err_set(e, "%.200s: cannot lock: %s; put the journal on a local file system", path,
                   strerror(errno));
}

// Reads all of it to find where the last whole record ends.
static int find_end(const char *path, struct journal_file *f, bool *unborn, struct err *e)
{
    // A duplicate shares the lock and the file, whatever has happened to its name meanwhile.
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, "%.200s: cannot read it back: %s", path, strerror(errno));
    struct journal_reader *r;
    if (journal_reader_wrap(fd, path, &r, e) != 0)
        return -1;
    struct journal_record rec;
    int rc;
    while ((rc = journal_next(r, &rec, e)) > 0)
        ;
    *unborn = journal_reader_unborn(r);
    f->end = journal_reader_end(r);
    f->cut = journal_reader_torn(r);
    f->seed = journal_reader_seed(r);
    journal_reader_close(r);
    return rc;
}

static int take_up(const char *path, struct journal_file *f, struct err *e)
{
    bool unborn = false;
    if (find_end(path, f, &unborn, e) != 0)
        return -1;
    // First what is there, then the cut: were it the other way round, power loss could take both.
    if (fsync(f->fd) != 0)
        return err_set(e, "%.200s: cannot make it durable: %s; check the disk", path, strerror(errno));
    if (f->cut > 0 && (ftruncate(f->fd, unborn ? 0 : (off_t)f->end) != 0 || fsync(f->fd) != 0))
        return err_set(e, "%.200s: cannot cut the torn tail at offset %" PRIu64 ": %s", path, f->end,
                       strerror(errno));
    // Who gave it its name may have ended before that was durable.
    return unborn ? write_file_head(path, f, e) : sync_directory(path, e);
}

static int open_error(const char *path, bool append, struct err *e)
{
    int no = errno;
    const char *remedy = no == EEXIST             ? "; name a new file, or append to it"
                         : no == ENOENT && append ? "; create it first"
                         : no == ENOENT           ? "; create its directory first"
                                                  : "";
    return err_set(e, "%.200s: cannot %s the journal: %s%s", path, append ? "open" : "create", strerror(no),
                   remedy);
}

static int create(const char *path, struct journal_file *f, struct err *e)
{
    if (write_file_head(path, f, e) == 0)
        return 0;
    unlink(path); // ours, and nothing in it yet
    return -1;
}

int journal_file_open(const char *path, bool append, struct journal_file *out, struct err *e)
{
    int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | (append ? 0 : O_CREAT | O_EXCL);
    struct journal_file f = {.fd = open(path, flags, S_IRUSR | S_IWUSR)};
    if (f.fd < 0)
        return open_error(path, append, e);
    if (lock(path, f.fd, e) != 0 || (append ? take_up(path, &f, e) : create(path, &f, e)) != 0) {
        close(f.fd);
        return -1;
    }
    *out = f;
    return 0;
}
