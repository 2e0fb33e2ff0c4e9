/* The documentation: every config in it loads, every plugin in it compiles and is described. A
 * block of YAML that is a part of a config is completed with BASE, key by key. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/kept.h"
#include "support/process.h"
#include "support/small_net.h"

TestSuite(docs, .init = test_start_in_folder, .timeout = 120);

static const char *const base[][2] = {
    {"data", "data: {csv: {path: flowers.csv, batch: 8}}"},
    {"model", "model: [{dense: 3}]"},
    {"loss", "loss: cross_entropy"},
    {"optimizer", "optimizer: sgd"},
    {"train", "train: {epochs: 2}"},
};

static char *page(const char *name)
{
    char path[4200];
    size_t size;
    snprintf(path, sizeof path, "%s/../%s", getenv("TENON_TEST_DATA"), name);
    const char *text = test_read(path, &size);
    cr_assert_not_null(text, "%s", path);
    return kept(strdup(text));
}

/* The next block of a language, ended in place; *rest moves behind it. NULL: no more. */
static char *next_block(char **rest, const char *language)
{
    char fence[32];
    snprintf(fence, sizeof fence, "\n```%s\n", language);
    char *start = strstr(*rest, fence);
    if (!start) return NULL;
    start += strlen(fence);
    char *end = strstr(start, "```\n");
    cr_assert_not_null(end, "a block is not closed");
    *end = 0;
    *rest = end + 1;
    return start;
}

/* ---- configs ------------------------------------------------------------------------- */

/* The files that the configs name. */
static void make_data(void)
{
    float x[40];
    int32_t y[10];
    FILE *flowers = fopen("flowers.csv", "w"), *houses = fopen("houses.csv", "w");
    cr_assert(flowers && houses);
    fputs("a,b,c,d,kind\n", flowers);
    fputs("area,price,rooms\n", houses);
    for (int i = 0; i < 30; i++) {
        fprintf(flowers, "%d,%g,1,0.5,%d\n", i % 7, sin(i), i % 3);
        fprintf(houses, "%g,%g,%d\n", 0.1 * i, 0.3 * i, i % 4);
    }
    fclose(flowers), fclose(houses);
    float steps[10];
    FILE *lengths = fopen("lengths.csv", "w");
    cr_assert(lengths);
    fputs("a,b,c,d,e,f,steps,kind\n", lengths);
    for (int i = 0; i < 30; i++)
        fprintf(lengths, "%g,2,3,4,5,6,%d,%d\n", sin(i), i % 7, i % 3);
    fclose(lengths);
    for (int i = 0; i < 10; i++) steps[i] = (float)(i % 3);
    array_write("steps.npy", "<f4", "(10,)", steps, sizeof steps);
    FILE *book = fopen("book.txt", "w"), *passengers = fopen("passengers.csv", "w");
    cr_assert(book && passengers);
    fputs("month,passengers\n", passengers);
    for (int i = 0; i < 900; i++) fputc(i % 6 ? 'a' + i * i % 26 : ' ', book);
    for (int i = 0; i < 60; i++) fprintf(passengers, "\"1949-%d\",%g\n", i, i + sin(i));
    fclose(book), fclose(passengers);
    for (int i = 0; i < 40; i++) x[i] = (float)i;
    for (int i = 0; i < 10; i++) y[i] = i % 3;
    array_write("x.npy", "<f4", "(10, 4)", x, sizeof x);
    array_write("series.npy", "<f4", "(10, 2, 2)", x, sizeof x);
    array_write("series-t.npy", "<f4", "(2, 10, 2)", x, sizeof x);
    array_write("more.npy", "<f4", "(10, 2)", x, sizeof(float[20]));
    array_write("y.npy", "<i4", "(10,)", y, sizeof y);
    cr_assert_eq(mkdir("digits", 0755), 0);
    small_idx("digits/train-images-idx3-ubyte", "digits/train-labels-idx1-ubyte", 90, 3,
              4);
}

