#include "reference/host_memory.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "core/tensor/buffer.h"
#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

TEST_CASE("host memory: counts by part, with peaks") {
  HostMemory memory;
  CHECK(memory.host_visible());
  {
    const Buffer<float> a(memory, "kv_cache", 100);
    CHECK(reinterpret_cast<uintptr_t>(a.data()) % 64 == 0);
    {
      const Buffer<uint8_t> b(memory, "workspace", 7);
      CHECK(reinterpret_cast<uintptr_t>(b.data()) % 64 == 0);
      CHECK(memory.Usage()["workspace"].current_bytes == 7);
    }
    const Buffer<uint8_t> c(memory, "workspace", 5);
    CHECK(memory.Usage()["kv_cache"].current_bytes == 400);
    CHECK(memory.Usage()["workspace"].current_bytes == 5);
    CHECK(memory.Usage()["workspace"].peak_bytes == 7);
    CHECK(memory.PeakTotalBytes() == 407);
    memory.ResetPeaks();
    CHECK(memory.PeakTotalBytes() == 405);
    CHECK(memory.Usage()["workspace"].peak_bytes == 5);
  }
  CHECK(memory.Usage()["kv_cache"].current_bytes == 0);
  memory.ResetPeaks();
  CHECK(memory.PeakTotalBytes() == 0);
}

TEST_CASE("host memory: copies and zeros") {
  HostMemory memory;
  Buffer<int32_t> buffer(memory, "selection", 4);
  const std::vector<int32_t> numbers = {3, -1, 4, 1};
  buffer.CopyFrom(numbers);
  CHECK(buffer.ToHost() == numbers);
  buffer.FillZero();
  CHECK(buffer.ToHost() == std::vector<int32_t>(4, 0));
  memory.Zero(nullptr, 0);
  memory.CopyFromHost(nullptr, nullptr, 0);
}

TEST_CASE("host memory: past the limit it says what, how much and what is in use") {
  HostMemory memory(1000);
  Buffer<uint8_t> held(memory, "weights", 600);
  const std::string message =
      testing::MessageOf<OutOfMemory>([&] { Buffer<uint8_t>(memory, "kv_cache", 401); });
  CHECK_THAT(message, testing::HasText("kv_cache"));
  CHECK_THAT(message, testing::HasText("401"));
  CHECK_THAT(message, testing::HasText("600"));
  CHECK_THAT(message, testing::HasText("1000"));
  const Buffer<uint8_t> fits(memory, "kv_cache", 400);
  held = Buffer<uint8_t>();
  const Buffer<uint8_t> fits_again(memory, "weights", 600);
}

TEST_CASE("host memory: what no machine has is out of memory, not a crash") {
  HostMemory memory;
  CHECK_THROWS_AS(memory.Allocate("kv_cache", size_t{1} << 62), OutOfMemory);
  CHECK_THROWS_AS(memory.Allocate("kv_cache", std::numeric_limits<size_t>::max()), OutOfMemory);
  CHECK(memory.PeakTotalBytes() == 0);
}

TEST_CASE("backend: exposes one machine") {
  ReferenceBackend backend({.num_threads = 2, .memory_limit_bytes = 5000});
  CHECK(backend.device().backend == "reference");
  CHECK_FALSE(backend.device().name.empty());
  CHECK(backend.device().simd == simd::BestKernels().name);
  CHECK(backend.device().num_threads == 2);
  CHECK(backend.device().memory_bytes == 5000);
  CHECK(backend.activation_dtype() == DType::kF32);
  CHECK_THROWS_AS(backend.memory().Allocate("weights", 5001), OutOfMemory);
  const float number = 1.5f;
  const WeightView weight{DType::kF32, &number, 1, 1};
  CHECK(backend.AdoptWeight(weight).data == &number);
  CHECK(ReferenceBackend().device().memory_bytes > 0);
}

TEST_CASE("stage clock: sums by layer and stage, off by default") {
  HostStageClock clock;
  { const StageTimer timer(clock, 0, Stage::kQkv); }
  CHECK(clock.Drain().empty());
  clock.Enable(true);
  CHECK(clock.enabled());
  { const StageTimer timer(clock, 3, Stage::kAttend); }
  { const StageTimer timer(clock, 3, Stage::kAttend); }
  { const StageTimer timer(clock, -1, Stage::kHead); }
  clock.Start(3, Stage::kMlp);
  CHECK_THROWS_AS(clock.Start(3, Stage::kMlp), BugError);
  CHECK_THROWS_AS(clock.Drain(), BugError);
  clock.Stop();
  CHECK_THROWS_AS(clock.Stop(), BugError);
  const std::vector<StageSeconds> sums = clock.Drain();
  REQUIRE(sums.size() == 2);
  CHECK(sums[0].layer == -1);
  CHECK(sums[1].layer == 3);
  CHECK(sums[0].seconds[static_cast<size_t>(Stage::kHead)] > 0);
  CHECK(sums[1].seconds[static_cast<size_t>(Stage::kAttend)] > 0);
  CHECK(sums[1].seconds[static_cast<size_t>(Stage::kMlp)] > 0);
  CHECK(sums[1].seconds[static_cast<size_t>(Stage::kQkv)] == 0);
  CHECK(clock.Drain().empty());
}

TEST_CASE("host memory: borrowed bytes stand under their part and in the total") {
  HostMemory memory;
  memory.CountBorrowed("weights", 1000);
  void* data = memory.Allocate("kv_cache", 24);
  CHECK(memory.Usage().at("weights").peak_bytes == 1000);
  CHECK(memory.PeakTotalBytes() == 1024);
  memory.Free("kv_cache", data, 24);
  memory.ResetPeaks();
  CHECK(memory.Usage().at("weights").peak_bytes == 1000);
  CHECK(memory.PeakTotalBytes() == 1000);
}

}  // namespace
}  // namespace sw
