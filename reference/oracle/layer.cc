#include "reference/oracle/layer.h"

#include <cmath>

namespace sw::oracle {

Matrix MatMul(const Matrix& x, const Matrix& weight) {
  Matrix out = Zeros(Size(x), Size(weight));
  for (int t = 0; t < Size(x); ++t) {
    for (int o = 0; o < Size(weight); ++o) {
      for (int i = 0; i < Size(x[t]); ++i) out[t][o] += x[t][i] * weight[o][i];
    }
  }
  return out;
}

Matrix Add(const Matrix& a, const Matrix& b) {
  Matrix sum = a;
  for (int t = 0; t < Size(a); ++t) {
    for (int i = 0; i < Size(a[t]); ++i) sum[t][i] += b[t][i];
  }
  return sum;
}

Matrix RmsNorm(const Matrix& x, const Row& weight, double eps) {
  Matrix out = x;
  for (Row& row : out) {
    double squares = 0;
    for (const double value : row) squares += value * value;
    const double root = std::sqrt(squares / Size(row) + eps);
    for (int i = 0; i < Size(row); ++i) row[i] = row[i] / root * weight[i];
  }
  return out;
}

Matrix SwiGlu(const Matrix& gate, const Matrix& up) {
  Matrix out = gate;
  for (int t = 0; t < Size(gate); ++t) {
    for (int i = 0; i < Size(gate[t]); ++i) {
      out[t][i] = gate[t][i] / (1.0 + std::exp(-gate[t][i])) * up[t][i];
    }
  }
  return out;
}

Tokens Rope(const Tokens& x, double theta, int first_pos) {
  const int d = Size(x.front().front());
  Row inv_freq;
  for (int i = 0; i < d / 2; ++i) inv_freq.push_back(std::pow(theta, -2.0 * i / d));
  return Rope(x, inv_freq, first_pos);
}

Tokens Rope(const Tokens& x, const Row& inv_freq, int first_pos) {
  Tokens out = x;
  const int half = Size(inv_freq);
  for (int t = 0; t < Size(x); ++t) {
    for (int h = 0; h < Size(x[t]); ++h) {
      for (int i = 0; i < half; ++i) {
        const double angle = (first_pos + t) * inv_freq[i];
        const double low = x[t][h][i], high = x[t][h][i + half];
        out[t][h][i] = low * std::cos(angle) - high * std::sin(angle);
        out[t][h][i + half] = high * std::cos(angle) + low * std::sin(angle);
      }
    }
  }
  return out;
}

Tokens SplitHeads(const Matrix& x, int num_heads) {
  Tokens out;
  for (const Row& row : x) {
    const int d = Size(row) / num_heads;
    Matrix heads = Zeros(num_heads, d);
    for (int i = 0; i < Size(row); ++i) heads[i / d][i % d] = row[i];
    out.push_back(heads);
  }
  return out;
}

Matrix JoinHeads(const Tokens& x) {
  Matrix out;
  for (const Matrix& heads : x) {
    Row row;
    for (const Row& head : heads) row.insert(row.end(), head.begin(), head.end());
    out.push_back(row);
  }
  return out;
}

}  // namespace sw::oracle
