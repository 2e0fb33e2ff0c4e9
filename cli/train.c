/* train.c - `tenon train`: a run from a config, shown while it goes on, ended by signals in good
 * order.
 *
 * Signals: the first SIGINT or SIGTERM asks the trainer to stop after its step and gives both
 * signals their default effect back, so that a second one ends the process at once. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/progress.h"

typedef struct run {
    const cli_options *options;
    tn_env *env;
    tn_config *config;
    tn_trainer *trainer;
    const char *dir; /* of the run */
    bool made_dir;
    char chosen[4096];
    cli_progress progress;
} run;

/* ---- signals ----------------------------------------------------------------------- */

static tn_trainer *volatile in_training;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    caught = number;
    if (in_training) tn_trainer_cancel(in_training);
}

/* A signal that the caller has told us to ignore (nohup, a background job) stays ignored. Each
 * waits for the other's handler, after which it finds the default effect. */
static void heed(int number)
{
    struct sigaction now, want = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&want.sa_mask);
    sigaddset(&want.sa_mask, SIGINT);
    sigaddset(&want.sa_mask, SIGTERM);
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaction(number, &want, NULL);
}

static void heed_signals(tn_trainer *trainer)
{
    in_training = trainer;
    heed(SIGINT);
    heed(SIGTERM);
}

/* ---- where the run goes -------------------------------------------------------------- */

/* "net" of "some/net.yaml": letters, digits, '-', '_' and '.' stay. */
static void name_of(const char *path, char name[64])
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *end = strrchr(base, '.');
    size_t length = end && end != base ? (size_t)(end - base) : strlen(base);
    if (length > 63) length = 63;
    for (size_t i = 0; i < length; i++) {
        const char c = base[i];
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || strchr("-_.", c);
        name[i] = fine ? c : '_';
    }
    name[length] = 0;
}

/* Makes the first free runs/NAME-N. mkdir decides, so two runs never get the same one. */
static int choose_dir(run *r, tn_error *error)
{
    char name[64];
    name_of(r->options->operand[0], name);
    if (mkdir("runs", 0777) && errno != EEXIST)
        return cli_fail(error, TN_EIO,
                        "cannot make the folder runs: %s; choose another "
                        "place with --out",
                        strerror(errno));
    for (int n = 1; n < 1000000; n++) {
        snprintf(r->chosen, sizeof r->chosen, "runs/%s-%d", name, n);
        if (mkdir(r->chosen, 0777) == 0) {
            r->dir = r->chosen;
            r->made_dir = true;
            return CLI_DONE;
        }
        if (errno != EEXIST)
            return cli_fail(error, TN_EIO, "cannot make the folder %s: %s", r->chosen,
                            strerror(errno));
    }
    return cli_fail(error, TN_EIO, "no free name for a run in the folder runs");
}

static int find_dir(run *r, tn_error *error)
{
    r->dir = r->options->resume ? r->options->resume : r->options->out;
    if (!r->dir) return choose_dir(r, error);
    r->made_dir = access(r->dir, F_OK) && errno == ENOENT; /* the trainer makes it */
    return CLI_DONE;
}

/* ---- the run ------------------------------------------------------------------------- */

static int load_config(run *r, tn_error *error)
{
    const cli_options *o = r->options;
    char path[4200];
    if (o->operands && cli_check_config(o, o->operand[0], error)) return CLI_ERROR;
    if (!o->operands) snprintf(path, sizeof path, "%s/config.yaml", o->resume);
    const bool there = o->operands || !access(path, F_OK);
    if (!there && errno != ENOENT && errno != ENOTDIR)
        return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    if (!there)
        return cli_fail(error, TN_EINVAL, "%s holds no run to go on with: there is no %s",
                        o->resume, path);
    r->config = tn_config_load(r->env, o->operands ? o->operand[0] : path, o->set,
                               o->sets, error);
    return r->config ? CLI_DONE : CLI_ERROR;
}

/* Nobody reads any more, or the disk is full: stop rather than train for nobody, but lose
 * nothing. */
static void on_progress(void *data, const tn_progress *now)
{
    run *r = data;
    if (!cli_progress_show(&r->progress, now)) tn_trainer_cancel(r->trainer);
}

static int prepare(run *r, tn_error *error)
{
    const tn_train_options options = {
        .resume = r->options->resume, .progress = on_progress, .progress_data = r};
    tn_train_options with_dir = options;
    if (load_config(r, error) || find_dir(r, error)) return CLI_ERROR;
    with_dir.run_dir = r->dir;
    r->trainer = tn_trainer_new(r->env, r->config, &with_dir, error);
    return r->trainer && !tn_trainer_ready(r->trainer, error) ? CLI_DONE : CLI_ERROR;
}

static int announce(const run *r, tn_error *error)
{
    tn_env_info info = {0};
    const tn_model *model = tn_trainer_model(r->trainer);
    if (tn_env_info_get(r->env, &info, error)) return CLI_ERROR;
    if (r->options->json) {
        json_object *event = cli_event("start");
        cli_json_text(event, "version", tn_version());
        cli_json_text(event, "run", r->dir);
        cli_json_int(event, "threads", info.threads);
        cli_json_text(event, "backend", info.backend);
        cli_model_json(event, model);
        cli_emit(event);
        return CLI_DONE;
    }
    char dir[4200];
    cli_model_table(model);
    printf("run %s, %d thread%s\n\n", cli_clean(dir, sizeof dir, r->dir, false),
           (int)info.threads, info.threads == 1 ? "" : "s");
    cli_flush();
    return CLI_DONE;
}

static void tell_end(const run *r, const char *how)
{
    if (r->options->json) {
        json_object *event = cli_event("end");
        cli_json_text(event, "status", how);
        cli_json_text(event, "run", r->dir);
        cli_emit(event);
    }
}

static int finish(run *r, tn_status status, tn_error *error)
{
    cli_bar(NULL);
    if (status == TN_ECANCELED && caught) {
        char text[4400];
        tell_end(r, "stopped");
        snprintf(text, sizeof text,
                 "stopped by %s, checkpoint written; go on with: tenon train "
                 "--resume %s",
                 caught == SIGINT ? "SIGINT" : "SIGTERM", r->dir);
        cli_complain(text);
        return 128 + caught;
    }
    if (status == TN_ECANCELED)
        cli_close_stdout(error); /* on_progress gave up: say why */
    if (status) return CLI_ERROR;
    tell_end(r, "done");
    if (!r->options->json) {
        char dir[4200];
        printf("saved %s/model.safetensors\n", cli_clean(dir, sizeof dir, r->dir, false));
    }
    return CLI_DONE;
}

static int train(run *r, tn_error *error)
{
    r->env = cli_env(r->options, error);
    if (!r->env || prepare(r, error) || announce(r, error)) return CLI_ERROR;
    heed_signals(r->trainer);
    const tn_status status = tn_trainer_run(r->trainer, error);
    in_training = NULL;
    return finish(r, status, error);
}

int cli_train(const cli_options *o, tn_error *error)
{
    run r = {.options = o};
    cli_progress_start(&r.progress, o->json);
    const int status = train(&r, error);
    tn_trainer_free(r.trainer);
    tn_config_free(r.config);
    tn_env_free(r.env);
    if (status != CLI_DONE && r.made_dir) rmdir(r.dir); /* only if nothing came of it */
    return status;
}
