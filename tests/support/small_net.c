/* small_net.c - see small_net.h. */
#include "small_net.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "process.h"

enum { SIDE = 4 };

static unsigned next(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16 & 0x7FFF;
}

static void put_size(FILE *file, int n)
{
    const unsigned char bytes[] = {0, 0, (unsigned char)(n >> 8), (unsigned char)n};
    fwrite(bytes, 1, sizeof bytes, file);
}

void small_idx(const char *images, const char *labels, int count, int classes, int side)
{
    FILE *pixels = fopen(images, "wb"), *classes_file = fopen(labels, "wb");
    unsigned state = 1;
    cr_assert(pixels && classes_file);
    fwrite("\0\0\x08\x03", 1, 4, pixels);
    put_size(pixels, count), put_size(pixels, side), put_size(pixels, side);
    fwrite("\0\0\x08\x01", 1, 4, classes_file);
    put_size(classes_file, count);
    for (int i = 0; i < count; i++) {
        const int label = (int)(next(&state) % (unsigned)classes);
        fputc(label, classes_file);
        for (int p = 0; p < side * side; p++) {
            const int noise = (int)(next(&state) % 120);
            fputc(p / side == label ? 135 + noise : noise, pixels);
        }
    }
    fclose(pixels);
    fclose(classes_file);
}

bool small_config(FILE *file, const char *text)
{
    static const char installed[] = "fashion_mnist: {";
    const char *at = strstr(text, installed);
    if (at) fprintf(file, "%.*sidx: {path: digits, ", (int)(at - text), text);
    fputs(at ? at + strlen(installed) : text, file);
    return at;
}

void small_net(void)
{
    small_idx("images.idx", "labels.idx", 400, 3, SIDE);
    test_write_text("net.yaml", "%s",
                    "seed: 3\n"
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx, validation: 0.2, "
                    "batch: 10}}\n"
                    "model:\n"
                    "  - flatten\n"
                    "  - dense: {units: 16}\n"
                    "  - batch_norm\n"
                    "  - relu\n"
                    "  - dropout: {p: 0.25}\n"
                    "  - dense: {units: 3}\n"
                    "loss: cross_entropy\n"
                    "metrics: [accuracy]\n"
                    "optimizer: {adam: {lr: 0.01}}\n"
                    "regularizer: {l2: {lambda: 1e-4}}\n"
                    "train: {epochs: 4}\n"
                    "observe: [csv_log, {checkpoint: {every: 7}}]\n");
}
