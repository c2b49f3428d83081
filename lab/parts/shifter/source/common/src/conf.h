/* udiRoot.conf: its keys by version, read as strictly as Shifter reads it. */
#ifndef CONF_H
#define CONF_H
#include <stddef.h>

struct pair {
    char *key, *value;
};

struct conf {
    struct pair *pairs;
    size_t n;
};

struct bind {
    char *from, *to;
};

/* 0, or 1 after a line on stderr that says why the file cannot be used. */
int conf_read(const char *path, struct conf *conf);

/* The value of a key; NULL when the file does not have it. */
const char *conf_get(const struct conf *conf, const char *key);

/* Of module_NAME_KEY. */
const char *conf_module(const struct conf *conf, const char *name, const char *key);

/* 1 when the key is there and not 0. */
int conf_flag(const struct conf *conf, const char *key);

/* The words of a value, ended by NULL; an empty list for NULL. */
char **words(const char *value, const char *separators);

/* The FROM:TO;FROM:TO of a value, ended by from == NULL; NULL when it is none. */
struct bind *binds(const char *value);

/* printf into new memory; ends the program when there is none. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
