/* The command line of `tenon`: help, versions, mistakes, what exists, and output that is lost. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/process.h"
#include "support/small_net.h"

TestSuite(usage, .init = test_start_in_folder, .timeout = 120);

static const char *const commands[] = {"train",   "evaluate", "predict", "gradients",
                                       "plugins", "describe", "info",    "bench"};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

Test(usage, every_command_has_help)
{
    const test_process *all = tenon("--help");
    test_ended(all, 0, NULL);
    for (int i = 0; i < COMMANDS; i++) {
        const test_process *one = tenon("%s --help", commands[i]);
        test_ended(one, 0, NULL);
        cr_assert(strstr(all->out, commands[i]), "%s", commands[i]);
        cr_assert(strstr(one->out, "usage: tenon ") && strstr(one->out, commands[i]));
        cr_assert_str_empty(one->err);
    }
}

Test(usage, help_is_a_command_too)
{
    const test_process *all = tenon("help");
    test_ended(all, 0, NULL);
    cr_assert_str_eq(all->out, tenon("--help")->out);
    for (int i = 0; i < COMMANDS; i++) {
        const test_process *one = tenon("help %s", commands[i]);
        test_ended(one, 0, NULL);
        cr_assert_str_eq(one->out, tenon("%s --help", commands[i])->out);
    }
}

Test(usage, version)
{
    const test_process *p = tenon("--version");
    test_ended(p, 0, NULL);
    cr_assert(!strncmp(p->out, "tenon 0.", 8), "%s", p->out);
}

static void misuse(const char *line, const char *message)
{
    const test_process *p = tenon("%s", line);
    test_ended(p, 2, message, "--help", NULL);
    test_one_message(p);
}

Test(usage, mistakes_end_with_2_and_say_what)
{
    misuse("trian net.yaml", "no command 'trian'; did you mean train?");
    misuse("help trian", "no command 'trian'; did you mean train?");
    misuse("help train info", "expected: tenon help COMMAND");
    misuse("frobnicate net.yaml", "no command 'frobnicate' (see");
    misuse("", "no command given");
    misuse("train net.yaml more.yaml", "expected: tenon train CONFIG");
    misuse("predict model", "expected: tenon predict MODEL IN.npy -o OUT.npy");
    misuse("predict model in.npy", "no output named; say where with -o FILE");
    misuse("gradients model x.npy y.npy", "no output named");
    misuse("train", "no config given");
    misuse("train --resume a --out b", "leave out --out");
    misuse("train net.yaml --epochs 3",
           "option --epochs; what the config says is changed by --set KEY=VALUE (see");
    misuse("train net.yaml --thread=2 --resmue a", "--resmue; did you mean --resume?");
    misuse("train net.yaml --treads=2", "option --treads; did you mean --threads?");
    misuse("plugins --json=yes", "--json takes no value");
    misuse("plugins --threads 2", "unknown or ambiguous option --threads");
    misuse("train -x", "unknown option -x");
    misuse("train net.yaml --set", "--set needs a value");
    misuse("train net.yaml --set lr", "expected KEY=VALUE, got 'lr'");
    misuse("train net.yaml --threads 0", "from 1 to 1024, got '0'");
    misuse("train net.yaml --threads two", "got 'two'");
    misuse("train net.yaml --max-memory 12Q",
           "expected a size such as 512M or 2G, got '12Q'");
    misuse("train net.yaml --max-memory 99999999999999999T", "got '99999999999999999T'");
    misuse("train net.yaml --max-memory -1", "got '-1'");
    misuse("info --set x=y", "--set x=y: no config given in which to set it");
    misuse("evaluate model --split all", "expected train, validation or test, got 'all'");
}

Test(usage, sizes_limit_memory)
{
    small_net();
    test_ended(tenon("train net.yaml --out run --max-memory 4K"), 1, "max-memory", NULL);
}

Test(usage, plugins_are_listed)
{
    const test_process *p = tenon("plugins");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "layer/dense "), "%s", p->out);
    cr_assert(strstr(p->out, "optimizer/adam "), "%s", p->out);
    cr_assert(strstr(p->out, "layer/dense.so"), "the file: %s", p->out);
    cr_assert(strstr(p->out, "backend/") < strstr(p->out, "layer/"), "sorted by kind");
}

Test(usage, plugins_of_one_kind_are_listed)
{
    const test_process *p = tenon("plugins schedule");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "schedule/cosine ") && !strstr(p->out, "layer/"), "%s",
              p->out);
    const test_process *q = tenon("plugins shedule");
    test_ended(q, 1, "no plugins of kind 'shedule'", NULL);
    test_one_message(q);
}

Test(usage, a_plugin_is_described)
{
    const test_process *p = tenon("describe layer/dense");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "units") && strstr(p->out, "Rumelhart"), "%s", p->out);
    const test_process *ema = tenon("describe optimizer/ema");
    cr_assert(strstr(ema->out, "learning rate is that of `of`"), "%s", ema->out);
    test_ended(tenon("describe layer/dens"), 1, "dens", "dense", NULL);
    test_ended(tenon("describe dens"), 1, "no plugin is called 'dens'", "is dense", NULL);
    test_ended(tenon("describe constant"), 1,
               "say which: initializer/constant, schedule/", NULL);
    const test_process *bare = tenon("describe dense");
    test_ended(bare, 0, NULL);
    cr_assert_str_eq(bare->out, p->out, "a kind is needed only between namesakes");
    test_ended(tenon("describe ../etc/passwd"), 1, NULL);
    const test_process *option = tenon("describe zoneout");
    test_ended(option, 0, NULL);
    cr_assert(strstr(option->out, "layer/gru\n") && strstr(option->out, "layer/lstm\n") &&
              strstr(option->out, "layer/rnn\n") && strstr(option->out, "[0, 1]"));
    const test_process *json = tenon("describe zoneout --json");
    test_ended(json, 0, NULL);
    cr_assert_not_null(
        strstr(json->out, "{\"event\":\"describe\",\"plugin\":\"zoneout\""));
    test_ended(tenon("plugins layrs"), 1, "the nearest kind is layer", NULL);
}

Test(usage, info_tells_of_the_machine)
{
    const test_process *p = tenon("info");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "processor ") && strstr(p->out, "backend "), "%s", p->out);
    cr_assert(strstr(p->out, "BLIS"), "version and kernels: %s", p->out);
    cr_assert(strstr(p->out, "plugins are searched in\n          /"), "%s", p->out);
}

Test(usage, info_shows_a_network)
{
    small_net();
    const test_process *p = tenon("info net.yaml --set model.1.dense.units=5");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "output shape") && strstr(p->out, "(16)"), "%s", p->out);
    cr_assert(strstr(p->out, "\n113 parameters\n"), "17 x 5 + 5 x 2 + 6 x 3: %s", p->out);
    cr_assert(strstr(p->out, "batch     10 samples (of the data section"), "%s", p->out);
    cr_assert(strstr(p->out, "to train batches of 10 (the least possible: "), "%s",
              p->out);
    cr_assert_null(strstr(p->out, "parametrization"), "%s", p->out);
    cr_assert_null(strstr(p->out, "memory: normal"), "%s", p->out);
    cr_assert(!test_exists("runs"), "info writes nothing");
}

Test(usage, info_shows_what_is_trained_apart)
{
    small_net();
    const test_process *p = tenon(
        "info net.yaml --set parameters=[{\"match\":\"dense\",\"freeze\":true},"
        "{\"match\":\"dense_2.weight\",\"lr_factor\":0.5}]");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "regularizer  training\n"), "%s", p->out);
    cr_assert(strstr(p->out, "l2           frozen\n"), "%s", p->out);
    cr_assert(strstr(p->out, "l2           weight: lr x 0.5\n"), "%s", p->out);
    cr_assert(strstr(p->out, "355 parameters, of which 83 are trained\n"), "%s", p->out);
}

Test(usage, info_shows_parametrizations)
{
    small_net();
    const test_process *p = tenon("info net.yaml --set model.1.dense.units=5 --set "
                                  "model.1.dense.parametrization=weight_norm");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "regularizer  parametrization\n"), "%s", p->out);
    cr_assert(strstr(p->out, "l2           weight_norm\n"), "%s", p->out);
    cr_assert(strstr(p->out, "\n118 parameters\n"), "with 5 lengths: %s", p->out);
}

Test(usage, info_shows_what_memory_low_saves)
{
    test_write_text("deep.yaml",
                    "input: [16]\nmodel: [{dense: 16}, tanh, {dense: 16}, tanh, "
                    "{dense: 16}, tanh, {dense: 16}, tanh, {dense: 16}, tanh, "
                    "{dense: 3}]\nmemory: low\nloss: mse\noptimizer: sgd\n");
    const test_process *p = tenon("info deep.yaml");
    test_ended(p, 0, NULL);
    cr_assert_not_null(strstr(p->out, ", with memory: normal: "), "%s", p->out);
    cr_assert(strstr(p->out, "batch     64 samples (an example"), "%s", p->out);
}

Test(usage, every_line_of_json_parses)
{
    const char *const lines[] = {"plugins --json", "info --json",
                                 "info --json --threads 2", "plugins layer --json",
                                 "describe layer/dense --json"};
    for (int i = 0; i < 5; i++) {
        const test_process *p = tenon("%s", lines[i]);
        test_ended(p, 0, NULL);
        int count = 0;
        for (char *line = strtok(p->out, "\n"); line;
             line = strtok(NULL, "\n"), count++) {
            json_object *object = json_tokener_parse(line), *field = NULL;
            cr_assert(object, "%s", line);
            cr_assert(json_object_object_get_ex(object, "event", &field), "%s", line);
            if (i == 2) {
                cr_assert(json_object_object_get_ex(object, "threads", &field), "%s",
                          line);
                cr_assert_eq(json_object_get_int(field), 2);
            }
            json_object_put(object);
        }
        cr_assert_geq(count, i == 0 ? 30 : i == 3 ? 5 : 1);
    }
}

Test(usage, a_full_disk_behind_stdout_is_an_error)
{
    const int full = open("/dev/full", O_WRONLY);
    test_ended(tenon_into(full, "--help"), 1, "cannot write to standard output: No space",
               NULL);
    test_ended(tenon_into(full, "plugins"), 1, "cannot write to standard output", NULL);
}

Test(usage, a_broken_pipe_is_an_error)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    const test_process *p = tenon_into(ends[1], "plugins");
    test_ended(p, 1, "cannot write to standard output: Broken pipe", NULL);
    test_one_message(p);
}

Test(usage, output_that_nobody_reads_stops_a_run_after_a_checkpoint)
{
    const int full = open("/dev/full", O_WRONLY);
    small_net();
    const test_process *p = tenon_into(full, "train net.yaml --out run");
    test_ended(p, 1, "cannot write to standard output", NULL);
    test_one_message(p);
    test_ended(tenon("train --resume run"), 0, NULL);
    cr_assert(test_exists("run/model.safetensors"));
}

typedef struct screen {
    int master;
    char text[1 << 20];
    size_t used;
} screen;

/* Reads as it comes: a terminal that nobody reads stops the program. */
static void *watch(void *data)
{
    screen *s = data;
    for (ssize_t n;
         (n = read(s->master, s->text + s->used, sizeof s->text - 1 - s->used)) > 0;)
        s->used += (size_t)n;
    return NULL;
}

