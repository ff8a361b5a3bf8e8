#include "reference/reference_backend.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "core/base/check.h"

namespace sw {
namespace {

// "model name" of /proc/cpuinfo where there is one, else the architecture that we were built for.
std::string CpuModel() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  while (std::getline(cpuinfo, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown CPU";
#endif
}

int64_t PhysicalMemoryBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? static_cast<int64_t>(pages) * page_bytes : 0;
}

}  // namespace

void HostStageClock::Start(int layer, Stage stage) {
  SW_CHECK(!running_, "stages do not nest: {} begins inside {}", NameOf(stage), NameOf(stage_));
  running_ = true;
  layer_ = layer;
  stage_ = stage;
  start_ = std::chrono::steady_clock::now();
}

void HostStageClock::Stop() {
  const auto end = std::chrono::steady_clock::now();
  SW_CHECK(running_, "Stop without Start");
  running_ = false;
  StageSeconds& sum = sums_[layer_];
  sum.layer = layer_;
  sum.seconds[static_cast<size_t>(stage_)] += std::chrono::duration<double>(end - start_).count();
}

std::vector<StageSeconds> HostStageClock::Drain() {
  SW_CHECK(!running_, "Drain inside stage {}", NameOf(stage_));
  std::vector<StageSeconds> drained;
  for (const auto& [layer, sum] : sums_) drained.push_back(sum);
  sums_.clear();
  return drained;
}

ReferenceBackend::ReferenceBackend(const ReferenceOptions& options)
    : kernels_(simd::BestKernels()),
      pool_(options.num_threads),
      memory_(options.memory_limit_bytes),
      attention_(pool_, kernels_, memory_),
      layers_(pool_, kernels_, memory_) {
  device_.backend = "reference";
  device_.name = CpuModel();
  device_.simd = kernels_.name;
  device_.num_threads = pool_.num_threads();
  device_.memory_bytes =
      options.memory_limit_bytes > 0 ? options.memory_limit_bytes : PhysicalMemoryBytes();
  device_.dense_attention = "tiled online softmax, fp32";
}

}  // namespace sw
