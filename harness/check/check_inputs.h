// Random inputs of a case, once as the oracle reads them and once in a backend's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ops/backend.h"
#include "harness/check/check_case.h"
#include "reference/oracle/types.h"

namespace sw {

// [token][head][dim], standard normal numbers from (seed, stream), rounded to float32.
oracle::Tokens RandomTokens(uint64_t seed, uint64_t stream, int tokens, int heads, int head_dim);

// Q, K and V of one layer in backend memory.
class LayerOnBackend {
 public:
  // `capacity` tokens of K and V, all of them written; views show as many as asked for.
  LayerOnBackend(const oracle::Tokens& q, const oracle::Tokens& k, const oracle::Tokens& v,
                 Backend& backend);

  QueryView Queries(int first, int count) const;
  KvView Keys(int len);

 private:
  int num_heads_, num_kv_heads_, head_dim_, tokens_;
  Buffer<float> q_, k_, v_;
};

// The numbers of out [tokens, heads * head_dim], in order.
std::vector<double> Flatten(const oracle::Tokens& tokens);
std::vector<double> Flatten(const oracle::Matrix& matrix);

}  // namespace sw
