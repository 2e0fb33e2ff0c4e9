/* output.c - what reaches terminal, pipe and log: clean text, tables, JSON lines, and the
 * certainty that output that was lost is noticed. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int lost_to; /* errno of the first failure to write stdout */
static bool bar_shown;

int cli_fail(tn_error *error, tn_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->status = status;
    return CLI_ERROR;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none (RFC 3629, table 3-7 of the
 * Unicode standard). */
static size_t sequence(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
    if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    return n;
}

/* C0 and C1 controls, and the marks that turn the direction of text round. */
static bool is_control(const unsigned char *s, size_t n)
{
    if (n == 1) return s[0] < 0x20 || s[0] == 0x7F;
    if (n == 2) return s[0] == 0xC2 && s[1] < 0xA0;
    if (n != 3 || s[0] != 0xE2) return false;
    return (s[1] == 0x80 &&
            ((s[2] >= 0xAA && s[2] <= 0xAE) || s[2] == 0x8E || s[2] == 0x8F)) ||
           (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9);
}

const char *cli_clean(char *to, size_t size, const char *text, bool lines)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    while (*s) {
        const size_t n = sequence(s);
        const bool bad = n == 0 || (is_control(s, n) && !(lines && *s == '\n'));
        const size_t out = bad ? 1 : n;
        if (used + out >= size) break;
        if (bad)
            to[used] = '?';
        else
            memcpy(to + used, s, n);
        used += out;
        s += n ? n : 1;
    }
    to[used] = 0;
    return to;
}

void cli_complain(const char *text)
{
    char clean[1200];
    fprintf(stderr, "tenon: %s\n", cli_clean(clean, sizeof clean, text, false));
}

/* level: see tn_env_options. Progress is drawn from the trainer's own reports instead. */
static void say(void *data, int32_t level, const char *text)
{
    char line[1100];
    (void)data;
    if (level != 1 && level != 2) return;
    cli_bar(NULL);
    snprintf(line, sizeof line, "%s%s", level == 2 ? "warning: " : "", text);
    cli_complain(line);
}

tn_env *cli_env(const cli_options *o, tn_error *error)
{
    const tn_env_options options = {.plugin_path = o->plugin_path,
                                    .foreign = o->foreign,
                                    .threads = o->threads,
                                    .max_memory = o->max_memory,
                                    .log = say};
    return tn_env_new(&options, error);
}

/* ---- stdout ------------------------------------------------------------------------ */

bool cli_flush(void)
{
    errno = 0;
    if ((fflush(stdout) || ferror(stdout)) && !lost_to) lost_to = errno ? errno : EIO;
    return !lost_to;
}

int cli_close_stdout(tn_error *error)
{
    if (cli_flush() && close(STDOUT_FILENO)) lost_to = errno;
    if (!lost_to) return CLI_DONE;
    return cli_fail(error, TN_EIO, "cannot write to standard output: %s",
                    strerror(lost_to));
}

void cli_bar(const char *line)
{
    if (!line && !bar_shown) return;
    printf("\r%s\033[K", line ? line : ""); /* to the start of the line; clear the rest */
    bar_shown = line != NULL;
    cli_flush();
}

/* ---- JSON -------------------------------------------------------------------------- */

json_object *cli_event(const char *event)
{
    json_object *object = json_object_new_object();
    cli_json_text(object, "event", event);
    return object;
}

json_object *cli_json_clean(const char *text)
{
    const size_t size = text ? strlen(text) + 1 : 0;
    char *clean = text ? malloc(size) : NULL;
    json_object *value = NULL;
    if (clean) value = json_object_new_string(cli_clean(clean, size, text, true));
    free(clean);
    return value;
}

void cli_json_text(json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, cli_json_clean(text));
}

