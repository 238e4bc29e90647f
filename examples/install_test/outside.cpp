// SPDX-License-Identifier: Apache-2.0
// The same headers from C++: how many kernels there are.
#include <cstdio>
#include <pagoda/pagoda.h>

int main() {
    std::printf("%s %s\n", pgd_version(), pgd_kernel_count() > 0 ? "2" : "no kernels");
    return 0;
}
