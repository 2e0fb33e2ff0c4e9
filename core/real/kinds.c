/* kinds.c - sizes of the kinds' vtables and their required slots, once per precision. */
#include "core/kinds.h"

#include "core/real/unit.h"

/* A reduction that is there must be whole. `slot` names it in messages; groups are at most as
 * large as `most`. */
#define REDUCTION(r, adds, slot, most)                                     \
    do {                                                                   \
        if ((r).sums < 0 || (r).sums > TN_MAX_OWN) return slot ".sums";    \
        if ((r).stats < 0 || (r).stats > TN_MAX_OWN) return slot ".stats"; \
        if (!(r).sums && ((adds) || (r).stats)) return slot ".sums";       \
        if ((r).sums && !(adds)) return slot ".add";                       \
        if ((r).sums && !(r).finish) return slot ".finish";                \
        if ((r).sums && ((r).over < TN_OVER_COLUMNS || (r).over > most))   \
            return slot ".over";                                           \
    } while (0)

static const char *kernel_missing(const tn_layer *l)
{
    switch (l->kernel) {
    case TN_MAP:
    case TN_ROW: return l->forward ? NULL : "forward";
    case TN_REDUCE:
        if (!l->forward) return "forward";
        return l->reduce.add || l->back_reduce.add ? NULL : "reduce.add";
    case TN_WINDOW:
        if (!l->infer) return "infer";
        if (l->forward) return NULL;
        if (!l->take) return "take";
        return l->end ? NULL : "end";
    case TN_WHOLE: return l->run ? NULL : "run";
    default: return "kernel";
    }
}

static const char *computing_missing(const void *vtable)
{
    const tn_layer *l = vtable;
    REDUCTION(l->reduce, l->reduce.add, "reduce", TN_OVER_TENSOR);
    REDUCTION(l->back_reduce, l->back_reduce.add, "back_reduce", TN_OVER_TENSOR);
    if (l->reduce.sums && l->back_reduce.sums && l->reduce.over != l->back_reduce.over)
        return "back_reduce.over (other than reduce.over)";
    if (l->flags & TN_VIEW) return l->infer ? NULL : "infer";
    return kernel_missing(l);
}

static const char *layer_missing(const void *vtable)
{
    const tn_layer *l = vtable;
    if (l->start) return "start (of parametrizations only)";
    if (l->commit_weight) return "commit_weight (of parametrizations only)";
    return computing_missing(vtable);
}

static const char *parametrization_missing(const void *vtable)
{
    const tn_layer *l = vtable;
    if (l->commit_weight && l->kernel != TN_WHOLE) return "commit_weight";
    if (l->commit && l->kernel == TN_WHOLE) return "commit";
    return computing_missing(vtable);
}

static const char *regularizer_missing(const void *vtable)
{
    const tn_regularizer *r = vtable;
    const bool penalty = r->penalty || r->penalty_whole, prox = r->prox || r->prox_whole;
    const bool gradient = r->gradient || r->gradient_whole;
    if (gradient && !penalty) return "penalty";
    if (penalty && !gradient && !prox) return "gradient";
    return penalty || prox ? NULL : "penalty";
}

static const char *optimizer_missing(const void *vtable)
{
    const tn_optimizer *o = vtable;
    REDUCTION(o->reduce, o->reduce.add || o->sum, "reduce", TN_OVER_ALL);
    if (o->reduce.add && o->sum) return "sum (besides reduce.add)";
    if (o->passes > 1 && !o->between) return "between";
    return o->update || o->update_whole || o->before ? NULL : "update";
}

static const char *gradient_missing(const void *vtable)
{
    const tn_gradient *g = vtable;
    REDUCTION(g->reduce, g->reduce.add, "reduce", TN_OVER_LAYER);
    return g->map ? NULL : "map";
}

static const char *loss_missing(const void *vtable)
{
    return ((const tn_loss *)vtable)->rows ? NULL : "rows";
}

static const char *metric_missing(const void *vtable)
{
    const tn_metric *m = vtable;
    if (!m->infer) return "infer";
    if (!m->rows) return "rows";
    return m->value || m->table ? NULL : "value";
}

static const char *backend_missing(const void *vtable)
{
    const tn_backend *b = vtable;
    if (!b->threads) return "threads";
    if (!b->parallel) return "parallel";
    if (!b->product) return "product";
    if (!b->pack != !b->pack_size) return b->pack ? "pack_size" : "pack";
    return NULL;
}

/* ---- kinds without tn_real in their slots ------------------------------------------ */

static const char *block_missing(const void *vtable)
{
    return ((const tn_block *)vtable)->expand ? NULL : "expand";
}

static const char *dataset_missing(const void *vtable)
{
    const tn_dataset *d = vtable;
    if (!d->open) return "open";
    return d->read ? NULL : "read";
}

static const char *format_missing(const void *vtable)
{
    const tn_format *f = vtable;
    return f->parse || f->emit ? NULL : "parse";
}

static const char *initializer_missing(const void *vtable)
{
    return ((const tn_initializer *)vtable)->fill ? NULL : "fill";
}

static const char *observer_missing(const void *vtable)
{
    const tn_observer *o = vtable;
    if ((o->every || o->interval || o->wants) && !o->step) return "step";
    if (o->step && o->every < 1 && !o->interval) return "every";
    return o->start || o->step || o->epoch || o->end ? NULL : "epoch";
}

static const char *schedule_missing(const void *vtable)
{
    return ((const tn_schedule *)vtable)->value ? NULL : "value";
}

static const char *transform_missing(const void *vtable)
{
    return ((const tn_transform *)vtable)->apply ? NULL : "apply";
}

static tn_status open_backend(const tn_instance *instance, tn_calling *calling,
                              int32_t threads)
{
    const tn_backend *b = instance->vtable;
    return b->open ? b->open(instance->self, &calling->call, threads) : TN_OK;
}

static const char *describe_backend(const tn_instance *instance)
{
    const tn_backend *b = instance->vtable;
    return b->describe ? b->describe(instance->self) : instance->entry->name;
}

const tn_kind_table TN(tn_kind_table) = {
    .kind =
        {
            {"backend", sizeof(tn_backend), backend_missing},
            {"block", sizeof(tn_block), block_missing},
            {"dataset", sizeof(tn_dataset), dataset_missing},
            {"format", sizeof(tn_format), format_missing},
            {"gradient", sizeof(tn_gradient), gradient_missing},
            {"initializer", sizeof(tn_initializer), initializer_missing},
            {"layer", sizeof(tn_layer), layer_missing},
            {"loss", sizeof(tn_loss), loss_missing},
            {"metric", sizeof(tn_metric), metric_missing},
            {"observer", sizeof(tn_observer), observer_missing},
            {"optimizer", sizeof(tn_optimizer), optimizer_missing},
            {"parametrization", sizeof(tn_layer), parametrization_missing},
            {"regularizer", sizeof(tn_regularizer), regularizer_missing},
            {"schedule", sizeof(tn_schedule), schedule_missing},
            {"transform", sizeof(tn_transform), transform_missing},
        },
    .open = open_backend,
    .describe = describe_backend,
};
