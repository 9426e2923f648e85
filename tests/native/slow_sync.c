/* Preloaded into a process: every fsync and fdatasync takes SOPU_SYNC_MS longer, and leaves a line
   with the file's name in SOPU_SYNC_LOG. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void slow(int fd) {
    const char *ms = getenv("SOPU_SYNC_MS"), *log = getenv("SOPU_SYNC_LOG");
    if (log) {
        char link[64], line[4100];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, line, 4096);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (length > 0 && out >= 0) {
            line[length] = '\n';
            if (write(out, line, (size_t)length + 1) < 0) {
                abort();
            }
        }
        if (out >= 0) {
            close(out);
        }
    }
    if (ms) {
        long wait = atol(ms);
        struct timespec time = {wait / 1000, (wait % 1000) * 1000000L};
        nanosleep(&time, NULL);
    }
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) {
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    }
    slow(fd);
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) {
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    }
    slow(fd);
    return real(fd);
}
