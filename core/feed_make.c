/* feed_make.c - one batch: read, checked, transformed.
 *
 * Invariant: what is made depends on the place alone. Nothing here is shared with the thread that
 * uses batches but what never changes after set-up; so it may run on a thread of its own. */
#include "core/feed_state.h"

#define CHECK_BYTES 16384 /* what was read is checked while it is in the first cache */

/* The order of this epoch; what has been drawn of it ahead is gone on with. */
static const int64_t *training_order(tn_feed *f, int64_t epoch)
{
    const int64_t n = f->info.count[TN_TRAIN];
    if (f->order_epoch[0] != epoch && f->order_epoch[1] == epoch) {
        const tn_shuffle drawn = f->order[1];
        f->order[1] = f->order[0], f->order[0] = drawn;
        f->order_epoch[1] = -1;
    } else if (f->order_epoch[0] != epoch) {
        tn_shuffle_begin(&f->order[0], f->member[TN_TRAIN], n,
                         tn_feed_key(f, TN_FEED_SHUFFLE, (uint64_t)epoch, 0));
    }
    f->order_epoch[0] = epoch;
    tn_shuffle_go_on(&f->order[0], n);
    return f->order[0].order;
}

/* With every batch of an epoch its share of the next epoch's order. */
static void draw_ahead(tn_feed *f, int64_t epoch)
{
    const int64_t n = f->info.count[TN_TRAIN];
    if (!f->order[1].order || !f->shuffle || epoch + 1 >= f->last_epoch) return;
    if (f->order_epoch[1] != epoch + 1)
        tn_shuffle_begin(&f->order[1], f->member[TN_TRAIN], n,
                         tn_feed_key(f, TN_FEED_SHUFFLE, (uint64_t)epoch + 1, 0));
    f->order_epoch[1] = epoch + 1;
    tn_shuffle_go_on(&f->order[1], n / tn_feed_batches(f, TN_TRAIN) + 1);
}

/* Sample numbers of a split in the order of the epoch; NULL: file order. */
static const int64_t *order_of(tn_feed *f, const tn_feed_place *p)
{
    if (p->split != TN_TRAIN || !f->shuffle) return f->member[p->split];
    return training_order(f, p->epoch);
}

typedef struct making {
    tn_feed *feed;
    const tn_feed_place *place;
    tn_feed_rows rows; /* of the whole batch */
    bool apart;
    tn_error *error;
} making;

static tn_call *begin_call(const making *m, tn_calling *calling, const tn_instance *made)
{
    tn_call *call = tn_call_make(calling, m->feed->env, made, m->feed->real, m->error);
    calling->apart = m->apart;
    return call;
}

static int64_t value_bytes(const tn_feed *f, const tn_field *field)
{
    return field->real && f->real ? sizeof(double) : sizeof(float);
}

/* Samples first .. end-1 of the batch. */
static tn_status read_some(const making *m, const tn_field *into, int64_t first,
                           int64_t end)
{
    const tn_feed *f = m->feed;
    const tn_dataset *vtable = f->dataset->vtable;
    const int32_t source = f->source[m->place->split];
    void *at[TN_MAX_FIELDS];
    int64_t stride[TN_MAX_FIELDS];
    tn_calling calling;
    tn_call *call = begin_call(m, &calling, f->dataset);
    for (int32_t k = 0; k < f->info.fields; k++) {
        stride[k] = into[k].width * value_bytes(f, &into[k]);
        at[k] = (char *)(into[k].real ? into[k].real : (void *)into[k].label) +
                first * stride[k];
    }
    for (int64_t i = first; i < end; i++) {
        const int64_t index = m->rows.number ? m->rows.number[i] : m->rows.start + i;
        const tn_status status = vtable->read(f->dataset->self, call, source, index, at);
        if (status)
            return tn_feed_blame(f->dataset, tn_call_end(&calling, status), m->error);
        for (int32_t k = 0; k < f->info.fields; k++) at[k] = (char *)at[k] + stride[k];
    }
    return TN_OK;
}

static tn_status read_all(const making *m, const tn_field *into)
{
    const tn_feed *f = m->feed;
    int64_t bytes = 1;
    for (int32_t k = 0; k < f->info.fields; k++)
        bytes += into[k].width * value_bytes(f, &into[k]);
    const int64_t some = CHECK_BYTES / bytes + 1;
    tn_feed_rows rows = m->rows;
    for (rows.first = 0; rows.first < m->rows.samples; rows.first += rows.samples) {
        const int64_t left = m->rows.samples - rows.first;
        rows.samples = some < left ? some : left;
        tn_status status = read_some(m, into, rows.first, rows.first + rows.samples);
        if (!status)
            status = tn_feed_check(f, f->dataset, &f->info, into, &rows, m->error);
        if (status) return status;
    }
    return TN_OK;
}

static tn_status transform(const making *m, int32_t i, const tn_feed_stage *stage,
                           const tn_field *in, const tn_field *out)
{
    const tn_feed_place *p = m->place;
    const tn_instance *made = stage->transform;
    const tn_transform *vtable = made->vtable;
    tn_calling calling;
    tn_call *call = begin_call(m, &calling, made);
    const tn_key key = tn_key_derive(
        tn_feed_key(m->feed, TN_FEED_TRANSFORM, (uint64_t)i, (uint64_t)p->split),
        (uint64_t)p->epoch, (uint64_t)p->batch);
    const tn_status status = tn_call_end(
        &calling, vtable->apply(made->self, call, key, m->rows.samples, in, out));
    if (status) return tn_feed_blame(made, status, m->error);
    return tn_feed_check(m->feed, made, &stage->after, out, &m->rows, m->error);
}

tn_status tn_feed_make(tn_feed *f, tn_feed_slot *slot, bool apart, tn_error *e)
{
    const tn_feed_place *p = &slot->place;
    const int use = p->split == TN_TRAIN;
    const tn_feed_chain *chain = &f->chain[use];
    const tn_field *in = chain->stages ? f->read.field : slot->field[use];
    const int64_t *order = order_of(f, p), start = p->batch * f->batch,
                  left = f->info.count[p->split] - start;
    const making m = {
        .feed = f,
        .place = p,
        .rows = {.split = p->split,
                 .number = order ? order + start : NULL,
                 .start = start,
                 .samples = left < f->batch ? left : f->batch},
        .apart = apart,
        .error = e,
    };
    tn_status status = read_all(&m, in);
    for (int32_t i = 0; !status && i < chain->stages; i++) {
        const tn_feed_stage *stage = &chain->stage[i];
        const tn_field *out = i + 1 < chain->stages ? stage->out.field : slot->field[use];
        status = transform(&m, i, stage, in, out);
        in = out;
    }
    slot->samples = m.rows.samples;
    if (use) draw_ahead(f, p->epoch);
    return status;
}
