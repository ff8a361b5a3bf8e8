// SEAM Memory: where a backend's numbers live, with bytes counted under named parts
// ("weights", "kv_cache", "selection", "workspace"), which the record reports as peaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace sw {

struct PartUsage {
  int64_t current_bytes = 0;
  int64_t peak_bytes = 0;
};

class Memory {
 public:
  virtual ~Memory() = default;

  // Aligned to 64 bytes, contents undefined. Throws OutOfMemory (core/base/check.h) when it does
  // not fit.
  virtual void* Allocate(const std::string& part, size_t bytes) = 0;
  virtual void Free(const std::string& part, void* data, size_t bytes) noexcept = 0;
  virtual void CopyFromHost(void* to, const void* host, size_t bytes) = 0;
  virtual void CopyToHost(void* host, const void* from, size_t bytes) = 0;
  virtual void Zero(void* data, size_t bytes) = 0;
  // True when data can be read by the host directly (no copy needed).
  virtual bool host_visible() const = 0;

  virtual std::map<std::string, PartUsage> Usage() const = 0;
  virtual int64_t PeakTotalBytes() const = 0;
  // Peaks start again from what is allocated now.
  virtual void ResetPeaks() = 0;
};

}  // namespace sw
