/* SPDX-License-Identifier: Apache-2.0
 * What a seed changes within a warp. A turn may end before any access to memory that others see, and nowhere else need it: what is between two accesses nobody can tell apart. Lanes
 * that have parted may come on in any order, as they may on a GPU; they still meet where they come to one step, and wait for each other where PTX says so. */
#include "vector_warp.h"

bool vec_may_pause(const ptx_instruction *i) {
    const ptx_form *form = ptx_form_get(i->form);
    if (i->form >= PTX_FORM_CP_ASYNC && i->form <= PTX_FORM_CP_ASYNC_WAIT_ALL) return true; /* copies happen when they are waited for */
    if (i->form == PTX_FORM_PREFETCH || i->form == PTX_FORM_PREFETCHU) return false;
    for (int32_t k = 0; k < i->operand_count; k++)
        if (form->operands[k].role == PTX_ROLE_MEMORY) {
            ptx_space space = i->form == PTX_FORM_LDMATRIX ? PTX_SPACE_shared : i->form == PTX_FORM_LDU ? PTX_SPACE_global : ptx_instruction_space(i);
            return space == PTX_SPACE_generic || space == PTX_SPACE_global || space == PTX_SPACE_shared;
        }
    return false;
}

const vec_step *vec_run_pause(vec_warp *w, const vec_step *s) {
    vec_launch *run = w->worker->run;
    if (run->launch->seed == 0 || run->accesses-- > 0) VEC_NEXT(w, s);
    int32_t next = (int32_t)(s + 1 - w->frame->body->steps), count = w->frame->body->count;
    w->splits[w->current].pc = next < count ? next : next - count;
    w->stop = VEC_TURN_OVER;
    return NULL;
}

int32_t vec_draw_split(vec_warp *w, int32_t chosen) {
    enum { SELDOM = 4 };
    gpu_schedule *drawn = vec_drawn(w->worker);
    if (gpu_schedule_below(drawn, SELDOM) != 0) return chosen;
    int32_t k = (int32_t)gpu_schedule_below(drawn, (uint32_t)w->split_count);
    if (w->splits[k].state != VEC_RUNNING) return chosen;
    if (k != chosen) w->frontier = UINT64_MAX; /* it does not stop where the others are further behind */
    return k;
}
