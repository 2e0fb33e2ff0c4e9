/* evaluate.c - `tenon evaluate`: loss and metrics of a model over a set. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cli/use.h"

static tn_config *load_data_config(const cli_use *u, tn_error *error)
{
    const cli_options *o = u->options;
    const char *path = o->data;
    char beside[4300];
    if (!path) {
        const char *const slash = strrchr(u->path, '/');
        const int folder = slash ? (int)(slash - u->path) + 1 : 0;
        snprintf(beside, sizeof beside, "%.*sconfig.yaml", folder, u->path);
        if (access(beside, R_OK)) {
            cli_fail(error, TN_EIO,
                     "%s: no config.yaml beside it; name the data with --data CONFIG",
                     u->path);
            return NULL;
        }
        path = beside;
    }
    return tn_config_load(u->env, path, o->set, o->sets, error);
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

static void print_scores(const tn_model *model, const char *split, const tn_score *score,
                         int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (score[i].row < 0)
            printf("%s %s %.6g\n", split, score[i].name, score[i].value);
    for (int32_t i = 0; i < count;)
        i += score[i].row < 0 ? 1 : put_table(model, score + i, count - i);
}

static int tell_scores(const cli_use *u, const char *split, const tn_score *score,
                       int32_t count, tn_error *error)
{
    tn_env_info info = {0};
    if (tn_env_info_get(u->env, &info, error)) return CLI_ERROR;
    json_object *event = cli_event("evaluate");
    cli_json_text(event, "split", split);
    cli_json_int(event, "threads", info.threads);
    cli_json_scores(event, score, count);
    cli_emit(event);
    return CLI_DONE;
}

static int evaluate(cli_use *u, tn_error *error)
{
    static const char *const names[] = {"train", "validation", "test"};
    const cli_options *o = u->options;
    const int32_t split = o->split < 0 ? 2 : o->split;
    const tn_score *score;
    int32_t count;
    tn_config *config = load_data_config(u, error);
    if (!config) return CLI_ERROR;
    int status = CLI_ERROR;
    if (!tn_model_evaluate(u->model, config, split, &score, &count, error)) {
        status = CLI_DONE;
        if (o->json)
            status = tell_scores(u, names[split], score, count, error);
        else
            print_scores(u->model, names[split], score, count);
    }
    tn_config_free(config);
    return status;
}

int cli_evaluate(const cli_options *o, tn_error *error)
{
    return cli_use_model(o, evaluate, error);
}
