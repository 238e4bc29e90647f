# SPDX-License-Identifier: Apache-2.0
# Headers, shared and static library, the command, pkg-config and CMake package files.
foreach(include ${PAGODA_INCLUDES})
  install(DIRECTORY ${include}/pagoda DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
endforeach()
install(TARGETS pagoda pagoda_static EXPORT pagodaTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# The software GPU: the library, the folder that `pagoda gpu` puts in front of a program's, with the library to link with, and its headers; those named as a toolkit's in a folder of their own.
install(TARGETS pagoda_softgpu LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS softgpu_link_stub LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/pagoda/softgpu/stubs)
install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pagoda/softgpu\")
file(CREATE_LINK ../../libpagoda-softgpu.so.0 \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pagoda/softgpu/libcuda.so.1\" SYMBOLIC)")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/softgpu/include/pagoda DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/softgpu/include/toolkit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pagoda FILES_MATCHING PATTERN "*.h")
if(PAGODA_CLI)
  install(TARGETS pagoda_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT pagodaTargets NAMESPACE pagoda:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pagoda)
configure_package_config_file(${CMAKE_SOURCE_DIR}/tools/cmake/pagodaConfig.cmake.in ${CMAKE_BINARY_DIR}/pagodaConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pagoda)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pagodaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pagodaConfig.cmake ${CMAKE_BINARY_DIR}/pagodaConfigVersion.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pagoda)
# The file finds the prefix from where it lies, so that an installed tree may be moved.
file(RELATIVE_PATH PAGODA_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" PAGODA_PC_TO_PREFIX ${PAGODA_PC_TO_PREFIX})
configure_file(${CMAKE_SOURCE_DIR}/tools/cmake/pagoda.pc.in ${CMAKE_BINARY_DIR}/pagoda.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/pagoda.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
