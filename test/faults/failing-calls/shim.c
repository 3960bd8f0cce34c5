/*
 * Loaded with LD_PRELOAD: one call of the C library on files below a folder fails, the n-th that can fail with the wanted
 * error. SQLite's mapped memory is out of its reach.
 *
 *   FAIL_BELOW   the folder, absolute and resolved
 *   FAIL_AT      which call, from 1; 0: none, calls are only counted
 *   FAIL_WITH    EIO, ENOSPC or EACCES
 *   FAIL_REPORT  a file outside the folder: the number of calls seen, and what failed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READS = 1, WRITES = 2, NAMES = 4 };
enum { MAX_FD = 65536 };

static char below[PATH_MAX];
static size_t below_length;
static long fail_at;
static int fail_with;
static int report = -1;
static atomic_long seen;
static _Atomic(char *) paths[MAX_FD];

static int is_below(const char *path) {
  return path && below_length && !strncmp(path, below, below_length) && (path[below_length] == '/' || !path[below_length]);
}

/* A number whose file was closed unseen may belong to a socket now. */
static const char *path_of(int fd) {
  const char *path = fd >= 0 && fd < MAX_FD ? atomic_load(&paths[fd]) : NULL;
  struct stat now;
  if (!path || syscall(SYS_fstat, fd, &now) < 0) return NULL;
  return S_ISREG(now.st_mode) || S_ISDIR(now.st_mode) ? path : NULL;
}

static void keep(int fd, const char *path) {
  if (fd >= 0 && fd < MAX_FD) atomic_store(&paths[fd], is_below(path) ? strdup(path) : NULL);
}

static void say(const char *call, const char *path) {
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "failed %s %s\n", call, path);
  if (report >= 0) syscall(SYS_write, report, line, (size_t)length);
}

/* Whether this call is to fail; errno is set then. A full disk refuses no reads, and permissions no open file. */
static int fails(int kind, const char *call, const char *path) {
  if (!path) return 0;
  if (fail_with == ENOSPC && !(kind & WRITES)) return 0;
  if (fail_with == EACCES && !(kind & NAMES)) return 0;
  if (atomic_fetch_add(&seen, 1) + 1 != fail_at) return 0;
  say(call, path);
  errno = fail_with;
  return 1;
}

static int fails_at(int kind, const char *call, const char *path) { return fails(kind, call, is_below(path) ? path : NULL); }

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("FAIL_BELOW"), *with = getenv("FAIL_WITH"), *at = getenv("FAIL_AT"), *to = getenv("FAIL_REPORT");
  if (!folder || !to) return;
  snprintf(below, sizeof below, "%s", folder);
  below_length = strlen(below);
  fail_at = at ? atol(at) : 0;
  fail_with = with && !strcmp(with, "ENOSPC") ? ENOSPC : with && !strcmp(with, "EACCES") ? EACCES : EIO;
  report = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  for (int fd = 0; fd < 3; fd++) {
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length > 0) target[length] = 0, keep(fd, target);
  }
}

