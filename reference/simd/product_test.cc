// The packed product of every instruction set, and the choice among the sets.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/simd/kernels.h"

namespace sw {
namespace {

constexpr float kSentinel = -777.25f;

struct Matrix {
  int64_t rows, cols, stride;
  std::vector<float> data;
  Matrix(int64_t r, int64_t c, int64_t gap)
      : rows(r), cols(c), stride(c + gap), data((r + 1) * stride, kSentinel) {}
  float& operator()(int64_t i, int64_t j) { return data[i * stride + j]; }
  float operator()(int64_t i, int64_t j) const { return data[i * stride + j]; }
  bool GapsIntact() const {
    for (int64_t i = 0; i < static_cast<int64_t>(data.size()); ++i) {
      const bool inside = i / stride < rows && i % stride < cols;
      if (!inside && data[i] != kSentinel) return false;
    }
    return true;
  }
};

Matrix Random(int64_t rows, int64_t cols, int64_t gap, uint64_t seed) {
  Rng rng(seed, StreamOf("product_test"));
  Matrix m(rows, cols, gap);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) m(i, j) = static_cast<float>(rng.Normal());
  }
  return m;
}

// a times b [k, n], packed by columns, or by rows from its transpose.
Matrix Multiply(const simd::Kernels& kernels, const Matrix& a, const Matrix& b, bool by_rows,
                const Matrix* add_to) {
  const int64_t n = b.cols;
  const int64_t k = b.rows;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> packed(kernels.PackedFloats(n, k) + 1, nan);
  packed.back() = kSentinel;
  if (by_rows) {
    Matrix turned(n, k, 2);
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t j = 0; j < n; ++j) turned(j, i) = b(i, j);
    }
    kernels.pack_rows(turned.data.data(), turned.stride, n, k, packed.data());
  } else {
    kernels.pack_columns(b.data.data(), b.stride, n, k, packed.data());
  }
  CHECK(packed.back() == kSentinel);
  Matrix c = add_to != nullptr ? *add_to : Matrix(a.rows, n, 1);
  kernels.multiply(a.rows, n, k, a.data.data(), a.stride, packed.data(), c.data.data(), c.stride,
                   add_to != nullptr);
  return c;
}

template <class Body>
void ForEachSet(Body&& body) {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    body(**set);
  }
}

TEST_CASE("simd: products of any shape, within the bound of their sums") {
  ForEachSet([&](const simd::Kernels& kernels) {
    for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 13}) {
      for (const int64_t n : {1, 3, 4, 7, 8, 15, 16, 17, 31, 48, 63, 64, 65, 130}) {
        for (const int64_t k : {1, 5, 64, 127, 128, 129, 300}) {
          CAPTURE(m, n, k);
          const Matrix a = Random(m, k, 3, m + 100 * n);
          const Matrix b = Random(k, n, 2, k);
          const Matrix start = Random(m, n, 1, 9);
          const Matrix fresh = Multiply(kernels, a, b, false, nullptr);
          const Matrix added = Multiply(kernels, a, b, true, &start);
          int64_t wrong = 0;
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < n; ++j) {
              double want = 0, size = 0;
              for (int64_t t = 0; t < k; ++t) {
                want += static_cast<double>(a(i, t)) * b(t, j);
                size += std::abs(static_cast<double>(a(i, t)) * b(t, j));
              }
              // One rounding of the product and one of the sum per term, at most.
              wrong += !Passes(fresh(i, j), want, static_cast<double>(k + 1) * 0x1p-24 * size);
              const double first = start(i, j);
              wrong += !Passes(added(i, j), want + first,
                               static_cast<double>(k + 2) * 0x1p-24 * (size + std::abs(first)));
            }
          }
          CHECK(wrong == 0);
          CHECK(fresh.GapsIntact());
          CHECK(added.GapsIntact());
        }
      }
    }
  });
}

TEST_CASE("simd: equal rows and columns give bit-equal numbers wherever they stand") {
  ForEachSet([&](const simd::Kernels& kernels) {
    const int64_t k = 200;
    const Matrix one_row = Random(1, k, 0, 1);
    const Matrix one_column = Random(k, 1, 0, 2);
    const float want = Multiply(kernels, one_row, one_column, false, nullptr)(0, 0);
    for (const int64_t m : {5, 6, 13}) {
      for (const int64_t n : {3, 65, 130}) {
        Matrix a(m, k, 1), b(k, n, 1);
        for (int64_t t = 0; t < k; ++t) {
          for (int64_t i = 0; i < m; ++i) a(i, t) = one_row(0, t);
          for (int64_t j = 0; j < n; ++j) b(t, j) = one_column(t, 0);
        }
        const Matrix c = Multiply(kernels, a, b, false, nullptr);
        int64_t different = 0;
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) different += c(i, j) != want;
        }
        CHECK(different == 0);
      }
    }
  });
}

TEST_CASE("simd: an empty sum is 0, or what was there") {
  ForEachSet([&](const simd::Kernels& kernels) {
    const Matrix a(3, 0, 1), b(0, 5, 1);
    const Matrix start = Random(3, 5, 1, 3);
    const Matrix zero = Multiply(kernels, a, b, false, nullptr);
    const Matrix same = Multiply(kernels, a, b, false, &start);
    CHECK(same.data == start.data);
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 5; ++j) CHECK(zero(i, j) == 0.0f);
    }
  });
}

TEST_CASE("simd: a NaN reaches its row and its column, nothing else") {
  ForEachSet([&](const simd::Kernels& kernels) {
    Matrix a = Random(13, 140, 0, 4);
    Matrix b = Random(140, 70, 0, 5);
    a(7, 130) = std::numeric_limits<float>::quiet_NaN();
    b(2, 66) = std::numeric_limits<float>::quiet_NaN();
    const Matrix c = Multiply(kernels, a, b, true, nullptr);
    int64_t wrong = 0;
    for (int64_t i = 0; i < 13; ++i) {
      for (int64_t j = 0; j < 70; ++j) wrong += std::isnan(c(i, j)) != (i == 7 || j == 66);
    }
    CHECK(wrong == 0);
  });
}

// SWHARNESS_SIMD for the life of one test.
class Environment {
 public:
  explicit Environment(const char* value) {
    const char* old = std::getenv("SWHARNESS_SIMD");
    had_ = old != nullptr;
    if (had_) old_ = old;
    setenv("SWHARNESS_SIMD", value, 1);
  }
  ~Environment() {
    if (had_) {
      setenv("SWHARNESS_SIMD", old_.c_str(), 1);
    } else {
      unsetenv("SWHARNESS_SIMD");
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  bool had_ = false;
  std::string old_;
};

TEST_CASE("simd: the environment chooses among the sets of this machine") {
  const simd::Kernels* last = nullptr;
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    const Environment environment((*set)->name);
    CHECK(&simd::BestKernels() == *set);
    CHECK((*set)->panel_cols % (*set)->lanes == 0);
    last = *set;
  }
  REQUIRE(last != nullptr);
  CHECK(std::string(simd::AllKernels()[0]->name) == "baseline");
  {
    const Environment environment("");
    CHECK(&simd::BestKernels() == last);
  }
  const Environment environment("mmx");
  const std::string message =
      testing::MessageOf<UserError>([] { static_cast<void>(simd::BestKernels()); });
  CHECK_THAT(message, testing::HasText("SWHARNESS_SIMD"));
  CHECK_THAT(message, testing::HasText("mmx"));
  CHECK_THAT(message, testing::HasText("baseline"));
}

}  // namespace
}  // namespace sw
