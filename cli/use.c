/* use.c - see use.h. */
#include "cli/use.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/same_axes.h"
#include "plugins/dataset/npy_layout.h"

static int open_model(cli_use *u, tn_error *error)
{
    const cli_options *o = u->options;
    if (cli_model_path(o, o->operand[0], u->path, error)) return CLI_ERROR;
    u->env = cli_env(o, error);
    if (!u->env) return CLI_ERROR;
    u->model = tn_model_load(u->env, u->path, error);
    return u->model ? CLI_DONE : CLI_ERROR;
}

static void close_model(cli_use *u)
{
    for (int32_t i = 0; i < CLI_INPUTS; i++) {
        cli_npy_free(&u->x[i]);
        free(u->inputs[i]);
    }
    tn_model_free(u->model);
    tn_env_free(u->env);
}

int cli_use_model(const cli_options *o, int (*run)(cli_use *, tn_error *),
                  tn_error *error)
{
    cli_use u = {.options = o};
    int status = open_model(&u, error);
    if (status == CLI_DONE) status = run(&u, error);
    close_model(&u);
    return status;
}

/* ---- inputs -------------------------------------------------------------------------- */

/* The input that "image=in.npy" is for; -1: none. */
static int32_t input_of(const tn_model *model, const char *operand)
{
    for (int32_t i = 0; i < tn_model_inputs(model); i++) {
        const char *const name = tn_model_input_name(model, i);
        const size_t size = strlen(name);
        if (!strncmp(operand, name, size) && operand[size] == '=') return i;
    }
    return -1;
}

static int wrong_files(const cli_use *u, const char *why, const char *what,
                       tn_error *error)
{
    char each[CLI_INPUTS * 48];
    size_t used = 0;
    for (int32_t i = 0; i < tn_model_inputs(u->model) && used < sizeof each; i++)
        used += (size_t)snprintf(each + used, sizeof each - used, " %s=FILE",
                                 tn_model_input_name(u->model, i));
    return cli_fail(error, TN_EINVAL, "%s%s; the model takes%s", why, what, each);
}

/* The `count` operands behind the model: of several inputs each with its name. */
static int find_files(cli_use *u, int32_t count, tn_error *error)
{
    const char *const *operand = u->options->operand + 1;
    const int32_t inputs = tn_model_inputs(u->model);
    if (inputs == 1 && count == 1) {
        const bool named = access(operand[0], F_OK) && !input_of(u->model, operand[0]);
        u->file[0] = operand[0] +
                     (named ? strlen(tn_model_input_name(u->model, 0)) + 1 : 0);
        return CLI_DONE;
    }
    if (inputs == 1)
        return cli_fail(error, TN_EINVAL, "%d files, but the model has one input", count);
    for (int32_t i = 0; i < count; i++) {
        const int32_t input = input_of(u->model, operand[i]);
        if (input < 0)
            return wrong_files(u, "no name of an input in ", operand[i], error);
        if (u->file[input]) return wrong_files(u, "a second file in ", operand[i], error);
        u->file[input] = strchr(operand[i], '=') + 1;
    }
    for (int32_t i = 0; i < inputs; i++)
        if (!u->file[i])
            return wrong_files(u, "no file for ", tn_model_input_name(u->model, i),
                               error);
    return CLI_DONE;
}

bool cli_is_samples_of(const tn_shape *all, const tn_shape *one)
{
    tn_shape sample = *all;
    sample.dim[0] = 1;
    return tn_same_axes(&sample, one);
}

/* That each --time-first names what this command reads. */
static int check_time_first(const cli_use *u, bool targets, tn_error *error)
{
    for (int32_t i = 0; i < u->options->time_firsts; i++) {
        const char *const name = u->options->time_first[i];
        bool found = targets && !strcmp(name, "target");
        for (int32_t k = 0; k < tn_model_inputs(u->model); k++)
            found = found || !strcmp(name, tn_model_input_name(u->model, k));
        if (!found)
            return wrong_files(u,
                               targets ? "neither target nor an input: --time-first "
                                       : "no input for --time-first ",
                               name, error);
    }
    return CLI_DONE;
}

