#include "reference/oracle/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sw::oracle {

Transform FullTransform(int padded_dim) {
  Transform full;
  for (int i = 0; i < padded_dim; ++i) {
    full.signs.push_back(1.0);
    full.rows.push_back(i);
  }
  return full;
}

Matrix WalshHadamard(int dim) {
  Matrix h = Zeros(dim, dim);
  for (int i = 0; i < dim; ++i) {
    for (int j = 0; j < dim; ++j) {
      h[i][j] = std::popcount(static_cast<unsigned>(i & j)) % 2 == 0 ? 1.0 : -1.0;
    }
  }
  return h;
}

Matrix SketchMatrix(const Transform& transform, int head_dim) {
  const Matrix full = WalshHadamard(Size(transform.signs));
  const int r = Size(transform.rows);
  Matrix h = Zeros(r, head_dim);
  for (int p = 0; p < r; ++p) {
    for (int j = 0; j < head_dim; ++j) {
      h[p][j] = full[transform.rows[p]][j] * transform.signs[j] / std::sqrt(r);
    }
  }
  return h;
}

Matrix Sketch(const Matrix& h, const Matrix& x) {
  Matrix out = Zeros(Size(x), Size(h));
  for (int row = 0; row < Size(x); ++row) {
    for (int p = 0; p < Size(h); ++p) {
      for (int j = 0; j < Size(h[p]); ++j) out[row][p] += h[p][j] * x[row][j];
    }
  }
  return out;
}

Matrix HeadMean(const Tokens& x) {
  Matrix mean;
  for (const Matrix& heads : x) {
    Row sum(heads.front().size(), 0.0);
    for (const Row& head : heads) {
      for (int i = 0; i < Size(sum); ++i) sum[i] += head[i];
    }
    for (double& value : sum) value /= Size(heads);
    mean.push_back(sum);
  }
  return mean;
}

Matrix BlockMean(const Matrix& tokens, int block_size) {
  Matrix means;
  for (int begin = 0; begin < Size(tokens); begin += block_size) {
    const int end = std::min(begin + block_size, Size(tokens));
    Row sum(tokens[begin].size(), 0.0);
    for (int t = begin; t < end; ++t) {
      for (int i = 0; i < Size(sum); ++i) sum[i] += tokens[t][i];
    }
    for (double& value : sum) value /= end - begin;
    means.push_back(sum);
  }
  return means;
}

}  // namespace sw::oracle
