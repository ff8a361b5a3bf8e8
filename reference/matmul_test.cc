// MatMul of the CPU reference: every stored format, few rows and many, against double.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/layer_ops.h"
#include "reference/thread_pool.h"

namespace sw {
namespace {

constexpr float kSentinel = 4321.75f;

// A stored weight and what its rows mean, each number exactly.
struct Stored {
  std::vector<uint8_t> bytes;  // one byte in front: rows of a mapped file start anywhere
  std::vector<double> numbers;
  WeightView view;
};

void Put16(std::vector<uint8_t>& to, uint16_t word) {
  to.push_back(static_cast<uint8_t>(word & 0xFF));
  to.push_back(static_cast<uint8_t>(word >> 8));
}

// One block of 32 (or one plain number), by the words of core/tensor/dtype.h.
void PutBlock(DType dtype, Rng& rng, Stored& stored) {
  const auto half = [&] { return FloatToHalf(static_cast<float>(rng.Normal() * 0.1)); };
  const uint16_t d = half();
  const uint16_t m = half();
  const double scale = HalfToFloat(d);
  const double offset = HalfToFloat(m);
  switch (dtype) {
    case DType::kF32: {
      const auto x = static_cast<float>(rng.Normal());
      const auto* bytes = reinterpret_cast<const uint8_t*>(&x);
      stored.bytes.insert(stored.bytes.end(), bytes, bytes + 4);
      stored.numbers.push_back(x);
      return;
    }
    case DType::kF16:
      Put16(stored.bytes, d);
      stored.numbers.push_back(scale);
      return;
    case DType::kBF16: {
      const uint16_t bits = FloatToBfloat16(static_cast<float>(rng.Normal()));
      Put16(stored.bytes, bits);
      stored.numbers.push_back(Bfloat16ToFloat(bits));
      return;
    }
    case DType::kQ8_0:
      Put16(stored.bytes, d);
      for (int i = 0; i < 32; ++i) {
        const auto q = static_cast<int8_t>(rng.Between(-128, 127));
        stored.bytes.push_back(static_cast<uint8_t>(q));
        stored.numbers.push_back(scale * q);
      }
      return;
    case DType::kQ4_0:
    case DType::kQ4_1: {
      Put16(stored.bytes, d);
      if (dtype == DType::kQ4_1) Put16(stored.bytes, m);
      const auto meaning = [&](int q) {
        // The stored number is the float nearest to d q + m.
        return dtype == DType::kQ4_0 ? scale * (q - 8)
                                     : static_cast<double>(static_cast<float>(scale * q + offset));
      };
      std::vector<double> high;
      for (int i = 0; i < 16; ++i) {
        const int low_q = static_cast<int>(rng.Below(16));
        const int high_q = static_cast<int>(rng.Below(16));
        stored.bytes.push_back(static_cast<uint8_t>(low_q | high_q << 4));
        stored.numbers.push_back(meaning(low_q));
        high.push_back(meaning(high_q));
      }
      stored.numbers.insert(stored.numbers.end(), high.begin(), high.end());
      return;
    }
  }
}

Stored RandomWeight(DType dtype, int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed, StreamOf("matmul_test"));
  Stored stored;
  stored.bytes.push_back(0xEE);
  for (int64_t i = 0; i < rows * cols / BlockElements(dtype); ++i) PutBlock(dtype, rng, stored);
  stored.view = {dtype, stored.bytes.data() + 1, rows, cols};
  return stored;
}

// Rows with a gap behind each.
struct Rows {
  int64_t rows, cols, stride;
  std::vector<float> data;
  Rows(int64_t r, int64_t c, int64_t gap, float fill)
      : rows(r), cols(c), stride(c + gap), data((r + 1) * stride, fill) {}
  TensorView View() const {
    return {DType::kF32, const_cast<float*>(data.data()), rows, cols, stride};
  }
  float At(int64_t i, int64_t j) const { return data[i * stride + j]; }
};

Rows RandomRows(int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed, StreamOf("matmul_rows"));
  Rows x(rows, cols, 7, std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) x.data[i * x.stride + j] = static_cast<float>(rng.Normal());
  }
  return x;
}

