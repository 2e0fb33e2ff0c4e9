/* update_new.c - makes updaters: see update_state.h. An optimizer may wrap another (a PLUGIN option
 * of kind optimizer); the chain runs innermost first, and slots stand in that order. */
#include "core/update_state.h"

#include <string.h>

/* Gradients smaller than these stay in the cache: nothing is gained by taking them, or their sums,
 * while they are made. With slots the pass afterwards is faster: it goes through memory in
 * order. */
#define LEAST_TAKEN (1 << 18) /* elements */
#define LEAST_SUMMED (1 << 18)
#define MOST_SLOTS 0

/* ---- the chain and the transforms ------------------------------------------------------ */

static const tn_instance *wrapped_by(const tn_instance *outer)
{
    for (int32_t i = 0; i < outer->children; i++)
        if (!strcmp(outer->child[i]->entry->kind, "optimizer")) return outer->child[i];
    return NULL;
}

static bool reduces(const tn_updater *u, const tn_instance *instance)
{
    int32_t over, sums, stats;
    u->table->reduction(instance, &over, &sums, &stats);
    return sums > 0;
}

/* Whether `o` may stand behind the optimizers that the chain has so far. */
static tn_status check_link(const tn_updater *u, const tn_instance *o, int32_t slots,
                            tn_error *e)
{
    const tn_cfg *rate = wrapped_by(o) ? tn_cfg_get(o->where, "lr") : NULL;
    if (rate)
        return tn_cfg_error(
            rate, e, TN_EINVAL,
            "optimizer/%s: takes its learning rate from the optimizer that "
            "it wraps; set lr there",
            o->entry->name);
    if (slots < 0 || slots > TN_MAX_OWN)
        return tn_cfg_error(o->where, e, TN_ENOTSUP,
                            "optimizer/%s: asks for %d slots; 0 to %d are possible",
                            o->entry->name, slots, TN_MAX_OWN);
    for (int32_t i = 0; i < u->length && reduces(u, o); i++)
        if (reduces(u, u->chain[i]))
            return tn_cfg_error(o->where, e, TN_ENOTSUP,
                                "optimizer/%s: both it and %s, which it wraps, take sums "
                                "over the gradients; only one of a chain can",
                                o->entry->name, u->chain[i]->entry->name);
    return TN_OK;
}

static tn_status make_chain(tn_updater *u, tn_error *e)
{
    const tn_instance *stack[TN_MAX_CHAIN];
    int32_t depth = 0;
    for (const tn_instance *o = u->optimizer; o; o = wrapped_by(o)) {
        if (depth == TN_MAX_CHAIN)
            return tn_cfg_error(u->optimizer->where, e, TN_EINVAL,
                                "optimizers are nested more than %d deep", TN_MAX_CHAIN);
        stack[depth++] = o;
    }
    u->passes = 1, u->viewer = -1;
    for (; depth > 0; u->length++) {
        const tn_instance *o = u->chain[u->length] = stack[--depth];
        const tn_step_facts f = u->table->facts(o);
        const tn_status status = check_link(u, o, f.slots, e);
        if (status) return status;
        u->first_slot[u->length] = u->slots;
        u->slots += f.slots;
        if (f.passes > u->passes) u->passes = f.passes;
        if (f.view) u->viewer = u->length;
    }
    return TN_OK;
}

static tn_status make_gradients(tn_updater *u, const tn_cfg *list, tn_error *e)
{
    if (!list) return TN_OK;
    if (list->type != TN_CFG_LIST)
        return tn_cfg_error(list, e, TN_EINVAL,
                            "gradient: expected a list, e.g. [clip_norm]");
    u->gradient = tn_memory_array(&u->graph->env->memory, (size_t)list->count,
                                  sizeof *u->gradient, e);
    if (!u->gradient) return TN_ENOMEM;
    for (; u->gradients < list->count; u->gradients++) {
        const tn_status status = tn_instance_make(
            u->graph->env, "gradient", list->item[u->gradients], u->graph->real,
            &u->gradient[u->gradients], e);
        if (status) return status;
        const tn_instance *made = u->gradient[u->gradients];
        if (u->table->counts(made) && made->number_count < TN_COUNTS)
            return tn_cfg_error(made->where, e, TN_EABI,
                                "gradient/%s: counts, but keeps %d numbers instead of %d",
                                made->entry->name, made->number_count, TN_COUNTS);
    }
    return TN_OK;
}

/* ---- parts ----------------------------------------------------------------------------- */

/* A weight as (out, rest); anything else as one row. Its random numbers are apart from those of
 * nodes (stream 1), of parametrizations (2) and of initializers. */
