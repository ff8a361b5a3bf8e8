// For tests: random queries, keys and values of a few layers, and a sequence that a policy is run
// over without a model. Knows no backend; tests bring one.
#pragma once

#include <memory>
#include <vector>

#include "core/attention/attention_policy.h"
#include "core/cache/kv_cache.h"

namespace sw::testing {

// Q, K, V after RoPE, on the host: [layer][token][head][dim].
struct LayerData {
  HeadShape heads;
  int num_layers = 0;
  int num_tokens = 0;
  std::vector<float> q, k, v;

  int q_width() const { return heads.num_q_heads * heads.head_dim; }
  int kv_width() const { return heads.num_kv_heads * heads.head_dim; }
  size_t QAt(int layer, int token) const { return At(layer, token, q_width()); }
  size_t KvAt(int layer, int token) const { return At(layer, token, kv_width()); }

 private:
  size_t At(int layer, int token, int width) const {
    return (static_cast<size_t>(layer) * static_cast<size_t>(num_tokens) +
            static_cast<size_t>(token)) *
           static_cast<size_t>(width);
  }
};

// Normal numbers; `q_scale` widens the queries, so that attention and block scores get sharper.
LayerData RandomLayers(const HeadShape& heads, int num_layers, int num_tokens, uint64_t seed,
                       float q_scale = 2.0f);

using LayerOutputs = std::vector<std::vector<float>>;  // [layer][tokens * heads * dim]

// One sequence under one policy. Cache places that no token has filled hold NaN.
class PolicyRun {
 public:
  // All borrowed. capacity_tokens 0: as many as `data` has.
  PolicyRun(const AttentionPolicy& policy, const LayerData& data, Backend& backend,
            int capacity_tokens = 0, uint64_t sample_key = 0);

  // The first num_tokens of the data, all layers.
  LayerOutputs Prefill(int num_tokens);
  // The next token, all layers.
  LayerOutputs Decode();
  // One layer of either; for tests of the order in which layers arrive.
  std::vector<float> PrefillLayer(int layer, int num_tokens);
  std::vector<float> DecodeLayer(int layer, int position);

  AttentionTrace& trace() { return state_->trace; }
  SequenceState& state() { return *state_; }
  int len() const { return len_; }

 private:
  std::vector<float> RunLayer(int layer, int begin, int end, bool decode);

  const AttentionPolicy& policy_;
  const LayerData& data_;
  Backend& backend_;
  KvCache cache_;
  std::unique_ptr<SequenceState> state_;
  int len_ = 0;
};

}  // namespace sw::testing
