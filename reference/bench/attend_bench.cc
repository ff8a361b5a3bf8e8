// Attention of one layer of SmolLM2-135M (9 query heads over 3, head_dim 64).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/ops/block_layout.h"
#include "core/ops/block_selection.h"
#include "reference/bench/bench_backend.h"

namespace sw {
namespace {

constexpr int kHeads = 9, kKvHeads = 3, kDim = 64, kWidth = kHeads * kDim;

struct Layer {
  int tokens;
  std::vector<float> q, k, v, out;
  explicit Layer(int n)
      : tokens(n),
        q(RandomNumbers(int64_t{n} * kWidth, 1)),
        k(RandomNumbers(int64_t{n} * kKvHeads * kDim, 2)),
        v(RandomNumbers(int64_t{n} * kKvHeads * kDim, 3)),
        out(int64_t{n} * kWidth) {}
  QueryView Query(int begin) const {
    return {DType::kF32, q.data() + int64_t{begin} * kWidth, tokens - begin, kHeads, kDim, begin,
            kWidth};
  }
  KvView Kv() { return {DType::kF32, k.data(), v.data(), kKvHeads, kDim, tokens, tokens}; }
  TensorView Out(int rows) { return {DType::kF32, out.data(), rows, kWidth, kWidth}; }
};

// Multiply-adds of QK and PV over these (query, key) pairs, all heads.
void ReportRate(benchmark::State& state, double pairs) {
  state.counters["flop/s"] = benchmark::Counter(4.0 * kDim * kHeads * pairs,
                                                benchmark::Counter::kIsIterationInvariantRate);
}

void AttendDense(benchmark::State& state) {
  Layer layer(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    BenchBackend().attention().AttendDense(layer.Query(0), layer.Kv(), layer.Out(layer.tokens));
  }
  ReportRate(state, CausalPairs(0, layer.tokens));
}
BENCHMARK(AttendDense)
    ->Arg(1024)
    ->Arg(4096)
    ->Arg(8192)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Args: tokens, block size, percent of each causal row (the diagonal block among them).
void AttendBlocks(benchmark::State& state) {
  Layer layer(static_cast<int>(state.range(0)));
  const int block_size = static_cast<int>(state.range(1));
  const BlockLayout layout{layer.tokens, block_size};
  const int b = layout.num_blocks();
  KeepRule keep;
  keep.density = static_cast<double>(state.range(2)) / 100;
  Rng rng(4, StreamOf("bench_lists"));
  std::vector<int32_t> counts(b), ids(static_cast<size_t>(b) * b);
  HostSelection host{1, b, 0, {}};
  for (int i = 0; i < b; ++i) {
    counts[i] = keep.Count(i, b);
    std::vector<int32_t> list = {i};
    for (const uint64_t j : rng.Sample(i, std::min(counts[i] - 1, i))) {
      list.push_back(static_cast<int32_t>(j));
    }
    std::sort(list.begin(), list.end());
    counts[i] = static_cast<int32_t>(list.size());
    std::copy(list.begin(), list.end(), ids.begin() + static_cast<int64_t>(i) * b);
    host.rows.push_back(list);
  }
  const BlockSelection selection{1, b, 0, b, counts.data(), ids.data()};
  for (auto _ : state) {
    BenchBackend().attention().AttendBlocks(layer.Query(0), layer.Kv(), selection, block_size,
                                            layer.Out(layer.tokens));
  }
  const PairCount pairs = PrefillPairs(host, layout);
  state.counters["density"] = pairs.kept / pairs.causal;
  ReportRate(state, pairs.kept);
}
BENCHMARK(AttendBlocks)
    ->Args({4096, 64, 20})
    ->Args({4096, 32, 20})
    ->Args({4096, 64, 10})
    ->Args({8192, 64, 20})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BlockMass(benchmark::State& state) {
  Layer layer(static_cast<int>(state.range(0)));
  const int b = CeilDiv(layer.tokens, 64);
  std::vector<float> scores(static_cast<size_t>(b) * b);
  for (auto _ : state) {
    BenchBackend().attention().BlockMass(layer.Query(0), layer.Kv(), 64, 1, MassJoin::kMax,
                                         scores.data(), b);
  }
}
BENCHMARK(BlockMass)->Arg(4096)->UseRealTime()->Unit(benchmark::kMillisecond);

// One token over every key, and over a fifth of the blocks of 64.
void AttendOneToken(benchmark::State& state) {
  Layer layer(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    BenchBackend().attention().AttendDense(layer.Query(layer.tokens - 1), layer.Kv(), layer.Out(1));
  }
}
BENCHMARK(AttendOneToken)->Arg(4096)->Arg(32768)->UseRealTime()->Unit(benchmark::kMicrosecond);

void AttendDecode(benchmark::State& state) {
  Layer layer(static_cast<int>(state.range(0)));
  const int b = CeilDiv(layer.tokens, 64);
  std::vector<int32_t> ids;
  for (int j = b % 5 == 0 ? 4 : b % 5 - 1; j < b; j += 5) ids.push_back(j);
  const auto count = static_cast<int32_t>(ids.size());
  const BlockSelection selection{1, 1, b - 1, count, &count, ids.data()};
  for (auto _ : state) {
    BenchBackend().attention().AttendDecode(layer.Query(layer.tokens - 1), layer.Kv(), selection,
                                            64, layer.Out(1));
  }
}
BENCHMARK(AttendDecode)->Arg(4096)->Arg(32768)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sw
