// The rest of a LLaMA layer against the oracle. Tolerances: u = 2^-24 is float32's unit roundoff; a
// sum of k terms of size 1 errs by at most k u times the sum of their magnitudes, in practice by
// sqrt(k) u; the allowances below are that bound with the data's own magnitudes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/base/rng.h"
#include "harness/check/check_inputs.h"
#include "harness/check/checks_internal.h"
#include "reference/oracle/layer.h"

namespace sw {
namespace {

constexpr double kUnit = 0x1.0p-24;

// A [rows, cols] matrix of the backend with rounded normal numbers, and the same for the oracle.
struct Activation {
  Activation(int rows, int cols, uint64_t stream, Backend& backend)
      : host(oracle::Zeros(rows, cols)),
        storage(backend.memory(), "check", static_cast<size_t>(rows) * static_cast<size_t>(cols)) {
    Rng rng(17, stream);
    for (auto& row : host) {
      for (double& number : row) number = static_cast<float>(rng.Normal());
    }
    const std::vector<double> flat = Flatten(host);
    storage.CopyFrom(std::vector<float>(flat.begin(), flat.end()));
    view = {DType::kF32, storage.data(), rows, cols, cols};
  }
  std::vector<float> Read() const { return storage.ToHost(); }

  oracle::Matrix host;
  Buffer<float> storage;
  TensorView view;
};

// Random stored rows of a dtype, and what they mean in double. Blocks are random bytes with sane
// scales, so that every nibble and sign occurs.
struct StoredWeight {
  StoredWeight(DType dtype, int rows, int cols, Backend& backend)
      : bytes(static_cast<size_t>(rows * RowBytes(dtype, cols))), host(oracle::Zeros(rows, cols)) {
    Rng rng(23, static_cast<uint64_t>(dtype) * 1000 + static_cast<uint64_t>(rows));
    if (dtype == DType::kF32) {
      for (int64_t i = 0; i < static_cast<int64_t>(rows) * cols; ++i) {
        const auto number = static_cast<float>(rng.Normal());
        std::memcpy(bytes.data() + i * 4, &number, 4);
      }
    } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
      for (int64_t i = 0; i < static_cast<int64_t>(rows) * cols; ++i) {
        const auto number = static_cast<float>(rng.Normal());
        const uint16_t half = dtype == DType::kF16 ? FloatToHalf(number) : FloatToBfloat16(number);
        std::memcpy(bytes.data() + i * 2, &half, 2);
      }
    } else {
      FillBlocks(dtype, rng);
    }
    view = backend.AdoptWeight({dtype, bytes.data(), rows, cols});
    std::vector<float> row(static_cast<size_t>(cols));
    const WeightView own{dtype, bytes.data(), rows, cols};
    for (int i = 0; i < rows; ++i) {
      DequantiseRow(dtype, own.Row(i), cols, row.data());
      host[static_cast<size_t>(i)].assign(row.begin(), row.end());
    }
  }

  void FillBlocks(DType dtype, Rng& rng) {
    const int size = BlockBytes(dtype);
    for (size_t begin = 0; begin < bytes.size(); begin += static_cast<size_t>(size)) {
      const uint16_t scale = FloatToHalf(static_cast<float>(0.01 + 0.1 * rng.Uniform()));
      const uint16_t offset = FloatToHalf(static_cast<float>(rng.Normal()));
      for (int i = 0; i < size; ++i) {
        bytes[begin + static_cast<size_t>(i)] = static_cast<uint8_t>(rng.NextBits());
      }
      std::memcpy(bytes.data() + begin, &scale, 2);
      if (dtype == DType::kQ4_1) std::memcpy(bytes.data() + begin + 2, &offset, 2);
    }
  }

  std::vector<uint8_t> bytes;
  oracle::Matrix host;
  WeightView view;
};

// The largest sum of |x| |w| over a row and an output: the scale of a product's rounding error.
double LargestMagnitude(const oracle::Matrix& x, const oracle::Matrix& w) {
  oracle::Matrix ax = x, aw = w;
  for (auto* matrix : {&ax, &aw}) {
    for (auto& row : *matrix) {
      for (double& number : row) number = std::abs(number);
    }
  }
  double largest = 0.0;
  for (const double sum : Flatten(oracle::MatMul(ax, aw))) largest = std::max(largest, sum);
  return largest;
}

}  // namespace

