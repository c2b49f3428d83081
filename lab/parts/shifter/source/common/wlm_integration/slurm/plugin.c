/* shifter_slurm.so: --image, --volume and --module of srun, sbatch and salloc. The lab's stand-in; see README.md.
 *
 * It hands the wish to `shifter` by the environment of the tasks; it makes no container at the job's start.
 */
#include "config.h"

#include "conf.h"

#include <ctype.h>
#include <slurm/spank.h>
#include <stdlib.h>
#include <string.h>

SPANK_PLUGIN(shifter, 1)

static char *image_type, *image, *volume, *module;

static int take_image(int value, const char *given, int remote) {
    (void)value, (void)remote;
    const char *colon = strchr(given, ':');
    if (!colon || colon == given || !colon[1]) {
        slurm_error("Invalid image input: must specify image type: %s", given);
        return ESPANK_ERROR;
    }
    for (const char *c = colon + 1; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(":_-./@", *c)) {
            slurm_error("Invalid image type - A-Za-z:-_./ characters only");
            return ESPANK_ERROR;
        }
    image_type = text("%.*s", (int)(colon - given), given);
    image = text("%s", colon + 1);
    return ESPANK_SUCCESS;
}

static int take_volume(int value, const char *given, int remote) {
    (void)value, (void)remote;
    if (!binds(given)) {
        slurm_error("Failed to parse or invalid/disallowed volume map request: %s", given);
        return ESPANK_ERROR;
    }
    volume = text("%s", given);
    return ESPANK_SUCCESS;
}

static int take_module(int value, const char *given, int remote) {
    (void)value, (void)remote;
    module = text("%s", given);
    return ESPANK_SUCCESS;
}

struct spank_option spank_options[] = {
    {"image", "TYPE:NAME", "shifter image to use (the lab's stand-in)", 1, 0, take_image},
    {"volume", "FROM:TO", "shifter image bindings", 1, 0, take_volume},
#ifdef WITH_MODULES
    {"module", "NAME", "shifter modules", 1, 0, take_module},
#endif
    SPANK_OPTIONS_TABLE_END,
};

int slurm_spank_init_post_opt(spank_t spank, int argc, char **argv) {
    (void)spank, (void)take_module;
    const char *path = CONFIG_FILE;
    struct conf conf;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "shifter_config=", 15) == 0) path = argv[i] + 15;
    if (spank_context() != S_CTX_REMOTE && image && conf_read(path, &conf) != 0)
        slurm_error("Failed to parse shifter config. Cannot use shifter.");
    return ESPANK_SUCCESS;
}

int slurm_spank_task_init(spank_t spank, int argc, char **argv) {
    (void)argc, (void)argv;
    if (image) {
        spank_setenv(spank, "SHIFTER_IMAGETYPE", image_type, 1);
        spank_setenv(spank, "SHIFTER_IMAGE", image, 1);
    }
    if (volume) spank_setenv(spank, "SHIFTER_VOLUME", volume, 1);
    if (module) spank_setenv(spank, "SHIFTER_MODULE", module, 1);
    return ESPANK_SUCCESS;
}
