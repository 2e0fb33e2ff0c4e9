/* `tenon train`: what a run leaves behind, the same bits whatever interrupts it, signals, full
 * disks, and JSON. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/disk.h"
#include "support/kept.h"
#include "support/process.h"
#include "support/small_net.h"

TestSuite(train, .init = test_start_in_folder, .timeout = 120);

static int lines_of(const char *path)
{
    size_t size;
    int lines = 0;
    const char *text = test_read(path, &size);
    cr_assert_not_null(text, "%s", path);
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* ---- what there is after a run ------------------------------------------------------- */

Test(train, a_run_shows_the_model_and_its_epochs)
{
    small_net();
    const test_process *p = tenon("train net.yaml");
    test_ended(p, 0, NULL);
    cr_assert_str_empty(p->err);
    cr_assert(strstr(p->out, "layer ") && strstr(p->out, "output shape"), "%s", p->out);
    cr_assert(strstr(p->out, "initializer") && strstr(p->out, "regularizer"), "%s",
              p->out);
    cr_assert(strstr(p->out, "he (auto: relu)"), "%s", p->out);
    cr_assert(strstr(p->out, "\n355 parameters\n"), "17 x 16 + 2 x 16 + 17 x 3: %s",
              p->out);
    cr_assert(strstr(p->out, "\n      4  "), "a row for every epoch: %s", p->out);
    cr_assert(strstr(p->out, "val_accuracy") && strstr(p->out, "learning rate"));
    cr_assert(strstr(p->out, "saved runs/net-1/model.safetensors\n"), "%s", p->out);
    cr_assert_null(strchr(p->out, '\r'), "no bar where there is no terminal");
}

Test(train, a_run_folder_holds_config_metrics_checkpoint_and_model)
{
    small_net();
    test_ended(tenon("train net.yaml --set train.epochs=3"), 0, NULL);
    test_ended(tenon("train net.yaml --set train.epochs=2"), 0, NULL);
    cr_assert(test_exists("runs/net-1/model.safetensors"));
    cr_assert(test_exists("runs/net-2/model.safetensors"), "the first free number");
    cr_assert(test_exists("runs/net-1/config.yaml"));
    cr_assert(test_exists("runs/net-1/checkpoint.safetensors"));
    cr_assert_eq(lines_of("runs/net-1/metrics.csv"), 4,
                 "a head and a row for every epoch");
    test_ended(tenon("train runs/net-1/config.yaml --out again"), 0, NULL);
    cr_assert(test_same_files("runs/net-1/model.safetensors", "again/model.safetensors"),
              "the resolved config makes the same model");
}

Test(train, nothing_is_left_of_a_run_that_cannot_start)
{
    small_net();
    test_ended(tenon("train net.yaml --set loss=cross_entropi"), 1, "cross_entropi",
               NULL);
    cr_assert(!test_exists("runs/net-1"));
    test_ended(tenon("train net.yaml --out run --set loss=cross_entropi"), 1, NULL);
    cr_assert(!test_exists("run"));
}

Test(train, a_folder_that_holds_a_run_is_left_alone)
{
    small_net();
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
    const test_process *p = tenon("train net.yaml --out run --set seed=8");
    test_ended(p, 1, "run holds a run already", NULL);
    test_one_message(p);
}

Test(train, accuracy_is_what_such_easy_data_allow)
{
    small_net();
    test_ended(tenon("train net.yaml --out run --set train.epochs=12"), 0, NULL);
    const test_process *p = tenon("evaluate run/model.safetensors --split validation");
    test_ended(p, 0, NULL);
    const char *accuracy = strstr(p->out, "validation accuracy ");
    cr_assert(accuracy, "%s", p->out);
    cr_assert_geq(atof(accuracy + strlen("validation accuracy ")), 0.97, "%s", p->out);
}

static const char *head_of_table(const char *metrics, const char *out)
{
    size_t size;
    test_ended(tenon("train net.yaml --out %s --set train.epochs=1 --set metrics=%s", out,
                     metrics),
               0, NULL);
    char *table = kept(strdup(test_read(test_path(out, "metrics.csv"), &size)));
    return strtok(table, "\n");
}