// One pool of each size for all tests: starting threads would take most of their time.
ThreadPool& Pool(int threads) {
  static ThreadPool one(1), two(2), three(3);
  return threads == 1 ? one : threads == 2 ? two : three;
}

Rows MatMul(const Rows& x, const WeightView& w, bool accumulate, const simd::Kernels& kernels,
            int threads = 2) {
  ThreadPool& pool = Pool(threads);
  HostMemory memory;
  const ReferenceLayerOps ops(pool, kernels, memory);
  Rows out(x.rows, w.rows, 5, kSentinel);
  ops.MatMul(x.View(), w, out.View(), accumulate);
  CHECK(memory.Usage()["workspace"].current_bytes == 0);
  return out;
}

// Products outside k + 2 roundings of their terms, plus sentinels overwritten.
int64_t CountWrong(const Rows& x, const Stored& w, bool accumulate, const Rows& out) {
  const int64_t k = x.cols;
  const double start = accumulate ? kSentinel : 0.0;
  int64_t wrong = 0;
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t j = 0; j < w.view.rows; ++j) {
      double want = start, size = std::abs(start);
      for (int64_t t = 0; t < k; ++t) {
        const double term = static_cast<double>(x.At(i, t)) * w.numbers[j * k + t];
        want += term;
        size += std::abs(term);
      }
      wrong += !Passes(out.At(i, j), want, static_cast<double>(k + 2) * 0x1p-24 * size);
    }
  }
  for (int64_t i = 0; i < static_cast<int64_t>(out.data.size()); ++i) {
    const bool inside = i / out.stride < out.rows && i % out.stride < out.cols;
    wrong += !inside && out.data[i] != kSentinel;
  }
  return wrong;
}

const std::vector<DType> kTypes = {DType::kF32,  DType::kF16,  DType::kBF16,
                                   DType::kQ8_0, DType::kQ4_0, DType::kQ4_1};

