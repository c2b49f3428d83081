/* shifter: runs a command in a container. The lab's stand-in; see README.md. */
#include "config.h"

#include "conf.h"
#include "environment.h"
#include "tree.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct wish {
    const char *image, *type, *volumes, *modules, *folder;
    char **set;
    int n_set, verbose;
};

static const char HELP[] =
    "Usage: shifter [options] [--] command [arguments]\n"
    "  This is the gpu-metal lab's stand-in of shifter " PACKAGE_VERSION ".\n"
    "  -i, --image=TYPE:NAME    docker:NAME:TAG, id:ID or local:/FOLDER\n"
    "  -V, --volume=FROM:TO     mounted in the container; more after ;\n"
#ifdef WITH_MODULES
    "  -m, --module=NAME,NAME   instead of defaultModules; none: no module\n"
#endif
    "  -e, --env=NAME=VALUE     set in the container\n"
    "  -w, --workdir=FOLDER     of the command\n"
    "  -v, --verbose\n"
    "  -h, --help\n";

static int refuse(const char *why, const char *what) {
    fprintf(stderr, "%s%s\n", why, what);
    return 1;
}

static int options(int argc, char **argv, struct wish *wish) {
    static const struct option LONG[] = {
        {"help", no_argument, NULL, 'h'},          {"image", required_argument, NULL, 'i'},
        {"volume", required_argument, NULL, 'V'},  {"module", required_argument, NULL, 'm'},
        {"env", required_argument, NULL, 'e'},     {"workdir", required_argument, NULL, 'w'},
        {"verbose", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0},
    };
    int option;
    wish->set = calloc(argc, sizeof *wish->set);
    while ((option = getopt_long(argc, argv, "+hvi:V:m:e:w:", LONG, NULL)) != -1) {
        if (option == 'i') wish->image = optarg;
        else if (option == 'V') wish->volumes = optarg;
        else if (option == 'm') wish->modules = optarg;
        else if (option == 'w') wish->folder = optarg;
        else if (option == 'e' && strchr(optarg, '=')) wish->set[wish->n_set++] = optarg;
        else if (option == 'v') wish->verbose = 1;
        else {
            fputs(HELP, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 1);
        }
    }
    return optind;
}

/* The words before and after the first colon: type and name. */
static int name(const struct conf *conf, struct wish *wish) {
    const char *asked = wish->image, *type = getenv("SHIFTER_IMAGETYPE"), *usual = conf_get(conf, "defaultImageType");
    if (!asked && type && getenv("SHIFTER_IMAGE")) asked = text("%s:%s", type, getenv("SHIFTER_IMAGE"));
    if (!asked) return refuse("Image must be specified: --image=TYPE:NAME", "");
    static const char *const TYPES[] = {"docker:", "custom:", "local:", "id:"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strncmp(asked, TYPES[i], strlen(TYPES[i])) == 0) {
            wish->type = TYPES[i];
            wish->image = asked + strlen(TYPES[i]);
            return 0;
        }
    if (!usual) return refuse("Image type is missing, and defaultImageType is not set: ", asked);
    wish->type = text("%s:", usual);
    wish->image = asked;
    return 0;
}

/* Asks the gateway as the user, whose munge credential it is. */
static char *identifier(const struct wish *wish) {
    int ends[2], status = 1;
    char *asked = text("%s%s", wish->type, wish->image), id[256] = "";
    if (pipe(ends) != 0) return NULL;
    pid_t child = fork();
    if (child == 0) {
        if (setresuid(getuid(), getuid(), getuid()) != 0) _exit(1);
        dup2(ends[1], STDOUT_FILENO);
        execl(BIN "/shifterimg", "shifterimg", "lookup", asked, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *answer = fdopen(ends[0], "r");
    char *got = fgets(id, sizeof id, answer);
    fclose(answer);
    waitpid(child, &status, 0);
    id[strcspn(id, "\n")] = '\0';
    if (!got || status != 0 || !*id || id[strspn(id, "0123456789abcdefABCDEF")]) return NULL;
    return text("%s", id);
}

/* What the gateway wrote beside the image. */
static void metadata(const char *path, struct wish *wish) {
    FILE *file = fopen(path, "r");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, '=');
        if (strncmp(line, "ENV: ", 5) == 0 && value) {
            *value++ = '\0';
            setenv(line + 5, value, 1);
        } else if (strncmp(line, "WORKDIR: ", 9) == 0 && !wish->folder && line[9] == '/')
            wish->folder = text("%s", line + 9);
    }
    if (file) fclose(file);
}