/* The loss is told in any case; a list of metrics may name it. */
Test(train, loss_is_always_among_the_metrics)
{
    small_net();
    const char *none = head_of_table("[]", "a"), *loss = head_of_table("[loss]", "b");
    const char *both = head_of_table("[accuracy,loss]", "c"),
               *accuracy = head_of_table("[accuracy]", "d");
    cr_assert(strstr(none, ",loss,") && strstr(none, "val_loss"), "%s", none);
    cr_assert(!strstr(none, "accuracy"), "%s", none);
    cr_assert_str_eq(none, loss);
    cr_assert(strstr(accuracy, ",accuracy,"), "%s", accuracy);
    cr_assert_str_eq(accuracy, both);
}

/* ---- the same bits --------------------------------------------------------------------- */

Test(train, same_config_same_bits)
{
    small_net();
    test_ended(tenon("train net.yaml --out a --threads 1"), 0, NULL);
    test_ended(tenon("train net.yaml --out b --threads 1"), 0, NULL);
    test_ended(tenon("train net.yaml --out c --threads 2"), 0, NULL);
    test_ended(tenon("train net.yaml --out d --set seed=4"), 0, NULL);
    cr_assert(test_same_files("a/model.safetensors", "b/model.safetensors"),
              "twice in a row");
    cr_assert(test_same_files("a/model.safetensors", "c/model.safetensors"),
              "two threads");
    cr_assert(!test_same_files("a/model.safetensors", "d/model.safetensors"),
              "other seed");
}

#define LONG "--set train.epochs=24 --json"
#define EPOCH "\"event\":\"epoch\""

static test_process *begin_long(const char *out)
{
    test_process *p = tenon_begin("train net.yaml --out %s " LONG, out);
    tenon_await(p, EPOCH, 2);
    return p;
}

/* The interrupted run `broken` goes on and ends as if nothing had been. */
static void goes_on(const char *broken)
{
    cr_assert(!test_exists("broken/model.safetensors"), "the signal came too late");
    test_ended(tenon("train net.yaml --out whole " LONG), 0, NULL);
    test_ended(tenon("train --resume %s " LONG, broken), 0, NULL);
    cr_assert(test_same_files("whole/model.safetensors", "broken/model.safetensors"));
    cr_assert_eq(lines_of("broken/metrics.csv"), 25, "each epoch once");
}

Test(train, kill_9_and_resume)
{
    small_net();
    test_process *p = begin_long("broken");
    kill(p->id, SIGKILL);
    tenon_end(p);
    cr_assert_eq(p->status, 128 + SIGKILL);
    goes_on("broken");
}

Test(train, ctrl_c_and_resume)
{
    small_net();
    test_process *p = begin_long("broken");
    kill(p->id, SIGINT);
    tenon_end(p);
    cr_assert(!p->by_signal);
    test_ended(p, 130, "stopped by SIGINT", "tenon train --resume broken", NULL);
    test_one_message(p);
    goes_on("broken");
}

Test(train, a_run_that_is_running_is_not_resumed)
{
    small_net();
    test_process *p = begin_long("broken");
    kill(p->id, SIGSTOP);
    const test_process *second = tenon("train --resume broken " LONG);
    test_ended(second, 1, "another process trains in broken", NULL);
    kill(p->id, SIGCONT);
    kill(p->id, SIGINT);
    tenon_end(p);
    test_ended(p, 130, NULL);
    goes_on("broken");
}

Test(train, terminate_and_resume)
{
    small_net();
    test_process *p = begin_long("broken");
    kill(p->id, SIGTERM);
    tenon_end(p);
    cr_assert(!p->by_signal);
    test_ended(p, 143, "stopped by SIGTERM", "tenon train --resume broken", NULL);
    goes_on("broken");
}

/* Both signals are waiting when the program wakes: the first is handled, the second kills. */
Test(train, a_second_signal_ends_at_once)
{
    small_net();
    test_process *p = begin_long("broken");
    kill(p->id, SIGSTOP);
    kill(p->id, SIGINT);
    kill(p->id, SIGTERM);
    kill(p->id, SIGCONT);
    tenon_end(p);
    cr_assert(p->by_signal, "status %d", p->status);
    cr_assert_eq(p->status, 128 + SIGTERM);
    goes_on("broken");
}

