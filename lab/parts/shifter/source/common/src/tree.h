/* A container's tree: a tmpfs of empty places, on which the image's and the site's folders are bound. */
#ifndef TREE_H
#define TREE_H
#include "conf.h"

/* Puts image (a folder) at root. Targets are left out, and the folders above them stay open: they come later.
 * Returns 0, or 1 after a line on stderr. */
int lay(const char *image, const char *root, char *const *targets);

/* Binds from at root + to, making the place. 0 or 1. */
int bind_at(const char *from, const char *root, const char *to);

/* Copies the folder's content, by the program cp, into root + to. 0 or 1. */
int copy_to(const char *cp, const char *from, const char *root, const char *to);

/* Makes the folder and those above it. 0 or -1. */
int folders(const char *path);

/* Runs a program as root and waits; its exit status, 127 when it cannot be started. */
int run(char *const *argv, const char *folder);
#endif
