#include "harness/run/trace_summary.h"

#include "core/testing/catch.h"

#include <cmath>
#include <string>
#include <vector>

namespace sw {
namespace {

TEST_CASE("the steps that count end with the answer's last needed token") {
  const std::vector<int32_t> answer = {5, 7, 7, 9, 1};
  const auto holds = [](std::vector<int32_t> needed) {
    return [needed](std::span<const int32_t> ids) {
      for (size_t i = 0; i + needed.size() <= ids.size(); ++i) {
        if (std::equal(needed.begin(), needed.end(), ids.begin() + static_cast<int64_t>(i))) {
          return 1.0;
        }
      }
      return 0.0;
    };
  };
  CHECK(StepsOfInterest(answer, 1.0, holds({5})) == 0);  // the prefill's own token
  CHECK(StepsOfInterest(answer, 1.0, holds({7})) == 1);
  CHECK(StepsOfInterest(answer, 1.0, holds({7, 9})) == 3);
  CHECK(StepsOfInterest(answer, 1.0, holds({1})) == 4);
  CHECK(StepsOfInterest(answer, 0.0, holds({2})) == kAllSteps);
  // Half of the credit is what this answer ever gets: 7 alone brings it.
  const auto half = [&](std::span<const int32_t> ids) {
    return (holds({7})(ids) + holds({2})(ids)) / 2;
  };
  CHECK(StepsOfInterest(answer, 0.5, half) == 1);
  CHECK(StepsOfInterest({}, 0.0, half) == kAllSteps);
}

AttentionTrace ThreeLayers() {
  AttentionTrace trace;
  trace.layers.resize(3);
  trace.layers[0].prefill = {10, 10};
  trace.layers[0].decode = {4, 4};
  trace.layers[1].prefill = {4, 10};
  trace.layers[1].decode = {1, 4};
  trace.layers[1].prefill_sparse = trace.layers[1].decode_sparse = true;
  trace.layers[1].prefill_hit_rate = 0.5;
  trace.layers[1].decode_hit_rate = {1.0f, 0.0f, 0.25f};
  trace.layers[2].prefill = {6, 10};
  trace.layers[2].decode = {3, 4};
  trace.layers[2].prefill_sparse = trace.layers[2].decode_sparse = true;
  trace.walk_restarts = 7;
  return trace;
}

bool Is(const std::optional<double>& value, double expected) {
  return value && std::abs(*value - expected) < 1e-12;
}

TEST_CASE("densities are pairs over pairs, hit rates means over the steps that count") {
  SampleRecord record;
  SummariseTrace(ThreeLayers(), 2, record);
  CHECK(Is(record.prefill_density, 20.0 / 30));
  CHECK(Is(record.prefill_density_sparse, 10.0 / 20));
  CHECK(Is(record.decode_density, 8.0 / 12));
  CHECK(Is(record.decode_density_sparse, 4.0 / 8));
  REQUIRE(record.prefill_hit_rate.size() == 3);
  CHECK_FALSE(record.prefill_hit_rate[0]);
  CHECK(Is(record.prefill_hit_rate[1], 0.5));
  CHECK_FALSE(record.prefill_hit_rate[2]);  // sparse, nothing watched
  CHECK(Is(record.decode_hit_rate[1], 0.5));
  CHECK_FALSE(record.decode_hit_rate[2]);
  CHECK(record.walk_restarts == 7);
  SummariseTrace(ThreeLayers(), kAllSteps, record);
  CHECK(Is(record.decode_hit_rate[1], 1.25 / 3));
  CHECK(record.decode_hit_rate.size() == 3);
  SummariseTrace(ThreeLayers(), 0, record);
  CHECK_FALSE(record.decode_hit_rate[1]);
}

TEST_CASE("without decode steps or sparse layers there is no such density") {
  AttentionTrace trace;
  trace.layers.resize(2);
  for (LayerTrace& layer : trace.layers) layer.prefill = {3, 3};
  SampleRecord record;
  SummariseTrace(trace, kAllSteps, record);
  CHECK(record.prefill_density == 1.0);
  CHECK_FALSE(record.prefill_density_sparse);
  CHECK_FALSE(record.decode_density);
  CHECK_FALSE(record.decode_density_sparse);
}

}  // namespace
}  // namespace sw
