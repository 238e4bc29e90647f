/* SPDX-License-Identifier: Apache-2.0
 * All functions by name: cuGetProcAddress, and those that are exported but not built. This file must not see their prototypes. */
#include <stdatomic.h>
#include <string.h>

enum { NOT_SUPPORTED = 801 };
typedef enum found { FOUND, NO_SUCH_NAME, NOT_THAT_OLD } found;
typedef void function(void);

void gpu_report(const char *format, ...);

static int unsupported(const char *name, atomic_bool *told) {
    if (!atomic_exchange(told, 1)) gpu_report("%s was called and is not built; it returns CUDA_ERROR_NOT_SUPPORTED", name);
    return NOT_SUPPORTED;
}

#define CU_DONE(symbol, ...) function symbol;
#define CU_DONE_THREAD CU_DONE
#define CU_NONE(symbol, name, version)  \
    int symbol(void);                   \
    int symbol(void) {                  \
        static atomic_bool told;        \
        return unsupported(name, &told); \
    }
#define CU_NONE_THREAD CU_NONE
#include "functions.def"
#undef CU_DONE
#undef CU_DONE_THREAD
#undef CU_NONE
#undef CU_NONE_THREAD

static const struct {
    const char *name;
    int version, of_threads;
    function *address;
} functions[] = {
#define CU_DONE(symbol, name, version, ...) {name, version, 0, (function *)symbol},
#define CU_DONE_THREAD(symbol, name, version, ...) {name, version, 1, (function *)symbol},
#define CU_NONE(symbol, name, version) CU_DONE(symbol, name, version, )
#define CU_NONE_THREAD(symbol, name, version) CU_DONE_THREAD(symbol, name, version, )
#include "functions.def"
};

/* The newest of that name that a program of `version` knows; one for streams of threads where it is asked for and there is one. */
static function *find(const char *name, int version, int of_threads, found *why) {
    function *best = NULL;
    int best_version = -1, best_of_threads = 0;
    *why = NO_SUCH_NAME;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) != 0 || functions[i].of_threads > of_threads) continue;
        if (functions[i].version > version) {
            if (*why != FOUND) *why = NOT_THAT_OLD;
            continue;
        }
        *why = FOUND;
        if (functions[i].version < best_version || (functions[i].version == best_version && functions[i].of_threads < best_of_threads)) continue;
        best = functions[i].address;
        best_version = functions[i].version;
        best_of_threads = functions[i].of_threads;
    }
    return best;
}

void *gpu_function_address(const char *name, int version, int of_threads, int *why);
void *gpu_function_address(const char *name, int version, int of_threads, int *why) {
    found reason;
    function *f = find(name, version, of_threads, &reason);
    void *address;
    memcpy(&address, &f, sizeof address);
    *why = (int)reason;
    return address;
}