CheckResult CheckMatMul(Backend& backend) {
  CheckResult result;
  for (const DType dtype :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1}) {
    for (const auto& [m, n, k] : {std::array{1, 1, 32},
                                  {1, 65, 576},
                                  {3, 64, 96},
                                  {4, 33, 64},
                                  {5, 63, 96},
                                  {17, 130, 160},
                                  {66, 192, 576}}) {
      for (const bool accumulate : {false, true}) {
        ++result.cases;
        const Activation x(m, k, 1, backend);
        const Activation out(m, n, 2, backend);
        const StoredWeight w(dtype, n, k, backend);
        backend.layers().MatMul(x.view, w.view, out.view, accumulate);
        backend.Synchronise();
        oracle::Matrix want = oracle::MatMul(x.host, w.host);
        if (accumulate) want = oracle::Add(want, out.host);
        const double allowed = k * kUnit * (LargestMagnitude(x.host, w.host) + 4);
        Book(fmt::format("{} m={} n={} k={} accumulate={}", NameOf(dtype), m, n, k, accumulate),
             "out", CompareRange(out.Read(), Flatten(want), {.absolute = allowed}), result);
      }
    }
  }
  return result;
}

CheckResult CheckRmsNorm(Backend& backend) {
  CheckResult result;
  for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 576}, {7, 33}, {65, 64}}) {
    ++result.cases;
    const Activation x(rows, cols, 3, backend);
    const StoredWeight weight(DType::kF32, 1, cols, backend);
    const Activation out(rows, cols, 4, backend);
    backend.layers().RmsNorm(x.view, weight.view, 1e-5f, out.view);
    backend.Synchronise();
    // The sum of squares errs by cols u relatively, its root by half of that.
    Book(fmt::format("rows={} cols={}", rows, cols), "out",
         CompareRange(out.Read(), Flatten(oracle::RmsNorm(x.host, weight.host[0], 1e-5f)),
                      {.absolute = 1e-9, .relative = (cols + 4) * kUnit}),
         result);
  }
  return result;
}

CheckResult CheckSiluMul(Backend& backend) {
  CheckResult result;
  for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 1536}, {7, 33}, {65, 64}}) {
    ++result.cases;
    const Activation gate(rows, cols, 5, backend);
    const Activation up(rows, cols, 6, backend);
    const Activation out(rows, cols, 7, backend);
    backend.layers().SiluMul(gate.view, up.view, out.view);
    backend.Synchronise();
    Book(fmt::format("rows={} cols={}", rows, cols), "out",
         CompareRange(out.Read(), Flatten(oracle::SwiGlu(gate.host, up.host)),
                      {.absolute = 1e-9, .relative = 16 * kUnit}),
         result);
  }
  return result;
}

CheckResult CheckRope(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : AttentionCases()) {
    const int d = c.heads.head_dim;
    for (const int first : {0, 4095}) {
      ++result.cases;
      const Activation q(c.tokens, c.heads.num_q_heads * d, 8, backend);
      const Activation k(c.tokens, c.heads.num_kv_heads * d, 9, backend);
      const Activation v(c.tokens, c.heads.num_kv_heads * d, 10, backend);
      oracle::Row frequencies;
      std::vector<float> inv_freq;
      for (int i = 0; i < d / 2; ++i) {
        inv_freq.push_back(static_cast<float>(std::pow(1e5, -2.0 * i / d)));
        frequencies.push_back(inv_freq.back());
      }
      Buffer<float> table(backend.memory(), "check", inv_freq.size());
      table.CopyFrom(inv_freq);
      const int len = first + c.tokens;
      const oracle::Tokens empty =
          oracle::Tokens(static_cast<size_t>(len), oracle::Zeros(c.heads.num_kv_heads, d));
      LayerOnBackend cache(empty, empty, empty, backend);
      const KvView kv = cache.Keys(len);
      backend.layers().RopeAppend(q.view, k.view, v.view, table.data(), first, kv);
      backend.Synchronise();
      const auto rotated = [&](const Activation& x, int heads) {
        return oracle::Rope(oracle::SplitHeads(x.host, heads), frequencies, first);
      };
      // A rotation mixes two numbers of size up to 5 by factors that are rounded once each.
      const Tolerance allowed{.absolute = 5 * 6 * kUnit};
      Book(c.Describe(), "q",
           CompareRange(q.Read(), Flatten(rotated(q, c.heads.num_q_heads)), allowed), result);
      const oracle::Tokens want_k = rotated(k, c.heads.num_kv_heads);
      const oracle::Tokens want_v = oracle::SplitHeads(v.host, c.heads.num_kv_heads);
      std::vector<float> all(static_cast<size_t>(kv.num_kv_heads) * len * d);
      for (const auto& [name, data, want] :
           {std::tuple{"k", kv.k, &want_k}, std::tuple{"v", kv.v, &want_v}}) {
        backend.memory().CopyToHost(all.data(), data, all.size() * sizeof(float));
        std::vector<float> got;
        for (int t = first; t < len; ++t) {
          for (int head = 0; head < kv.num_kv_heads; ++head) {
            const auto begin = all.begin() + (static_cast<int64_t>(head) * len + t) * d;
            got.insert(got.end(), begin, begin + d);
          }
        }
        Book(c.Describe(), name, CompareRange(got, Flatten(*want), allowed), result);
      }
    }
  }
  return result;
}

}  // namespace sw
