/* The environment of a container: the image's, then the modules', then the site's. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H
#include "conf.h"

/* NAME=VALUE for each word; append and prepend join with a colon; unset takes names. */
void set_all(const char *value);
void append_all(const char *value);
void prepend_all(const char *value);
void unset_all(const char *value);

/* The keys siteEnv, siteEnvPrepend, siteEnvAppend and siteEnvUnset of a module, or of the site for NULL. */
void apply(const struct conf *conf, const char *module);
#endif
