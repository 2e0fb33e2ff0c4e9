/* peak.h - how much arithmetic the processor can do at all: independent multiplications and
 * additions between registers, for each instruction set that is there. */
#ifndef CLI_PEAK_H
#define CLI_PEAK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cli_peak {
    const char *name; /* of the instruction set */
    int32_t real;     /* 0 float, 1 double */
    double work;      /* multiplications and additions of a round */
    bool (*here)(void);
    void (*run)(int64_t rounds);
} cli_peak;

extern const cli_peak cli_peaks[]; /* wider ones behind; the last has no name */

/* The widest that is here; NULL: none that is known of. */
const cli_peak *cli_widest(int32_t real);
/* GFLOP/s of one thread, the best of many tries in about 50 ms; 0: not known. */
double cli_peak_of_thread(int32_t real);

#endif
