/* gradients.c - `tenon gradients`: loss, and gradients of all parameters, for arrays of inputs and
 * targets. */
#include <math.h>
#include <stdlib.h>

#include "cli/use.h"

typedef struct targets {
    const char *path;
    cli_npy array;
    float *values; /* one of these */
    int32_t *labels;
} targets;

/* That there is one for each sample, or for each row of a sample's outputs. */
static int check_targets(const cli_use *u, const targets *t, tn_error *error)
{
    const tn_shape *have = &t->array.shape, *out = tn_model_output(u->model);
    const int64_t samples = u->x[0].shape.dim[0],
                  rows = tn_shape_count(out) / tn_shape_width(out);
    if (have->rank < 1 || have->dim[0] != samples)
        return cli_fail(
            error, TN_ESHAPE,
            "%s has %lld samples along its %s axis, but %s has %lld along its "
            "%s; give a target for each sample",
            t->path, (long long)(have->rank < 1 ? 1 : have->dim[0]),
            cli_axis_of_samples(&t->array), u->file[0], (long long)samples,
            cli_axis_of_samples(&u->x[0]));
    if (t->array.whole && t->array.count != samples * rows)
        return cli_fail(error, TN_ESHAPE,
                        "%s: labels must be one whole number for each row of the model's "
                        "outputs, %lld a sample",
                        t->path, (long long)rows);
    if (t->array.whole || cli_is_samples_of(have, out)) return CLI_DONE;
    char got[160], model[160];
    const tn_shape file = cli_npy_file_shape(&t->array);
    return cli_fail(error, TN_ESHAPE,
                    "%s: targets have shape %s, but the model's outputs have shape "
                    "%s, one per entry of the %s axis",
                    t->path, cli_shape(got, sizeof got, &file),
                    cli_shape(model, sizeof model, out), cli_axis_of_samples(&t->array));
}

static int read_targets(const cli_use *u, targets *t, tn_error *error)
{
    if (cli_read_array(u, t->path, "target", &t->array, error) ||
        check_targets(u, t, error))
        return CLI_ERROR;
    if (t->array.whole)
        t->labels = cli_npy_labels(&t->array, t->path, error);
    else
        t->values = cli_npy_floats(&t->array, t->path, error);
    return t->values || t->labels ? CLI_DONE : CLI_ERROR;
}

static void tell_gradients(const cli_options *o, const tn_gradients *found)
{
    if (!o->json) {
        printf("loss %.9g\n", found->loss);
        if (!isnan(found->violation))
            printf("largest violation of the conditions for a minimum %.3g\n",
                   found->violation);
        return;
    }
    json_object *event = cli_event("gradients");
    cli_json_number(event, "loss", found->loss);
    cli_json_number(event, "violation", found->violation);
    cli_json_text(event, "file", o->out);
    cli_emit(event);
}

static int gradients(cli_use *u, tn_error *error)
{
    const cli_options *o = u->options;
    targets t = {.path = o->operand[o->operands - 1]};
    tn_gradients found = {0};
    const bool done = !cli_check_out(u, t.path, error) &&
                      !cli_read_inputs(u, o->operands - 2, true, error) &&
                      !read_targets(u, &t, error) &&
                      !tn_model_gradients_save_inputs(
                          u->model, (const float *const *)u->inputs, t.values, t.labels,
                          u->x[0].shape.dim[0], o->out, &found, error);
    cli_npy_free(&t.array);
    free(t.values);
    free(t.labels);
    if (done) tell_gradients(o, &found);
    return done ? CLI_DONE : CLI_ERROR;
}

int cli_gradients(const cli_options *o, tn_error *error)
{
    return cli_use_model(o, gradients, error);
}
