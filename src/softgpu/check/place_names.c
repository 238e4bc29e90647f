/* SPDX-License-Identifier: Apache-2.0
 * Variables, allocations. */
#include "place_names.h"

#include <stdio.h>
#include <string.h>

/* _ZZ4heatPKfE4tile, which C++ makes of a variable within a function, as heat::tile; others as they are. */
static void say_name(const char *name, char *text, size_t bytes) {
    int function = 0, own = 0, begun = 0, used = 0;
    size_t length = strlen(name);
    bool known = strncmp(name, "_ZZ", 3) == 0 && sscanf(name + 3, "%9d%n", &function, &begun) == 1 && function > 0 && (size_t)(3 + begun + function) < length;
    const char *last = known ? name + 3 + begun + function : name, *at = name + length;
    bool found = false;
    while (known && !found && at-- > last) found = *at == 'E' && sscanf(at, "E%9d%n", &own, &used) == 1 && own > 0 && strlen(at + used) >= (size_t)own;
    if (found) snprintf(text, bytes, "%.*s::%.*s", function < 30 ? function : 30, name + 3 + begun, own < 30 ? own : 30, at + used);
    else snprintf(text, bytes, "%.60s", name);
}

void gpu_place_name(const gpu_access *a, char *text, size_t bytes) {
    const gpu_program *p = a->launch->program;
    gpu_allocation allocation;
    char name[80];
    text[0] = '\0';
    for (int32_t i = 0; a->space == PTX_SPACE_shared && i < p->variable_count; i++) {
        const ptx_variable *v = p->variables[i];
        uint64_t at;
        if (v == NULL || v->space != PTX_SPACE_shared || !gpu_program_may_use(p, a->launch->kernel, v) || !gpu_program_address(p, v, &at) || a->address < at || (a->address - at >= (uint64_t)v->bytes && !v->unsized)) continue;
        say_name(v->name, name, sizeof name);
        snprintf(text, bytes, ", %s+%llu", name, (unsigned long long)(a->address - at));
        return;
    }
    if (a->space != PTX_SPACE_shared && gpu_memory_at(p->memory, a->address, 1, &allocation) != NULL) snprintf(text, bytes, ", %s%s%llu bytes into an allocation", allocation.name, allocation.name[0] == '\0' ? "" : ", ", (unsigned long long)(a->address - allocation.address));
}
