/* mount [-n] [-o OPTIONS] -t TYPE FROM TO; with `loop` among the options it finds a loop device by itself.
 *
 * The lab's hosts have loop devices in the kernel and no nodes in /dev: it makes the node it
 * needs for a moment, in /dev, because /run takes none.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int fail(const char *what) {
    fprintf(stderr, "mount: %s: %s\n", what, strerror(errno));
    return 32;
}

static int device(const char *path, mode_t kind, dev_t number) {
    unlink(path);
    if (mknod(path, kind | 0600, number) != 0) return -1;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd;
}

static int loop(const char *image, const char *to, const char *type, unsigned long flags) {
    char folder[] = "/dev/shifter-loop.XXXXXX", node[64];
    struct loop_config set = {.fd = open(image, O_RDONLY | O_CLOEXEC)};
    set.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if ((int)set.fd < 0) return fail(image);
    if (!mkdtemp(folder)) return fail(folder);
    snprintf(node, sizeof node, "%s/node", folder);
    int control = device(node, S_IFCHR, makedev(10, 237)), status = 32, used = -1;
    for (int tries = 0; control >= 0 && used < 0 && tries < 8; tries++) {
        int free_one = ioctl(control, LOOP_CTL_GET_FREE);
        used = free_one < 0 ? -1 : device(node, S_IFBLK, makedev(7, free_one));
        if (used >= 0 && ioctl(used, LOOP_CONFIGURE, &set) != 0) {
            close(used);
            used = -1; /* another took it meanwhile */
        }
    }
    if (used < 0) fail("no loop device");
    else if (mount(node, to, type, flags | MS_RDONLY, NULL) != 0) fail(to);
    else status = 0;
    unlink(node);
    rmdir(folder);
    return status;
}

int main(int argc, char **argv) {
    unsigned long flags = 0;
    const char *type = NULL;
    int by_loop = 0, option;
    while ((option = getopt(argc, argv, "no:t:")) != -1) {
        if (option == 't') type = optarg;
        if (option != 'o') continue;
        for (char *word = strtok(optarg, ","); word; word = strtok(NULL, ",")) {
            by_loop |= strcmp(word, "loop") == 0;
            flags |= strcmp(word, "ro") == 0 ? MS_RDONLY : strcmp(word, "nosuid") == 0 ? MS_NOSUID : 0;
            flags |= strcmp(word, "nodev") == 0 ? MS_NODEV : strcmp(word, "bind") == 0 ? MS_BIND : 0;
        }
    }
    if (argc - optind != 2 || !type) {
        fprintf(stderr, "usage: mount [-n] [-o OPTIONS] -t TYPE FROM TO\n");
        return 1;
    }
    if (by_loop) return loop(argv[optind], argv[optind + 1], type, flags);
    return mount(argv[optind], argv[optind + 1], type, flags, NULL) == 0 ? 0 : fail(argv[optind + 1]);
}
