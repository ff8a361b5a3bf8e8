// Eigen's matrix product, as the yardstick of ours. In a unit of its own: it is compiled for the
// machine at hand, which nothing else of the project is.
#pragma once

#include <cstdint>

namespace sw {

// out [m, n] = x [m, k] w^T, w [n, k], all row-major without gaps; one thread.
void EigenProduct(const float* x, const float* w, int64_t m, int64_t n, int64_t k, float* out);

}  // namespace sw
