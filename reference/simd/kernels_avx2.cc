#define SW_SIMD_NAMESPACE avx2
#define SW_SIMD_LANES 8
#define SW_SIMD_VECTORS 2
#include "reference/simd/kernels_impl.inc"
