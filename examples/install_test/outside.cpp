// SPDX-License-Identifier: Apache-2.0
// The same headers from C++: the rank of a shape whose extents have different types, if those are right.
#include <cstdint>
#include <cstdio>
#include <pagoda/pagoda.h>

int main() {
    const std::int64_t wide = std::int64_t{1} << 33;
    const pgd_shape shape = pgd_shape_of(2, 3, wide);
    const pgd_symshape symbolic = pgd_symshape_of(1, wide), none = pgd_symshape_of(2, 5);
    const bool right = pgd_shape_elems(shape) == 3 * wide && pgd_shape_of(0).rank == 0 && symbolic.dims[0] == wide && none.rank == -1;
    std::printf("%s %d\n", pgd_version(), right ? static_cast<int>(shape.rank) : -1);
    return 0;
}
