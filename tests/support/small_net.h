/* small_net.h - data and a config that train in a moment, as files in the current folder. */
#ifndef TESTS_SUPPORT_SMALL_NET_H
#define TESTS_SUPPORT_SMALL_NET_H

#include <stdbool.h>
#include <stdio.h>

/* images.idx and labels.idx: 400 images of 4 x 4 in three classes that can be told apart, always
 * the same; and net.yaml, which trains a dense network on them (32 steps an epoch). */
void small_net(void);
/* The lines of net.yaml begin with these (from 1): */
enum {
    SMALL_DATA = 2,
    SMALL_MODEL = 3,
    SMALL_FIRST = 5,
    SMALL_DROPOUT = 8,
    SMALL_LAST = 9
};

/* side x side images of noise with one bright row, whose number is the class. */
void small_idx(const char *images, const char *labels, int count, int classes, int side);
/* A config with the images of the folder `digits` in place of the installed data set; whether it
 * names that one. */
bool small_config(FILE *, const char *text);

#endif
