#define SW_SIMD_NAMESPACE avx512
#define SW_SIMD_LANES 16
#define SW_SIMD_VECTORS 4
#include "reference/simd/kernels_impl.inc"