int cli_read_array(const cli_use *u, const char *path, const char *name, cli_npy *array,
                   tn_error *error)
{
    const cli_options *o = u->options;
    if (cli_npy_read(path, o->max_memory, array, error)) return CLI_ERROR;
    for (int32_t i = 0; i < o->time_firsts; i++)
        if (!strcmp(o->time_first[i], name)) return cli_npy_turn(array, path, error);
    return CLI_DONE;
}

const char *cli_axis_of_samples(const cli_npy *array)
{
    return array->time_first ? "second" : "first";
}

/* What an array of another shape than samples of `want` may be. */
static void put_hint(char *to, size_t size, const cli_npy *array, const tn_shape *want,
                     const char *name)
{
    tn_shape other = array->shape;
    if (other.rank > 1) npy_swap_axes(other.dim);
    to[0] = 0;
    if (!array->time_first && tn_same_axes(&array->shape, want))
        snprintf(to, size, "; this is one sample, to which x[None] adds the axis");
    else if (cli_is_samples_of(&other, want))
        snprintf(to, size, "; %s --time-first %s it would fit",
                 array->time_first ? "without" : "with", name);
}

static int check_shape(const cli_use *u, int32_t i, tn_error *error)
{
    const cli_npy *const array = &u->x[i];
    const tn_shape *want = tn_model_input_shape(u->model, i);
    const tn_shape file = cli_npy_file_shape(array);
    char got[160], model[160], hint[120];
    if (cli_is_samples_of(&array->shape, want)) return CLI_DONE;
    put_hint(hint, sizeof hint, array, want, tn_model_input_name(u->model, i));
    return cli_fail(error, TN_ESHAPE,
                    "%s: shape %s, but the model takes samples of shape "
                    "%s, one per entry of the %s axis%s",
                    u->file[i], cli_shape(got, sizeof got, &file),
                    cli_shape(model, sizeof model, want), cli_axis_of_samples(array),
                    hint);
}

static int read_input(cli_use *u, int32_t i, tn_error *error)
{
    const char *const path = u->file[i];
    if (cli_read_array(u, path, tn_model_input_name(u->model, i), &u->x[i], error) ||
        check_shape(u, i, error))
        return CLI_ERROR;
    const int64_t have = u->x[i].shape.dim[0], first = u->x[0].shape.dim[0];
    if (have != first)
        return cli_fail(error, TN_ESHAPE, "%s has %lld samples, but %s has %lld", path,
                        (long long)have, u->file[0], (long long)first);
    u->inputs[i] = cli_npy_floats(&u->x[i], path, error);
    return u->inputs[i] ? CLI_DONE : CLI_ERROR;
}

int cli_check_out(const cli_use *u, const char *input, tn_error *error)
{
    if (!cli_same_file(u->options->out, input)) return CLI_DONE;
    return cli_fail(error, TN_EINVAL,
                    "-o %s would replace the input %s; give another file",
                    u->options->out, input);
}

static int check_outs(const cli_use *u, tn_error *error)
{
    int status = cli_check_out(u, u->path, error);
    for (int32_t i = 0; status == CLI_DONE && i < tn_model_inputs(u->model); i++)
        status = cli_check_out(u, u->file[i], error);
    return status;
}

int cli_read_inputs(cli_use *u, int32_t files, bool targets, tn_error *error)
{
    int status = find_files(u, files, error);
    if (status == CLI_DONE) status = check_outs(u, error);
    if (status == CLI_DONE) status = check_time_first(u, targets, error);
    for (int32_t i = 0; status == CLI_DONE && i < tn_model_inputs(u->model); i++)
        status = read_input(u, i, error);
    return status;
}
