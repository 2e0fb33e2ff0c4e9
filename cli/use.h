/* use.h - a trained model at work: what `tenon evaluate`, `predict` and `gradients` have in common. */
#ifndef CLI_USE_H
#define CLI_USE_H

#include "cli/cli.h"
#include "cli/npy.h"

typedef struct cli_use {
    const cli_options *options;
    char path[4200]; /* of the model file */
    tn_env *env;
    tn_model *model;
    const char *file[CLI_INPUTS]; /* of each input of the model */
    cli_npy x[CLI_INPUTS];
    float *inputs[CLI_INPUTS];
} cli_use;

/* Runs with the model that the first operand names. */
int cli_use_model(const cli_options *, int (*run)(cli_use *, tn_error *), tn_error *);

/* The arrays of `files` operands behind the model, one for each input. `targets`: --time-first may
 * name them too. */
int cli_read_inputs(cli_use *, int32_t files, bool targets, tn_error *);

/* The array of an input or of the targets. */
int cli_read_array(const cli_use *, const char *path, const char *name, cli_npy *,
                   tn_error *);

/* Whether `all` is samples of shape `one`; axes of one element do not count. */
bool cli_is_samples_of(const tn_shape *all, const tn_shape *one);

/* "first" or "second". */
const char *cli_axis_of_samples(const cli_npy *);

/* An error where the output would replace what it is made from. */
int cli_check_out(const cli_use *, const char *input, tn_error *);

#endif
