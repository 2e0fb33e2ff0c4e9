/* place.c - what a path that the user gave is: a model, the folder of a run, a config. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

/* safetensors: the length of the header in 8 bytes, the upper ones 0, and then a JSON object. No
 * text holds zeros. */
static bool is_archive(const char *path)
{
    unsigned char start[9];
    FILE *file = fopen(path, "rbe");
    if (!file) return false;
    const size_t count = fread(start, 1, sizeof start, file);
    fclose(file);
    return count == sizeof start && memcmp(start + 5, "\0\0\0{", 4) == 0;
}

static bool ends_in(const char *path, const char *end)
{
    const size_t length = strlen(path), tail = strlen(end);
    return length > tail && strcmp(path + length - tail, end) == 0;
}

cli_place cli_place_of(const char *path)
{
    struct stat about;
    if (stat(path, &about)) return CLI_OTHER;
    if (S_ISDIR(about.st_mode)) return CLI_FOLDER;
    if (!S_ISREG(about.st_mode)) return CLI_OTHER; /* opening a pipe would wait */
    if (is_archive(path)) return CLI_ARCHIVE;
    return ends_in(path, ".yaml") || ends_in(path, ".yml") ? CLI_CONFIG : CLI_OTHER;
}

int cli_model_path(const cli_options *o, const char *given, char path[4200],
                   tn_error *error)
{
    const cli_place place = cli_place_of(given);
    if (place == CLI_CONFIG)
        return cli_fail(error, TN_EINVAL,
                        "%s is a config, but tenon %s takes a model: train it first, "
                        "then give the run's model.safetensors or its folder",
                        given, o->command->name);
    const int length = snprintf(path, 4200, "%s%s", given,
                                place == CLI_FOLDER ? "/model.safetensors" : "");
    if (length >= 4200) return cli_fail(error, TN_EINVAL, "the path is too long");
    if (place != CLI_FOLDER || access(path, F_OK) == 0) return CLI_DONE;
    return cli_fail(error, TN_EINVAL,
                    "%s is a folder without model.safetensors; a run has one when it "
                    "is complete: tenon train --resume %s",
                    given, given);
}

int cli_check_config(const cli_options *o, const char *given, tn_error *error)
{
    const cli_place place = cli_place_of(given);
    if (place == CLI_ARCHIVE)
        return cli_fail(error, TN_EINVAL,
                        "%s is a model or a checkpoint, but tenon %s takes a config "
                        "(YAML); to go on with a run: tenon train --resume FOLDER",
                        given, o->command->name);
    if (place == CLI_FOLDER)
        return cli_fail(error, TN_EINVAL,
                        "%s is a folder, but tenon %s takes a config (YAML), in that of "
                        "a run config.yaml; to go on with the run: tenon train --resume "
                        "%s",
                        given, o->command->name, given);
    return CLI_DONE;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}
