// ReferenceBackend: the whole seam on the CPU, in fp32, on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "core/ops/backend.h"
#include "reference/attention_ops.h"
#include "reference/host_memory.h"
#include "reference/layer_ops.h"
#include "reference/simd/kernels.h"
#include "reference/thread_pool.h"

namespace sw {

// StageClock by steady_clock: operations are finished when they return. One thread at a time.
class HostStageClock final : public StageClock {
 public:
  bool enabled() const override { return enabled_; }
  void Enable(bool on) override { enabled_ = on; }
  void Start(int layer, Stage stage) override;
  void Stop() override;
  std::vector<StageSeconds> Drain() override;

 private:
  bool enabled_ = false;
  bool running_ = false;
  int layer_ = -1;
  Stage stage_ = Stage::kEmbed;
  std::chrono::steady_clock::time_point start_;
  std::map<int, StageSeconds> sums_;
};

struct ReferenceOptions {
  int num_threads = 0;             // 0: one per hardware thread
  int64_t memory_limit_bytes = 0;  // 0: none; OutOfMemory past it
};

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(const ReferenceOptions& options = {});

  Memory& memory() override { return memory_; }
  const AttentionOps& attention() const override { return attention_; }
  const LayerOps& layers() const override { return layers_; }
  const DeviceInfo& device() const override { return device_; }
  StageClock& clock() override { return clock_; }
  DType activation_dtype() const override { return DType::kF32; }
  // Borrowed as it is, in every DType; counted under "weights".
  WeightView AdoptWeight(const WeightView& host) override {
    memory_.CountBorrowed("weights",
                          static_cast<size_t>(host.rows * RowBytes(host.dtype, host.cols)));
    return host;
  }
  void Synchronise() override {}

  ThreadPool& pool() { return pool_; }
  const simd::Kernels& kernels() const { return kernels_; }

 private:
  const simd::Kernels& kernels_;
  ThreadPool pool_;
  HostMemory memory_;
  ReferenceAttentionOps attention_;
  ReferenceLayerOps layers_;
  HostStageClock clock_;
  DeviceInfo device_;
};

}  // namespace sw
