// exp, dot, max and silu of every instruction set against double.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/simd/kernels.h"

namespace sw {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class Body>
void ForEachSet(Body&& body) {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    body(**set);
  }
}

std::vector<float> Random(int64_t n, uint64_t seed) {
  Rng rng(seed, StreamOf("vector_test"));
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<float>(rng.Normal()));
  return x;
}

TEST_CASE("simd: exp is within 2 ulp of the true one") {
  // Every 97th float of the range where exp is normal and finite, both signs, and the ends.
  std::vector<float> x = {-87.33f, 88.72f, 0.0f, -0.0f, 1e-30f, -1e-30f};
  for (const float sign : {1.0f, -1.0f}) {
    const uint32_t end = std::bit_cast<uint32_t>(sign > 0 ? 88.7f : 87.3f);
    for (uint32_t bits = std::bit_cast<uint32_t>(1e-9f); bits < end; bits += 97) {
      x.push_back(sign * std::bit_cast<float>(bits));
    }
  }
  ForEachSet([&](const simd::Kernels& kernels) {
    std::vector<float> e(x.size());
    kernels.exp_sum(x.data(), static_cast<int64_t>(x.size()), 0.0f, 1.0f, e.data());
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = std::exp(static_cast<double>(x[i]));
      const double ulp = std::ldexp(1.0, std::ilogb(want) - 23);
      const double share = std::abs(e[i] - want) / ulp;
      if (!(share <= worst)) worst = share;
    }
    CHECK(worst <= 2.0);
    CHECK(e[2] == 1.0f);
    CHECK(e[3] == 1.0f);
  });
}

TEST_CASE("simd: exp outside its range, and its sum") {
  ForEachSet([&](const simd::Kernels& kernels) {
    for (int at = 0; at < 20; ++at) {  // in whole vectors and behind them
      std::vector<float> x(20, -1.0f);
      const auto run = [&](float value) {
        x[at] = value;
        std::vector<float> e(21, 77.0f);
        kernels.exp_sum(x.data(), 20, 0.0f, 1.0f, e.data());
        CHECK(e[20] == 77.0f);
        return e[at];
      };
      CHECK(run(-87.4f) == 0.0f);
      CHECK(run(-kInf) == 0.0f);
      CHECK(run(-1e30f) == 0.0f);
      CHECK(run(89.0f) == kInf);
      CHECK(run(kInf) == kInf);
      CHECK(std::isnan(run(kNan)));
    }
    for (const int n : {1, 3, 4, 15, 16, 17, 100}) {
      const std::vector<float> x = Random(n, n);
      std::vector<float> e(n);
      const float sum = kernels.exp_sum(x.data(), n, 0.5f, 8.0f, e.data());
      double want = 0;
      for (const float value : x) want += std::exp(8.0 * (static_cast<double>(value) - 0.5));
      CHECK(Passes(sum, want, 1e-5 * want));
    }
  });
}

TEST_CASE("simd: dot, max and silu of any length") {
  ForEachSet([&](const simd::Kernels& kernels) {
    for (int n = 1; n <= 67; ++n) {
      CAPTURE(n);
      const std::vector<float> a = Random(n, 100 + n);
      const std::vector<float> b = Random(n, 200 + n);
      double dot = 0, size = 0;
      float largest = a[0];
      for (int i = 0; i < n; ++i) {
        dot += static_cast<double>(a[i]) * b[i];
        size += std::abs(static_cast<double>(a[i]) * b[i]);
        largest = std::max(largest, a[i]);
      }
      CHECK(Passes(kernels.dot(a.data(), b.data(), n), dot, (n + 1) * 0x1p-24 * size));
      CHECK(kernels.max(a.data(), n) == largest);

      std::vector<float> out(n + 1, 55.0f);
      kernels.silu_mul(a.data(), b.data(), n, out.data());
      CHECK(out[n] == 55.0f);
      for (int i = 0; i < n; ++i) {
        const double want = a[i] / (1.0 + std::exp(-static_cast<double>(a[i]))) * b[i];
        CHECK(Passes(out[i], want, 8 * 0x1p-24 * std::abs(want)));
      }
    }
    const std::vector<float> far = {-1000.0f, -80.0f, 80.0f, 1000.0f, 0.0f};
    const std::vector<float> ones(5, 1.0f);
    std::vector<float> out(5);
    kernels.silu_mul(far.data(), ones.data(), 5, out.data());
    CHECK(out[0] == 0.0f);
    CHECK(Passes(out[1], -80 * std::exp(-80.0), 1e-6 * 80 * std::exp(-80.0)));
    CHECK(out[2] == 80.0f);
    CHECK(out[3] == 1000.0f);
    CHECK(out[4] == 0.0f);
  });
}

TEST_CASE("simd: max passes over NaN, dot and silu do not") {
  ForEachSet([&](const simd::Kernels& kernels) {
    for (const int at : {0, 5, 16, 18}) {
      std::vector<float> x(19, -2.0f);
      x[at] = kNan;
      CHECK(kernels.max(x.data(), 19) == -2.0f);
      CHECK(std::isnan(kernels.dot(x.data(), x.data(), 19)));
      std::vector<float> out(19);
      kernels.silu_mul(x.data(), x.data(), 19, out.data());
      CHECK(std::isnan(out[at]));
    }
    const std::vector<float> least(19, -kInf);
    CHECK(kernels.max(least.data(), 19) == -kInf);
  });
}

}  // namespace
}  // namespace sw
