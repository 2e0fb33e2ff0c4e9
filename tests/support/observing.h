/* observing.h - an observer's slots called one by one, with a run that writes down what it is
 * asked for: k keep, r restore, c checkpoint, b save (of the best), s stop. */
#ifndef TESTS_SUPPORT_OBSERVING_H
#define TESTS_SUPPORT_OBSERVING_H

#include "tests/support/calling.h"
#include "tests/support/kept.h"

static char asked[200], asked_why[300];

static void note(char what)
{
    asked[strlen(asked)] = what;
}

static void ask_stop(tn_run *run, const char *why)
{
    note('s');
    snprintf(asked_why, sizeof asked_why, "%s", why);
}

static tn_status ask_keep(tn_run *run, tn_call *c)
{
    return note('k'), TN_OK;
}

static tn_status ask_restore(tn_run *run, tn_call *c)
{
    return note('r'), TN_OK;
}

static tn_status ask_checkpoint(tn_run *run, tn_call *c)
{
    return note('c'), TN_OK;
}

static tn_status ask_save(tn_run *run, tn_call *c, const char *name)
{
    return note('b'), TN_OK;
}

static tn_run the_run = {.stop = ask_stop,
                         .keep = ask_keep,
                         .restore = ask_restore,
                         .checkpoint = ask_checkpoint,
                         .save = ask_save};

typedef struct watch {
    const tn_instance *instance;
    const tn_observer *slots;
    tn_event event;
    tn_named_value value[4];
    double *numbers;
} watch;

/* An observer of a run with the values loss and val_loss, in epochs of 10 steps. A test may give them
 * other names and directions. */
TN_UNUSED static watch *watch_new(const char *name, const char *options)
{
    watch *w = kept(calloc(1, sizeof *w));
    w->instance = check_plugin("observer", name, options, 0);
    w->slots = w->instance->vtable;
    w->numbers = calloc((size_t)w->instance->number_count + 1, sizeof *w->numbers);
    w->value[0] = (tn_named_value){"loss", 0, TN_BETTER_SMALLER};
    w->value[1] = (tn_named_value){"val_loss", 0, TN_BETTER_SMALLER};
    w->event = (tn_event){.epochs = 100,
                          .steps_per_epoch = 10,
                          .values = 2,
                          .value = w->value,
                          .learning_rate = 0.25};
    return w;
}

/* As the host begins with it. */
TN_UNUSED static tn_status watch_start(watch *w)
{
    const void *self = w->instance->self;
    if (w->slots->check_values) {
        const tn_status status = w->slots->check_values(self, calling(), &w->event);
        if (status) return status;
    }
    if (!w->slots->start) return TN_OK;
    return w->slots->start(self, calling(), &the_run, &w->event, w->numbers);
}

TN_UNUSED static tn_status watch_step(watch *w, int64_t epoch, int64_t step)
{
    const void *self = w->instance->self;
    const int64_t every = w->slots->interval ? w->slots->interval(self) : w->slots->every;
    w->event.epoch = epoch, w->event.step = step;
    if (!w->slots->step || !every || ((epoch - 1) * 10 + step) % every) return TN_OK;
    return w->slots->step(w->instance->self, calling(), &the_run, &w->event, w->numbers);
}

TN_UNUSED static tn_status watch_epoch(watch *w, int64_t epoch, double loss,
                                       double val_loss)
{
    w->event.epoch = epoch, w->event.step = 10;
    w->value[0].value = loss, w->value[1].value = val_loss;
    if (!w->slots->epoch) return TN_OK;
    return w->slots->epoch(w->instance->self, calling(), &the_run, &w->event, w->numbers);
}

/* A parameter or an output as observers of float runs see it. */
TN_UNUSED static const tn_tensor *seen(float *data, int64_t rows, int64_t cols)
{
    tn_tensor *t = kept(calloc(1, sizeof *t));
    *t = (tn_tensor){.struct_size = sizeof *t,
                     .dtype = TN_F32,
                     .rank = 2,
                     .dim = {rows, cols},
                     .stride = {cols, 1},
                     .data = data};
    return t;
}

TN_UNUSED static tn_status watch_end(watch *w)
{
    if (!w->slots->end) return TN_OK;
    return w->slots->end(w->instance->self, calling(), &the_run, &w->event, w->numbers);
}

#endif
