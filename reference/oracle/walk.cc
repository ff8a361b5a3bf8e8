#include "reference/oracle/walk.h"

#include <algorithm>
#include <cmath>

namespace sw::oracle {

Matrix BlockScores(const Matrix& q_sketch, const Matrix& k_sketch, double divisor) {
  Matrix a = Zeros(Size(q_sketch), Size(k_sketch));
  for (int i = 0; i < Size(q_sketch); ++i) {
    for (int j = 0; j < Size(k_sketch); ++j) {
      for (int p = 0; p < Size(q_sketch[i]); ++p) a[i][j] += q_sketch[i][p] * k_sketch[j][p];
      a[i][j] /= divisor;
    }
  }
  return a;
}

Matrix Weights(const Matrix& scores, double exponent, bool causal) {
  Matrix w = Zeros(Size(scores), Size(scores));
  for (int i = 0; i < Size(scores); ++i) {
    const int end = causal ? i + 1 : Size(scores);
    const double top = *std::max_element(scores[i].begin(), scores[i].begin() + end);
    double sum = 0;
    for (int j = 0; j < end; ++j) sum += std::exp(scores[i][j] - top);
    const double lse = top + std::log(sum);
    for (int j = 0; j < end; ++j) w[i][j] = std::exp(exponent * (scores[i][j] - lse));
  }
  return w;
}

Matrix WalkUnscaled(const Matrix& walk, const Matrix& weights) {
  const int b = Size(weights);
  Matrix next = Zeros(b, b);
  for (int i = 0; i < b; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (walk.empty()) {
        next[i][j] = weights[i][j];
        continue;
      }
      for (int l = 0; l < b; ++l) next[i][j] += walk[i][l] * weights[l][j];
    }
  }
  return next;
}

Matrix Walk(const Matrix& walk, const Matrix& scores, const Matrix& weights, double exponent,
            long* restarts) {
  Matrix next = WalkUnscaled(walk, weights);
  for (int i = 0; i < Size(next); ++i) {
    if (Rescale(next[i])) continue;
    next[i] = RestartRow(scores[i], i, exponent);
    if (restarts != nullptr) ++*restarts;
  }
  return next;
}

Row RestartRow(const Row& scores, int c, double exponent) {
  Row row(scores.size(), 0.0);
  const double top = *std::max_element(scores.begin(), scores.begin() + c + 1);
  for (int j = 0; j <= c; ++j) row[j] = std::exp(exponent * (scores[j] - top));
  return row;
}

bool Rescale(Row& row) {
  const double top = *std::max_element(row.begin(), row.end());
  if (!std::isnormal(top)) return false;
  for (double& value : row) value /= top;
  return true;
}

}  // namespace sw::oracle
