// mount.nfs for kernels without NFS: a FUSE client on libnfs, version 3, with a time limit for each answer.
// As mount(8) calls it: mount.nfs SERVER:/PATH FOLDER [-o OPTIONS]. Of the options it heeds ro and timeo (tenths of a
// second). Each request has the user and group of the process that asks, so that the server decides who may do what.
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <nfsc/libnfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct nfs_context *nfs;

static struct nfs_context *as_caller(void) {
    struct fuse_context *caller = fuse_get_context();
    nfs_set_uid(nfs, caller->uid);
    nfs_set_gid(nfs, caller->gid);
    return nfs;
}

// A server that has just started answers "later" to changes: its clients ask again, as the kernel's would.
#define LATER(call) ({ int status, tries = 100; while ((status = (call)) == -EAGAIN && tries--) sleep(1); status; })

static int do_getattr(const char *path, struct stat *out, struct fuse_file_info *file) {
    (void)file;
    struct nfs_stat_64 in;
    int status = nfs_lstat64(as_caller(), path, &in);
    if (status) return status;
    memset(out, 0, sizeof *out);
    out->st_ino = in.nfs_ino, out->st_mode = in.nfs_mode, out->st_nlink = in.nfs_nlink;
    out->st_uid = in.nfs_uid, out->st_gid = in.nfs_gid, out->st_size = in.nfs_size;
    out->st_blksize = in.nfs_blksize, out->st_blocks = in.nfs_blocks;
    out->st_atim.tv_sec = in.nfs_atime, out->st_mtim.tv_sec = in.nfs_mtime, out->st_ctim.tv_sec = in.nfs_ctime;
    return 0;
}

static int do_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t from, struct fuse_file_info *file,
                      enum fuse_readdir_flags flags) {
    (void)from, (void)file, (void)flags;
    struct nfsdir *folder;
    struct nfsdirent *entry;
    int status = nfs_opendir(as_caller(), path, &folder);
    if (status) return status;
    while ((entry = nfs_readdir(nfs, folder))) fill(buffer, entry->name, NULL, 0, 0);
    nfs_closedir(nfs, folder);
    return 0;
}

static int do_open(const char *path, struct fuse_file_info *file) {
    return nfs_open(as_caller(), path, file->flags & (O_ACCMODE | O_TRUNC), (struct nfsfh **)&file->fh);
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *file) {
    return nfs_creat(as_caller(), path, mode, (struct nfsfh **)&file->fh);
}

static int do_read(const char *path, char *buffer, size_t size, off_t at, struct fuse_file_info *file) {
    (void)path;
    return nfs_pread(as_caller(), (struct nfsfh *)file->fh, at, size, buffer);
}

static int do_write(const char *path, const char *buffer, size_t size, off_t at, struct fuse_file_info *file) {
    (void)path;
    return nfs_pwrite(as_caller(), (struct nfsfh *)file->fh, at, size, buffer);
}

static int do_release(const char *path, struct fuse_file_info *file) {
    (void)path;
    return nfs_close(as_caller(), (struct nfsfh *)file->fh);
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *file) {
    (void)file;
    return LATER(nfs_truncate(as_caller(), path, size));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *file) {
    (void)file;
    return LATER(nfs_lchmod(as_caller(), path, mode & 07777));
}

static int do_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *file) {
    struct stat now;
    int status = do_getattr(path, &now, file);
    if (status) return status;
    user = (int)user == -1 ? now.st_uid : user, group = (int)group == -1 ? now.st_gid : group;
    return LATER(nfs_lchown(nfs, path, user, group));
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file) {
    (void)file;
    struct timespec now;
    struct timeval set[2];
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < 2; i++) {
        const struct timespec *time = times[i].tv_nsec == UTIME_NOW ? &now : &times[i];
        set[i] = (struct timeval){time->tv_sec, time->tv_nsec / 1000};
    }
    return LATER(nfs_lutimes(as_caller(), path, set));
}

static int do_mkdir(const char *path, mode_t mode) { return nfs_mkdir2(as_caller(), path, mode); }
static int do_unlink(const char *path) { return nfs_unlink(as_caller(), path); }
static int do_rmdir(const char *path) { return nfs_rmdir(as_caller(), path); }
static int do_symlink(const char *target, const char *path) { return nfs_symlink(as_caller(), target, path); }
static int do_link(const char *from, const char *to) { return nfs_link(as_caller(), from, to); }
static int do_readlink(const char *path, char *out, size_t size) { return nfs_readlink(as_caller(), path, out, size); }
static int do_statfs(const char *path, struct statvfs *out) { return nfs_statvfs(as_caller(), path, out); }

static int do_rename(const char *from, const char *to, unsigned int flags) {
    return flags ? -EINVAL : nfs_rename(as_caller(), from, to);
}

static int do_fsync(const char *path, int data, struct fuse_file_info *file) {
    (void)path, (void)data;
    return nfs_fsync(as_caller(), (struct nfsfh *)file->fh);
}

static const struct fuse_operations operations = {
    .getattr = do_getattr, .readdir = do_readdir, .open = do_open, .create = do_create, .read = do_read,
    .write = do_write, .release = do_release, .truncate = do_truncate, .chmod = do_chmod, .chown = do_chown,
    .utimens = do_utimens, .mkdir = do_mkdir, .unlink = do_unlink, .rmdir = do_rmdir, .symlink = do_symlink,
    .link = do_link, .readlink = do_readlink, .statfs = do_statfs, .rename = do_rename, .fsync = do_fsync,
};

static int refuse(const char *why) {
    fprintf(stderr, "mount.nfs: %s\n", why);
    return 32;
}

int main(int count, char **words) {
    if (count < 3) return refuse("mount.nfs SERVER:/PATH FOLDER [-o OPTIONS]");
    char *source = words[1], *folder = words[2], *options = "", name[4096];
    for (int i = 3; i < count - 1; i++)
        if (!strcmp(words[i], "-o")) options = words[i + 1];
    if (strstr(options, "vers=4")) return refuse("the lab mounts version 3 only");
    char *path = strchr(source, ':'), *limit = strstr(options, "timeo=");
    if (!path) return refuse("the share is not SERVER:/PATH");
    snprintf(name, sizeof name, "-ofsname=%s,subtype=nfs,allow_other,dev,suid%s", source,
             strstr(options, "ro,") == options || strstr(options, ",ro") || !strcmp(options, "ro") ? ",ro" : "");
    char *server = strndup(source, path - source);
    if (!(nfs = nfs_init_context())) return refuse("no memory");
    nfs_set_timeout(nfs, limit ? atoi(limit + 6) * 100 : 10000);
    nfs_set_autoreconnect(nfs, -1);
    if (nfs_mount(nfs, server, path + 1)) return refuse(nfs_get_error(nfs));
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    fuse_opt_add_arg(&args, "mount.nfs");
    fuse_opt_add_arg(&args, name);
    struct fuse *fuse = fuse_new(&args, &operations, sizeof operations, NULL);
    if (!fuse || fuse_mount(fuse, folder)) return refuse("FUSE does not mount it");
    fuse_daemonize(0);
    fuse_loop(fuse);
    fuse_unmount(fuse);
    nfs_destroy_context(nfs);
    return 0;
}
