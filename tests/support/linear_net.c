/* linear_net.c - see linear_net.h. */
#include "support/linear_net.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/kept.h"
#include "support/process.h"
#include "support/small_net.h"

void linear_net(void)
{
    test_start_in_folder();
    small_idx("images.idx", "labels.idx", 100, CLASSES, 4);
    test_write_text("net.yaml", "%s",
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx}}\n"
                    "model: [flatten, {dense: 3}]\n"
                    "loss: cross_entropy\n"
                    "optimizer: {sgd: {lr: 0.1}}\n"
                    "train: {epochs: 3}\n");
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
}

float *linear_tensor(const char *path, const char *name, size_t count)
{
    uint64_t length;
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    cr_assert_eq(fread(&length, 8, 1, file), 1);
    char *header = calloc(1, length + 1);
    cr_assert_eq(fread(header, 1, length, file), length);
    json_object *all = json_tokener_parse(header), *one = NULL, *offsets = NULL;
    cr_assert(json_object_object_get_ex(all, name, &one), "no %s in %s", name, path);
    cr_assert(json_object_object_get_ex(one, "data_offsets", &offsets));
    const int64_t begin = json_object_get_int64(json_object_array_get_idx(offsets, 0));
    const int64_t end = json_object_get_int64(json_object_array_get_idx(offsets, 1));
    cr_assert_eq((size_t)(end - begin), count * sizeof(float), "%s in %s", name, path);
    json_object_put(all);
    free(header);
    float *values = kept(malloc(count * sizeof *values));
    fseek(file, (long)(8 + length) + begin, SEEK_SET);
    cr_assert_eq(fread(values, sizeof *values, count, file), count);
    fclose(file);
    return values;
}

void linear_inputs(float x[SAMPLES][PIXELS])
{
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < PIXELS; k++) x[i][k] = (float)((i * 7 + k * 5) % 11) / 11;
}

void linear_logits(const float *w, const float *b, const float *x, double y[CLASSES])
{
    for (int c = 0; c < CLASSES; c++) {
        y[c] = (double)b[c];
        for (int k = 0; k < PIXELS; k++) y[c] += (double)w[c * PIXELS + k] * (double)x[k];
    }
}

void linear_halves(void)
{
    test_write_text("halves.yaml", "%s",
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx, transforms: "
                    "[{split: [top, bottom]}]}}\n"
                    "model: [{parallel: {inputs: [top, bottom], join: add, branches: "
                    "[[flatten, {dense: 3}], [flatten, {dense: {units: 3, bias: "
                    "false}}]]}}]\n"
                    "loss: cross_entropy\n"
                    "optimizer: {sgd: {lr: 0.1}}\n"
                    "train: {epochs: 3}\n");
    test_ended(tenon("train halves.yaml --out halves"), 0, NULL);
}

void linear_refused(const char *line, const char *message)
{
    const test_process *p = tenon("%s", line);
    test_ended(p, 1, message, NULL);
    test_one_message(p);
    cr_assert(!test_exists("y.npy"), "nothing is written");
}
