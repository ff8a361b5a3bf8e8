// The LLaMA forward pass, written against the seam: RMSNorm, grouped-query attention with RoPE
// through an AttentionPolicy, SwiGLU. Reads like the paper (arXiv 2302.13971), one line per
// operation.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/model/causal_lm.h"
#include "core/ops/backend.h"

namespace sw {

class Llama final : public CausalLm {
 public:
  // Borrows the weights (through Backend::AdoptWeight) and the backend; both must outlive it.
  Llama(const LlamaWeights& weights, Backend& backend);
  ~Llama() override;

  const LlamaShape& shape() const override { return weights_.shape; }
  std::unique_ptr<Sequence> NewSequence(const AttentionPolicy& policy, int capacity_tokens,
                                        uint64_t sample_key) override;
  std::vector<float> Prefill(Sequence& sequence, std::span<const int32_t> ids,
                             int num_logit_rows) override;
  std::vector<float> DecodeStep(std::span<Sequence* const> sequences,
                                std::span<const int32_t> ids) override;

 private:
  struct Activations;  // the buffers of one pass

  // hidden += O attention(QKV(norm(hidden))), for the rows from `keep_from` on.
  void AttentionOutput(int layer, int64_t keep_from, Activations& a) const;
  // Q, K, V of every row of a.hidden.
  void ProjectQkv(int layer, Activations& a) const;
  // hidden += down(silu(gate(x)) * up(x)), x = norm(hidden), for the rows from `keep_from` on; in
  // chunks of tokens, so that the wide activations stay small.
  void Mlp(int layer, int64_t keep_from, Activations& a) const;
  // Logits of the rows [begin, end) of a.hidden, on the host.
  std::vector<float> Logits(int64_t begin, int64_t end, Activations& a) const;

  Backend& backend_;
  LlamaWeights weights_;  // adopted by the backend
  Buffer<float> inv_freq_;
  std::unique_ptr<Activations> decode_;  // kept between steps, for the largest batch so far
};

}  // namespace sw
