/* linear_net.h - a model that the program has trained, so simple that a suite can compute what it
 * says. */
#ifndef TESTS_SUPPORT_LINEAR_NET_H
#define TESTS_SUPPORT_LINEAR_NET_H

#include <stddef.h>

enum { SAMPLES = 6, PIXELS = 16, CLASSES = 3, WEIGHTS = PIXELS * CLASSES };
#define MODEL "run/model.safetensors"

/* net.yaml, its images and the model in a new current folder: one dense layer. */
void linear_net(void);
/* halves.yaml and the model halves/: of the upper and lower half of each image. */
void linear_halves(void);
/* A tensor of a safetensors file, which goes when the process ends. */
float *linear_tensor(const char *path, const char *name, size_t count);
void linear_inputs(float x[SAMPLES][PIXELS]);
void linear_logits(const float *w, const float *b, const float *x, double y[CLASSES]);
/* A command fails with one message, and writes no y.npy. */
void linear_refused(const char *line, const char *message);

#endif
