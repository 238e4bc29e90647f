# SPDX-License-Identifier: Apache-2.0
# Cross-compiling to 64-bit ARM with Debian's compiler; programs are run by qemu-user. PAGODA_SYSROOT holds what Debian has only as packages of that architecture.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../../build-neon/sysroot)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
set(CMAKE_BUILD_RPATH ${sysroot}/usr/lib/aarch64-linux-gnu)