static tn_part part_of(const tn_graph *g, int32_t number)
{
    const tn_graph_param *p = &g->param[number];
    const tn_key seed = {{(uint32_t)g->seed, (uint32_t)(g->seed >> 32)}};
    const int64_t n = tn_count(&p->value);
    const int64_t rows = p->spec.role == TN_WEIGHT && p->value.rank > 1 ? p->value.dim[0]
                                                                        : 1;
    return (tn_part){.number = number,
                     .layer = p->node,
                     .factor = p->rule.lr_factor,
                     .rows = rows,
                     .width = n / rows,
                     .w = p->value.data,
                     .regularizer = p->regularizer,
                     .decays = p->decays,
                     .shape = &p->spec.shape,
                     .key = tn_key_derive(seed, (uint64_t)number, 3)};
}

static tn_status check_prox(const tn_updater *u, tn_part *part,
                            const tn_instance *regularizer, tn_error *e)
{
    const tn_regularizer_facts f = u->table->regularizer(regularizer, 1, 1);
    if (!f.proximal || f.constraint) return TN_OK;
    part->sparse = true;
    if (f.beside) return TN_OK;
    for (int32_t i = 0; i < u->length; i++)
        if (u->table->facts(u->chain[i]).step_size) return TN_OK;
    return tn_cfg_error(
        regularizer->where, e, TN_ENOTSUP,
        "%s works by a proximal step, for which optimizer %s does not tell its "
        "step sizes; use another optimizer, or a penalty that works by its gradient "
        "(of Tenon's: option prox: false)",
        regularizer->entry->name, u->optimizer->entry->name);
}

static int32_t regularizers_of(const tn_part *part)
{
    int32_t n = 0;
    for (const tn_instance *r = part->regularizer; r; r = r->next) n++;
    return n;
}

/* Room for sums of the first transform over the blocks of a gradient. */
static tn_status make_blocks(tn_updater *u, tn_part *part, tn_error *e)
{
    tn_memory *m = &u->graph->env->memory;
    tn_blocks *b = &part->blocks;
    const int64_t elements = part->rows * part->width;
    const int64_t side = part->rows > part->width ? part->rows : part->width;
    int32_t over = 0, sums = 0, stats;
    if (u->gradients && !u->table->penalized(u->gradient[0]))
        u->table->reduction(u->gradient[0], &over, &sums, &stats);
    if (over != TN_OVER_ALL || !sums || part->rows == 1 || elements < LEAST_SUMMED ||
        elements > INT32_MAX)
        return TN_OK;
    const size_t room = (size_t)elements / 1024 + 64;
    b->at = tn_memory_array(m, room, sizeof *b->at, e);
    b->sum = tn_memory_array(m, room * (size_t)sums, sizeof *b->sum, e);
    b->order = tn_memory_array(m, 2 * room, sizeof *b->order, e);
    b->place = tn_memory_array(m, (size_t)side + 1, sizeof *b->place, e);
    if (!b->at || !b->sum || !b->order || !b->place) return TN_ENOMEM;
    b->next = b->order + room;
    b->room = (int64_t)room;
    return TN_OK;
}

/* Optimizers before and after the update, and those that go on the way to a prox. */
static int32_t stages_of_chain(const tn_updater *u)
{
    int32_t stages = 2 * u->length;
    for (int32_t i = 0; i < u->length; i++)
        stages += u->table->facts(u->chain[i]).to_iterate;
    return stages;
}

static tn_status make_part(tn_updater *u, int32_t i, tn_error *e)
{
    tn_graph *g = u->graph;
    tn_memory *m = &g->env->memory;
    tn_part *part = &u->part[i];
    const size_t count = (size_t)(part->rows * part->width), size = g->real ? 8 : 4;
    part->bench = &u->bench;
    part->slot = u->slot + i * u->slots;
    for (int32_t k = 0; k < u->slots; k++)
        if (!(part->slot[k] = tn_memory_array(m, count, size, e))) return TN_ENOMEM;
    if (u->shown && !(u->shown[i] = tn_memory_array(m, count, size, e))) return TN_ENOMEM;
    /* transforms; penalty, decay and prox of each regularizer; optimizers; who sizes a prox */
    const size_t stages = (size_t)(u->gradients + 3 * regularizers_of(part) +
                                   stages_of_chain(u) + 1);
    part->stage = tn_memory_array(m, stages, sizeof *part->stage, e);
    return part->stage ? make_blocks(u, part, e) : TN_ENOMEM;
}

