/* use.c - a trained model at work: `tenon evaluate`, `tenon predict`, `tenon gradients`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/npy.h"
#include "core/same_axes.h"
#include "plugins/dataset/npy_layout.h"

typedef struct use {
    const cli_options *options;
    char path[4200]; /* of the model file */
    tn_env *env;
    tn_model *model;
    tn_config *config;
    const char *file[CLI_INPUTS]; /* of each input of the model */
    cli_npy x[CLI_INPUTS], y;
    float *inputs[CLI_INPUTS], *targets, *outputs;
    int32_t *labels;
} use;

static int open_model(use *u, tn_error *error)
{
    const cli_options *o = u->options;
    if (cli_model_path(o, o->operand[0], u->path, error)) return CLI_ERROR;
    u->env = cli_env(o, error);
    if (!u->env) return CLI_ERROR;
    u->model = tn_model_load(u->env, u->path, error);
    return u->model ? CLI_DONE : CLI_ERROR;
}

static void close_model(use *u)
{
    for (int32_t i = 0; i < CLI_INPUTS; i++) {
        cli_npy_free(&u->x[i]);
        free(u->inputs[i]);
    }
    cli_npy_free(&u->y);
    free(u->targets);
    free(u->outputs);
    free(u->labels);
    tn_config_free(u->config);
    tn_model_free(u->model);
    tn_env_free(u->env);
}

static int command(const cli_options *o, int (*run)(use *, tn_error *), tn_error *error)
{
    use u = {.options = o};
    int status = open_model(&u, error);
    if (status == CLI_DONE) status = run(&u, error);
    close_model(&u);
    return status;
}

/* ---- evaluate ------------------------------------------------------------------------ */

static int load_data_config(use *u, tn_error *error)
{
    const cli_options *o = u->options;
    const char *path = o->data;
    char beside[4300];
    if (!path) {
        const char *const slash = strrchr(u->path, '/');
        const int folder = slash ? (int)(slash - u->path) + 1 : 0;
        snprintf(beside, sizeof beside, "%.*sconfig.yaml", folder, u->path);
        if (access(beside, R_OK))
            return cli_fail(error, TN_EIO,
                            "%s: no config.yaml beside it; name the data with "
                            "--data CONFIG",
                            u->path);
        path = beside;
    }
    u->config = tn_config_load(u->env, path, o->set, o->sets, error);
    return u->config ? CLI_DONE : CLI_ERROR;
}

/* "recall" of "recall[3]" */
static int name_length(const tn_score *s)
{
    return (int)strcspn(s->name, "[");
}

/* "3", or "3 dress" where the rows are the model's classes. */
static const char *row_name(const tn_model *model, int32_t rows, int32_t row, char *to,
                            size_t size)
{
    const char *const *classes = tn_model_classes(model);
    const bool named = rows == tn_model_class_count(model);
    char clean[64];
    snprintf(to, size, "%d%s%s", row, named ? " " : "",
             named ? cli_clean(clean, sizeof clean, classes[row], false) : "");
    return to;
}

/* Whole numbers, such as counts, as they are. */
static int put_number(char *to, size_t size, double value)
{
    return snprintf(to, size, value == floor(value) ? "%.0f" : "%.4f", value);
}

static int widest(const tn_score *score, int32_t rows, int32_t columns)
{
    char text[400];
    int width = snprintf(text, sizeof text, "%d", columns - 1);
    for (int32_t i = 0; i < rows * columns; i++) {
        const int n = put_number(text, sizeof text, score[i].value);
        width = n > width ? n : width;
    }
    return width;
}

