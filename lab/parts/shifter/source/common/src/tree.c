#include "config.h"

#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what, const char *path) {
    fprintf(stderr, "FAILED to %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

int folders(const char *path) {
    char *copy = text("%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST) return -1;
        *slash = '/';
    }
    int made = mkdir(copy, 0755) == 0 || errno == EEXIST ? 0 : -1;
    free(copy);
    return made;
}

static int place(const char *path, int folder) {
    if (folder) return folders(path);
    char *parent = text("%s", path);
    *strrchr(parent, '/') = '\0';
    int made = folders(parent);
    free(parent);
    int fd = made == 0 ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644) : -1;
    if (fd >= 0) close(fd);
    return fd >= 0 ? 0 : -1;
}

int bind_at(const char *from, const char *root, const char *to) {
    struct stat source;
    char *at = text("%s%s", root, to);
    if (stat(from, &source) != 0) return fail("find", from);
    if (place(at, S_ISDIR(source.st_mode)) != 0) return fail("make the place", at);
    if (mount(from, at, NULL, MS_BIND | MS_REC, NULL) != 0) return fail("mount", at);
    free(at);
    return 0;
}

int run(char *const *argv, const char *folder) {
    static char *const nothing[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        /* Root's in all, else a shell gives the rights away; and nothing of the user's environment. */
        if (setgid(0) != 0 || setuid(0) != 0 || (folder && chdir(folder) != 0)) _exit(127);
        execve(argv[0], argv, nothing);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int copy_to(const char *cp, const char *from, const char *root, const char *to) {
    char *at = text("%s%s", root, to), *source = text("%s/.", from);
    char *argv[] = {text("%s", cp), "-a", source, at, NULL};
    if (folders(at) != 0) return fail("make the place", at);
    return run(argv, NULL) == 0 ? 0 : fail("copy", from);
}

enum { CLOSED, OPEN, TARGET };

/* Whether path is a target, or lies on the way to one. */
static int kind(const char *path, char *const *targets) {
    size_t n = strlen(path);
    int found = CLOSED;
    for (; *targets; targets++) {
        if (strncmp(*targets, path, n) != 0) continue;
        if ((*targets)[n] == '\0') return TARGET;
        if ((*targets)[n] == '/') found = OPEN;
    }
    return found;
}

static int lay_one(const char *image, const char *root, const char *path, char *const *targets);

static int lay_all(const char *image, const char *root, const char *path, char *const *targets) {
    char *source = text("%s%s", image, *image || *path ? path : "/"), *at = text("%s%s", root, path);
    DIR *folder = opendir(source);
    struct dirent *entry;
    int wrong = folder && folders(at) == 0 ? 0 : fail("read", source);
    while (!wrong && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *inner = text("%s/%s", path, entry->d_name);
        wrong = lay_one(image, root, inner, targets);
        free(inner);
    }
    if (folder) closedir(folder);
    free(source);
    free(at);
    return wrong;
}

static int lay_one(const char *image, const char *root, const char *path, char *const *targets) {
    char *source = text("%s%s", image, path), *at = text("%s%s", root, path), link[4096];
    struct stat it;
    int wrong = 0, as = kind(path, targets);
    if (as == TARGET || lstat(source, &it) != 0) wrong = 0; /* comes later, or gone meanwhile */
    else if (S_ISLNK(it.st_mode)) {
        ssize_t n = readlink(source, link, sizeof link - 1);
        link[n < 0 ? 0 : n] = '\0';
        if (n < 0 || symlink(link, at) != 0) wrong = fail("link", at);
    } else if (S_ISDIR(it.st_mode) && as == OPEN) wrong = lay_all(image, root, path, targets);
    else if (S_ISDIR(it.st_mode) || S_ISREG(it.st_mode)) wrong = bind_at(source, root, path);
    free(source);
    free(at);
    return wrong;
}

int lay(const char *image, const char *root, char *const *targets) {
    return lay_all(strcmp(image, "/") == 0 ? "" : image, root, "", targets);
}