__attribute__((destructor)) static void end(void) {
  char line[64];
  int length = snprintf(line, sizeof line, "seen %ld\n", atomic_load(&seen));
  if (report >= 0) syscall(SYS_write, report, line, (size_t)length);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

static int kind_of_open(int flags) { return NAMES | READS | (flags & O_CREAT ? WRITES : 0); }

#define OPEN(name)                                                                    \
  int name(const char *path, int flags, ...) {                                        \
    REAL(name);                                                                       \
    va_list list;                                                                     \
    va_start(list, flags);                                                            \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;           \
    va_end(list);                                                                     \
    if (fails_at(kind_of_open(flags), "open", path)) return -1;                       \
    int fd = real(path, flags, mode);                                                 \
    keep(fd, path);                                                                   \
    return fd;                                                                        \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(close);
  if (fd >= 0 && fd < MAX_FD) atomic_store(&paths[fd], NULL);
  return real(fd);
}

#define ON_FD(type, name, kind, parameters, arguments) \
  type name parameters {                               \
    REAL(name);                                        \
    if (fails(kind, #name, path_of(fd))) return -1;    \
    return real arguments;                             \
  }
ON_FD(ssize_t, read, READS, (int fd, void *to, size_t n), (fd, to, n))
ON_FD(ssize_t, pread, READS, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
ON_FD(ssize_t, pread64, READS, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at))
ON_FD(ssize_t, readv, READS, (int fd, const struct iovec *to, int n), (fd, to, n))
ON_FD(ssize_t, preadv, READS, (int fd, const struct iovec *to, int n, off_t at), (fd, to, n, at))
ON_FD(ssize_t, preadv64, READS, (int fd, const struct iovec *to, int n, off64_t at), (fd, to, n, at))
ON_FD(ssize_t, write, WRITES, (int fd, const void *from, size_t n), (fd, from, n))
ON_FD(ssize_t, pwrite, WRITES, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
ON_FD(ssize_t, pwrite64, WRITES, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at))
ON_FD(ssize_t, writev, WRITES, (int fd, const struct iovec *from, int n), (fd, from, n))
ON_FD(ssize_t, pwritev, WRITES, (int fd, const struct iovec *from, int n, off_t at), (fd, from, n, at))
ON_FD(ssize_t, pwritev64, WRITES, (int fd, const struct iovec *from, int n, off64_t at), (fd, from, n, at))
ON_FD(int, fsync, WRITES, (int fd), (fd))
ON_FD(int, fdatasync, WRITES, (int fd), (fd))
ON_FD(int, ftruncate, WRITES, (int fd, off_t n), (fd, n))
ON_FD(int, ftruncate64, WRITES, (int fd, off64_t n), (fd, n))
ON_FD(int, fstat, READS, (int fd, struct stat *to), (fd, to))
ON_FD(int, fstat64, READS, (int fd, struct stat64 *to), (fd, to))
ON_FD(int, fchmod, 0, (int fd, mode_t mode), (fd, mode))

#define ON_PATH(type, failure, name, kind, parameters, arguments) \
  type name parameters {                                          \
    REAL(name);                                                   \
    if (fails_at(kind, #name, path)) return failure;              \
    return real arguments;                                        \
  }
ON_PATH(int, -1, stat, READS | NAMES, (const char *path, struct stat *to), (path, to))
ON_PATH(int, -1, stat64, READS | NAMES, (const char *path, struct stat64 *to), (path, to))
ON_PATH(int, -1, lstat, READS | NAMES, (const char *path, struct stat *to), (path, to))
ON_PATH(int, -1, lstat64, READS | NAMES, (const char *path, struct stat64 *to), (path, to))
ON_PATH(int, -1, statfs, READS | NAMES, (const char *path, struct statfs *to), (path, to))
ON_PATH(int, -1, statfs64, READS | NAMES, (const char *path, struct statfs64 *to), (path, to))
ON_PATH(int, -1, access, READS | NAMES, (const char *path, int mode), (path, mode))
ON_PATH(int, -1, unlink, WRITES | NAMES, (const char *path), (path))
ON_PATH(int, -1, rmdir, WRITES | NAMES, (const char *path), (path))
ON_PATH(int, -1, mkdir, WRITES | NAMES, (const char *path, mode_t mode), (path, mode))
ON_PATH(int, -1, chmod, NAMES, (const char *path, mode_t mode), (path, mode))
ON_PATH(char *, NULL, realpath, READS | NAMES, (const char *path, char *to), (path, to))
ON_PATH(DIR *, NULL, opendir, READS | NAMES, (const char *path), (path))
ON_PATH(int, -1, scandir, READS | NAMES,
        (const char *path, struct dirent ***to, int (*filter)(const struct dirent *),
         int (*order)(const struct dirent **, const struct dirent **)),
        (path, to, filter, order))
ON_PATH(int, -1, scandir64, READS | NAMES,
        (const char *path, struct dirent64 ***to, int (*filter)(const struct dirent64 *),
         int (*order)(const struct dirent64 **, const struct dirent64 **)),
        (path, to, filter, order))

int rename(const char *path, const char *to) {
  REAL(rename);
  if (fails_at(WRITES | NAMES, "rename", is_below(path) ? path : to)) return -1;
  return real(path, to);
}

int statx(int fd, const char *restrict path, int flags, unsigned int mask, struct statx *restrict to) {
  REAL(statx);
  if (*path ? fails_at(READS | NAMES, "statx", path) : fails(READS, "statx", path_of(fd))) return -1;
  return real(fd, path, flags, mask, to);
}

/* libuv asks for statx without the wrapper of the C library. */
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number == SYS_statx) {
    const char *path = (const char *)b;
    if (path && *path ? fails_at(READS | NAMES, "statx", path) : fails(READS, "statx", path_of((int)a))) return -1;
  }
  return real(number, a, b, c, d, e, f);
}
