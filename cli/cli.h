/* cli.h - what the parts of the `tenon` program share. Below it stands tenon.h and, of the rest
 * of Tenon, core/nearest.h, core/same_axes.h and plugins/dataset/npy_header.h and npy_layout.h,
 * which need nothing else.
 *
 * Exit status: 0 done, 1 an error, 2 a wrong command line (either with one line "tenon: ..." on
 * stderr), 130 and 143 a training run that SIGINT or SIGTERM ended after its checkpoint. */
#ifndef CLI_H
#define CLI_H

#include <json-c/json.h>
#include <stdio.h>

#include "tenon/tenon.h"

#define CLI_INPUTS TN_MEMORY_INPUTS /* that a model has at most */

enum { CLI_DONE = 0, CLI_ERROR = 1, CLI_USAGE = 2, CLI_GO_ON = -1 };

typedef struct cli_options {
    const struct cli_command *command;
    const char *operand[2 + CLI_INPUTS];
    int32_t operands;
    const char **set; /* room for one per argument */
    int32_t sets;
    const char *out, *resume, *data, *plugin_path, *foreign;
    int32_t split;                 /* as in tn_model_evaluate; -1: not given */
    int32_t threads, steps, batch; /* 0: not given */
    int32_t passes;                /* of Monte Carlo dropout; 0: not asked for */
    uint64_t seed;                 /* of them */
    bool seeded;
    const char *time_first[CLI_INPUTS + 1]; /* inputs, and "target" */
    int32_t time_firsts;                    /* how many they are */
    size_t max_memory;
    bool json;
} cli_options;

typedef struct cli_command {
    const char *name, *operands, *summary;
    const char *about;   /* further lines of its --help */
    int32_t least, most; /* operands */
    const char *flags;   /* letters of the options that it takes */
    const char *needs;   /* those that must be given */
    int (*run)(const cli_options *, tn_error *);
} cli_command;

extern const cli_command cli_commands[]; /* the last has no name */

/* ---- options.c --------------------------------------------------------------------- */

/* CLI_GO_ON, or the status to exit with (--help, --version, a mistake). */
int cli_parse(int argc, char **argv, cli_options *);

/* ---- place.c: what a path that the user gave is -------------------------------------- */

typedef enum cli_place { CLI_OTHER, CLI_FOLDER, CLI_ARCHIVE, CLI_CONFIG } cli_place;

/* By what is in the file; a config by its name. CLI_OTHER: also what cannot be opened. */
cli_place cli_place_of(const char *path);
/* The model file that `given` stands for: itself, or the one in the folder of a run. An error for
 * what is a config. */
int cli_model_path(const cli_options *, const char *given, char path[4200], tn_error *);
/* An error for what is a model or a folder where a config is expected. */
int cli_check_config(const cli_options *, const char *given, tn_error *);
/* Whether both are there and one file, by whatever names. */
bool cli_same_file(const char *, const char *);

/* ---- commands: an exit status; with CLI_ERROR, `error` says why ------------------------ */

int cli_train(const cli_options *, tn_error *);
int cli_evaluate(const cli_options *, tn_error *);
int cli_predict(const cli_options *, tn_error *);
int cli_gradients(const cli_options *, tn_error *);
int cli_plugins(const cli_options *, tn_error *);
int cli_describe(const cli_options *, tn_error *);
int cli_info(const cli_options *, tn_error *);
int cli_bench(const cli_options *, tn_error *);

/* ---- output.c ---------------------------------------------------------------------- */

/* Fills an error; returns CLI_ERROR. */
__attribute__((format(printf, 3, 4))) int cli_fail(tn_error *, tn_status, const char *,
                                                   ...);
/* "tenon: text" on stderr, made safe for a terminal. */
void cli_complain(const char *text);
/* The environment of the options; its messages go to stderr. */
tn_env *cli_env(const cli_options *, tn_error *);

/* Copies text without control characters and invalid UTF-8 (each becomes '?'), so that names
 * from files cannot steer a terminal. Newlines stay if `lines`. Returns `to`. */
const char *cli_clean(char *to, size_t size, const char *text, bool lines);
/* Pushes stdout's buffer out. False once anything could not be written. */
bool cli_flush(void);
/* The last thing a program does with stdout: an error if any output was lost. */
int cli_close_stdout(tn_error *);

/* Draws a line that the next output replaces; NULL takes it away. For terminals. */
void cli_bar(const char *line);

/* One JSON object a line. Numbers that JSON does not know (NaN) become null. */
json_object *cli_event(const char *event);
json_object *cli_json_clean(const char *text); /* cleaned like everything; NULL: null */
void cli_json_text(json_object *, const char *key, const char *text);
void cli_json_int(json_object *, const char *key, int64_t value);
void cli_json_number(json_object *, const char *key, double value);
void cli_json_shape(json_object *, const char *key, const tn_shape *);
void cli_json_scores(json_object *, const tn_score *, int32_t count);
void cli_emit(json_object *); /* prints and frees it */

/* "(28, 28, 1)" */
const char *cli_shape(char *to, size_t size, const tn_shape *);
/* A table with a head and aligned columns; bit c of `right` puts column c to the right. Row -1
 * is the head. `cell` writes the text of one cell. */
void cli_table(int32_t rows, int32_t columns, uint32_t right,
               void (*cell)(const void *with, int32_t row, int32_t column, char *to,
                            size_t size),
               const void *with);
/* Layer, output shape, parameters, initializer, regularizer, parametrization; as text or in
 * `json`. */
void cli_model_table(const tn_model *);
void cli_model_json(json_object *, const tn_model *);

/* ---- zeros.c ----------------------------------------------------------------------- */

/* Parameters with values that are exactly zero, and bytes; as text or in `json`. */
int cli_zeros_table(const tn_model *, tn_error *);
int cli_zeros_json(json_object *, const tn_model *, tn_error *);

#endif
