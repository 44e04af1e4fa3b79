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
endfunction()

# gatehouse_test(NAME SOURCES a_test.cc ... DEPS text formats ... LABELS unit)
# makes a GoogleTest binary NAME, registered with ctest as one test (one start-up, many cases).
# SANITIZED_FILTER '...': a slow test whose cases of that filter are quick enough to run under sanitizers.
function(gatehouse_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;SANITIZED_FILTER" "SOURCES;DEPS;LIBS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
    if(GATEHOUSE_SANITIZE)  # many times slower, and the machine may be, too
      set(ARG_TIMEOUT 1500)
    endif()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE gatehouse_flags GTest::gtest GTest::gmock GTest::gtest_main ${ARG_LIBS})
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${name} PRIVATE gatehouse_${dep})
  endforeach()
  target_compile_definitions(${name} PRIVATE GATEHOUSE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             GATEHOUSE_BUILD_DIR="${CMAKE_BINARY_DIR}")
  if(GATEHOUSE_SANITIZE AND ARG_SANITIZED_FILTER)
    add_test(NAME ${name} COMMAND ${name} --gtest_filter=${ARG_SANITIZED_FILTER})
    list(REMOVE_ITEM ARG_LABELS slow)
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
