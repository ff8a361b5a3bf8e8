// Matrix products in the shapes of SmolLM2-135M: args are rows, outputs, inputs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/ops/block_layout.h"
#include "reference/bench/bench_backend.h"
#include "reference/bench/eigen_product.h"

namespace sw {
namespace {

void Shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t rows : {512, 4096}) {
    bench->Args({rows, 576, 576})->Args({rows, 192, 576});
    bench->Args({rows, 1536, 576})->Args({rows, 576, 1536});
  }
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
}

void ReportRate(benchmark::State& state) {
  const double flops = 2.0 * static_cast<double>(state.range(0) * state.range(1) * state.range(2));
  state.counters["flop/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

// Weights are the same byte over and over: every format takes it for a small number.
void MatMul(benchmark::State& state, DType dtype) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const std::vector<float> x = RandomNumbers(m * k, 1);
  const std::vector<uint8_t> w(RowBytes(dtype, k) * n, 0x21);
  std::vector<float> out(m * n);
  const LayerOps& ops = BenchBackend().layers();
  for (auto _ : state) {
    ops.MatMul({DType::kF32, const_cast<float*>(x.data()), m, k, k}, {dtype, w.data(), n, k},
               {DType::kF32, out.data(), m, n, n}, false);
  }
  ReportRate(state);
}
BENCHMARK_CAPTURE(MatMul, f32, DType::kF32)->Apply(Shapes);
BENCHMARK_CAPTURE(MatMul, q4_1, DType::kQ4_1)->Apply(Shapes);
BENCHMARK_CAPTURE(MatMul, q4_1, DType::kQ4_1)
    ->Args({8, 1536, 576})
    ->Args({32, 1536, 576})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Eigen's, rows shared among the same threads.
void EigenMatMul(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const std::vector<float> x = RandomNumbers(m * k, 1);
  const std::vector<float> w = RandomNumbers(n * k, 2);
  std::vector<float> out(m * n);
  ThreadPool& pool = BenchBackend().pool();
  const int64_t share = CeilDiv(m, pool.num_threads());
  for (auto _ : state) {
    pool.ParallelFor(pool.num_threads(), [&](int64_t i, int) {
      const int64_t begin = std::min(m, i * share);
      const int64_t rows = std::min(m, begin + share) - begin;
      EigenProduct(x.data() + begin * k, w.data(), rows, n, k, out.data() + begin * n);
    });
  }
  ReportRate(state);
}
BENCHMARK(EigenMatMul)->Apply(Shapes);

// All weights of SmolLM2-135M once: what a decode step reads. Arg: sequences in the batch.
void DecodeWeights(benchmark::State& state) {
  constexpr int64_t kHidden = 576, kKv = 192, kMlp = 1536, kVocabulary = 49152, kLayers = 30;
  const int64_t m = state.range(0);
  const std::vector<std::pair<int64_t, int64_t>> layer = {
      {kHidden, kHidden}, {kKv, kHidden},  {kKv, kHidden}, {kHidden, kHidden},
      {kMlp, kHidden},    {kMlp, kHidden}, {kHidden, kMlp}};
  std::vector<std::vector<uint8_t>> weights;
  for (int64_t l = 0; l < kLayers; ++l) {
    for (const auto& [n, k] : layer) weights.emplace_back(RowBytes(DType::kQ4_1, k) * n, 0x21);
  }
  const std::vector<uint8_t> head(RowBytes(DType::kQ8_0, kHidden) * kVocabulary, 0x21);
  std::vector<float> x = RandomNumbers(m * kMlp, 3);
  std::vector<float> out(m * kVocabulary);
  const LayerOps& ops = BenchBackend().layers();
  const auto multiply = [&](DType dtype, const std::vector<uint8_t>& w, int64_t n, int64_t k) {
    ops.MatMul({DType::kF32, x.data(), m, k, k}, {dtype, w.data(), n, k},
               {DType::kF32, out.data(), m, n, n}, false);
  };
  for (auto _ : state) {
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto [n, k] = layer[i % layer.size()];
      multiply(DType::kQ4_1, weights[i], n, k);
    }
    multiply(DType::kQ8_0, head, kVocabulary, kHidden);
  }
}
BENCHMARK(DecodeWeights)
    ->Arg(1)
    ->Arg(2)
    ->Arg(4)
    ->Arg(8)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sw