void cli_json_int(json_object *object, const char *key, int64_t value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

void cli_json_number(json_object *object, const char *key, double value)
{
    json_object_object_add(object, key,
                           isfinite(value) ? json_object_new_double(value) : NULL);
}

void cli_json_shape(json_object *object, const char *key, const tn_shape *shape)
{
    json_object *list = json_object_new_array();
    for (int32_t i = 0; i < shape->rank; i++)
        json_object_array_add(list, json_object_new_int64(shape->dim[i]));
    json_object_object_add(object, key, list);
}

void cli_json_scores(json_object *object, const tn_score *score, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        cli_json_number(object, score[i].name, score[i].value);
}

void cli_emit(json_object *object)
{
    printf("%s\n",
           json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
    cli_flush();
}

/* ---- tables ------------------------------------------------------------------------ */

const char *cli_shape(char *to, size_t size, const tn_shape *shape)
{
    size_t used = (size_t)snprintf(to, size, "(");
    for (int32_t i = 0; i < shape->rank && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%lld", i ? ", " : "",
                                 (long long)shape->dim[i]);
    if (used < size) snprintf(to + used, size - used, ")");
    return to;
}

/* Columns that a text takes on a terminal, characters of double width apart. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++) n += (*text & 0xC0) != 0x80;
    return n;
}

void cli_table(int32_t rows, int32_t columns, uint32_t right,
               void (*cell)(const void *with, int32_t row, int32_t column, char *to,
                            size_t size),
               const void *with)
{
    char raw[256], text[256];
    int width[16] = {0};
    for (int32_t r = -1; r < rows; r++) {
        for (int32_t c = 0; c < columns; c++) {
            cell(with, r, c, raw, sizeof raw);
            const int w = width_of(cli_clean(text, sizeof text, raw, false));
            if (w > width[c]) width[c] = w;
        }
    }
    for (int32_t r = -1; r < rows; r++) {
        for (int32_t c = 0; c < columns; c++) {
            cell(with, r, c, raw, sizeof raw);
            const int pad = width[c] - width_of(cli_clean(text, sizeof text, raw, false));
            const bool to_right = right >> c & 1;
            const bool last = c == columns - 1;
            printf("%*s%s%*s", to_right ? pad : 0, "", text, to_right || last ? 0 : pad,
                   "");
            fputs(last ? "\n" : "  ", stdout);
        }
    }
}

/* Of a model, the columns that say something of it. */
typedef struct table_of {
    const tn_model *model;
    int32_t column[7], columns;
} table_of;

static void model_cell(const void *with, int32_t row, int32_t column, char *to,
                       size_t size)
{
    static const char *const head[] = {"layer",       "output shape", "parameters",
                                       "initializer", "regularizer",  "parametrization",
                                       "training"};
    const table_of *t = with;
    column = t->column[column];
    if (row < 0) {
        snprintf(to, size, "%s", head[column]);
        return;
    }
    const tn_layer_info layer = tn_model_layer(t->model, row);
    const char *const plugin = layer.plugin ? layer.plugin : "";
    const bool told = strncmp(layer.name, plugin, strlen(plugin)) == 0;
    switch (column) {
    case 0:
        snprintf(to, size, "%s%s%s%s", layer.name, told ? "" : " (", told ? "" : plugin,
                 told ? "" : ")");
        break;
    case 1: cli_shape(to, size, &layer.output); break;
    case 2: snprintf(to, size, "%lld", (long long)layer.parameters); break;
    case 3: snprintf(to, size, "%s", layer.initializer); break;
    case 4: snprintf(to, size, "%s", layer.regularizer); break;
    case 5: snprintf(to, size, "%s", layer.parametrization); break;
    default: snprintf(to, size, "%s", layer.training); break;
    }
}

static int64_t parameters_of(const tn_model *model, int64_t *trained)
{
    int64_t total = 0, frozen = 0;
    for (int32_t i = 0; i < tn_model_layers(model); i++) {
        const tn_layer_info layer = tn_model_layer(model, i);
        total += layer.parameters, frozen += layer.frozen;
    }
    *trained = total - frozen;
    return total;
}

/* Few networks have anything in the last two. */
static table_of columns_of(const tn_model *model)
{
    table_of t = {model, {0, 1, 2, 3, 4}, 5};
    bool parametrized = false, told = false;
    for (int32_t i = 0; i < tn_model_layers(model); i++) {
        const tn_layer_info layer = tn_model_layer(model, i);
        parametrized = parametrized || strcmp(layer.parametrization, "-") != 0;
        told = told || strcmp(layer.training, "-") != 0;
    }
    if (parametrized) t.column[t.columns++] = 5;
    if (told) t.column[t.columns++] = 6;
    return t;
}

void cli_model_table(const tn_model *model)
{
    int64_t trained;
    const table_of t = columns_of(model);
    const int64_t all = parameters_of(model, &trained);
    cli_table(tn_model_layers(model), t.columns, 1U << 2, model_cell, &t);
    printf("%lld parameters", (long long)all);
    if (trained < all) printf(", of which %lld are trained", (long long)trained);
    printf("\n");
}

void cli_model_json(json_object *object, const tn_model *model)
{
    int64_t trained;
    const int64_t all = parameters_of(model, &trained);
    json_object *layers = json_object_new_array();
    for (int32_t i = 0; i < tn_model_layers(model); i++) {
        const tn_layer_info layer = tn_model_layer(model, i);
        json_object *row = json_object_new_object();
        cli_json_text(row, "name", layer.name);
        cli_json_text(row, "plugin", layer.plugin);
        cli_json_shape(row, "output", &layer.output);
        cli_json_int(row, "parameters", layer.parameters);
        cli_json_text(row, "initializer", layer.initializer);
        cli_json_text(row, "regularizer", layer.regularizer);
        cli_json_text(row, "parametrization", layer.parametrization);
        cli_json_text(row, "training", layer.training);
        json_object_array_add(layers, row);
    }
    json_object_object_add(object, "layers", layers);
    cli_json_int(object, "parameters", all);
    cli_json_int(object, "trained", trained);
}
