/* `tenon evaluate`: loss, metrics and tables of a model over a set. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/linear_net.h"
#include "support/process.h"
#include "support/small_net.h"

TestSuite(evaluate, .init = linear_net, .timeout = 120);

Test(evaluate, reads_the_config_beside_the_model)
{
    const test_process *p = tenon("evaluate " MODEL);
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "test loss ") && strstr(p->out, "test accuracy "), "%s",
              p->out);
    rename("run/config.yaml", "moved.yaml");
    test_ended(tenon("evaluate " MODEL), 1, "no config.yaml beside it", "--data", NULL);
    const test_process *q = tenon("evaluate " MODEL " --data moved.yaml");
    test_ended(q, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
    test_ended(tenon("evaluate " MODEL " --data moved.yaml --split validation"), 1,
               "validation", NULL);
}

Test(evaluate, the_folder_of_a_run_stands_for_its_model)
{
    float x[SAMPLES][PIXELS];
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    const test_process *p = tenon("evaluate run"), *q = tenon("evaluate " MODEL);
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
    test_ended(tenon("predict run/ x.npy -o a.npy"), 0, NULL);
    test_ended(tenon("predict " MODEL " x.npy -o b.npy"), 0, NULL);
    cr_assert(test_same_files("a.npy", "b.npy"));
    remove(MODEL);
    test_ended(tenon("evaluate run"), 1, "run is a folder without model.safetensors",
               NULL);
}

Test(evaluate, what_is_no_model_is_told_apart)
{
    const test_process *p = tenon("evaluate net.yaml"),
                       *q = tenon("predict net.yaml x.npy -o y.npy"),
                       *r = tenon("evaluate run/checkpoint.safetensors");
    test_ended(p, 1, "net.yaml is a config, but tenon evaluate takes a model", NULL);
    test_ended(q, 1, "net.yaml is a config, but tenon predict takes a model", NULL);
    test_ended(r, 1,
               "run/checkpoint.safetensors: is the checkpoint of a run, not a model",
               NULL);
    test_one_message(p), test_one_message(q), test_one_message(r);
}

/* With names of classes, as counts and to four digits. */
Test(evaluate, prints_tables)
{
    size_t size;
    test_write_text("more.yaml",
                    "classes: [a, b, \"\\e[31mc\"]\nmetrics: [{recall: "
                    "{per_class: true}}, confusion_matrix]\n%s",
                    test_read("net.yaml", &size));
    const test_process *p = tenon("train more.yaml --out more");
    test_ended(p, 0, NULL);
    cr_assert_not_null(strstr(p->out, "  epoch       loss     recall  learning rate"),
                       "%s", p->out);
    const char *csv = test_read("more/metrics.csv", &size);
    cr_assert_not_null(strstr(csv,
                              ",recall,recall[0],recall[1],recall[2],confusion_matrix["
                              "0][0],"),
                       "%s", csv);
    p = tenon("evaluate more");
    test_ended(p, 0, NULL);
    const char *list = strstr(p->out, "\n\nrecall\n0 a   "),
               *table = strstr(p->out, "\n\nconfusion_matrix   0   1   2\n0 a");
    cr_assert(list && table && strstr(table, "\n2 ?[31mc"), "%s", p->out);
    int all = 0, n, row, count[3];
    for (int i = 0; i < 3; i++) {
        table = strchr(table + 2, '\n');
        cr_assert_eq(
            sscanf(table, "%d %*s %d %d %d%n", &row, &count[0], &count[1], &count[2], &n),
            4);
        cr_assert_eq(row, i);
        all += count[0] + count[1] + count[2];
    }
    cr_assert_eq(all, 100);
    p = tenon("evaluate more --json");
    cr_assert_not_null(strstr(p->out, "\"confusion_matrix[2][1]\":"), "%s", p->out);
}

/* One output tells two classes apart. */
Test(evaluate, one_output_shows_both_classes)
{
    small_idx("images.idx", "labels.idx", 100, 2, 4);
    test_write_text(
        "two.yaml", "%s",
        "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
        "test_images: images.idx, test_labels: labels.idx}}\n"
        "model: [flatten, {dense: 1}]\nclasses: [cat, dog]\n"
        "loss: binary_cross_entropy\nmetrics: [{recall: {per_class: true}}, "
        "confusion_matrix]\noptimizer: {sgd: {lr: 0.1}}\ntrain: {epochs: 1}\n");
    test_ended(tenon("train two.yaml --out two"), 0, NULL);
    const test_process *p = tenon("info two"), *q = tenon("info two --json"),
                       *e = tenon("evaluate two");
    cr_assert_not_null(strstr(p->out, "\nclasses   cat, dog\n"), "%s", p->out);
    cr_assert_not_null(strstr(q->out, "\"classes\":[\"cat\",\"dog\"]"), "%s", q->out);
    cr_assert_not_null(strstr(e->out, "\n\nrecall\n0 cat "), "%s", e->out);
    cr_assert_not_null(strstr(strstr(e->out, "confusion_matrix"), "\n1 dog "), "%s",
                       e->out);
}

Test(evaluate, as_json)
{
    const test_process *p = tenon("evaluate " MODEL " --json --threads 1");
    test_ended(p, 0, NULL);
    json_object *object = json_tokener_parse(p->out), *value = NULL;
    cr_assert(object && json_object_object_get_ex(object, "accuracy", &value), "%s",
              p->out);
    cr_assert(json_object_object_get_ex(object, "threads", &value));
    cr_assert_eq(json_object_get_int(value), 1);
    json_object_put(object);
}
