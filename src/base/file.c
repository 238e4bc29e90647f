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

/* Between two questions to the progress callback: some milliseconds of a disk. */
enum { PIECE_BYTES = 4 << 20 };

/* What can be done about it. */
static const char *remedy(int error, bool writing) {
    if (error == ENOSPC || error == EDQUOT) return "make room on that disk, or write elsewhere";
    if (error == EACCES || error == EPERM || error == EROFS) return writing ? "give a place that you may write to" : "give a file that you may read";
    if (error == ENOENT || error == ENOTDIR) return writing ? "give a place in a folder that exists" : "check the path";
    return "try again, or use another file";
}

static size_t at_most_a_piece(size_t bytes) { return bytes < PIECE_BYTES ? bytes : PIECE_BYTES; }

static pgd_status read_all(int fd, const char *path, const pgd_progress *progress, char *into, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        PGD_TRY(pgd_progress_report(progress, "reading", (double)done / (double)bytes));
        ssize_t got = read(fd, into + done, at_most_a_piece(bytes - done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return pgd_fail(PGD_IO, "%s: cannot read: %s; %s", path, strerror(errno), remedy(errno, false));
        if (got == 0) return pgd_fail(PGD_CORRUPT, "%s: ended after %zu of %zu bytes; it changed while being read", path, done, bytes);
        done += (size_t)got;
    }
    return PGD_OK;
}

/* The whole file, which may have limit_bytes; or of a larger one only these. */
static pgd_status read_open(int fd, const char *path, bool whole, size_t limit_bytes, const pgd_progress *progress, char **out, size_t *out_bytes) {
    struct stat info;
    if (fstat(fd, &info) != 0) return pgd_fail(PGD_IO, "%s: cannot look at it: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return pgd_fail(PGD_IO, "%s: is not a regular file; give the path of one", path);
    if (whole && (uint64_t)info.st_size > limit_bytes)
        return pgd_fail(PGD_CORRUPT, "%s: has %lld bytes, more than the %zu allowed here", path, (long long)info.st_size, limit_bytes);
    size_t count = (uint64_t)info.st_size > limit_bytes ? limit_bytes : (size_t)info.st_size;
    char *bytes = pgd_mem_alloc(count + 1);
    if (bytes == NULL) return pgd_fail_memory(count);
    pgd_status status = read_all(fd, path, progress, bytes, count);
    if (status != PGD_OK) {
        pgd_mem_free(bytes);
        return status;
    }
    bytes[count] = '\0';
    *out = bytes;
    *out_bytes = count;
    return PGD_OK;
}

static pgd_status read_path(const char *path, bool whole, size_t limit_bytes, const pgd_progress *progress, char **out, size_t *out_bytes) {
    *out = NULL;
    *out_bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pgd_fail(PGD_IO, "%s: cannot open: %s; %s", path, strerror(errno), remedy(errno, false));
    pgd_status status = read_open(fd, path, whole, limit_bytes, progress, out, out_bytes);
    close(fd);
    return status;
}

pgd_status pgd_file_read(const char *path, size_t limit_bytes, const pgd_progress *progress, char **out, size_t *out_bytes) {
    return read_path(path, true, limit_bytes, progress, out, out_bytes);
}

pgd_status pgd_file_read_head(const char *path, size_t limit_bytes, char **out, size_t *out_bytes) { return read_path(path, false, limit_bytes, NULL, out, out_bytes); }

static pgd_status write_pieces(int fd, const char *path, const pgd_piece *pieces, int32_t piece_count, const pgd_progress *progress) {
    double all = 0, written = 0;
    for (int32_t i = 0; i < piece_count; i++) all += (double)pieces[i].count;
    for (int32_t i = 0; i < piece_count; i++)
        for (size_t done = 0; done < pieces[i].count;) {
            PGD_TRY(pgd_progress_report(progress, "writing", written / all));
            ssize_t put = write(fd, (const char *)pieces[i].bytes + done, at_most_a_piece(pieces[i].count - done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return pgd_fail(PGD_IO, "%s: cannot write: %s; %s", path, strerror(errno), remedy(errno, true));
            done += (size_t)put;
            written += (double)put;
        }
    if (fsync(fd) != 0) return pgd_fail(PGD_IO, "%s: cannot flush to disk: %s; %s", path, strerror(errno), remedy(errno, true));
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

pgd_status pgd_file_write_atomic(const char *path, const pgd_piece *pieces, int32_t piece_count, const pgd_progress *progress) {
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return pgd_fail(PGD_BAD_ARG, "the path has more than %zu characters; use a shorter one", sizeof temporary - 5);
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) return pgd_fail(PGD_IO, "%s: cannot write: it is there and is no regular file; give another path", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return pgd_fail(PGD_IO, "%s: cannot create: %s; %s", path, strerror(errno), remedy(errno, true));
    pgd_status status = write_pieces(fd, path, pieces, piece_count, progress);
    if (close(fd) != 0 && status == PGD_OK) status = pgd_fail(PGD_IO, "%s: cannot close: %s; %s", path, strerror(errno), remedy(errno, true));
    if (status == PGD_OK && rename(temporary, path) != 0) status = pgd_fail(PGD_IO, "%s: cannot rename into place: %s; %s", path, strerror(errno), remedy(errno, true));
    if (status != PGD_OK) {
        unlink(temporary);
        return status;
    }
    flush_folder(path);
    return PGD_OK;
}
