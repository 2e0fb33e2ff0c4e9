/* foreign.h - functions of any shared library, for plugins that call them. Include it after plugin.h. */
#ifndef TENON_FOREIGN_H
#define TENON_FOREIGN_H

#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif

#define TN_FOREIGN_SERVICE "tenon.foreign/0"

typedef struct tn_foreign_service {
    uint32_t struct_size;
    /* The function `name` of `library` (a name as the dynamic linker looks for it, or a path), which
     * stays loaded. Fails unless the library is among those that the environment was made with
     * (tn_env_options.foreign): no file can allow it. [setup] */
    tn_status (*find)(tn_call *, const char *library, const char *name, tn_fn *);
} tn_foreign_service;

#endif