/* Whether a process has a handler for the signal. */
static bool handles(pid_t id, int number)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)id);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file)) sscanf(line, "SigCgt: %llx", &caught);
    fclose(file);
    return caught >> (number - 1) & 1;
}

static void await_handler(pid_t id, int number, bool there)
{
    for (int i = 0; i < 10000 && handles(id, number) != there; i++) usleep(2000);
    cr_assert_eq(handles(id, number), there);
}

/* Fills a pipe to the last byte, through a description of our own: that of `end` stays one whose
 * writes wait. */
static void fill_pipe(int end)
{
    char path[64], byte = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", end);
    const int filler = open(path, O_WRONLY | O_NONBLOCK);
    cr_assert_geq(filler, 0);
    while (write(filler, &byte, 1) == 1) continue;
    close(filler);
}

/* Nobody reads what the program tells: it waits in a write and cannot end in good order. */
Test(train, a_second_ctrl_c_ends_at_once)
{
    int ends[2];
    small_net();
    cr_assert_eq(pipe(ends), 0);
    test_process *p = tenon_begin_into(
        ends[1], "train net.yaml --out broken --set train.epochs=100000 --json");
    await_handler(p->id, SIGINT, true);
    fill_pipe(ends[1]);
    kill(p->id, SIGINT);
    await_handler(p->id, SIGINT, false);
    kill(p->id, SIGINT);
    tenon_end(p);
    cr_assert(p->by_signal, "status %d", p->status);
    cr_assert_eq(p->status, 128 + SIGINT);
}

Test(train, resume_needs_a_run)
{
    small_net();
    const test_process *p = tenon("train net.yaml --resume nowhere");
    test_ended(p, 1, "nowhere", NULL);
    test_one_message(p);
    test_ended(tenon("train --resume nowhere"), 1, "nowhere/config.yaml", NULL);
}

Test(train, resume_with_another_network_is_refused)
{
    small_net();
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
    const test_process *p = tenon(
        "train net.yaml --resume run --set model.1.dense.units=7 --set train.epochs=9");
    test_ended(p, 1, "model.1.dense.units is 7, but the run has 16", NULL);
    test_one_message(p);
}

Test(train, a_complete_run_says_so_when_resumed)
{
    static const char says[] =
        "already complete (4 of 4 epochs); go on with --set train.epochs=8";
    small_net();
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
    const test_process *p = tenon("train --resume run");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, says), "%s", p->out);
    const test_process *q = tenon("train --resume run --json");
    test_ended(q, 0, NULL);
    const char *note = strstr(q->out, "{\"event\":\"note\",");
    cr_assert(note && strstr(note, says), "%s", q->out);
    const test_process *more = tenon("train --resume run --set train.epochs=5");
    test_ended(more, 0, NULL);
    cr_assert(!strstr(more->out, "already complete"), "%s", more->out);
}

Test(train, a_run_that_an_observer_ended_is_complete)
{
    small_net();
    test_ended(
        tenon("train net.yaml --out run --set train.epochs=9 "
              "--set observe=[{\"early_stopping\":{\"patience\":1,\"min_delta\":9}}]"),
        0, NULL);
    const test_process *p = tenon("train --resume run");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "already complete: an observer ended it after 2 of 9"), "%s",
              p->out);
}

Test(train, what_is_no_config_is_told_apart)
{
    small_net();
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
    const test_process *p = tenon("train run/model.safetensors");
    test_ended(p, 1, "run/model.safetensors is a model or a checkpoint",
               "takes a config (YAML)", "--resume", NULL);
    test_one_message(p);
    const test_process *q = tenon("train run");
    test_ended(q, 1, "run is a folder", "tenon train --resume run", NULL);
    test_one_message(q);
    cr_assert(!test_exists("runs"));
}

/* ---- when something is wrong ------------------------------------------------------------ */

Test(train, there_must_be_a_run_to_go_on_with)
{
    test_ended(tenon("train --resume nowhere"), 1,
               "nowhere holds no run to go on with: there is no nowhere/config.yaml",
               NULL);
    test_ended(tenon("bench ."), 1, ". is a folder, but tenon bench takes a config",
               NULL);
}