/* The table that begins there; how many of `left` scores it has. */
static int32_t put_table(const tn_model *model, const tn_score *score, int32_t left)
{
    const int length = name_length(score);
    int32_t cells = 1;
    char text[400], name[128];
    while (cells < left && score[cells].row >= 0 &&
           name_length(&score[cells]) == length &&
           !strncmp(score[cells].name, score->name, (size_t)length))
        cells++;
    const int32_t rows = score[cells - 1].row + 1, columns = score[cells - 1].column + 1;
    const int width = widest(score, rows, columns);
    int head = length;
    for (int32_t r = 0; r < rows; r++) {
        const int n = (int)strlen(row_name(model, rows, r, name, sizeof name));
        head = n > head ? n : head;
    }
    printf("\n%-*.*s", columns > 1 ? head : length, length, score->name);
    for (int32_t c = 0; columns > 1 && c < columns; c++) printf("  %*d", width, c);
    for (int32_t i = 0; i < cells; i++) {
        if (score[i].column == 0)
            printf("\n%-*s", head,
                   row_name(model, rows, score[i].row, name, sizeof name));
        put_number(text, sizeof text, score[i].value);
        printf("  %*s", width, text);
    }
    printf("\n");
    return cells;
}

static int evaluate(use *u, tn_error *error)
{
    static const char *const names[] = {"train", "validation", "test"};
    const cli_options *o = u->options;
    const int32_t split = o->split < 0 ? 2 : o->split;
    const tn_score *score;
    int32_t count;
    tn_env_info info = {0};
    if (load_data_config(u, error)) return CLI_ERROR;
    if (tn_model_evaluate(u->model, u->config, split, &score, &count, error))
        return CLI_ERROR;
    if (tn_env_info_get(u->env, &info, error)) return CLI_ERROR;
    if (o->json) {
        json_object *event = cli_event("evaluate");
        cli_json_text(event, "split", names[split]);
        cli_json_int(event, "threads", info.threads);
        cli_json_scores(event, score, count);
        cli_emit(event);
        return CLI_DONE;
    }
    for (int32_t i = 0; i < count; i++)
        if (score[i].row < 0)
            printf("%s %s %.6g\n", names[split], score[i].name, score[i].value);
    for (int32_t i = 0; i < count;)
        i += score[i].row < 0 ? 1 : put_table(u->model, score + i, count - i);
    return CLI_DONE;
}

int cli_evaluate(const cli_options *o, tn_error *error)
{
    return command(o, evaluate, error);
}

/* ---- predict ------------------------------------------------------------------------- */

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

static int wrong_files(const use *u, const char *why, const char *what, tn_error *error)
{
    char each[CLI_INPUTS * 48];
    size_t used = 0;
    for (int32_t i = 0; i < tn_model_inputs(u->model) && used < sizeof each; i++)
        used += (size_t)snprintf(each + used, sizeof each - used, " %s=FILE",
                                 tn_model_input_name(u->model, i));
    return cli_fail(error, TN_EINVAL, "%s%s; the model takes%s", why, what, each);
}

/* The `count` operands behind the model: of several inputs each with its name. */
static int find_files(use *u, int32_t count, tn_error *error)
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

/* Whether `all` is samples of shape `one`; axes of one element do not count. */
static bool is_samples_of(const tn_shape *all, const tn_shape *one)
{
    tn_shape sample = *all;
    sample.dim[0] = 1;
    return tn_same_axes(&sample, one);
}

/* That each --time-first names what this command reads. */
static int check_time_first(const use *u, bool targets, tn_error *error)
{
    for (int32_t i = 0; i < u->options->time_firsts; i++) {
        const char *const name = u->options->time_first[i];
        bool found = targets && !strcmp(name, "target");
        for (int32_t k = 0; k < tn_model_inputs(u->model); k++)
            found = found || !strcmp(name, tn_model_input_name(u->model, k));
        if (!found) return wrong_files(u, "no input for --time-first ", name, error);
    }
    return CLI_DONE;
}

/* The array of an input or of the targets. */
static int read_array(const use *u, const char *path, const char *name, cli_npy *array,
                      tn_error *error)
{
    const cli_options *o = u->options;
    if (cli_npy_read(path, o->max_memory, array, error)) return CLI_ERROR;
    for (int32_t i = 0; i < o->time_firsts; i++)
        if (!strcmp(o->time_first[i], name)) return cli_npy_turn(array, path, error);
    return CLI_DONE;
}

