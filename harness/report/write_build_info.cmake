# cmake -DSOURCE_DIR= -DTEMPLATE= -DOUT= -DVERSION= -DCOMPILER= -DBUILD_TYPE= -P write_build_info.cmake
# Runs at every build and touches OUT only when something in it has changed. Results that a run leaves
# behind do not make a build dirty.
set(COMMIT unknown)
set(DIRTY false)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-toplevel HEAD
                  OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE failed)
  string(REGEX MATCH "^([^\n]*)\n([0-9a-f]+)\n" matched "${answer}")
  # A tarball unpacked inside some other checkout is not that checkout.
  if(NOT failed AND matched)
    set(commit ${CMAKE_MATCH_2})
    file(REAL_PATH "${CMAKE_MATCH_1}" top)
    file(REAL_PATH "${SOURCE_DIR}" source)
    if(top STREQUAL source)
      set(COMMIT ${commit})
      execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} --no-optional-locks status --porcelain -uno
                              -- . ":(exclude)results"
                      OUTPUT_VARIABLE changes ERROR_QUIET)
      if(changes)
        set(DIRTY true)
      endif()
    endif()
  endif()
endif()
configure_file(${TEMPLATE} ${OUT} @ONLY)
