// What the numbers were computed on.
#pragma once

#include <cstdint>
#include <string>

namespace sw {

struct DeviceInfo {
  std::string backend;  // "reference", "cuda"
  std::string name;     // CPU or GPU model
  std::string simd;     // instruction set in use: "avx512", "avx2", "baseline"; empty on GPUs
  int num_threads = 1;
  int64_t memory_bytes = 0;
  std::string dense_attention;  // which dense kernel runs: "tiled online softmax, fp32"
};

}  // namespace sw
