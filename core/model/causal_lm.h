// SEAM CausalLm: tokens in, logits out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/model/llama_weights.h"
#include "core/model/sequence.h"

namespace sw {

class CausalLm {
 public:
  virtual ~CausalLm() = default;

  virtual const LlamaShape& shape() const = 0;
  // Room for `capacity_tokens` in all; `policy` must outlive the sequence.
  virtual std::unique_ptr<Sequence> NewSequence(const AttentionPolicy& policy, int capacity_tokens,
                                                uint64_t sample_key) = 0;
  // Feeds a whole prompt into an empty sequence. Returns the logits of the last `num_logit_rows`
  // positions on the host, [num_logit_rows, vocab] row-major; 1 <= num_logit_rows <= ids.size().
  virtual std::vector<float> Prefill(Sequence& sequence, std::span<const int32_t> ids,
                                     int num_logit_rows) = 0;
  // Feeds one token to each sequence of a batch (lengths may differ): logits [batch, vocab].
  virtual std::vector<float> DecodeStep(std::span<Sequence* const> sequences,
                                        std::span<const int32_t> ids) = 0;
};

}  // namespace sw