Test(train, a_loss_that_is_not_finite_stops_the_run)
{
    small_net();
    const test_process *p = tenon(
        "train net.yaml --out run --set optimizer={\"sgd\":{\"lr\":1e36}}");
    test_ended(p, 1, "not finite", "layer '", "learning rate", "step", NULL);
    test_one_message(p);
    cr_assert(test_exists("run/checkpoint.safetensors"), "the last good one is kept");
    cr_assert(!test_exists("run/model.safetensors"));
}

static void fill(const char *path)
{
    char block[4096] = {0};
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    while (fwrite(block, 1, sizeof block, file) == sizeof block && !fflush(file))
        continue;
    fclose(file);
}

Test(train, a_full_disk_leaves_the_old_model)
{
    size_t before, after;
    small_net();
    cr_assert_eq(mkdir("disk", 0700), 0);
    if (!test_small_disk("disk", 1 << 20)) cr_skip_test("no small disk on this system");
    test_ended(tenon("train net.yaml --out disk/run"), 0, NULL);
    const char *model = test_read("disk/run/model.safetensors", &before);
    char *copy = memcpy(kept(malloc(before)), model, before);
    fill("disk/filler");
    const test_process *p = tenon("train --resume disk/run");
    test_ended(p, 1, "disk/run/", "disk full; free some space", NULL);
    test_one_message(p);
    model = test_read("disk/run/model.safetensors", &after);
    cr_assert_eq(before, after);
    cr_assert_eq(memcmp(model, copy, before), 0, "the old model stays");
    remove("disk/filler");
    cr_assert_eq(test_entries("disk/run"), 4, "no half-written file stays");
    test_ended(tenon("train net.yaml --resume disk/run --set train.epochs=9"), 0, NULL);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static json_object *field(json_object *object, const char *name)
{
    json_object *value = NULL;
    cr_assert(json_object_object_get_ex(object, name, &value), "no %s in %s", name,
              json_object_to_json_string(object));
    return value;
}

Test(train, json_is_an_object_a_line)
{
    int epochs = 0;
    bool started = false, ended = false;
    small_net();
    const test_process *p = tenon("train net.yaml --out run --json --threads 2");
    test_ended(p, 0, NULL);
    for (char *line = strtok(p->out, "\n"); line; line = strtok(NULL, "\n")) {
        json_object *object = json_tokener_parse(line);
        cr_assert(object && json_object_is_type(object, json_type_object), "%s", line);
        const char *event = json_object_get_string(field(object, "event"));
        if (!strcmp(event, "start")) {
            started = true;
            cr_assert_eq(json_object_get_int(field(object, "threads")), 2);
            cr_assert_eq(json_object_get_int(field(object, "parameters")), 355);
            cr_assert_str_eq(json_object_get_string(field(object, "run")), "run");
        } else if (!strcmp(event, "epoch")) {
            cr_assert_eq(json_object_get_int(field(object, "epoch")), ++epochs);
            cr_assert(isfinite(json_object_get_double(field(object, "loss"))));
            cr_assert(isfinite(json_object_get_double(field(object, "val_accuracy"))));
        } else if (!strcmp(event, "end")) {
            ended = true;
            cr_assert_str_eq(json_object_get_string(field(object, "status")), "done");
        }
        json_object_put(object);
    }
    cr_assert(started && ended && epochs == 4);
}

Test(train, json_tells_errors_too)
{
    small_net();
    const test_process *p = tenon("train net.yaml --json --set optimizer.adam.lr=fast");
    test_ended(p, 1, "lr", NULL);
    json_object *object = json_tokener_parse(p->out);
    cr_assert(object, "%s", p->out);
    cr_assert_str_eq(json_object_get_string(field(object, "event")), "error");
    cr_assert(strstr(json_object_get_string(field(object, "message")), "lr"));
    json_object_put(object);
}

/* Weights of a file without training: what they say, they said there. */
Test(train, no_epochs_write_the_model_to_begin_with)
{
    small_net();
    test_ended(tenon("train net.yaml --out run --set train.epochs=1"), 0, NULL);
    test_ended(tenon("train net.yaml --out same --set train.epochs=0 --set "
                     "init_from=run"),
               0, NULL);
    const test_process *p = tenon("evaluate run --split validation"),
                       *q = tenon("evaluate same --split validation");
    test_ended(q, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
    p = tenon("train --resume same");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "(0 of 0 epochs); go on with --set train.epochs=1\n"), "%s",
              p->out);
}
