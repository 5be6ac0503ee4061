/*
 * Preloaded by tests: lets the n-th call of a kind fail that touches a file below a folder, in whatever process it is made.
 *
 *   PGOPS_FAULT_UNDER  the folder
 *   PGOPS_FAULT_CALL   fsync, chmod, rename, flock or write
 *   PGOPS_FAULT_AT     which call fails, from 1; 0 for none; -1 for all
 *   PGOPS_FAULT_ERRNO  with what
 *   PGOPS_FAULT_COUNT  a file that gets a byte for each call, and so counts over all processes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);

static int fails(const char *call, const char *path)
{
    const char *wanted = getenv("PGOPS_FAULT_CALL"), *under = getenv("PGOPS_FAULT_UNDER"), *count = getenv("PGOPS_FAULT_COUNT");
    off_t counted;
    int at, file, error = errno;

    if (!wanted || !under || !count || strcmp(wanted, call) != 0 || strncmp(path, under, strlen(under)) != 0)
        return 0;
    if (!real_open)
        real_open = dlsym(RTLD_NEXT, "open");
    if (!real_write)
        real_write = dlsym(RTLD_NEXT, "write");
    file = real_open(count, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        abort();
    /* Where this very call's mark ends: another thread may have made its own since, so the file's size tells nothing. */
    if (real_write(file, "x", 1) != 1 || (counted = lseek(file, 0, SEEK_CUR)) < 0)
        abort();
    close(file);
    at = atoi(getenv("PGOPS_FAULT_AT"));
    errno = error;
    if (at != -1 && at != counted)
        return 0;
    errno = atoi(getenv("PGOPS_FAULT_ERRNO"));
    return 1;
}

static int descriptor_fails(const char *call, int descriptor)
{
    char link[64], path[PATH_MAX];
    ssize_t length;
    int error = errno;

    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    errno = error;
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

int fsync(int descriptor) { REAL(fsync); return descriptor_fails("fsync", descriptor) ? -1 : real(descriptor); }
int fdatasync(int descriptor) { REAL(fdatasync); return descriptor_fails("fsync", descriptor) ? -1 : real(descriptor); }
int chmod(const char *path, mode_t mode) { REAL(chmod); return fails("chmod", path) ? -1 : real(path, mode); }
int fchmod(int descriptor, mode_t mode) { REAL(fchmod); return descriptor_fails("chmod", descriptor) ? -1 : real(descriptor, mode); }
int rename(const char *from, const char *to) { REAL(rename); return fails("rename", from) ? -1 : real(from, to); }
int flock(int descriptor, int operation) { REAL(flock); return descriptor_fails("flock", descriptor) ? -1 : real(descriptor, operation); }
ssize_t pwrite(int d, const void *b, size_t n, off_t o) { REAL(pwrite); return descriptor_fails("write", d) ? -1 : real(d, b, n, o); }
ssize_t pwrite64(int d, const void *b, size_t n, off64_t o) { REAL(pwrite64); return descriptor_fails("write", d) ? -1 : real(d, b, n, o); }
ssize_t writev(int d, const struct iovec *v, int n) { REAL(writev); return descriptor_fails("write", d) ? -1 : real(d, v, n); }
ssize_t write(int d, const void *b, size_t n) { REAL(write); return descriptor_fails("write", d) ? -1 : real(d, b, n); }
