/* progress.h - a training run on the screen: a bar on a terminal, plain lines elsewhere, JSON
 * for programs. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

typedef struct cli_progress {
    bool json, terminal, has_head;
    double last; /* when the last plain line was printed, seconds of a steady clock */
} cli_progress;

void cli_progress_start(cli_progress *, bool json);
/* False if the output is lost. */
bool cli_progress_show(cli_progress *, const tn_progress *);

#endif
