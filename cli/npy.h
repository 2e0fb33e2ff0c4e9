/* npy.h - arrays in NumPy's .npy files (versions 1 to 3), of the types that npy_header.h knows. */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include "cli/cli.h"

typedef struct cli_npy {
    int32_t type;   /* npy_type */
    bool whole;     /* numbers: may be labels */
    tn_shape shape; /* samples first */
    int64_t count;
    bool time_first;             /* (steps, samples, ...) in the file */
    const unsigned char *values; /* in file; at no particular alignment */
    void *file;
} cli_npy;

/* limit: bytes that file and values may take, 0 for no limit. */
int cli_npy_read(const char *path, size_t limit, cli_npy *, tn_error *);
void cli_npy_free(cli_npy *);
/* That the second axis counts samples; an error where there is none. */
int cli_npy_turn(cli_npy *, const char *path, tn_error *);
/* As the file has it. */
tn_shape cli_npy_file_shape(const cli_npy *);

/* Values, samples first, as float or as labels, to be freed; NULL with an error if one is not
 * finite or does not fit. */
float *cli_npy_floats(const cli_npy *, const char *path, tn_error *);
int32_t *cli_npy_labels(const cli_npy *, const char *path, tn_error *);

/* Writes float32; a file that was there stays until the new one is complete. */
int cli_npy_write(const char *path, const tn_shape *, const float *values, tn_error *);

#endif
