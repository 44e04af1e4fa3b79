# Helpers shared by every folder's CMakeLists.txt.
find_package(Threads REQUIRED)

add_library(gatehouse_flags INTERFACE)
target_compile_options(gatehouse_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Werror -fno-omit-frame-pointer
                       # A product must round the same way in every build: no contraction behind our back.
                       -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlapping copies inside std::string that cannot happen (GCC bug 105651).
  target_compile_options(gatehouse_flags INTERFACE -Wno-restrict)
endif()
target_include_directories(gatehouse_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
if(GATEHOUSE_SANITIZE)
  target_compile_options(gatehouse_flags INTERFACE -fsanitize=${GATEHOUSE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(gatehouse_flags INTERFACE -fsanitize=${GATEHOUSE_SANITIZE})
endif()

# The folders whose code reads hostile bytes. libFuzzer looks for inputs that reach new edges in them, so a tree with
# fuzz targets counts their edges; counting in a kernel's loops would only make the tests crawl.
set(GATEHOUSE_FUZZED_FOLDERS base tensor formats text image policy data server_http)

# Several files of a folder are compiled as one, so that headers are read and templates are made once for all of them.
# Names in unnamed namespaces must therefore differ within a folder. OFF compiles each file by
# itself, for tools that look at single files and for whoever works on one folder for long.
option(GATEHOUSE_UNITY "Compile the files of a folder together" ON)

# gatehouse_library(NAME SOURCES a.cc ... DEPS base tensor ... LIBS third::party ...)
# makes the static library gatehouse_NAME of this folder; DEPS are other folders.
function(gatehouse_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(gatehouse_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(gatehouse_${name} PUBLIC gatehouse_flags Threads::Threads)
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(gatehouse_${name} PUBLIC gatehouse_${dep})
  endforeach()
  target_link_libraries(gatehouse_${name} PRIVATE ${ARG_LIBS})
  if(GATEHOUSE_FUZZ AND name IN_LIST GATEHOUSE_FUZZED_FOLDERS)
    target_compile_options(gatehouse_${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  # Kernels have flags of their own and must not share inline functions; images' libraries have macros of their own.
  if(GATEHOUSE_UNITY AND NOT name MATCHES "^(kernels|image)$")
    set_target_properties(gatehouse_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # g++ takes a file that another one includes for a header, whose classes should not hold unnamed types.
      target_compile_options(gatehouse_${name} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

# gatehouse_embed(OUT.cc HEADER kName=file kOther=file ...): makes OUT.cc, which holds the files as
# the constants `extern const char* const kName` of HEADER.
function(gatehouse_embed out header)
  set(texts "")
  set(files "")
  foreach(pair IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=(.+)$" _ ${pair})
    set(name ${CMAKE_MATCH_1})
    get_filename_component(file ${CMAKE_MATCH_2} ABSOLUTE)
    list(APPEND texts ${name}=${file})
    list(APPEND files ${file})
  endforeach()
  list(JOIN texts "|" texts)
  set(script ${CMAKE_SOURCE_DIR}/cmake/embed_texts.cmake)
  add_custom_command(OUTPUT ${out} DEPENDS ${files} ${script} VERBATIM
                     COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DHEADER=${header} -DTEXTS=${texts} -P ${script})
endfunction()

# gatehouse_test(NAME SOURCES a_test.cc ... DEPS text formats ... LABELS unit)
# makes a GoogleTest binary NAME, registered with ctest as one test (one start-up, many cases).
# SANITIZED_FILTER '...': the cases that run under sanitizers, where all of them, or a slow test's, would take minutes.
# THREADS_FILTER '...': those of them that have to do with threads, for the thread sanitizer.
function(gatehouse_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;SANITIZED_FILTER;THREADS_FILTER" "SOURCES;DEPS;LIBS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
    if(GATEHOUSE_SANITIZE)  # many times slower, and the machine may be, too
      set(ARG_TIMEOUT 1500)
    endif()
  endif()
  if(GATEHOUSE_SANITIZE STREQUAL "thread" AND ARG_THREADS_FILTER)
    set(ARG_SANITIZED_FILTER "${ARG_THREADS_FILTER}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE gatehouse_flags GTest::gtest GTest::gmock GTest::gtest_main ${ARG_LIBS})
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${name} PRIVATE gatehouse_${dep})
  endforeach()
  target_compile_definitions(${name} PRIVATE GATEHOUSE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             GATEHOUSE_BUILD_DIR="${CMAKE_BINARY_DIR}")
  # A test's own code runs once and is compiled often: it is optimised little, and GoogleTest's headers are read once
  # for all tests. What it tests stays as it is built for everyone.
  target_compile_options(${name} PRIVATE ${GATEHOUSE_TEST_OPTIMISATION})
  target_precompile_headers(${name} REUSE_FROM gatehouse_test_headers)
  if(GATEHOUSE_SANITIZE AND ARG_SANITIZED_FILTER)
    add_test(NAME ${name} COMMAND ${name} --gtest_filter=${ARG_SANITIZED_FILTER})
    list(REMOVE_ITEM ARG_LABELS slow)
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  gatehouse_group(${name} ${ARG_LABELS})
endfunction()

# gatehouse_group(TARGET LABELS...): TARGET belongs to the targets tests_LABEL (tests_threads builds the tests that
# `ctest -L threads` runs), less those that are only slow or long: so a tree under a sanitizer builds what it runs.
function(gatehouse_group target)
  if("slow" IN_LIST ARGN OR "long" IN_LIST ARGN OR "shared" IN_LIST ARGN)
    return()
  endif()
  foreach(label IN LISTS ARGN)
    if(NOT TARGET tests_${label})
      add_custom_target(tests_${label})
    endif()
    add_dependencies(tests_${label} ${target})
  endforeach()
endfunction()