/* The folder that holds the image; its squashfs is mounted when it is one. */
static const char *source(const struct conf *conf, struct wish *wish) {
    if (strcmp(wish->type, "local:") == 0) {
        if (!conf_flag(conf, "allowLocalChroot")) refuse("local images are not allowed here (allowLocalChroot)", "");
        else if (*wish->image != '/') refuse("local image must be an absolute path: ", wish->image);
        else return wish->image;
        return NULL;
    }
    char *id = strcmp(wish->type, "id:") == 0 ? text("%s", wish->image) : identifier(wish);
    if (!id || strchr(id, '/')) {
        fprintf(stderr, "FAILED to lookup %s%s\n", wish->type, wish->image);
        return NULL;
    }
    const char *at = conf_get(conf, "loopMount");
    char *file = text("%s/%s.squashfs", conf_get(conf, "imagePath"), id);
    char *argv[] = {LIBEXEC "/mount", "-n", "-o", "loop,ro,nosuid,nodev", "-t", "squashfs", file, text("%s", at), NULL};
    if (access(file, R_OK) != 0) refuse("FAILED to find the image on this host: ", file);
    else if (folders(at) != 0 || run(argv, NULL) != 0) refuse("FAILED to mount ", file);
    else {
        setenv("SHIFTER_IMAGEREQUEST", text("%s%s", wish->type, wish->image), 1);
        setenv("SHIFTER_IMAGE", id, 1);
        metadata(text("%s/%s.meta", conf_get(conf, "imagePath"), id), wish);
        return at;
    }
    return NULL;
}

static char **modules(const struct conf *conf, const struct wish *wish) {
    const char *asked = wish->modules ? wish->modules : getenv("SHIFTER_MODULE");
    if (!asked || !*asked) asked = conf_get(conf, "defaultModules");
    if (asked && strcmp(asked, "none") == 0) asked = NULL;
    char **found = words(asked, ",");
    for (char **name = found; *name; name++) {
        char *prefix = text("module_%s_", *name);
        int there = 0;
        for (size_t i = 0; i < conf->n; i++) there |= strncmp(conf->pairs[i].key, prefix, strlen(prefix)) == 0;
        const char *enabled = conf_module(conf, *name, "enabled");
        if (!there || (enabled && strtol(enabled, NULL, 10) == 0)) {
            fprintf(stderr, "Invalid module %s\n", *name);
            exit(1);
        }
        for (char **other = words(conf_module(conf, *name, "conflict"), " "); *other; other++)
            for (char **also = found; *also; also++)
                if (strcmp(*other, *also) == 0) {
                    fprintf(stderr, "Modules %s and %s conflict\n", *name, *also);
                    exit(1);
                }
    }
    return found;
}

struct targets {
    char **paths;
    size_t n;
};

static void add(struct targets *targets, const char *path) {
    targets->paths = realloc(targets->paths, (targets->n + 2) * sizeof *targets->paths);
    if (!targets->paths) abort();
    targets->paths[targets->n++] = text("%s", path);
    targets->paths[targets->n] = NULL;
}

static int mounts(const char *value, const char *root, struct targets *targets) {
    struct bind *all = binds(value);
    if (!all) return refuse("FAILED to parse volumeMap ", value);
    for (; all->from; all++) {
        if (targets) add(targets, all->to);
        else if (bind_at(all->from, root, all->to) != 0) return 1;
    }
    return 0;
}

