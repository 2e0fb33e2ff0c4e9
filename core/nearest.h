/* nearest.h - which known name did the user mean? */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

#include <stdint.h>

/* The name of what the word stands for in Keras or PyTorch; the one name that the word begins; else the
 * nearest by edit distance, or NULL if none is near enough (a third of the length). */
const char *tn_nearest(const char *word, const char *const *names, int32_t count);

#endif
