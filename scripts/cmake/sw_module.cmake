# sw_module(NAME core_base SOURCES a.cc ... DEPS sw::x fmt::fmt ...)
#   a layer of the project: static library sw_<NAME> with the alias sw::<NAME>. DEPS are public.
# sw_test(NAME core_base SOURCES a_test.cc ... DEPS sw::x ... [LABELS slow])
#   one Catch2 executable; each TEST_CASE becomes a ctest test called <NAME>.<test case>.

find_program(SW_CCACHE ccache)
if(SW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SW_CCACHE})
endif()

add_library(sw_flags INTERFACE)
target_compile_features(sw_flags INTERFACE cxx_std_20)
target_include_directories(sw_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sw_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wno-sign-conversion
                       $<$<BOOL:${SW_WERROR}>:-Werror>)
if(SW_SANITIZE)
  target_compile_options(sw_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
                         -fno-sanitize-recover=all
                         -O1                        # a third less time to compile
                         -Wno-maybe-uninitialized)  # g++ sees ghosts in instrumented std::function
  target_link_options(sw_flags INTERFACE -fsanitize=address,undefined)
endif()

function(sw_module)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_library(sw_${ARG_NAME} STATIC ${ARG_SOURCES})
  add_library(sw::${ARG_NAME} ALIAS sw_${ARG_NAME})
  target_link_libraries(sw_${ARG_NAME} PUBLIC sw_flags ${ARG_DEPS})
endfunction()

function(sw_test)
  if(NOT SW_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;LABELS" ${ARGN})
  set(target sw_${ARG_NAME}_test)
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE sw_flags sw::testing ${ARG_DEPS})
  target_compile_definitions(${target} PRIVATE SW_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # Catch2 v2 calls it success when no test case has the name that ctest asks for.
  set(no_tests_fail "")
  if(Catch2_VERSION VERSION_LESS 3)
    set(no_tests_fail EXTRA_ARGS --warn NoTests)
  endif()
  catch_discover_tests(${target} ${no_tests_fail} TEST_PREFIX "${ARG_NAME}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 LABELS "${ARG_LABELS}")
endfunction()
