#include "config.h"

#include "environment.h"

#include <stdlib.h>
#include <string.h>

enum how { SET, APPEND, PREPEND };

static void each(const char *value, enum how how) {
    for (char **word = words(value, " "); *word; word++) {
        char *new = strchr(*word, '=');
        if (!new) continue;
        *new++ = '\0';
        const char *old = getenv(*word);
        if (how == SET || !old || !*old) setenv(*word, new, 1);
        else setenv(*word, how == APPEND ? text("%s:%s", old, new) : text("%s:%s", new, old), 1);
    }
}

void set_all(const char *value) { each(value, SET); }

void append_all(const char *value) { each(value, APPEND); }

void prepend_all(const char *value) { each(value, PREPEND); }

void unset_all(const char *value) {
    for (char **word = words(value, " "); *word; word++) unsetenv(*word);
}

static const char *of(const struct conf *conf, const char *module, const char *key) {
    return module ? conf_module(conf, module, key) : conf_get(conf, key);
}

void apply(const struct conf *conf, const char *module) {
    set_all(of(conf, module, "siteEnv"));
    prepend_all(of(conf, module, "siteEnvPrepend"));
    append_all(of(conf, module, "siteEnvAppend"));
    unset_all(of(conf, module, "siteEnvUnset"));
}
