/* main.c - the `tenon` program: finds the command, runs it, and turns what went wrong into one
 * line and an exit status. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define COMMON "tmlfj"
#define MODEL_TOO "MODEL may be the folder of a run.\n"
#define SEVERAL \
    "A model with several inputs takes a file for each: image=a.npy extra=b.npy.\n"
#define TIME_FIRST                                                               \
    "--time-first NAME says that the file of this input holds (steps, samples, " \
    "...), where the\n"                                                          \
    "second axis counts samples; the only input of most models is called input.\n"

const cli_command cli_commands[] = {
    {"train", "CONFIG", "train the network that a YAML file describes",
     "Writes config, metrics, checkpoint and model to --out (default: the first free\n"
     "runs/NAME-N). Ctrl-C ends the run after a checkpoint; --resume goes on with it, "
     "and then\n"
     "CONFIG may be left out.\n",
     0, 1, "sor" COMMON, "", cli_train},
    {"evaluate", "MODEL", "loss and metrics of a model on a data set",
     MODEL_TOO
     "Uses the data section of --data, by default of config.yaml beside the model.\n",
     1, 1, "sdp" COMMON, "", cli_evaluate},
    {"predict", "MODEL IN.npy -o OUT.npy", "outputs of a model for an array of samples",
     MODEL_TOO
     "IN holds one sample per entry of its first axis, of the shape that the model "
     "takes\n"
     "(tenon info MODEL; axes of one element do not count); OUT is float32.\n" SEVERAL
         TIME_FIRST "OUT has samples first in any case.\n"
     "With --mc-dropout layers that draw random numbers in training (dropout, noise, "
     "drop_connect\n"
     "...) draw here as well, while batch_norm and all else predict; OUT then is two "
     "arrays, along\n"
     "an axis in front: the mean of the passes, and their standard deviation (with "
     "N - 1).\n"
     "The same seed gives the same OUT, on any number of threads.\n",
     2, 1 + CLI_INPUTS, "oice" COMMON, "o", cli_predict},
    {"gradients", "MODEL X.npy Y.npy -o OUT.safetensors",
     "loss and the gradient of every parameter for a batch",
     MODEL_TOO SEVERAL TIME_FIRST
     "Y is called target; it holds whole numbers (labels) or real targets. One training\n"
     "pass over the batch without an update; regularizers are not part of these "
     "gradients.\n",
     3, 2 + CLI_INPUTS, "oi" COMMON, "o", cli_gradients},
    {"plugins", "[KIND]", "list every plugin found", "With a KIND those of that kind.\n",
     0, 1, "lj", "", cli_plugins},
    {"describe", "[KIND/]NAME", "options, formula and reference of a plugin",
     "The kind may be left out where only one has a plugin of that name. Of an option: "
     "whose\n"
     "it is.\n",
     1, 1, "lj", "", cli_describe},
    {"info", "[CONFIG|MODEL]",
     "version, processor, backend, threads; the table of a model",
     "With a CONFIG also the network that it describes, with a MODEL what is in "
     "it.\n" MODEL_TOO,
     0, 1, "s" COMMON, "", cli_info},
    {"bench", "CONFIG", "where the time and memory of training steps go",
     "Makes steps on the config's data or, where it names none, on random samples; "
     "nothing "
     "is\n"
     "written. Operations are those of matrix products, the peak is measured; bytes are "
     "the least\n"
     "that a part has to move.\n",
     1, 1, "snb" COMMON, "", cli_bench},
    {0},
};

/* A file must never get the number of a standard stream that was closed. Opened the wrong way
 * round, so that writing to such a stdout still fails. */
static bool guard_standard_streams(void)
{
    for (int i = 0; i < 3; i++) {
        if (fcntl(i, F_GETFD) >= 0) continue;
        if (open("/dev/null", i == 0 ? O_WRONLY : O_RDONLY) != i) return false;
    }
    return true;
}

static void report(const cli_options *o, const tn_error *error)
{
    cli_bar(NULL);
    if (o->json) {
        json_object *event = cli_event("error");
        cli_json_text(event, "message", error->text);
        cli_emit(event);
    }
    cli_complain(error->text);
}

int main(int argc, char **argv)
{
    if (!guard_standard_streams()) return CLI_ERROR;
    /* A closed pipe and a file that would be too large are errors of write, told like others. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    cli_options o = {.split = -1};
    tn_error error = {0}, lost = {0};
    o.set = calloc((size_t)argc + 1, sizeof *o.set);
    if (!o.set) {
        cli_complain("out of memory");
        return CLI_ERROR;
    }
    int status = cli_parse(argc, argv, &o);
    if (status == CLI_GO_ON) status = o.command->run(&o, &error);
    if (status == CLI_ERROR) report(&o, &error);
    if (cli_close_stdout(&lost) != CLI_DONE && status == CLI_DONE) {
        cli_complain(lost.text);
        status = CLI_ERROR;
    }
    free(o.set);
    return status;
}
