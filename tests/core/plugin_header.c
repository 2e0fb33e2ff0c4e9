/* plugin_header.c - what a plugin compiled with one command carries: both precisions, its
 * options, one exported symbol. Read here without the host. */
#define TN_HOST
#define TN_REAL_BITS 64
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tenon/plugin.h"
#include "tenon/initializer.h"

static const tn_plugin *load(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.so", getenv("TENON_TEST_TOYS"), name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(library, "%s", dlerror());
    const tn_plugin *plugin = dlsym(library, "tn_plugin_v0");
    cr_assert_not_null(plugin, "%s", dlerror());
    return plugin;
}

Test(plugin_header, carries_both_precisions)
{
    const tn_entry *entry = load("leaky")->entries[0];
    cr_assert_str_eq(entry->kind, "layer");
    cr_assert_str_eq(entry->name, "leaky");
    cr_assert_eq(entry->impl[0]->real_size, sizeof(float));
    cr_assert_eq(entry->impl[1]->real_size, sizeof(double));
    cr_assert_neq(entry->impl[0]->vtable, entry->impl[1]->vtable);
    cr_assert_eq(entry->impl[1]->vtable_size, sizeof(tn_layer));
}

Test(plugin_header, describes_its_option)
{
    const tn_entry *entry = load("leaky")->entries[0];
    cr_assert_eq(entry->option_count, 1);
    cr_assert_eq(entry->option_stride, sizeof(tn_option));
    cr_assert_str_eq(entry->options[0].name, "slope");
    cr_assert_eq(entry->options[0].type, TN_T_REAL);
    cr_assert_eq(entry->options[0].flags, TN_POSITIONAL);
    cr_assert_eq(entry->options[0].def.d, 0.01);
    cr_assert_eq(entry->options[0].hi.d, 1.0);
}

Test(plugin_header, constructs_and_runs)
{
    const tn_impl *impl = load("leaky")->entries[0]->impl[1];
    const tn_layer *layer = impl->vtable;
    double self[4] = {0};
    cr_assert_leq(impl->self_size, sizeof self);
    cr_assert_eq(((tn_status(*)(void *, double))impl->construct)(self, 0.25), TN_OK);
    const double x[3] = {-4, 0, 2}, gy[3] = {1, 1, 3};
    double y[3], gx[3];
    const tn_tile tile = {.n = 3, .width = 3};
    layer->forward(self, &tile, x, y);
    layer->backward(self, &tile, x, NULL, gy, gx);
    const double want_y[3] = {-1, 0, 2}, want_gx[3] = {0.25, 0.25, 3};
    cr_assert_arr_eq(y, want_y, sizeof y);
    cr_assert_arr_eq(gx, want_gx, sizeof gx);
}

Test(plugin_header, a_plugin_without_options_has_no_self)
{
    const tn_impl *impl = load("count_up")->entries[0]->impl[1];
    const tn_initializer *initializer = impl->vtable;
    double w[6];
    tn_tensor t = {
        .struct_size = sizeof t, .dtype = TN_F64, .rank = 2, .dim = {2, 3}, .data = w};
    cr_assert_eq(impl->self_size, 0);
    cr_assert_null((void *)(uintptr_t)impl->construct);
    cr_assert_eq(initializer->fill(NULL, NULL, NULL, &t), TN_OK);
    for (int i = 0; i < 6; i++) cr_assert_eq(w[i], i);
}
