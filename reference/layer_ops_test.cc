#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/layer_ops.h"
#include "reference/oracle/layer.h"
#include "reference/thread_pool.h"

namespace sw {
namespace {

constexpr float kSentinel = 99.5f;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Subject {
  ThreadPool pool;
  HostMemory memory;
  ReferenceLayerOps ops;
  explicit Subject(int threads = 2, const simd::Kernels& kernels = simd::BestKernels())
      : pool(threads), ops(pool, kernels, memory) {}
};

struct Rows {
  int64_t rows, cols, stride;
  std::vector<float> data;
  Rows(int64_t r, int64_t c, int64_t gap = 3)
      : rows(r), cols(c), stride(c + gap), data((r + 1) * stride, kSentinel) {}
  TensorView View() { return {DType::kF32, data.data(), rows, cols, stride}; }
  float& At(int64_t i, int64_t j) { return data[i * stride + j]; }
  bool GapsIntact() const {
    for (int64_t i = 0; i < static_cast<int64_t>(data.size()); ++i) {
      const bool inside = i / stride < rows && i % stride < cols;
      if (!inside && data[i] != kSentinel) return false;
    }
    return true;
  }
};

Rows Random(int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed, StreamOf("layer_ops_test"));
  Rows x(rows, cols);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) x.At(i, j) = static_cast<float>(rng.Normal());
  }
  return x;
}

oracle::Matrix ToOracle(Rows& x) {
  oracle::Matrix m;
  for (int64_t i = 0; i < x.rows; ++i) {
    m.emplace_back(x.data.begin() + i * x.stride, x.data.begin() + i * x.stride + x.cols);
  }
  return m;
}

int64_t CountOutside(Rows& got, const oracle::Matrix& want, const Tolerance& tolerance) {
  int64_t outside = 0;
  for (int64_t i = 0; i < got.rows; ++i) {
    for (int64_t j = 0; j < got.cols; ++j) {
      outside += !Passes(got.At(i, j), want[i][j], tolerance.For(want[i][j]));
    }
  }
  return outside;
}

TEST_CASE("embed: rows of the table, checked ids") {
  Subject subject;
  Rows table = Random(5, 33, 1);
  std::vector<float> stored;
  for (int64_t i = 0; i < 5; ++i) {
    stored.insert(stored.end(), table.data.begin() + i * 36, table.data.begin() + i * 36 + 33);
  }
  const WeightView view{DType::kF32, stored.data(), 5, 33};
  const std::vector<int32_t> ids = {4, 0, 4, 2};
  Rows out(4, 33);
  subject.ops.Embed(view, ids, out.View());
  for (int64_t t = 0; t < 4; ++t) {
    for (int64_t j = 0; j < 33; ++j) CHECK(out.At(t, j) == table.At(ids[t], j));
  }
  CHECK(out.GapsIntact());
  Rows untouched(4, 33);
  for (const int32_t bad : {-1, 5}) {
    const std::vector<int32_t> wrong = {0, bad, 0, 0};
    const std::string message =
        testing::MessageOf<UserError>([&] { subject.ops.Embed(view, wrong, untouched.View()); });
    CHECK_THAT(message, testing::HasText(std::to_string(bad)));
  }
  CHECK(untouched.At(0, 0) == kSentinel);
}

TEST_CASE("rms norm: against double, in place too") {
  for (const int64_t cols : {1, 7, 64, 576}) {
    for (const int64_t rows : {1, 9}) {
      CAPTURE(cols, rows);
      Subject subject;
      Rows x = Random(rows, cols, 2);
      Rows weight = Random(1, cols, 3);
      const WeightView view{DType::kF32, weight.data.data(), 1, cols};
      const oracle::Matrix want =
          oracle::RmsNorm(ToOracle(x), ToOracle(weight)[0], static_cast<double>(1e-5f));
      // The mean of squares has at most cols roundings, the square root halves them.
      const Tolerance tolerance{.relative = (static_cast<double>(cols) / 2 + 8) * 0x1p-24};
      Rows out(rows, cols);
      subject.ops.RmsNorm(x.View(), view, 1e-5f, out.View());
      CHECK(CountOutside(out, want, tolerance) == 0);
      CHECK(out.GapsIntact());
      subject.ops.RmsNorm(x.View(), view, 1e-5f, x.View());
      CHECK(x.data == out.data);
    }
  }
}

TEST_CASE("silu: against double on every instruction set") {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    Subject subject(2, **set);
    for (const int64_t cols : {1, 13, 64, 67}) {
      Rows gate = Random(5, cols, 4);
      Rows up = Random(5, cols, 5);
      for (float& x : gate.data) {
        if (x != kSentinel) x *= 10.0f;
      }
      const oracle::Matrix want = oracle::SwiGlu(ToOracle(gate), ToOracle(up));
      Rows out(5, cols);
      subject.ops.SiluMul(gate.View(), up.View(), out.View());
      CHECK(CountOutside(out, want, {.absolute = 1e-37, .relative = 8 * 0x1p-24}) == 0);
      CHECK(out.GapsIntact());
      subject.ops.SiluMul(gate.View(), up.View(), gate.View());
      CHECK(gate.data == out.data);
    }
  }
}

// Cache of one layer, all of it a sentinel.
struct Cache {
  int heads, capacity, d;
  std::vector<float> k, v;
  Cache(int h, int c, int dim)
      : heads(h), capacity(c), d(dim), k(static_cast<size_t>(h) * c * dim, kSentinel), v(k) {}
  KvView View(int len) { return {DType::kF32, k.data(), v.data(), heads, d, capacity, len}; }
};

