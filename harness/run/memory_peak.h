// Peak memory of one stretch of work: the backend's bytes by part, and the process's resident set.
#pragma once

#include "core/tensor/memory.h"

#include <cstdint>
#include <map>
#include <string>

namespace sw {

struct MemoryPeak {
  std::map<std::string, int64_t> by_part;
  int64_t total_bytes = 0;     // most at one moment: at most the sum of the parts' peaks
  int64_t resident_bytes = 0;  // 0 where the system does not tell
  std::string resident_method = "unavailable";

  // The larger of both, part by part.
  void Raise(const MemoryPeak& other);
};

// Watches from its construction on. The resident peak is the kernel's own high-water mark (VmHWM),
// which is reset first ("5" written to /proc/self/clear_refs); where that is not allowed, it is the
// largest resident set (VmRSS) seen by Sample.
class MemoryWatch {
 public:
  explicit MemoryWatch(Memory& memory);
  // Looks at the resident set now; costs a system call only where the high-water mark cannot be
  // used.
  void Sample();
  MemoryPeak Peak();

 private:
  Memory& memory_;
  bool has_high_water_mark_;
  int64_t sampled_bytes_ = 0;
};

}  // namespace sw