static const char *axis_of_samples(const cli_npy *array)
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
    else if (is_samples_of(&other, want))
        snprintf(to, size, "; %s --time-first %s it would fit",
                 array->time_first ? "without" : "with", name);
}

static int check_shape(const use *u, int32_t i, tn_error *error)
{
    const cli_npy *const array = &u->x[i];
    const tn_shape *want = tn_model_input_shape(u->model, i);
    const tn_shape file = cli_npy_file_shape(array);
    char got[160], model[160], hint[120];
    if (is_samples_of(&array->shape, want)) return CLI_DONE;
    put_hint(hint, sizeof hint, array, want, tn_model_input_name(u->model, i));
    return cli_fail(error, TN_ESHAPE,
                    "%s: shape %s, but the model takes samples of shape "
                    "%s, one per entry of the %s axis%s",
                    u->file[i], cli_shape(got, sizeof got, &file),
                    cli_shape(model, sizeof model, want), axis_of_samples(array), hint);
}

static int read_input(use *u, int32_t i, tn_error *error)
{
    const char *const path = u->file[i];
    if (read_array(u, path, tn_model_input_name(u->model, i), &u->x[i], error) ||
        check_shape(u, i, error))
        return CLI_ERROR;
    const int64_t have = u->x[i].shape.dim[0], first = u->x[0].shape.dim[0];
    if (have != first)
        return cli_fail(error, TN_ESHAPE, "%s has %lld samples, but %s has %lld", path,
                        (long long)have, u->file[0], (long long)first);
    u->inputs[i] = cli_npy_floats(&u->x[i], path, error);
    return u->inputs[i] ? CLI_DONE : CLI_ERROR;
}

static int read_inputs(use *u, tn_error *error)
{
    int status = CLI_DONE;
    for (int32_t i = 0; status == CLI_DONE && i < tn_model_inputs(u->model); i++)
        status = read_input(u, i, error);
    return status;
}

static const float *const *inputs_of(const use *u)
{
    return (const float *const *)u->inputs;
}

/* Before anything is computed: an output must not replace what it is made from. */
static int check_out(const use *u, const char *input, tn_error *error)
{
    if (!cli_same_file(u->options->out, input)) return CLI_DONE;
    return cli_fail(error, TN_EINVAL,
                    "-o %s would replace the input %s; give another file",
                    u->options->out, input);
}

static int check_outs(const use *u, tn_error *error)
{
    int status = check_out(u, u->path, error);
    for (int32_t i = 0; status == CLI_DONE && i < tn_model_inputs(u->model); i++)
        status = check_out(u, u->file[i], error);
    return status;
}

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
static int take_outputs(use *u, int64_t samples, tn_shape *all, tn_error *error)
{
    const tn_shape *one = tn_model_output(u->model);
    const int32_t arrays = u->options->passes ? 2 : 1, front = arrays;
    int64_t count;
    *all = (tn_shape){.rank = front + one->rank, .dim = {arrays}};
    if (__builtin_mul_overflow(samples, arrays * tn_shape_count(one), &count) ||
        all->rank > TN_MAX_RANK)
        return cli_fail(error, TN_ESHAPE, "the output is too large");
    all->dim[front - 1] = samples;
    for (int32_t i = 0; i < one->rank; i++) all->dim[front + i] = one->dim[i];
    u->outputs = calloc((size_t)count, sizeof *u->outputs);
    return u->outputs ? CLI_DONE : cli_fail(error, TN_ENOMEM, "no memory for the output");
}

static tn_status make_outputs(use *u, int64_t samples, tn_error *error)
{
    const cli_options *o = u->options;
    const tn_monte_carlo way = {o->passes, o->seeded ? o->seed : tn_model_seed(u->model)};
    float *deviation = u->outputs + samples * tn_shape_count(tn_model_output(u->model));
    if (!o->passes)
        return tn_model_predict_inputs(u->model, inputs_of(u), samples, u->outputs,
                                       error);
    return tn_model_predict_monte_carlo(u->model, inputs_of(u), samples, &way, u->outputs,
                                        deviation, error);
}

