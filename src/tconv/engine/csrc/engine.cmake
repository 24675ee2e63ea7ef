# The engine's sources: CSRC is their folder, ENGINE what a program of it is made of.
set(CSRC ${CMAKE_CURRENT_LIST_DIR})

if(NOT DEFINED KERNEL_OPTIMIZATION)
  set(KERNEL_OPTIMIZATION -O3)
endif()

# One source of micro-kernels, one object for each instruction set.
function(add_kernels isa)
  add_library(kernels_${isa} OBJECT ${CSRC}/microkernels.cpp)
  target_compile_definitions(kernels_${isa} PRIVATE TCONV_ISA=${isa})
  target_compile_options(kernels_${isa} PRIVATE ${KERNEL_OPTIMIZATION} -fno-math-errno -Wall -Wextra -Wno-psabi ${ARGN})
  set_target_properties(kernels_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  list(APPEND KERNELS $<TARGET_OBJECTS:kernels_${isa}>)
  set(KERNELS ${KERNELS} PARENT_SCOPE)
endfunction()

add_kernels(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_kernels(avx2 -mavx2 -mfma)
  add_kernels(avx512 -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag("-mamx-tile -mamx-bf16" HAS_AMX)
  if(HAS_AMX)
    list(APPEND HALVES ${CSRC}/half_amx.cpp)
    set_source_files_properties(${CSRC}/half_amx.cpp PROPERTIES COMPILE_OPTIONS "-mamx-tile;-mamx-bf16")
    set_source_files_properties(${CSRC}/half_kernels.cpp PROPERTIES COMPILE_DEFINITIONS TCONV_AMX)
  endif()
endif()

set(ENGINE
  ${CSRC}/gather.cpp ${CSRC}/gather_plan.cpp ${CSRC}/gather_weights.cpp ${CSRC}/lattice.cpp ${CSRC}/stamps.cpp
  ${CSRC}/kernel_gradient.cpp ${CSRC}/correlate.cpp ${CSRC}/correlate_plan.cpp
  ${CSRC}/rows.cpp ${CSRC}/rows_gather.cpp ${CSRC}/rows_correlate.cpp
  ${CSRC}/unfolded.cpp ${CSRC}/winograd.cpp ${CSRC}/winograd_gather.cpp ${CSRC}/winograd_correlate.cpp
  ${CSRC}/halves.cpp ${CSRC}/half_gather.cpp ${CSRC}/half_gather_plan.cpp ${CSRC}/half_gather_lay.cpp
  ${CSRC}/half_correlate.cpp ${CSRC}/half_shift.cpp ${CSRC}/half_taps.cpp ${CSRC}/half_kernels.cpp ${HALVES}
  ${CSRC}/split.cpp ${CSRC}/caches.cpp ${CSRC}/images.cpp ${CSRC}/kernels.cpp ${CSRC}/kernel_view.cpp ${CSRC}/layouts.cpp
  ${CSRC}/pages.cpp ${CSRC}/pool.cpp ${CSRC}/scratch.cpp ${CSRC}/slopes.cpp ${CSRC}/streaming.cpp ${CSRC}/turned.cpp ${KERNELS})