/* What a terminal gets from a command line. */
static char *on_terminal(const char *line)
{
    static screen s;
    pthread_t watcher;
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && !grantpt(master) && !unlockpt(master));
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    cr_assert_geq(terminal, 0);
    s.master = master;
    cr_assert_eq(pthread_create(&watcher, NULL, watch, &s), 0);
    const test_process *p = tenon_into(terminal, "%s", line);
    close(terminal); /* the last one: reading ends */
    pthread_join(watcher, NULL);
    close(master);
    test_ended(p, 0, NULL);
    return s.text;
}

Test(usage, a_terminal_has_a_bar)
{
    small_net();
    const char *text = on_terminal("train net.yaml --out run --set observe=[csv_log] "
                                   "--set data.idx.batch=2 --set train.epochs=100");
    const char *bar = strstr(text, "\repoch ");
    cr_assert(bar, "%s", text);
    cr_assert(strstr(bar, " samples/s  ") && strstr(bar, " left"), "%s", bar);
    cr_assert(strstr(bar, "\r\033[K"), "it goes before the epoch's row: %s", bar);
    cr_assert(strstr(text, "    100  "), "%s", text);
}

Test(usage, names_from_files_cannot_steer_a_terminal)
{
    test_write_text("net.yaml", "%s", "model: [{dense: {units: 3, \"u\\e[31mx\": 1}}]\n");
    const test_process *p = tenon("train net.yaml --out run");
    test_ended(p, 1, NULL);
    cr_assert_null(strchr(p->err, '\033'), "%s", p->err);
    const test_process *q = tenon("predict mo\033[2Jdel in.npy -o out.npy");
    test_ended(q, 1, "mo?[2Jdel", NULL);
}
