/* `tenon bench`: where time and memory of steps go. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#include "support/process.h"
#include "support/small_net.h"

TestSuite(bench, .init = test_start_in_folder, .timeout = 120);

static void prints(const test_process *p, const char *text)
{
    cr_assert(strstr(p->out, text), "no %s in\n%s", text, p->out);
}

Test(bench, a_table_of_the_parts_of_a_step)
{
    small_net();
    const test_process *p = tenon("bench net.yaml --steps 3 --threads 1");
    test_ended(p, 0, NULL);
    const char *const texts[] = {
        "part", "us",         "data",       "forward", "loss",   "backward", "update",
        "rest", "3 steps of", "1 thread\n", "GFLOP/s", "memory", "gradients"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) prints(p, texts[i]);
    cr_assert(!test_exists("runs"));
}

static double number(const char *line, const char *key)
{
    json_object *all = json_tokener_parse(line), *value = NULL;
    cr_assert(all && json_object_object_get_ex(all, key, &value), "no %s in %s", key,
              line);
    const double found = json_object_get_double(value);
    json_object_put(all);
    return found;
}

Test(bench, without_data_on_random_samples_and_as_json)
{
    test_write_text("net.yaml", "input: [16]\nmodel: [{dense: 8}, relu, {dense: 2}]\n"
                                "loss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n");
    const test_process *p = tenon("bench net.yaml --batch 5 --steps 4 --json");
    test_ended(p, 0, NULL);
    const char *line = strstr(p->out, "{\"event\":\"bench\"");
    cr_assert(line, "%s", p->out);
    cr_assert_eq(number(line, "samples"), 5);
    cr_assert_eq(number(line, "steps"), 4);
    cr_assert_eq(number(line, "operations"), 2 * 5 * (2 * 16 * 8 + 3 * 8 * 2));
    cr_assert_gt(number(line, "seconds"), 0);
    cr_assert_eq(number(line, "parameter_bytes"), 4 * (16 * 8 + 8 + 8 * 2 + 2));
}

Test(bench, mistakes)
{
    test_ended(tenon("bench missing.yaml"), 1, "missing.yaml", NULL);
    test_ended(tenon("bench net.yaml --steps 0"), 2, "--steps: expected a number from 1",
               NULL);
    test_ended(tenon("bench net.yaml --batch x"), 2, "--batch: expected a number", NULL);
}
