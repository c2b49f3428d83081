/* setupRoot and unsetupRoot: in the stand-in each `shifter` makes its own container, so they only check. */
#include "config.h"

#include "conf.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    struct conf conf;
    if (argc == 2 && strcmp(argv[1], "--check") == 0) return conf_read(CONFIG_FILE, &conf);
    fprintf(stderr, "%s: the lab's stand-in knows only --check: is udiRoot.conf in order?\n", argv[0]);
    return 1;
}