static int predict(use *u, tn_error *error)
{
    tn_shape all;
    if (find_files(u, u->options->operands - 1, error) || check_outs(u, error) ||
        check_time_first(u, false, error) || read_inputs(u, error))
        return CLI_ERROR;
    const int64_t samples = u->x[0].shape.dim[0];
    if (take_outputs(u, samples, &all, error)) return CLI_ERROR;
    if (make_outputs(u, samples, error)) return CLI_ERROR;
    if (cli_npy_write(u->options->out, &all, u->outputs, error)) return CLI_ERROR;
    if (u->options->json) tell_prediction(u->options, samples, &all);
    return CLI_DONE;
}

int cli_predict(const cli_options *o, tn_error *error)
{
    return command(o, predict, error);
}

/* ---- gradients ----------------------------------------------------------------------- */

static int read_targets(use *u, tn_error *error)
{
    const char *const path = u->options->operand[u->options->operands - 1];
    if (read_array(u, path, "target", &u->y, error)) return CLI_ERROR;
    const tn_shape *have = &u->y.shape;
    if (have->rank < 1 || have->dim[0] != u->x[0].shape.dim[0])
        return cli_fail(error, TN_ESHAPE,
                        "%s: the %s axis must be the %s of %s, %lld samples", path,
                        axis_of_samples(&u->y), axis_of_samples(&u->x[0]), u->file[0],
                        (long long)u->x[0].shape.dim[0]);
    const bool real = !u->y.whole;
    const tn_shape *out = tn_model_output(u->model);
    const int64_t rows = tn_shape_count(out) / tn_shape_width(out);
    if (!real && u->y.count != have->dim[0] * rows)
        return cli_fail(error, TN_ESHAPE,
                        "%s: labels must be one whole number for each row of the model's "
                        "outputs, %lld a sample",
                        path, (long long)rows);
    if (real && !is_samples_of(have, out)) {
        char got[160], model[160];
        const tn_shape file = cli_npy_file_shape(&u->y);
        return cli_fail(error, TN_ESHAPE,
                        "%s: targets have shape %s, but the model's outputs have shape "
                        "%s, one per entry of the %s axis",
                        path, cli_shape(got, sizeof got, &file),
                        cli_shape(model, sizeof model, out), axis_of_samples(&u->y));
    }
    if (real)
        u->targets = cli_npy_floats(&u->y, path, error);
    else
        u->labels = cli_npy_labels(&u->y, path, error);
    return u->targets || u->labels ? CLI_DONE : CLI_ERROR;
}

static int gradients(use *u, tn_error *error)
{
    tn_gradients found = {0};
    const cli_options *o = u->options;
    if (find_files(u, o->operands - 2, error) || check_outs(u, error) ||
        check_out(u, o->operand[o->operands - 1], error) ||
        check_time_first(u, true, error) || read_inputs(u, error) ||
        read_targets(u, error))
        return CLI_ERROR;
    if (tn_model_gradients_save_inputs(u->model, inputs_of(u), u->targets, u->labels,
                                       u->x[0].shape.dim[0], o->out, &found, error))
        return CLI_ERROR;
    if (!u->options->json) {
        printf("loss %.9g\n", found.loss);
        if (!isnan(found.violation))
            printf("largest violation of the conditions for a minimum %.3g\n",
                   found.violation);
        return CLI_DONE;
    }
    json_object *event = cli_event("gradients");
    cli_json_number(event, "loss", found.loss);
    cli_json_number(event, "violation", found.violation);
    cli_json_text(event, "file", u->options->out);
    cli_emit(event);
    return CLI_DONE;
}

int cli_gradients(const cli_options *o, tn_error *error)
{
    return command(o, gradients, error);
}
