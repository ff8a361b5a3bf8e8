#define SW_SIMD_NAMESPACE baseline
#define SW_SIMD_LANES 4
#define SW_SIMD_VECTORS 2
#include "reference/simd/kernels_impl.inc"
