#include "config.h"

#include "conf.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REQUIRED = 1, PROGRAM = 2, BINDS = 4, MOVED = 8, MODULES = 16, RESOURCES = 32 };

static const struct {
    const char *name;
    int is;
} KEYS[] = {
    {"udiMount", REQUIRED},
    {"loopMount", REQUIRED},
    {"imagePath", REQUIRED},
    {"udiRootPath", REQUIRED},
    {"etcPath", REQUIRED},
    {"modprobePath", REQUIRED | PROGRAM},
    {"insmodPath", REQUIRED | PROGRAM},
    {"cpPath", REQUIRED | PROGRAM},
    {"mvPath", REQUIRED | PROGRAM},
    {"chmodPath", REQUIRED | PROGRAM},
    {"ddPath", REQUIRED | PROGRAM},
    {"rootfsType", REQUIRED},
    {"mkfsXfsPath", PROGRAM},
    {"perNodeCachePath", 0},
    {"perNodeCacheSizeLimit", 0},
    {"perNodeCacheAllowedFsType", 0},
    {"sitePreMountHook", 0},
    {"sitePostMountHook", 0},
    {"optUdiImage", 0},
    {"allowLocalChroot", 0},
    {"allowLibcPwdCalls", 0},
    {"populateEtcDynamically", 0},
    {"mountPropagationStyle", 0},
    {"mountUdiRootWritable", 0},
    {"maxGroupCount", 0},
    {"gatewayTimeout", 0},
    {"siteFs", BINDS},
    {"siteEnv", 0},
    {"siteEnvAppend", 0},
    {"siteEnvPrepend", 0},
    {"siteEnvUnset", 0},
    {"imageGateway", 0},
    {"batchType", 0},
    {"system", 0},
    {"defaultImageType", 0},
    {"nodeContextPrefix", 0},
    /* Ignored since 18.03. */
    {"optionalSshdAsRoot", MOVED},
    {"autoLoadKernelModule", MOVED},
    {"kmodBasePath", MOVED},
    {"kmodCacheFile", MOVED},
    /* Since 18.03. */
    {"defaultModules", MODULES},
    /* In 17.04 alone. */
    {"siteResources", REQUIRED | RESOURCES},
};

#ifdef WITH_MODULES
enum { HAS_MODULES = 1 };
#else
enum { HAS_MODULES = 0 };
#endif

#ifdef WITH_SITE_RESOURCES
enum { UNKNOWN = HAS_MODULES ? 0 : MODULES };
#else
enum { UNKNOWN = (HAS_MODULES ? 0 : MODULES) | RESOURCES };
#endif

char *text(const char *format, ...) {
    va_list arguments;
    char *made = NULL;
    va_start(arguments, format);
    if (vasprintf(&made, format, arguments) < 0) abort();
    va_end(arguments);
    return made;
}

static char *trim(char *string) {
    while (isspace((unsigned char)*string)) string++;
    char *end = string + strlen(string);
    while (end > string && isspace((unsigned char)end[-1])) *--end = '\0';
    return string;
}

char **words(const char *value, const char *separators) {
    char **found = calloc(value ? strlen(value) / 2 + 2 : 1, sizeof *found), *copy = value ? text("%s", value) : NULL;
    size_t n = 0;
    char *rest = NULL;
    if (!found) abort();
    for (char *word = copy ? strtok_r(copy, separators, &rest) : NULL; word; word = strtok_r(NULL, separators, &rest))
        found[n++] = trim(word);
    return found;
}

struct bind *binds(const char *value) {
    char **entries = words(value, ";");
    size_t n = 0;
    while (entries[n]) n++;
    struct bind *found = calloc(n + 1, sizeof *found);
    if (!found) abort();
    for (size_t i = 0; i < n; i++) {
        char **parts = words(entries[i], ":");
        if (!parts[0] || !parts[1] || parts[0][0] != '/' || parts[1][0] != '/') return NULL;
        found[i] = (struct bind){parts[0], parts[1]};
    }
    return found;
}

const char *conf_get(const struct conf *conf, const char *key) {
    for (size_t i = conf->n; i-- > 0;)
        if (strcmp(conf->pairs[i].key, key) == 0) return conf->pairs[i].value;
    return NULL;
}