/* With targets: collects where things come to lie. Without: puts them there. */
static int site(const struct conf *conf, const struct wish *wish, char *const *active, const char *root,
                struct targets *targets) {
    static const char *const HOST[] = {"/dev", "/proc", "/sys", "/tmp"};
    const char *cp = conf_get(conf, "cpPath"), *image = conf_get(conf, "optUdiImage");
    for (size_t i = 0; i < sizeof HOST / sizeof *HOST; i++) {
        if (targets) add(targets, HOST[i]);
        else if (bind_at(HOST[i], root, HOST[i]) != 0) return 1;
    }
    if (mounts(conf_get(conf, "siteFs"), root, targets) != 0) return 1;
    if (targets && image) add(targets, "/opt/udiImage");
    for (; *active; active++) {
        const char *copied = conf_module(conf, *active, "copyPath");
        char *at = text("/opt/udiImage/modules/%s", *active);
        if (copied && targets) add(targets, at);
        else if (copied && copy_to(cp, copied, root, at) != 0) return 1;
        if (mounts(conf_module(conf, *active, "siteFs"), root, targets) != 0) return 1;
    }
    return mounts(wish->volumes ? wish->volumes : getenv("SHIFTER_VOLUME"), root, targets);
}

static int hook(const char *script, const char *root) {
    char *argv[] = {"/bin/sh", text("%s", script ? script : ""), NULL};
    return script && run(argv, root) != 0 ? refuse("FAILED: hook ", script) : 0;
}

static int build(const struct conf *conf, struct wish *wish, char *const *active, const char *root) {
    struct targets targets = {NULL, 0};
    const char *cp = conf_get(conf, "cpPath"), *etc = conf_get(conf, "etcPath");
    int style = strcmp(conf_get(conf, "mountPropagationStyle") ?: "", "slave") == 0 ? MS_SLAVE : MS_PRIVATE;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | style, NULL) != 0)
        return refuse("FAILED to make a mount namespace: ", strerror(errno));
    const char *image = source(conf, wish);
    add(&targets, "/etc");
    if (!image || site(conf, wish, active, root, &targets) != 0) return 1;
    if (folders(root) != 0 || mount("shifter", root, conf_get(conf, "rootfsType"), MS_NOSUID | MS_NODEV, NULL) != 0)
        return refuse("FAILED to mount udiMount: ", strerror(errno));
    if (lay(image, root, targets.paths) != 0) return 1;
    char *own = text("%s/etc", strcmp(image, "/") == 0 ? "" : image);
    if (access(own, R_OK) == 0 && copy_to(cp, own, root, "/etc") != 0) return 1;
    if (copy_to(cp, etc, root, "/etc") != 0) return 1;
    if (hook(conf_get(conf, "sitePreMountHook"), root) != 0 || site(conf, wish, active, root, NULL) != 0) return 1;
    if (hook(conf_get(conf, "sitePostMountHook"), root) != 0) return 1;
    for (; *active; active++)
        if (hook(conf_module(conf, *active, "roothook"), root) != 0) return 1;
    return 0;
}

static int enter(const struct wish *wish, const char *root) {
    char *here = wish->folder ? text("%s", wish->folder) : getcwd(NULL, 0);
    if (chdir(root) != 0 || chroot(root) != 0 || chdir("/") != 0) return refuse("FAILED to enter ", root);
    if (setresgid(getgid(), getgid(), getgid()) != 0 || setresuid(getuid(), getuid(), getuid()) != 0)
        return refuse("FAILED to drop root", "");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (here && chdir(here) != 0 && wish->folder) return refuse("FAILED to enter ", here);
    return 0;
}

int main(int argc, char **argv) {
    struct wish wish = {0};
    struct conf conf;
    int help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (!help && conf_read(CONFIG_FILE, &conf) != 0) return 1; /* first of all, whatever is asked */
    int first = options(argc, argv, &wish);
    if (name(&conf, &wish) != 0) return 1;
    if (!argv[first]) return refuse("No command specified", "");
    if (geteuid() != 0) return refuse("shifter is not setuid root", "");
    const char *root = conf_get(&conf, "udiMount");
    char **active = modules(&conf, &wish);
    if (build(&conf, &wish, active, root) != 0 || enter(&wish, root) != 0) return 1;
    for (char **module = active; *module; module++) {
        const char *script = conf_module(&conf, *module, "userhook");
        apply(&conf, *module);
        if (script && system(text("/bin/sh %s", script)) != 0) return refuse("FAILED: userhook of ", *module);
    }
    for (int i = 0; i < wish.n_set; i++) putenv(wish.set[i]);
    apply(&conf, NULL);
    if (wish.verbose) fprintf(stderr, "shifter: %s%s in %s\n", wish.type, wish.image, root);
    execvp(argv[first], argv + first);
    fprintf(stderr, "shifter: %s: %s\n", argv[first], strerror(errno));
    return 127;
}
