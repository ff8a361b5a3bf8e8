#include "reference/bench/eigen_product.h"

#include <Eigen/Core>

namespace sw {

void EigenProduct(const float* x, const float* w, int64_t m, int64_t n, int64_t k, float* out) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> a(x, m, k);
  const Eigen::Map<const Matrix> b(w, n, k);
  Eigen::Map<Matrix> c(out, m, n);
  c.noalias() = a * b.transpose();
}

}  // namespace sw