std::vector<float> Frequencies(int d) {
  std::vector<float> inv_freq;
  for (int i = 0; i < d / 2; ++i) {
    inv_freq.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / d)));
  }
  return inv_freq;
}

void CheckRope(int q_heads, int kv_heads, int d, int rows, int first_pos) {
  CAPTURE(q_heads, kv_heads, d, rows, first_pos);
  Subject subject;
  Rows q = Random(rows, q_heads * d, 6);
  Rows k = Random(rows, kv_heads * d, 7);
  Rows v = Random(rows, kv_heads * d, 8);
  const std::vector<float> inv_freq = Frequencies(d);
  const oracle::Row freq(inv_freq.begin(), inv_freq.end());
  const auto want_q =
      oracle::JoinHeads(oracle::Rope(oracle::SplitHeads(ToOracle(q), q_heads), freq, first_pos));
  const auto want_k = oracle::Rope(oracle::SplitHeads(ToOracle(k), kv_heads), freq, first_pos);
  Cache cache(kv_heads, first_pos + rows + 2, d);
  subject.ops.RopeAppend(q.View(), k.View(), v.View(), inv_freq.data(), first_pos,
                         cache.View(first_pos + rows));
  // Two products and a sum of numbers below 6, cos and sin rounded once.
  const double allowed = 6 * 4 * 0x1p-24;
  CHECK(CountOutside(q, want_q, {.absolute = allowed}) == 0);
  CHECK(q.GapsIntact());
  int64_t wrong = 0;
  for (int head = 0; head < kv_heads; ++head) {
    for (int t = 0; t < cache.capacity; ++t) {
      for (int i = 0; i < d; ++i) {
        const int64_t at = (static_cast<int64_t>(head) * cache.capacity + t) * d + i;
        const int row = t - first_pos;
        if (row < 0 || row >= rows) {
          wrong += cache.k[at] != kSentinel || cache.v[at] != kSentinel;
        } else {
          wrong += !Passes(cache.k[at], want_k[row][head][i], allowed);
          wrong += cache.v[at] != v.At(row, head * d + i);
        }
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("rope: queries turn in place, keys and values go to the cache") {
  CheckRope(1, 1, 8, 1, 0);
  CheckRope(3, 1, 12, 5, 0);
  CheckRope(4, 2, 64, 63, 1);
  CheckRope(4, 4, 64, 64, 0);
  CheckRope(2, 1, 128, 130, 61);
  CheckRope(3, 3, 64, 1, 100'003);
  CheckRope(2, 2, 64, 70, 131'000);
}

TEST_CASE("rope: a position turns the same whatever the rows around it") {
  const std::vector<float> inv_freq = Frequencies(64);
  Rows q = Random(150, 64, 9);
  Rows whole = q;
  Cache cache(1, 400, 64);
  Subject subject;
  subject.ops.RopeAppend(whole.View(), Rows(q).View(), Rows(q).View(), inv_freq.data(), 200,
                         cache.View(350));
  for (const auto& [begin, end] : {std::pair{0, 1}, {7, 8}, {50, 150}, {149, 150}}) {
    for (const int threads : {1, 3}) {
      Subject part(threads);
      Rows some(end - begin, 64);
      std::copy_n(q.data.begin() + begin * q.stride, (end - begin) * q.stride, some.data.begin());
      part.ops.RopeAppend(some.View(), Rows(some).View(), Rows(some).View(), inv_freq.data(),
                          200 + begin, cache.View(350));
      CHECK(std::equal(some.data.begin(), some.data.begin() + (end - begin) * q.stride,
                       whole.data.begin() + begin * q.stride));
    }
  }
}

TEST_CASE("argmax: the first of the largest, and no NaN") {
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    Subject subject(2, **set);
    for (const int64_t cols : {1, 2, 17, 100}) {
      Rows x = Random(3, cols, 10);
      x.At(1, cols - 1) = 50.0f;
      x.At(2, cols / 2) = 60.0f;
      x.At(2, cols - 1) = 60.0f;
      std::vector<int32_t> out(4, -7);
      subject.ops.ArgMax(x.View(), out.data());
      CHECK(out[1] == cols - 1);
      CHECK(out[2] == cols / 2);
      for (int64_t j = 0; j < cols; ++j) CHECK(x.At(0, j) <= x.At(0, out[0]));
      CHECK(out[3] == -7);
      x.At(1, 0) = kNan;
      CHECK_THROWS_AS(subject.ops.ArgMax(x.View(), out.data()), BugError);
    }
    Rows least(1, 20);
    for (int64_t j = 0; j < 20; ++j) least.At(0, j) = -std::numeric_limits<float>::infinity();
    int32_t index = -7;
    subject.ops.ArgMax(least.View(), &index);
    CHECK(index == 0);
  }
}

TEST_CASE("layer ops: shapes are checked") {
  Subject subject;
  Rows a = Random(2, 8, 11);
  Rows b = Random(2, 7, 12);
  CHECK_THROWS_AS(subject.ops.SiluMul(a.View(), b.View(), a.View()), BugError);
  const WeightView weight{DType::kF32, b.data.data(), 1, 7};
  CHECK_THROWS_AS(subject.ops.RmsNorm(a.View(), weight, 1e-5f, a.View()), BugError);
  Cache cache(1, 4, 8);
  const std::vector<float> inv_freq(4, 1.0f);
  CHECK_THROWS_AS(
      subject.ops.RopeAppend(a.View(), a.View(), a.View(), inv_freq.data(), 3, cache.View(4)),
      BugError);
}

}  // namespace
}  // namespace sw
