/* SPDX-License-Identifier: Apache-2.0
 * The linker, which makes one PTX text of several. What is local to one of them gets another name where others have that name, too. */
#include <ctype.h>
#include <ptx/lexer.h>
#include <string.h>

#include "modules.h"

typedef struct link_input {
    char *body;      /* without its first directives */
    ptx_module *ptx; /* what was read from it */
} link_input;

struct CUlinkState_st {
    gpu_object object;
    link_input *inputs;
    int32_t count, capacity;
    pgd_text image;
    gpu_jit_log log;     /* of cuLinkCreate */
    CUlinkState next, *at; /* of its context; at: what points to it */
};

CUresult cuLinkCreate_v2(unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state) {
    CUcontext c;
    if (state == NULL || (option_count > 0 && (options == NULL || values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    CUlinkState l = pgd_mem_zalloc(sizeof *l);
    if (l == NULL || !gpu_object_add(l, GPU_LINK)) {
        pgd_mem_free(l);
        return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    l->log = gpu_jit_log_of(option_count, options, values);
    l->next = c->linkers;
    l->at = &c->linkers;
    if (l->next != NULL) l->next->at = &l->next;
    c->linkers = l;
    *state = l;
    return gpu_leave(CUDA_SUCCESS);
}

static const char *skip_blanks(const char *at) {
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        const char *end = at[0] != '/' ? NULL : at[1] == '/' ? strchr(at, '\n') : at[1] == '*' ? strstr(at + 2, "*/") : NULL;
        if (end == NULL) return at;
        at = end + (at[1] == '/' ? 1 : 2);
    }
}

/* Behind .version, .target and .address_size: their arguments are words and commas. */
static const char *body_of(const char *text) {
    static const char *const first[] = {".version", ".target", ".address_size"};
    const char *at = skip_blanks(text);
    for (size_t k = 0; k < 3; k++) {
        if (strncmp(at, first[k], strlen(first[k])) != 0) continue;
        at = skip_blanks(at + strlen(first[k]));
        for (bool more = true; more;) {
            while (isalnum((unsigned char)*at) || *at == '_' || (*at == '.' && k == 0)) at++;
            at = skip_blanks(at);
            more = *at == ',';
            if (more) at = skip_blanks(at + 1);
        }
        k = (size_t)-1; /* they come in any order */
    }
    return at;
}

static CUresult add(CUlinkState l, const char *text, size_t bytes, const gpu_jit_log *log) {
    link_input input;
    CUresult result = gpu_module_parse(text, bytes, false, log, &input.ptx);
    if (result != CUDA_SUCCESS) return result;
    input.body = pgd_mem_strdup(body_of(text));
    if (input.body != NULL && pgd_grow(&l->inputs, &l->capacity, l->count, sizeof *l->inputs)) return l->inputs[l->count++] = input, CUDA_SUCCESS;
    pgd_mem_free(input.body);
    ptx_module_destroy(input.ptx);
    return CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int option_count, CUjit_option *options, void **values) {
    CUcontext c;
    (void)name;
    if (data == NULL || (option_count > 0 && (options == NULL || values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(state, GPU_LINK)) return gpu_leave(gpu_object_refuse(state, GPU_LINK, CUDA_ERROR_INVALID_HANDLE));
    if (type != CU_JIT_INPUT_PTX) return gpu_leave(gpu_refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "cuLinkAddData: input of type %d; a software GPU links PTX (%d) alone", (int)type, (int)CU_JIT_INPUT_PTX));
    if (bytes > PTX_TEXT_MAX) return gpu_leave(gpu_refuse(CUDA_ERROR_INVALID_VALUE, "cuLinkAddData: %zu bytes of PTX; at most %d are read", bytes, (int)PTX_TEXT_MAX));
    gpu_jit_log log = option_count > 0 ? gpu_jit_log_of(option_count, options, values) : state->log;
    char *text = pgd_mem_alloc(bytes + 1); /* what is given need not end with a NUL */
    if (text == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    result = add(state, text, strlen(text), &log);
    pgd_mem_free(text);
    return gpu_leave(result);
}

CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char *path, unsigned int option_count, CUjit_option *options, void **values) {
    char *bytes;
    size_t count;
    if (path == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (pgd_file_read(path, PTX_TEXT_MAX, NULL, &bytes, &count) != PGD_OK) return gpu_refuse(CUDA_ERROR_FILE_NOT_FOUND, "%s", pgd_error_text());
    CUresult result = cuLinkAddData_v2(state, type, bytes, count, path, option_count, options, values);
    pgd_mem_free(bytes);
    return result;
}

/* ---- names ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct renamed {
    const char *name;
    int32_t number; /* name$number: it stands in no text, and each number is given once */
} renamed;

typedef struct renaming {
    renamed *list;
    int32_t count, capacity, number;
} renaming;

static bool elsewhere(const struct CUlinkState_st *l, int32_t own, const char *name) {
    for (int32_t i = 0; i < l->count; i++)
        if (i != own && (ptx_function_find(l->inputs[i].ptx, name) != NULL || ptx_variable_find(l->inputs[i].ptx, name) != NULL)) return true;
    return false;
}

static bool stands_in_a_text(const struct CUlinkState_st *l, const char *name) {
    for (int32_t i = 0; i < l->count; i++)
        if (strstr(l->inputs[i].body, name) != NULL) return true;
    return false;
}

/* False: no memory. */
static bool rename_local(const struct CUlinkState_st *l, int32_t own, const char *name, renaming *names) {
    if (!elsewhere(l, own, name)) return true;
    if (!pgd_grow(&names->list, &names->capacity, names->count, sizeof *names->list)) return false;
    for (;;) {
        pgd_text other = {0};
        pgd_text_add(&other, "%s$%d", name, ++names->number);
        bool failed = other.failed, taken = !failed && stands_in_a_text(l, other.chars);
        pgd_mem_free(other.chars);
        if (failed) return false;
        if (taken) continue;
        names->list[names->count++] = (renamed){name, names->number};
        return true;
    }
}

/* Memory that a launch asks for begins at one place under whatever names. */
static bool rename_locals(const struct CUlinkState_st *l, int32_t own, renaming *names) {
    const ptx_module *m = l->inputs[own].ptx;
    bool fine = true;
    for (const ptx_function *f = m->functions; f != NULL && fine; f = f->next)
        if (f->linkage == PTX_INTERNAL && !f->entry) fine = rename_local(l, own, f->name, names);
    for (const ptx_variable *v = m->variables; v != NULL && fine; v = v->next)
        if (v->linkage == PTX_INTERNAL || (v->linkage == PTX_EXTERN && v->space == PTX_SPACE_shared)) fine = rename_local(l, own, v->name, names);
    return fine;
}

/* A name means one thing in a text, or one in a body and another outside of it: it becomes the other name wherever it stands. */
static void add_renamed(const char *body, const renaming *names, pgd_text *out) {
    ptx_lexer lexer = ptx_lexer_begin(body, strlen(body));
    const char *done = body;
    for (ptx_token t = ptx_lexer_next(&lexer); names->count > 0 && t.kind != PTX_END && t.kind != PTX_WRONG; t = ptx_lexer_next(&lexer))
        for (int32_t k = 0; t.kind == PTX_NAME && k < names->count; k++) {
            if (strlen(names->list[k].name) != t.count || memcmp(names->list[k].name, t.text, t.count) != 0) continue;
            pgd_text_add(out, "%.*s$%d", (int)(t.text + t.count - done), done, names->list[k].number);
            done = t.text + t.count;
            break;
        }
    pgd_text_add(out, "%s\n", done);
}

static CUresult join(CUlinkState l) {
    int32_t version = 0, target = 0;
    bool arch_specific = false, fine = true;
    renaming names = {0};
    for (int32_t i = 0; i < l->count; i++) {
        const ptx_module *m = l->inputs[i].ptx;
        if (m->version > version) version = m->version;
        if (m->target >= target) target = m->target, arch_specific = m->arch_specific;
    }
    pgd_text_add(&l->image, ".version %d.%d\n.target sm_%d%s\n.address_size 64\n", version / 10, version % 10, target, arch_specific ? "a" : "");
    for (int32_t i = 0; i < l->count && fine; i++) {
        names.count = 0;
        fine = rename_locals(l, i, &names);
        if (fine) add_renamed(l->inputs[i].body, &names, &l->image);
    }
    pgd_mem_free(names.list);
    return fine && !l->image.failed ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuLinkComplete(CUlinkState state, void **image, size_t *bytes) {
    CUcontext c;
    ptx_module *ptx;
    if (image == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(state, GPU_LINK)) return gpu_leave(gpu_object_refuse(state, GPU_LINK, CUDA_ERROR_INVALID_HANDLE));
    if (state->count == 0) return gpu_leave(CUDA_ERROR_INVALID_IMAGE);
    pgd_mem_free(state->image.chars);
    state->image = (pgd_text){0};
    result = join(state);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    result = gpu_module_parse(state->image.chars, state->image.count, true, &state->log, &ptx);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    ptx_module_destroy(ptx);
    *image = state->image.chars;
    if (bytes != NULL) *bytes = state->image.count + 1;
    return gpu_leave(CUDA_SUCCESS);
}

void gpu_link_destroy(CUlinkState l) {
    *l->at = l->next;
    if (l->next != NULL) l->next->at = l->at;
    gpu_object_remove(l);
    for (int32_t i = 0; i < l->count; i++) {
        pgd_mem_free(l->inputs[i].body);
        ptx_module_destroy(l->inputs[i].ptx);
    }
    pgd_mem_free(l->inputs);
    pgd_mem_free(l->image.chars);
    pgd_mem_free(l);
}

CUresult cuLinkDestroy(CUlinkState state) {
    CUresult result = gpu_enter_object(state, GPU_LINK, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    gpu_link_destroy(state);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuLinkCreate(unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state) { return cuLinkCreate_v2(option_count, options, values, state); }
CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int option_count, CUjit_option *options, void **values) {
    return cuLinkAddData_v2(state, type, data, bytes, name, option_count, options, values);
}
CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char *path, unsigned int option_count, CUjit_option *options, void **values) { return cuLinkAddFile_v2(state, type, path, option_count, options, values); }