static bool has_key(const char *block, const char *key)
{
    const size_t length = strlen(key);
    for (const char *line = block; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, key, length) && line[length] == ':') return true;
    }
    return false;
}

static void write_config(const char *block)
{
    FILE *file = fopen("net.yaml", "w");
    cr_assert_not_null(file);
    if (!small_config(file, block))
        for (size_t i = 0; i < sizeof base / sizeof *base; i++)
            if (!has_key(block, base[i][0])) fprintf(file, "%s\n", base[i][1]);
    fclose(file);
}

static int check_configs(const char *name)
{
    char *rest = page(name);
    int count = 0;
    for (char *block; (block = next_block(&rest, "yaml")); count++) {
        const bool generated = strstr(block, "adding: {"); /* as much as is asked for */
        write_config(block);
        const test_process *p = tenon("train net.yaml --threads 1 --set train.epochs=2 "
                                      "--allow-foreign libm.so.6%s",
                                      generated ? " --set data.adding.samples=200" : "");
        cr_assert_eq(p->status, 0, "%s: this config:\n%s\ndoes not train: %s", name,
                     block, p->err);
    }
    return count;
}

Test(docs, every_config_trains)
{
    make_data();
    cr_assert_geq(check_configs("docs/guide.md"), 14);
    cr_assert_geq(check_configs("README.md"), 1);
    cr_assert_geq(check_configs("docs/design.md"), 1);
}

/* ---- plugins ------------------------------------------------------------------------- */

/* The first two arguments of TN_PLUGIN or TN_PLUGIN_WITH. */
static void plugin_name(const char *block, char kind[40], char name[40])
{
    const char *at = strstr(block, "TN_PLUGIN_WITH(OPTIONS, ");
    at = at ? strchr(at, ',') : strchr(strstr(block, "TN_PLUGIN("), '(');
    cr_assert_eq(sscanf(at + 1, " %39[a-z_], %39[a-z_]", kind, name), 2);
}

/* With the command that the guide gives, and every warning an error. */
static void check_plugin(const char *block)
{
    char kind[40], name[40], path[100], command[5000];
    plugin_name(block, kind, name);
    snprintf(path, sizeof path, "%s.c", name);
    test_write(path, block, strlen(block));
    snprintf(command, sizeof command,
             "mkdir -p own/%s && cc -shared -fPIC -fvisibility=hidden -O2 -Wall -Wextra "
             "-Wno-unused-parameter -Werror -I. -I%s/../include %s -o own/%s/%s.so",
             kind, getenv("TENON_TEST_DATA"), path, kind, name);
    cr_assert_eq(system(command), 0, "%s does not compile", path);
    const test_process *p = tenon("describe %s/%s --plugin-path own", kind, name);
    cr_assert_eq(p->status, 0, "%s/%s: %s", kind, name, p->err);
}

static int check_plugins(const char *name)
{
    char *rest = page(name);
    int count = 0;
    for (char *block; (block = next_block(&rest, "c"));) {
        if (!strstr(block, "TN_PLUGIN")) continue;
        check_plugin(block);
        count++;
    }
    return count;
}

Test(docs, every_plugin_compiles_and_trains)
{
    cr_assert_eq(check_plugins("README.md"), 1);
    cr_assert_eq(check_plugins("docs/plugin-guide.md"), 5);
    make_data();
    test_write_text("own.yaml", "seed: 1\ndata: {csv: {path: flowers.csv}}\n"
                                "model: [{dense: 8}, isru, {dense: {units: 8, "
                                "parametrization: softplus}}, swish, {dense: 3}]\n"
                                "init: {signs: 0.3}\nregularizer: {log_cosh: 1e-3}\n"
                                "loss: cross_entropy\noptimizer: {signum: {lr: 0.01}}\n"
                                "train: {epochs: 3}\n");
    test_ended(tenon("train own.yaml --plugin-path own --threads 1"), 0, NULL);
}
