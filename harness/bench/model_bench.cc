// The whole model at the sizes that the README quotes, on the default weights: prefill of 4096
// tokens, decode at 1K of context, and the attention stage alone, dense and at density 0.2.
//   build/release/harness/bench/sw_model_bench --benchmark_out=FILE --benchmark_out_format=json
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "core/attention/policy_factory.h"
#include "core/base/rng.h"
#include "core/model/llama.h"
#include "harness/io/llama_checkpoint.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

std::filesystem::path WeightsPath() {
  const char* models = std::getenv("SWHARNESS_MODELS");
  const std::filesystem::path root =
      models != nullptr ? models : std::filesystem::path(SW_SOURCE_DIR) / "models";
  return root / "smollm2-135m" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

struct Loaded {
  Loaded() : checkpoint(LoadLlamaGguf(WeightsPath())), model(checkpoint.weights, backend) {}

  std::unique_ptr<AttentionPolicy> Policy(const PolicyConfig& config) {
    const LlamaShape& s = model.shape();
    return MakePolicy(config, {s.num_q_heads, s.num_kv_heads, s.head_dim}, s.num_layers, backend);
  }
  std::vector<int32_t> Tokens(int count) const {
    Rng rng(7, StreamOf("model_bench"));
    std::vector<int32_t> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(static_cast<int32_t>(
          rng.Below(static_cast<uint64_t>(checkpoint.weights.shape.vocab_size))));
    }
    return ids;
  }

  Checkpoint checkpoint;
  ReferenceBackend backend;
  Llama model;
};

Loaded& Shared() {
  static Loaded loaded;
  return loaded;
}

PolicyConfig SketchWalk(int block_size, double density) {
  SketchWalkConfig config;
  config.sparse.block_size = block_size;
  config.sparse.density = density;
  return config;
}

// Seconds of the attention stages (selection and attention) since the last drain.
double AttentionSeconds(StageClock& clock) {
  double seconds = 0.0;
  for (const StageSeconds& layer : clock.Drain()) {
    for (int stage = 0; stage < kNumStages; ++stage) {
      if (IsAttention(static_cast<Stage>(stage)))
        seconds += layer.seconds[static_cast<size_t>(stage)];
    }
  }
  return seconds;
}

void Prefill(benchmark::State& state, const PolicyConfig& config) {
  Loaded& loaded = Shared();
  const auto policy = loaded.Policy(config);
  const std::vector<int32_t> ids = loaded.Tokens(static_cast<int>(state.range(0)));
  loaded.backend.clock().Enable(true);
  loaded.backend.memory().ResetPeaks();
  double attention = 0.0;
  for (auto _ : state) {
    const auto sequence = loaded.model.NewSequence(*policy, static_cast<int>(ids.size()), 0);
    benchmark::DoNotOptimize(loaded.model.Prefill(*sequence, ids, 1));
    attention += AttentionSeconds(loaded.backend.clock());
  }
  loaded.backend.clock().Enable(false);
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(ids.size()),
                                                  benchmark::Counter::kIsIterationInvariantRate);
  state.counters["attention_s"] = benchmark::Counter(attention, benchmark::Counter::kAvgIterations);
  state.counters["peak_MiB"] =
      static_cast<double>(loaded.backend.memory().PeakTotalBytes()) / (1 << 20);
}

void Decode(benchmark::State& state, const PolicyConfig& config) {
  Loaded& loaded = Shared();
  const auto policy = loaded.Policy(config);
  const auto context = static_cast<int>(state.range(0));
  const std::vector<int32_t> ids = loaded.Tokens(context);
  constexpr int kSteps = 64;  // per prefill; the context grows by as much
  std::unique_ptr<Sequence> sequence;
  int steps = kSteps;
  for (auto _ : state) {
    if (steps == kSteps) {
      state.PauseTiming();
      sequence = loaded.model.NewSequence(*policy, context + kSteps, 0);
      loaded.model.Prefill(*sequence, ids, 1);
      steps = 0;
      state.ResumeTiming();
    }
    Sequence* const one[] = {sequence.get()};
    const int32_t id[] = {ids[static_cast<size_t>(steps)]};
    benchmark::DoNotOptimize(loaded.model.DecodeStep(one, id));
    ++steps;
  }
  state.counters["tokens/s"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(Prefill, dense, PolicyConfig(DenseConfig{}))
    ->Arg(1024)
    ->Arg(4096)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(Prefill, sketch_walk_B64_density20, SketchWalk(64, 0.2))
    ->Arg(4096)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(Prefill, sketch_walk_B32_density20, SketchWalk(32, 0.2))
    ->Arg(4096)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(Decode, dense, PolicyConfig(DenseConfig{}))
    ->Arg(1024)
    ->Arg(4000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(128);
BENCHMARK_CAPTURE(Decode, sketch_walk_B64_density20, SketchWalk(64, 0.2))
    ->Arg(1024)
    ->Arg(4000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(128);

}  // namespace
}  // namespace sw

int main(int argc, char** argv) {
  if (!std::filesystem::exists(sw::WeightsPath())) {
    std::cerr << "error: " << sw::WeightsPath().string()
              << " is missing; run scripts/fetch_model smollm2-135m\n";
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("simd", sw::Shared().backend.device().simd);
  benchmark::AddCustomContext("cpu", sw::Shared().backend.device().name);
  benchmark::AddCustomContext("threads", std::to_string(sw::Shared().backend.device().num_threads));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
