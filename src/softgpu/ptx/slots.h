/* SPDX-License-Identifier: Apache-2.0
 * What stands after an opcode, as numbers: the words, and the roles (slots) they fill in a form. T, U, V and X are types, kept apart. */
#ifndef PGD_PTX_SLOTS_H
#define PGD_PTX_SLOTS_H

#define PTX_SLOT_LIST(X)                                                                                                                \
    X(round) X(ftz) X(sat) X(approx) X(cmp) X(bool) X(part) X(space) X(to) X(sem) X(scope) X(cache) X(evict) X(prefetch) X(nc) X(vec)   \
    X(op) X(mode) X(cc) X(relu) X(nan) X(xorsign) X(shape) X(num) X(trans) X(uni) X(aligned) X(noftz) X(cta) X(unit) X(test)

typedef enum ptx_slot {
#define X(name) PTX_SLOT_##name,
    PTX_SLOT_LIST(X)
#undef X
    PTX_SLOT_COUNT
} ptx_slot;

/* Plain words, then those whose text is no C name. */
#define PTX_WORD_LIST(X)                                                                                                                \
    X(rn) X(rz) X(rm) X(rp) X(rni) X(rzi) X(rmi) X(rpi) X(rna) X(ftz) X(sat) X(satfinite) X(approx) X(full)                             \
    X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(lo) X(ls) X(hi) X(hs) X(equ) X(neu) X(ltu) X(leu) X(gtu) X(geu) X(num) X(nan)                 \
    X(and) X(or) X(xor) X(wide) X(global) X(shared) X(local) X(param) X(to) X(weak) X(relaxed) X(acquire) X(release)                    \
    X(acq_rel) X(sc) X(cta) X(cluster) X(gpu) X(sys) X(gl) X(ca) X(cg) X(cs) X(cv) X(lu) X(wb) X(wt) X(nc) X(v2) X(v4)                  \
    X(cas) X(exch) X(add) X(inc) X(dec) X(min) X(max) X(popc) X(up) X(down) X(bfly) X(idx) X(all) X(any) X(ballot) X(uni)               \
    X(sync) X(arrive) X(red) X(warp) X(aligned) X(cc) X(relu) X(NaN) X(l) X(r) X(clamp) X(wrap) X(shiftamt)           \
    X(f4e) X(b4e) X(rc8) X(ecl) X(ecr) X(rc16) X(noftz) X(finite) X(infinite) X(number) X(notanumber) X(normal) X(subnormal)            \
    X(m8n8) X(m8n8k4) X(m8n8k16) X(m16n8k4) X(m16n8k8) X(m16n8k16) X(m16n8k32) X(row) X(col) X(x1) X(x2) X(x4) X(trans)                 \
    X(async) X(pack) X(commit_group) X(wait_group) X(wait_all) X(L1) X(L2)
#define PTX_ODD_WORD_LIST(X)                                                                                                            \
    X(const, "const") X(volatile, "volatile") X(shared_cta, "shared::cta") X(param_entry, "param::entry") X(param_func, "param::func")  \
    X(evict_normal, "L1::evict_normal") X(evict_unchanged, "L1::evict_unchanged") X(evict_first, "L1::evict_first")                     \
    X(evict_last, "L1::evict_last") X(no_allocate, "L1::no_allocate") X(l2_64, "L2::64B") X(l2_128, "L2::128B") X(l2_256, "L2::256B")   \
    X(l2_last, "L2::evict_last") X(l2_normal, "L2::evict_normal") X(xorsign_abs, "xorsign.abs")

typedef enum ptx_word {
    PTX_NO_WORD,
#define X(name) PTX_WORD_##name,
    PTX_WORD_LIST(X)
#undef X
#define X(name, text) PTX_WORD_##name,
    PTX_ODD_WORD_LIST(X)
#undef X
    PTX_WORD_COUNT
} ptx_word;
#endif
