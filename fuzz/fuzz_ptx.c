/* SPDX-License-Identifier: Apache-2.0
 * Any text as PTX: it is refused with a sentence, or it is printed, and what is printed reads as the same module. */
#include <base_share.h>
#include <stdlib.h>
#include <string.h>

#include "ptx/ptx.h"

static ptx_module *read(const char *text, size_t count) {
    pgd_text log = {0};
    ptx_module *module;
    pgd_status status = ptx_parse(text, count, &log, &module);
    if ((status == PGD_OK) != (module != NULL)) abort();
    if (status != PGD_OK && status != PGD_NO_MEMORY && (log.chars == NULL || strlen(log.chars) < 20)) abort();
    pgd_mem_free(log.chars);
    return module;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    ptx_module *module = read((const char *)bytes, count), *again;
    pgd_text once = {0}, twice = {0};
    if (module == NULL) return 0;
    ptx_print(module, &once);
    again = read(once.chars, once.count);
    if (again == NULL) abort();
    ptx_print(again, &twice);
    if (strcmp(once.chars, twice.chars) != 0) abort();
    ptx_module_destroy(again);
    ptx_module_destroy(module);
    pgd_mem_free(once.chars);
    pgd_mem_free(twice.chars);
    return 0;
}
