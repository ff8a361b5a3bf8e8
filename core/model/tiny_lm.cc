#include "core/model/tiny_lm.h"

#include "core/base/check.h"
#include "core/base/rng.h"

#include <cmath>

namespace sw {

LlamaShape TinyShape() {
  return {.num_layers = 3,
          .hidden_dim = 48,
          .ffn_dim = 96,
          .num_q_heads = 6,
          .num_kv_heads = 2,
          .head_dim = 8,
          .vocab_size = 64,
          .context_len = 4096,
          .rope_theta = 10000.0f,
          .norm_eps = 1e-5f};
}

TinyWeights::TinyWeights(uint64_t seed, const LlamaShape& s) : seed_(seed) {
  SW_CHECK(s.num_layers > 0 && s.hidden_dim > 0 && s.vocab_size > 0, "an empty shape");
  const int64_t q_dim = static_cast<int64_t>(s.num_q_heads) * s.head_dim;
  const int64_t kv_dim = static_cast<int64_t>(s.num_kv_heads) * s.head_dim;
  const auto matrix = [this](int64_t outputs, int64_t inputs, double gain) {
    return Draw(outputs, inputs, 0.0, gain / std::sqrt(static_cast<double>(inputs)));
  };
  const auto norm = [&] { return Draw(1, s.hidden_dim, 1.0, 0.1); };
  weights_.shape = s;
  weights_.token_embedding = Draw(s.vocab_size, s.hidden_dim, 0.0, 1.0);
  for (int layer = 0; layer < s.num_layers; ++layer) {
    // Large q and k make attention sharp enough that the choice of blocks matters.
    weights_.layers.push_back({.attn_norm = norm(),
                               .q = matrix(q_dim, s.hidden_dim, 2.0),
                               .k = matrix(kv_dim, s.hidden_dim, 2.0),
                               .v = matrix(kv_dim, s.hidden_dim, 1.0),
                               .o = matrix(s.hidden_dim, q_dim, 1.0),
                               .ffn_norm = norm(),
                               .gate = matrix(s.ffn_dim, s.hidden_dim, 1.0),
                               .up = matrix(s.ffn_dim, s.hidden_dim, 1.0),
                               .down = matrix(s.hidden_dim, s.ffn_dim, 1.0)});
  }
  weights_.output_norm = norm();
  weights_.output = matrix(s.vocab_size, s.hidden_dim, 2.0);
}

WeightView TinyWeights::Draw(int64_t rows, int64_t cols, double mean, double deviation) {
  Rng rng(seed_, StreamOf("tiny_lm") + num_drawn_++);
  std::vector<float>& values = storage_.emplace_back(static_cast<size_t>(rows * cols));
  for (float& value : values) value = static_cast<float>(mean + deviation * rng.Normal());
  return {.dtype = DType::kF32, .data = values.data(), .rows = rows, .cols = cols};
}

}  // namespace sw
