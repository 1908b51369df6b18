// SPDX-License-Identifier: Apache-2.0
// A folder on a disk that may lose power at any moment, for the log of transactions. The program brings its
// own pwrite, pwritev, fsync, fdatasync, rename, unlink and flock, which stand before the C library's, and
// can look before each of them at what a crash of the process or of the machine would leave: of a file its
// flushed bytes for sure and maybe all, of the folder any of the states since it was flushed. Included once.
#ifndef TRIPLINE_TEST_EXEC_TXLOG_DISK_H
#define TRIPLINE_TEST_EXEC_TXLOG_DISK_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char dir[64], path[80], new_path[96]; // the folder, the log, and what a compaction writes

enum { FILES = 8, STATES = 16 };
struct bytes {
    unsigned char *p;
    size_t n;
};
struct disk_file {
    ino_t ino;
    struct bytes now, flushed;
};
struct disk_names {
    ino_t log, new; // 0: there is none
};
static struct {
    bool watched;
    // At what is left; NULL for a file that is not there. May be NULL: nobody looks.
    void (*look)(const struct bytes *log, const struct bytes *new);
    struct disk_file file[FILES];
    struct disk_names state[STATES]; // of the folder, since it was flushed
    size_t n_files, n_states;
    unsigned moments, folder_flushes;
    ino_t folder;                                      // the last that was flushed
    bool full, fills, rename_fails, folder_fails;      // no room beside the log, or after its head; EIO
    void (*before_lock)(void), (*before_rename)(void); // once
} disk;

static struct bytes slurp(int fd)
{
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    struct bytes b = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    ck_assert_int_eq(pread(fd, b.p, b.n, 0), (ssize_t)b.n);
    return b;
}

static void spit(const char *to, const struct bytes *b)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n && close(fd) == 0);
}

static struct disk_file *disk_file(ino_t ino)
{
    size_t i = 0;
    while (i < disk.n_files && disk.file[i].ino != ino)
        i++;
    if (i == disk.n_files) {
        ck_assert_uint_lt(i, FILES);
        disk.file[disk.n_files++] = (struct disk_file){.ino = ino};
    }
    return &disk.file[i];
}

static ino_t scan(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return 0;
    ck_assert_int_eq(fstat(fd, &st), 0);
    struct disk_file *f = disk_file(st.st_ino);
    free(f->now.p);
    f->now = slurp(fd);
    (void)close(fd);
    return st.st_ino;
}

static void look_at(const struct disk_names *s, bool flushed_only)
{
    const struct disk_file *log = s->log ? disk_file(s->log) : NULL, *new = s->new ? disk_file(s->new) : NULL;
    disk.look(log ? flushed_only ? &log->flushed : &log->now : NULL,
              new ? flushed_only ? &new->flushed : &new->now : NULL);
}

// What may be left when it ends here.
static void moment(void)
{
    if (!disk.watched)
        return;
    disk.watched = false; // looking writes and flushes too
    const struct disk_names s = {scan(path), scan(new_path)};
    if (!disk.n_states || memcmp(&s, &disk.state[disk.n_states - 1], sizeof s)) {
        ck_assert_uint_lt(disk.n_states, STATES);
        disk.state[disk.n_states++] = s;
    }
    for (size_t i = 0; disk.look && i < disk.n_states; i++) {
        look_at(&disk.state[i], false);
        look_at(&disk.state[i], true);
    }
    disk.moments++;
    disk.watched = true;
}

// All that is there is on the disk.
static void watch(void (*look)(const struct bytes *, const struct bytes *))
{
    disk.look = look;
    for (size_t i = 0; i < disk.n_files; i++) {
        free(disk.file[i].now.p);
        free(disk.file[i].flushed.p);
    }
    disk.n_files = disk.n_states = disk.moments = 0;
    disk.state[disk.n_states++] = (struct disk_names){scan(path), scan(new_path)};
    for (size_t i = 0; i < disk.n_files; i++) {
        struct bytes *to = &disk.file[i].flushed, now = disk.file[i].now;
        *to = (struct bytes){malloc(now.n + 1), now.n};
        memcpy(to->p, now.p, now.n);
    }
    disk.watched = true;
}

static int flush(int fd, bool data)
{
    struct stat st;
    moment();
    ck_assert_int_eq(fstat(fd, &st), 0);
    if (S_ISDIR(st.st_mode)) {
        disk.folder_flushes++;
        disk.folder = st.st_ino;
    }
    if (S_ISDIR(st.st_mode) && disk.folder_fails) {
        errno = EIO;
        return -1;
    }
    int rc = (int)syscall(data ? SYS_fdatasync : SYS_fsync, fd);
    if (!disk.watched || rc)
        return rc;
    if (S_ISDIR(st.st_mode)) {
        disk.state[0] = disk.state[disk.n_states - 1]; // moment() has just seen it
        disk.n_states = 1;
    } else {
        struct disk_file *f = disk_file(st.st_ino);
        free(f->flushed.p);
        f->flushed = slurp(fd);
    }
    return rc;
}

int fsync(int fd)
{
    return flush(fd, false);
}

int fdatasync(int fd)
{
    return flush(fd, true);
}

static bool no_room(int fd, bool full)
{
    struct stat st, log;
    moment();
    if (!full || fstat(fd, &st) || stat(path, &log) || st.st_ino == log.st_ino)
        return false;
    errno = ENOSPC;
    return true;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return no_room(fd, disk.full) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return no_room(fd, disk.full || disk.fills) ? -1 : syscall(SYS_pwritev, fd, v, n, at, 0);
}

static void first(void (**what)(void))
{
    void (*f)(void) = *what;
    *what = NULL;
    if (f)
        f();
}

int rename(const char *from, const char *to)
{
    first(&disk.before_rename);
    moment();
    if (disk.rename_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *name)
{
    moment();
    return (int)syscall(SYS_unlink, name);
}

int flock(int fd, int how)
{
    first(&disk.before_lock);
    moment();
    return (int)syscall(SYS_flock, fd, how);
}

#endif
