// Random LLaMAs that run in milliseconds: every test above the model works with real attention over
// real caches without a checkpoint.
#pragma once

#include "core/model/llama_weights.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace sw {

// Three layers, grouped-query attention 6:2, head_dim 8, 64 tokens of vocabulary.
LlamaShape TinyShape();

// Owns F32 weights of any shape, drawn from `seed`; the same on every machine. Scaled so that
// logits depend on the whole prompt and greedy answers vary from token to token.
class TinyWeights {
 public:
  TinyWeights(uint64_t seed, const LlamaShape& shape);
  TinyWeights(const TinyWeights&) = delete;
  TinyWeights& operator=(const TinyWeights&) = delete;

  // Borrowed views; the owner must outlive them.
  const LlamaWeights& weights() const { return weights_; }

 private:
  // Normal numbers with mean `mean` and standard deviation `deviation`.
  WeightView Draw(int64_t rows, int64_t cols, double mean, double deviation);

  uint64_t seed_;
  uint64_t num_drawn_ = 0;
  std::deque<std::vector<float>> storage_;  // elements never move
  LlamaWeights weights_;
};

}  // namespace sw
