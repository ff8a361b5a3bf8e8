// A whole LLaMA in double with dense attention: every token's logits, nothing cached.
#pragma once

#include <span>

#include "reference/oracle/types.h"

namespace sw::oracle {

struct LlamaLayer {
  Row attention_norm;  // [hidden]
  Matrix wq, wk, wv;   // [heads * d, hidden], [kv heads * d, hidden] twice
  Matrix wo;           // [hidden, heads * d]
  Row mlp_norm;        // [hidden]
  Matrix gate, up;     // [inner, hidden]
  Matrix down;         // [hidden, inner]
};

struct Llama {
  int num_heads = 0;
  int num_kv_heads = 0;
  double norm_eps = 1e-5;
  double rope_theta = 10000;
  Matrix embedding;  // [vocabulary, hidden]
  std::vector<LlamaLayer> layers;
  Row final_norm;  // [hidden]
  Matrix head;     // [vocabulary, hidden]; the embedding itself when weights are tied
};

// Logits [token][vocabulary] of every position.
Matrix Forward(const Llama& model, std::span<const int> tokens);

}  // namespace sw::oracle
