# SPDX-License-Identifier: Apache-2.0
# Reads tools/layers.txt: storey NAME becomes the archive pgd_NAME, compiled with the include folders of its own row and nothing else.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/layers.txt)
file(STRINGS ${CMAKE_SOURCE_DIR}/tools/layers.txt rows REGEX "^[a-z]+:")
set(PAGODA_STOREYS "")
set(PAGODA_INCLUDES ${CMAKE_SOURCE_DIR}/include)

foreach(row ${rows})
  string(REGEX MATCH "^[a-z]+" storey ${row})
  string(REGEX REPLACE "^[a-z]+: *" "" below ${row})
  string(REGEX MATCHALL "[a-z]+" below "${below}")
  set(folder ${CMAKE_SOURCE_DIR}/src/${storey})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.c)
  list(FILTER sources EXCLUDE REGEX "\\.inc\\.c$")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(FILTER sources EXCLUDE REGEX "_avx[0-9]+\\.c$")
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    list(FILTER sources EXCLUDE REGEX "_neon\\.c$")
  endif()
  add_library(pgd_${storey} STATIC ${sources})
  target_include_directories(pgd_${storey} PRIVATE ${folder}/include ${folder}/share)
  foreach(lower ${below})
    target_include_directories(pgd_${storey} PRIVATE ${CMAKE_SOURCE_DIR}/src/${lower}/include ${CMAKE_SOURCE_DIR}/src/${lower}/share)
  endforeach()
  if(storey STREQUAL "softgpu") # no part of libpagoda
    continue()
  endif()
  list(APPEND PAGODA_STOREYS ${storey})
  list(APPEND PAGODA_INCLUDES ${folder}/include)
endforeach()
target_include_directories(pgd_softgpu PRIVATE ${CMAKE_SOURCE_DIR}/src/softgpu)

# Kernels: the suffix of the file names its instruction set level.
set(kernel_flags -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math)
if(PAGODA_SANITIZE) # sanitizers at -O3 make compilers take a quarter of an hour for these files
  list(TRANSFORM kernel_flags REPLACE "-O3" "-O1")
endif()
if(PAGODA_FUZZ) # parsers are fuzzed, not kernels
  list(APPEND kernel_flags -fno-sanitize=all)
endif()
file(GLOB kernels ${CMAKE_SOURCE_DIR}/src/dnn/host/*_portable.c ${CMAKE_SOURCE_DIR}/src/dnn/host/*_neon.c)
set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS "${kernel_flags}")
file(GLOB kernels ${CMAKE_SOURCE_DIR}/src/dnn/host/*_avx2.c)
set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS "${kernel_flags};-mavx2;-mfma")
file(GLOB kernels ${CMAKE_SOURCE_DIR}/src/dnn/host/*_avx512.c)
set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS
  "${kernel_flags};-mavx512f;-mavx512dq;-mavx512vl;-mavx512bw;-mavx512cd;-mfma;-mavx2;-mprefer-vector-width=512")

# The software GPU's: bit for bit as IEEE 754 has it, so nothing is fused that was not asked to be. Handlers end in jumps to the next where compilers promise to make them so,
# and the upper halves of registers are cleared once, behind the last of them (vec_clear_upper).
set(softgpu_flags -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -foptimize-sibling-calls -falign-functions=64)
if(PAGODA_SANITIZE)
  list(TRANSFORM softgpu_flags REPLACE "-O3" "-O1")
else()
  list(APPEND softgpu_flags -DVEC_TAIL_CALLS)
endif()
set(handlers ${CMAKE_SOURCE_DIR}/src/softgpu/exec/vector_)
set_source_files_properties(${handlers}portable.c ${handlers}split.c ${handlers}versions.c ${handlers}lane.c PROPERTIES COMPILE_OPTIONS "${softgpu_flags}")
set_source_files_properties(${handlers}avx2.c PROPERTIES COMPILE_OPTIONS "${softgpu_flags};-mavx2;-mfma;-mbmi;-mbmi2;-mlzcnt;-mpopcnt;-mno-vzeroupper")
set_source_files_properties(${handlers}avx512.c PROPERTIES COMPILE_OPTIONS
  "${softgpu_flags};-mavx512f;-mavx512dq;-mavx512vl;-mavx512bw;-mavx512cd;-mfma;-mavx2;-mbmi;-mbmi2;-mlzcnt;-mpopcnt;-mno-vzeroupper;-mprefer-vector-width=512")

# The library, shared and static, from the archives' objects.
set(objects "")
foreach(storey ${PAGODA_STOREYS})
  list(APPEND objects $<TARGET_OBJECTS:pgd_${storey}>)
endforeach()
add_library(pagoda SHARED ${objects})
add_library(pagoda_static STATIC ${objects})
set_target_properties(pagoda PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE C
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set_target_properties(pagoda_static PROPERTIES OUTPUT_NAME pagoda LINKER_LANGUAGE C ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
foreach(library pagoda pagoda_static)
  foreach(include ${PAGODA_INCLUDES})
    target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${include}>)
  endforeach()
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${library} PRIVATE m Threads::Threads)
endforeach()
target_link_options(pagoda PRIVATE -Wl,--as-needed)
if(NOT PAGODA_SANITIZE) # a sanitizer's runtime comes with the program
  target_link_options(pagoda PRIVATE -Wl,--no-undefined)
endif()

# The software GPU: a library of its own that looks like a CUDA driver, a folder with the names that programs load one by, and a library to link with where there
# is no toolkit. It stays loaded: its threads do.
file(GLOB abi ${CMAKE_SOURCE_DIR}/src/softgpu/abi/*.c)
set_source_files_properties(${abi} PROPERTIES COMPILE_OPTIONS "-fvisibility=default;-DPAGODA_CUDA_DRIVER_TYPES_ALONE") # see calls.h
add_library(pagoda_softgpu SHARED $<TARGET_OBJECTS:pgd_softgpu> $<TARGET_OBJECTS:pgd_base>)
set(softgpu_exports ${CMAKE_SOURCE_DIR}/src/softgpu/abi/exports.map)
set_target_properties(pagoda_softgpu PROPERTIES OUTPUT_NAME pagoda-softgpu VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C LINK_DEPENDS ${softgpu_exports} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_options(pagoda_softgpu PRIVATE -Wl,--version-script=${softgpu_exports} -Wl,-z,nodelete -Wl,--as-needed)
target_link_libraries(pagoda_softgpu PRIVATE m Threads::Threads)
target_include_directories(pagoda_softgpu INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src/softgpu/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_custom_command(TARGET pagoda_softgpu POST_BUILD COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/softgpu
                   COMMAND ${CMAKE_COMMAND} -E create_symlink ../libpagoda-softgpu.so.0 ${CMAKE_BINARY_DIR}/softgpu/libcuda.so.1)
add_library(softgpu_link_stub SHARED ${CMAKE_SOURCE_DIR}/src/softgpu/abi/link_stub.inc.c)
set_target_properties(softgpu_link_stub PROPERTIES OUTPUT_NAME cuda LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/softgpu/stubs NO_SONAME ON C_VISIBILITY_PRESET default)
target_link_options(softgpu_link_stub PRIVATE -Wl,-soname,libcuda.so.1)
