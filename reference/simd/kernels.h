// The inner loops, compiled once per instruction set (kernels_impl.inc) and chosen at run time.
//
// Every number is computed by the same sequence of operations wherever it stands in a tile: equal
// inputs give bit-equal outputs, whatever the edges. Results may differ between instruction sets.
// This header and the units behind it use no code of the standard library, so that the linker can
// never take a function compiled for one instruction set for another.
#pragma once

#include <cstdint>

namespace sw::simd {

struct AttendKeys;
struct AttendTile;
struct MassRows;
struct MassTile;

struct Kernels {
  const char* name = nullptr;  // "baseline", "avx2", "avx512"
  int lanes = 0;               // floats in a vector
  int panel_cols = 0;          // columns of a packed panel, a multiple of lanes

  // ---- products: C = A B with B packed into panels of panel_cols columns, [k][panel_cols] each,
  // one after the other, columns past n zero. PackedFloats(n, k) numbers, best aligned to 64 bytes.
  // B given by its columns: b[j * ldb + i] is B[i, j]  (B = b^T, b [n, k]).
  void (*pack_rows)(const float* b, int64_t ldb, int64_t n, int64_t k, float* packed) = nullptr;
  // B as it is: b[i * ldb + j] is B[i, j], b [k, n].
  void (*pack_columns)(const float* b, int64_t ldb, int64_t n, int64_t k, float* packed) = nullptr;
  // c [m, n] = a [m, k] B, or += with accumulate. Each number of c is one chain of multiply-adds
  // over ascending k that starts at 0 or at the old c.
  void (*multiply)(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                   const float* packed, float* c, int64_t ldc, bool accumulate) = nullptr;

  // ---- stored weights, by DType as an index (F32, F16, BF16, Q8_0, Q4_0, Q4_1)
  // As pack_rows, from n stored rows of k numbers, row_bytes apart.
  void (*pack_weights[6])(const uint8_t* rows, int64_t row_bytes, int64_t n, int64_t k,
                          float* packed) = {};
  // out[i * ldo + j] = <x row i, stored row j>, or += with accumulate, for i < m, j < n;
  // 1 <= m <= kMaxGemvRows. Weights are widened in registers.
  void (*gemv[6])(int64_t m, int64_t n, int64_t k, const float* x, int64_t ldx, const uint8_t* rows,
                  int64_t row_bytes, float* out, int64_t ldo, bool accumulate) = {};

  // ---- attention, see attend_tile.h
  // One strip: keys [count][key_stride], 1 <= count <= lanes, to strip [head_dim][lanes].
  void (*pack_strip)(const float* keys, int64_t key_stride, int count, int head_dim,
                     float* strip) = nullptr;
  void (*attend_tile)(const AttendTile& tile) = nullptr;
  void (*attend_keys)(const AttendKeys& keys) = nullptr;
  void (*mass_tile)(const MassTile& tile) = nullptr;
  void (*join_mass)(const MassRows& rows, bool sum, float* out) = nullptr;

  // ---- vectors of n numbers
  float (*dot)(const float* a, const float* b, int64_t n) = nullptr;
  // out[i] = exp(scale (x[i] - shift)), returns their sum; out may be x. Error of exp at most 2 ulp
  // where scale (x - shift) is in [-87.3, 88.3]; below it gives 0, above it +infinity, NaN for NaN.
  float (*exp_sum)(const float* x, int64_t n, float shift, float scale, float* out) = nullptr;
  float (*max)(const float* x, int64_t n) = nullptr;  // n >= 1; NaNs are passed over
  void (*silu_mul)(const float* gate, const float* up, int64_t n, float* out) = nullptr;

  int64_t PackedFloats(int64_t n, int64_t k) const {
    return (n + panel_cols - 1) / panel_cols * panel_cols * k;
  }
};

constexpr int kMaxGemvRows = 4;

// The best set that this CPU runs, or the one that the environment variable SWHARNESS_SIMD names
// (baseline, avx2, avx512); UserError when that is unknown or this machine lacks it.
const Kernels& BestKernels();
// Every set that this CPU runs, baseline first, for tests and benchmarks. Ends with a null pointer.
const Kernels* const* AllKernels();

}  // namespace sw::simd