static tn_status choose_parts(tn_updater *u, const tn_cfg *root, tn_error *e)
{
    const tn_graph *g = u->graph;
    u->part = tn_memory_array(&g->env->memory, (size_t)g->params, sizeof *u->part, e);
    if (!u->part) return TN_ENOMEM;
    for (int32_t i = 0; i < g->params; i++)
        if (!g->param[i].rule.frozen) u->part[u->parts++] = part_of(g, i);
    const tn_cfg *rules = tn_cfg_get(root, "parameters");
    if (u->parts || !g->params) return TN_OK;
    return tn_cfg_error(
        rules ? rules : root, e, TN_EINVAL,
        "parameters: all of them are frozen, so there is nothing to train");
}

static tn_status make_parts(tn_updater *u, tn_error *e)
{
    tn_graph *g = u->graph;
    tn_memory *m = &g->env->memory;
    u->takes = tn_memory_array(m, (size_t)g->params, sizeof *u->takes, e);
    u->sink = tn_memory_array(m, (size_t)g->params, sizeof *u->sink, e);
    u->slot = tn_memory_array(m, (size_t)u->parts * (size_t)u->slots, sizeof(void *), e);
    if (u->viewer >= 0)
        u->shown = tn_memory_array(m, (size_t)u->parts, sizeof(void *), e);
    if (!u->takes || !u->sink || !u->slot || (u->viewer >= 0 && !u->shown))
        return TN_ENOMEM;
    for (int32_t i = 0; i < u->parts; i++) {
        const tn_graph_param *p = &g->param[u->part[i].number];
        u->elements += (double)tn_count(&p->value);
        tn_status status = TN_OK;
        for (const tn_instance *r = p->regularizer; !status && r; r = r->next)
            status = check_prox(u, &u->part[i], r, e);
        if (!status) status = make_part(u, i, e);
        if (status) return status;
    }
    return TN_OK;
}

/* ---- all of it ------------------------------------------------------------------------- */

tn_status tn_updater_new(tn_graph *g, const tn_cfg *root, tn_updater **out, tn_error *e)
{
    *out = NULL;
    const tn_cfg *optimizer = tn_cfg_get(root, "optimizer");
    if (!optimizer)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "optimizer: missing, e.g. {sgd: {lr: 0.1}}");
    tn_updater *u = tn_memory_get(&g->env->memory, sizeof *u, e);
    if (!u) return TN_ENOMEM;
    u->graph = g;
    u->table = tn_real_ops_of(g->real)->step;
    tn_status status = tn_env_backend(g->env, g->real, &u->bench.backend, e);
    if (!status)
        status = tn_instance_make(g->env, "optimizer", optimizer, g->real, &u->optimizer,
                                  e);
    if (!status) status = make_chain(u, e);
    if (!status) status = make_gradients(u, tn_cfg_get(root, "gradient"), e);
    if (!status) status = choose_parts(u, root, e);
    if (!status) status = make_parts(u, e);
    if (!status) status = tn_updater_make_own(u, e);
    if (!status) status = tn_updater_make_bench(u, e);
    if (status) {
        tn_updater_free(u);
        return status;
    }
    tn_updater_take_from(u, LEAST_TAKEN, MOST_SLOTS);
    *out = u;
    return TN_OK;
}

static void free_part(tn_memory *m, tn_part *part)
{
    tn_memory_put(m, part->stage);
    tn_memory_put(m, part->blocks.at);
    tn_memory_put(m, part->blocks.sum);
    tn_memory_put(m, part->blocks.order);
    tn_memory_put(m, part->blocks.place);
}

void tn_updater_free(tn_updater *u)
{
    if (!u) return;
    tn_memory *m = &u->graph->env->memory;
    for (int32_t i = 0; i < u->gradients; i++) tn_instance_free(u->gradient[i]);
    for (int32_t i = 0; u->slot && i < u->parts * u->slots; i++)
        tn_memory_put(m, u->slot[i]);
    for (int32_t i = 0; u->shown && i < u->parts; i++) tn_memory_put(m, u->shown[i]);
    for (int32_t i = 0; i < u->parts; i++) free_part(m, &u->part[i]);
    tn_updater_free_own(u);
    tn_updater_free_bench(u);
    tn_memory_put(m, u->takes);
    tn_memory_put(m, u->sink);
    tn_memory_put(m, u->gradient);
    tn_memory_put(m, u->slot);
    tn_memory_put(m, u->shown);
    tn_memory_put(m, u->part);
    tn_instance_free(u->optimizer);
    tn_memory_put(m, u);
}
