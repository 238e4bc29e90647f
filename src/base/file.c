/* SPDX-License-Identifier: Apache-2.0
 * Whole files: bounded reading, and writing that survives a crash at any moment. */
#define _POSIX_C_SOURCE 200809L
#include <base_share.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pgd_status read_all(int fd, const char *path, char *into, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(fd, into + done, bytes - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return pgd_fail(PGD_IO, "%s: cannot read: %s", path, strerror(errno));
        if (got == 0) return pgd_fail(PGD_CORRUPT, "%s: ended after %zu of %zu bytes; it changed while being read", path, done, bytes);
        done += (size_t)got;
    }
    return PGD_OK;
}

static pgd_status read_open(int fd, const char *path, size_t limit_bytes, char **out, size_t *out_bytes) {
    struct stat info;
    if (fstat(fd, &info) != 0) return pgd_fail(PGD_IO, "%s: cannot look at it: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return pgd_fail(PGD_IO, "%s: is not a regular file", path);
    if ((uint64_t)info.st_size > limit_bytes)
        return pgd_fail(PGD_CORRUPT, "%s: has %lld bytes, more than the %zu allowed here", path, (long long)info.st_size, limit_bytes);
    char *bytes = pgd_mem_alloc((size_t)info.st_size + 1);
    if (bytes == NULL) return pgd_fail_memory((size_t)info.st_size);
    pgd_status status = read_all(fd, path, bytes, (size_t)info.st_size);
    if (status != PGD_OK) {
        pgd_mem_free(bytes);
        return status;
    }
    bytes[info.st_size] = '\0';
    *out = bytes;
    *out_bytes = (size_t)info.st_size;
    return PGD_OK;
}

pgd_status pgd_file_read(const char *path, size_t limit_bytes, char **out, size_t *out_bytes) {
    *out = NULL;
    *out_bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pgd_fail(PGD_IO, "%s: cannot open: %s", path, strerror(errno));
    pgd_status status = read_open(fd, path, limit_bytes, out, out_bytes);
    close(fd);
    return status;
}

static pgd_status write_pieces(int fd, const char *path, const pgd_piece *pieces, int32_t piece_count) {
    for (int32_t i = 0; i < piece_count; i++)
        for (size_t done = 0; done < pieces[i].count;) {
            ssize_t put = write(fd, (const char *)pieces[i].bytes + done, pieces[i].count - done);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return pgd_fail(PGD_IO, "%s: cannot write: %s", path, strerror(errno));
            done += (size_t)put;
        }
    if (fsync(fd) != 0) return pgd_fail(PGD_IO, "%s: cannot flush to disk: %s", path, strerror(errno));
    return PGD_OK;
}

/* The rename itself must reach the disk, so the folder is flushed too; some file systems refuse that, which does no harm. */
static void flush_folder(const char *path) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    if ((size_t)length >= sizeof folder) return;
    snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

pgd_status pgd_file_write_atomic(const char *path, const pgd_piece *pieces, int32_t piece_count) {
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return pgd_fail(PGD_BAD_ARG, "the path has more than %zu characters; use a shorter one", sizeof temporary - 5);
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) return pgd_fail(PGD_IO, "%s: cannot write: it is there and is no regular file", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return pgd_fail(PGD_IO, "%s: cannot create: %s", temporary, strerror(errno));
    pgd_status status = write_pieces(fd, path, pieces, piece_count);
    if (close(fd) != 0 && status == PGD_OK) status = pgd_fail(PGD_IO, "%s: cannot close: %s", temporary, strerror(errno));
    if (status == PGD_OK && rename(temporary, path) != 0) status = pgd_fail(PGD_IO, "%s: cannot rename into place: %s", path, strerror(errno));
    if (status != PGD_OK) {
        unlink(temporary);
        return status;
    }
    flush_folder(path);
    return PGD_OK;
}
