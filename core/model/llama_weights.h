// A LLaMA's shape and borrowed views of its weights, with the shape of each.
#pragma once

#include <string>
#include <vector>

#include "core/tensor/tensor_view.h"

namespace sw {

struct LlamaShape {
  int num_layers = 0;
  int hidden_dim = 0;
  int ffn_dim = 0;
  int num_q_heads = 0;
  int num_kv_heads = 0;  // divides num_q_heads (GQA)
  int head_dim = 0;
  int vocab_size = 0;
  int context_len = 0;  // tokens the checkpoint was trained for
  float rope_theta = 10000.0f;
  float norm_eps = 1e-5f;
};

// Matrices are [outputs, inputs]. RoPE rotates element i of a head with element i + head_dim / 2
// (the Hugging Face order); a loader whose format stores another order permutes rows at load.
struct LlamaLayerWeights {
  WeightView attn_norm;  // [1, hidden], F32
  WeightView q;          // [num_q_heads * head_dim, hidden]
  WeightView k;          // [num_kv_heads * head_dim, hidden]
  WeightView v;          // [num_kv_heads * head_dim, hidden]
  WeightView o;          // [hidden, num_q_heads * head_dim]
  WeightView ffn_norm;   // [1, hidden], F32
  WeightView gate;       // [ffn, hidden]
  WeightView up;         // [ffn, hidden]
  WeightView down;       // [hidden, ffn]
};

struct LlamaWeights {
  LlamaShape shape;
  WeightView token_embedding;  // [vocab, hidden]
  std::vector<LlamaLayerWeights> layers;
  WeightView output_norm;  // [1, hidden], F32
  WeightView output;       // [vocab, hidden]; the same data as token_embedding when tied
};

}  // namespace sw