const char *conf_module(const struct conf *conf, const char *name, const char *key) {
    char *whole = text("module_%s_%s", name, key);
    const char *value = conf_get(conf, whole);
    free(whole);
    return value;
}

int conf_flag(const struct conf *conf, const char *key) {
    const char *value = conf_get(conf, key);
    return value && strtol(value, NULL, 10) != 0;
}

static int known(const char *key) {
    if (HAS_MODULES && strncmp(key, "module_", 7) == 0) {
        const char *end = strchr(key + 7, '_');
        if (end && end > key + 7 && end[1]) return 0;
        fprintf(stderr, "FAILED to parse ShifterModule key %s\n", key);
        return -1;
    }
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (strcmp(KEYS[i].name, key) == 0 && !(KEYS[i].is & UNKNOWN)) return KEYS[i].is;
    printf("Couldn't understand key: %s\n", key);
    return -1;
}

static int take(struct conf *conf, char *line) {
    line = trim(line);
    if (*line == '\0' || *line == '#') return 0;
    char *value = strchr(line, '=');
    if (value) *value++ = '\0';
    char *key = trim(line);
    int is = known(key);
    if (is < 0 || !value) return 1;
    value = trim(value);
    if (is & MOVED && HAS_MODULES) {
        fprintf(stderr, "IGNORING parameter %s, deprecated.\n", key);
        return 0;
    }
    if (is & BINDS && !binds(value)) {
        fprintf(stderr, "FAILED to parse siteFs volumeMap\n");
        return 1;
    }
    if (strcmp(key, "mountPropagationStyle") == 0 && strcmp(value, "private") != 0 && strcmp(value, "slave") != 0)
        return 1;
    conf->pairs = realloc(conf->pairs, (conf->n + 1) * sizeof *conf->pairs);
    if (!conf->pairs) abort();
    conf->pairs[conf->n++] = (struct pair){text("%s", key), text("%s", value)};
    return 0;
}

static int complete(const struct conf *conf) {
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *name = KEYS[i].name, *value = conf_get(conf, name);
        struct stat file;
        if (KEYS[i].is & UNKNOWN) continue;
        if (KEYS[i].is & REQUIRED && (!value || !*value)) {
            fprintf(stderr, "\"%s\" is not defined\n", name);
            return 1;
        }
        if (!(KEYS[i].is & PROGRAM) || !value) continue;
        if (stat(value, &file) != 0) {
            fprintf(stderr, "Specified \"%s\" doesn't appear to exist.\n", name);
            return 1;
        }
        if (!(file.st_mode & S_IXUSR)) {
            fprintf(stderr, "Specified \"%s\" is not executable.\n", name);
            return 1;
        }
    }
    return 0;
}

static int trusted(const char *path) {
    struct stat file;
    if (stat(path, &file) != 0) {
        fprintf(stderr, "Cannot find %s\n", path);
        return 0;
    }
    if (file.st_uid != 0) fprintf(stderr, "udiRoot.conf must be owned by user root!\n");
    else if (file.st_mode & (S_IWOTH | S_IWGRP))
        fprintf(stderr, "udiRoot.conf must not be writable by non-root users!\n");
    else return 1;
    return 0;
}

static int lines(FILE *file, struct conf *conf) {
    char *line = NULL, *whole = text("%s", "");
    size_t size = 0;
    ssize_t got;
    int wrong = 0;
    while (!wrong && (got = getline(&line, &size, file)) >= 0) {
        while (got > 0 && (line[got - 1] == '\n' || line[got - 1] == '\r')) line[--got] = '\0';
        int more = got > 0 && line[got - 1] == '\\';
        if (more) line[got - 1] = '\0';
        char *joined = text("%s%s", whole, line);
        free(whole);
        whole = joined;
        if (more) continue;
        wrong = take(conf, whole);
        *whole = '\0';
    }
    if (!wrong) wrong = take(conf, whole);
    free(line);
    free(whole);
    return wrong;
}

int conf_read(const char *path, struct conf *conf) {
    *conf = (struct conf){NULL, 0};
    FILE *file = trusted(path) ? fopen(path, "r") : NULL;
    int wrong = !file || lines(file, conf) || complete(conf);
    if (file) fclose(file);
    fflush(stdout);
    if (wrong) fprintf(stderr, "FAILED to parse udiRoot configuration.\n");
    return wrong;
}
