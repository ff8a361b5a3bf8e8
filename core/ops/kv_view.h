// Borrowed keys, values and queries of one layer and one sequence.
#pragma once

#include <cstdint>

#include "core/tensor/dtype.h"

namespace sw {

struct HeadShape {
  int num_q_heads = 0;
  int num_kv_heads = 0;  // divides num_q_heads
  int head_dim = 0;

  int group_size() const { return num_q_heads / num_kv_heads; }
  bool operator==(const HeadShape&) const = default;
};

// Keys (after RoPE) and values, head-major: number (head, token, i) is at
// (head * capacity + token) * head_dim + i. Tokens [0, len) are valid.
struct KvView {
  DType dtype = DType::kF32;
  void* k = nullptr;
  void* v = nullptr;
  int num_kv_heads = 0;
  int head_dim = 0;
  int capacity = 0;
  int len = 0;

  int64_t HeadOffset(int head) const { return static_cast<int64_t>(head) * capacity * head_dim; }
  const float* KeysF32(int head) const { return static_cast<const float*>(k) + HeadOffset(head); }
  const float* ValuesF32(int head) const { return static_cast<const float*>(v) + HeadOffset(head); }
};

// Queries after RoPE of the tokens [first_pos, first_pos + num_tokens), token-major:
// number (token, head, i) is at token * stride + head * head_dim + i.
struct QueryView {
  DType dtype = DType::kF32;
  const void* data = nullptr;
  int num_tokens = 0;
  int num_heads = 0;
  int head_dim = 0;
  int first_pos = 0;
  int64_t stride = 0;  // elements from token to token, >= num_heads * head_dim

  const float* TokenF32(int64_t token) const {
    return static_cast<const float*>(data) + token * stride;
  }
};

}  // namespace sw