TEST_CASE("matmul: every format, 1 to 9 rows and more, any number of outputs") {
  for (const DType dtype : kTypes) {
    for (const int64_t k : {32, 96, 160, 45, 7}) {
      if (k % BlockElements(dtype) != 0) continue;
      for (const int64_t n : {1, 31, 33, 64, 130}) {
        CAPTURE(std::string(NameOf(dtype)), k, n);
        const Stored w = RandomWeight(dtype, n, k, static_cast<uint64_t>(1000 * k + n));
        for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 37}) {
          CAPTURE(m);
          const Rows x = RandomRows(m, k, static_cast<uint64_t>(m));
          for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
            CAPTURE((*set)->name);
            CHECK(CountWrong(x, w, false, MatMul(x, w.view, false, **set)) == 0);
            CHECK(CountWrong(x, w, true, MatMul(x, w.view, true, **set)) == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("matmul: rows beyond what is taken at once") {
  for (const DType dtype : {DType::kF32, DType::kQ4_1}) {
    const Stored w = RandomWeight(dtype, 130, 96, 3);
    for (const int64_t m : {480, 481, 1000}) {
      const Rows x = RandomRows(m, 96, 4);
      for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
        CAPTURE((*set)->name, m);
        CHECK(CountWrong(x, w, true, MatMul(x, w.view, true, **set)) == 0);
      }
    }
  }
}

TEST_CASE("matmul: sums longer than the kernels keep scales for") {
  for (const DType dtype : {DType::kQ4_1, DType::kF16}) {
    const Stored w = RandomWeight(dtype, 3, 40'000, 5);
    for (const int64_t m : {2, 9}) {
      const Rows x = RandomRows(m, 40'000, 6);
      for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
        CAPTURE((*set)->name, m);
        CHECK(CountWrong(x, w, false, MatMul(x, w.view, false, **set)) == 0);
      }
    }
  }
}

TEST_CASE("matmul: half-precision numbers at the edges of their range") {
  // Smallest subnormal, largest subnormal, smallest normal, largest, negative zero.
  const std::vector<uint16_t> halves = {0x0001, 0x03FF, 0x0400, 0x7BFF, 0x8000, 0x8001, 0x3C00};
  for (const uint16_t bits : halves) {
    std::vector<uint16_t> row(33, 0);
    row[5] = bits;   // inside a block of 32
    row[32] = bits;  // behind it
    const WeightView w{DType::kF16, row.data(), 1, 33};
    for (const int64_t m : {1, 9}) {
      Rows x(m, 33, 0, 0.0f);
      for (int64_t i = 0; i < m; ++i) x.data[i * 33 + 5] = 2.0f;
      Rows tail(m, 33, 0, 0.0f);
      for (int64_t i = 0; i < m; ++i) tail.data[i * 33 + 32] = 2.0f;
      for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
        CAPTURE((*set)->name, bits, m);
        CHECK(MatMul(x, w, false, **set).At(m - 1, 0) == 2.0f * HalfToFloat(bits));
        CHECK(MatMul(tail, w, false, **set).At(m - 1, 0) == 2.0f * HalfToFloat(bits));
      }
    }
  }
}

TEST_CASE("matmul: the number of threads changes no bit") {
  const Stored w = RandomWeight(DType::kQ4_1, 200, 192, 8);
  for (const int64_t m : {1, 4, 9, 300, 1000}) {
    const Rows x = RandomRows(m, 192, 9);
    const Rows one = MatMul(x, w.view, true, simd::BestKernels(), 1);
    for (const int threads : {2, 3}) {
      CHECK(MatMul(x, w.view, true, simd::BestKernels(), threads).data == one.data);
    }
  }
}

TEST_CASE("matmul: a row's result does not depend on the rows around it") {
  const Stored w = RandomWeight(DType::kQ8_0, 70, 96, 10);
  const Rows x = RandomRows(40, 96, 11);
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    CAPTURE((*set)->name);
    const Rows whole = MatMul(x, w.view, false, **set);
    // Both counts above 8, or both below: the two ways to multiply differ by rounding.
    Rows part = RandomRows(9, 96, 11);
    for (int64_t i = 0; i < 9; ++i) {
      std::copy_n(x.data.begin() + (17 + i) * x.stride, 96, part.data.begin() + i * part.stride);
    }
    const Rows some = MatMul(part, w.view, false, **set);
    Rows single = RandomRows(1, 96, 11);
    std::copy_n(x.data.begin() + 17 * x.stride, 96, single.data.begin());
    Rows four = RandomRows(4, 96, 12);
    std::copy_n(x.data.begin() + 17 * x.stride, 96, four.data.begin() + 2 * four.stride);
    const Rows alone = MatMul(single, w.view, false, **set);
    const Rows among = MatMul(four, w.view, false, **set);
    int64_t different = 0;
    for (int64_t j = 0; j < 70; ++j) {
      for (int64_t i = 0; i < 9; ++i) different += some.At(i, j) != whole.At(17 + i, j);
      different += alone.At(0, j) != among.At(2, j);
    }
    CHECK(different == 0);
  }
}

TEST_CASE("matmul: NaN comes through, shapes are checked") {
  const Stored w = RandomWeight(DType::kF32, 10, 33, 12);
  for (const int64_t m : {2, 9}) {
    Rows x = RandomRows(m, 33, 13);
    x.data[x.stride + 32] = std::numeric_limits<float>::quiet_NaN();
    for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
      const Rows out = MatMul(x, w.view, false, **set);
      CHECK(std::isnan(out.At(1, 9)));
      CHECK_FALSE(std::isnan(out.At(0, 9)));
    }
  }
  const Rows short_rows = RandomRows(2, 32, 14);
  CHECK_THROWS_AS(MatMul(short_rows, w.view, false, simd::BestKernels()), BugError);
}

}  // namespace
}  // namespace sw
