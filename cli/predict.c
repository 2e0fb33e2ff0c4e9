/* predict.c - `tenon predict`: outputs of a model, or their mean and deviation over passes with
 * dropout. */
#include <stdlib.h>

#include "cli/use.h"

static void tell_prediction(const cli_options *o, int64_t samples, const tn_shape *shape)
{
    json_object *event = cli_event("predict");
    cli_json_int(event, "samples", samples);
    if (o->passes) cli_json_int(event, "passes", o->passes);
    cli_json_shape(event, "shape", shape);
    cli_json_text(event, "file", o->out);
    cli_emit(event);
}

/* Shape of the array that is written, and room for it: samples of the model's outputs; of several
 * passes two arrays of them. */
static float *take_outputs(const cli_use *u, tn_shape *all, tn_error *error)
{
    const tn_shape *one = tn_model_output(u->model);
    const int32_t arrays = u->options->passes ? 2 : 1, front = arrays;
    const int64_t samples = u->x[0].shape.dim[0];
    int64_t count;
    *all = (tn_shape){.rank = front + one->rank, .dim = {arrays}};
    if (__builtin_mul_overflow(samples, arrays * tn_shape_count(one), &count) ||
        all->rank > TN_MAX_RANK) {
        cli_fail(error, TN_ESHAPE, "the output is too large");
        return NULL;
    }
    all->dim[front - 1] = samples;
    for (int32_t i = 0; i < one->rank; i++) all->dim[front + i] = one->dim[i];
    float *outputs = calloc((size_t)count, sizeof *outputs);
    if (!outputs) cli_fail(error, TN_ENOMEM, "no memory for the output");
    return outputs;
}

static tn_status make_outputs(const cli_use *u, float *outputs, tn_error *error)
{
    const cli_options *o = u->options;
    const float *const *inputs = (const float *const *)u->inputs;
    const int64_t samples = u->x[0].shape.dim[0];
    const tn_monte_carlo way = {o->passes, o->seeded ? o->seed : tn_model_seed(u->model)};
    float *deviation = outputs + samples * tn_shape_count(tn_model_output(u->model));
    if (!o->passes)
        return tn_model_predict_inputs(u->model, inputs, samples, outputs, error);
    return tn_model_predict_monte_carlo(u->model, inputs, samples, &way, outputs,
                                        deviation, error);
}

static int predict(cli_use *u, tn_error *error)
{
    const cli_options *o = u->options;
    tn_shape all;
    if (cli_read_inputs(u, o->operands - 1, false, error)) return CLI_ERROR;
    float *outputs = take_outputs(u, &all, error);
    const bool written = outputs && !make_outputs(u, outputs, error) &&
                         !cli_npy_write(o->out, &all, outputs, error);
    free(outputs);
    if (!written) return CLI_ERROR;
    if (o->json) tell_prediction(o, u->x[0].shape.dim[0], &all);
    return CLI_DONE;
}

int cli_predict(const cli_options *o, tn_error *error)
{
    return cli_use_model(o, predict, error);
}
