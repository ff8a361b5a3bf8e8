// HostMemory: the heap, with bytes counted under named parts and an optional limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "core/tensor/memory.h"

namespace sw {

class HostMemory final : public Memory {
 public:
  // limit_bytes: the most that may be allocated at once; 0 for no limit but the machine's.
  explicit HostMemory(int64_t limit_bytes = 0) : limit_bytes_(limit_bytes) {}

  // Throws OutOfMemory past the limit, or when the machine refuses. Thread safe, as all below.
  void* Allocate(const std::string& part, size_t bytes) override;
  void Free(const std::string& part, void* data, size_t bytes) noexcept override;
  // Counts memory that somebody else owns and keeps until the end (mapped weights).
  void CountBorrowed(const std::string& part, size_t bytes);
  void CopyFromHost(void* to, const void* host, size_t bytes) override;
  void CopyToHost(void* host, const void* from, size_t bytes) override;
  void Zero(void* data, size_t bytes) override;
  bool host_visible() const override { return true; }

  std::map<std::string, PartUsage> Usage() const override;
  int64_t PeakTotalBytes() const override;
  void ResetPeaks() override;

 private:
  const int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, PartUsage> parts_;
  PartUsage total_;
};

}  // namespace sw
