#include "core/model/llama.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace sw {
namespace {

// Tokens whose gate and up activations exist at once: 1024 x 1536 floats x 2 = 12 MiB for SmolLM2.
constexpr int64_t kMlpChunkTokens = 1024;

LlamaWeights Adopt(const LlamaWeights& host, Backend& backend) {
  LlamaWeights w{.shape = host.shape,
                 .token_embedding = backend.AdoptWeight(host.token_embedding),
                 .layers = {},
                 .output_norm = backend.AdoptWeight(host.output_norm),
                 .output = {}};
  // Tied embeddings stay one copy.
  w.output = host.output.data == host.token_embedding.data ? w.token_embedding
                                                           : backend.AdoptWeight(host.output);
  for (const LlamaLayerWeights& layer : host.layers) {
    w.layers.push_back({.attn_norm = backend.AdoptWeight(layer.attn_norm),
                        .q = backend.AdoptWeight(layer.q),
                        .k = backend.AdoptWeight(layer.k),
                        .v = backend.AdoptWeight(layer.v),
                        .o = backend.AdoptWeight(layer.o),
                        .ffn_norm = backend.AdoptWeight(layer.ffn_norm),
                        .gate = backend.AdoptWeight(layer.gate),
                        .up = backend.AdoptWeight(layer.up),
                        .down = backend.AdoptWeight(layer.down)});
  }
  return w;
}

void CheckShape(const WeightView& w, int64_t rows, int64_t cols, const char* name) {
  SW_CHECK(w.data != nullptr && w.rows == rows && w.cols == cols, "{}: [{}, {}], expected [{}, {}]",
           name, w.rows, w.cols, rows, cols);
}

void CheckWeights(const LlamaWeights& w) {
  const LlamaShape& s = w.shape;
  SW_CHECK(s.num_kv_heads > 0 && s.num_q_heads % s.num_kv_heads == 0, "{} query and {} KV heads",
           s.num_q_heads, s.num_kv_heads);
  SW_CHECK(s.head_dim > 0 && s.head_dim % 2 == 0, "head_dim {}", s.head_dim);
  SW_CHECK(static_cast<int>(w.layers.size()) == s.num_layers);
  const int64_t q_dim = static_cast<int64_t>(s.num_q_heads) * s.head_dim;
  const int64_t kv_dim = static_cast<int64_t>(s.num_kv_heads) * s.head_dim;
  CheckShape(w.token_embedding, s.vocab_size, s.hidden_dim, "token_embedding");
  CheckShape(w.output_norm, 1, s.hidden_dim, "output_norm");
  CheckShape(w.output, s.vocab_size, s.hidden_dim, "output");
  for (const LlamaLayerWeights& layer : w.layers) {
    CheckShape(layer.attn_norm, 1, s.hidden_dim, "attn_norm");
    CheckShape(layer.q, q_dim, s.hidden_dim, "q");
    CheckShape(layer.k, kv_dim, s.hidden_dim, "k");
    CheckShape(layer.v, kv_dim, s.hidden_dim, "v");
    CheckShape(layer.o, s.hidden_dim, q_dim, "o");
    CheckShape(layer.ffn_norm, 1, s.hidden_dim, "ffn_norm");
    CheckShape(layer.gate, s.ffn_dim, s.hidden_dim, "gate");
    CheckShape(layer.up, s.ffn_dim, s.hidden_dim, "up");
    CheckShape(layer.down, s.hidden_dim, s.ffn_dim, "down");
  }
}

}  // namespace

struct Llama::Activations {
  Activations(const LlamaShape& s, int64_t rows, Backend& backend)
      : backend_(&backend), dtype_(backend.activation_dtype()) {
    const int64_t q_dim = static_cast<int64_t>(s.num_q_heads) * s.head_dim;
    const int64_t kv_dim = static_cast<int64_t>(s.num_kv_heads) * s.head_dim;
    const int64_t chunk = std::min(rows, kMlpChunkTokens);
    hidden = Make(rows, s.hidden_dim);
    normed = Make(rows, s.hidden_dim);
    q = Make(rows, q_dim);
    k = Make(rows, kv_dim);
    v = Make(rows, kv_dim);
    attended = Make(rows, q_dim);
    gate = Make(chunk, s.ffn_dim);
    up = Make(chunk, s.ffn_dim);
  }

  TensorView Make(int64_t rows, int64_t cols) {
    const auto bytes = static_cast<size_t>(rows * RowBytes(dtype_, cols));
    storage_.emplace_back(backend_->memory(), "activations", bytes);
    return {dtype_, storage_.back().data(), rows, cols, cols};
  }

  TensorView hidden, normed, q, k, v, attended, gate, up;

 private:
  Backend* backend_;
  DType dtype_;
  std::vector<Buffer<uint8_t>> storage_;
};

Llama::Llama(const LlamaWeights& weights, Backend& backend)
    : backend_(backend), weights_(Adopt(weights, backend)) {
  CheckWeights(weights_);
  const int half = weights_.shape.head_dim / 2;
  std::vector<float> inv_freq(static_cast<size_t>(half));
  for (int i = 0; i < half; ++i) {
    const double exponent = -2.0 * i / weights_.shape.head_dim;
    inv_freq[static_cast<size_t>(i)] =
        static_cast<float>(std::pow(static_cast<double>(weights_.shape.rope_theta), exponent));
  }
  inv_freq_ = Buffer<float>(backend_.memory(), "weights", inv_freq.size());
  inv_freq_.CopyFrom(inv_freq);
}

Llama::~Llama() = default;

std::unique_ptr<Sequence> Llama::NewSequence(const AttentionPolicy& policy, int capacity_tokens,
                                             uint64_t sample_key) {
  const LlamaShape& s = weights_.shape;
  const HeadShape heads{s.num_q_heads, s.num_kv_heads, s.head_dim};
  const CacheShape cache{.num_layers = s.num_layers,
                         .num_kv_heads = s.num_kv_heads,
                         .head_dim = s.head_dim,
                         .capacity_tokens = capacity_tokens,
                         .dtype = backend_.activation_dtype()};
  return std::make_unique<Sequence>(
      policy, KvCache(cache, backend_.memory()),
      policy.NewSequence({heads, s.num_layers, capacity_tokens, sample_key}));
}

std::vector<float> Llama::Prefill(Sequence& sequence, std::span<const int32_t> ids,
                                  int num_logit_rows) {
  const auto rows = static_cast<int>(ids.size());
  SW_CHECK(sequence.len == 0, "the sequence already holds {} tokens", sequence.len);
  SW_CHECK(1 <= num_logit_rows && num_logit_rows <= rows, "{} logit rows of {}", num_logit_rows,
           rows);
  SW_CHECK(rows <= sequence.cache.shape().capacity_tokens, "{} tokens, room for {}", rows,
           sequence.cache.shape().capacity_tokens);
  const LlamaShape& s = weights_.shape;
  const LayerOps& ops = backend_.layers();
  StageClock& clock = backend_.clock();
  Activations a(s, rows, backend_);
  {
    const StageTimer timer(clock, -1, Stage::kEmbed);
    ops.Embed(weights_.token_embedding, ids, a.hidden);
  }
  for (int layer = 0; layer < s.num_layers; ++layer) {
    // After the last layer's attention only the rows whose logits are asked for go on.
    const int64_t keep_from = layer + 1 == s.num_layers ? rows - num_logit_rows : 0;
    ProjectQkv(layer, a);
    const KvView kv = sequence.cache.View(layer, rows);
    {
      const StageTimer timer(clock, layer, Stage::kRope);
      ops.RopeAppend(a.q, a.k, a.v, inv_freq_.data(), 0, kv);
    }
    const QueryView q{a.q.dtype, a.q.data, rows, s.num_q_heads, s.head_dim, 0, a.q.stride};
    sequence.policy->Prefill({layer, q, kv}, *sequence.state, a.attended);
    AttentionOutput(layer, keep_from, a);
    Mlp(layer, keep_from, a);
  }
  sequence.len = rows;
  return Logits(rows - num_logit_rows, rows, a);
}

std::vector<float> Llama::DecodeStep(std::span<Sequence* const> sequences,
                                     std::span<const int32_t> ids) {
  const auto batch = static_cast<int64_t>(sequences.size());
  SW_CHECK(batch > 0 && ids.size() == sequences.size(), "{} sequences, {} ids", batch, ids.size());
  const LlamaShape& s = weights_.shape;
  const LayerOps& ops = backend_.layers();
  StageClock& clock = backend_.clock();
  if (decode_ == nullptr || decode_->hidden.rows != batch) {
    decode_ = std::make_unique<Activations>(s, batch, backend_);
  }
  Activations& a = *decode_;
  {
    const StageTimer timer(clock, -1, Stage::kEmbed);
    ops.Embed(weights_.token_embedding, ids, a.hidden);
  }
  for (int layer = 0; layer < s.num_layers; ++layer) {
    ProjectQkv(layer, a);
    for (int64_t i = 0; i < batch; ++i) {
      Sequence& sequence = *sequences[static_cast<size_t>(i)];
      SW_CHECK(sequence.len > 0 && sequence.len < sequence.cache.shape().capacity_tokens,
               "sequence {} holds {} tokens of {}", i, sequence.len,
               sequence.cache.shape().capacity_tokens);
      const KvView kv = sequence.cache.View(layer, sequence.len + 1);
      const TensorView q_row = a.q.Rows(i, i + 1);
      {
        const StageTimer timer(clock, layer, Stage::kRope);
        ops.RopeAppend(q_row, a.k.Rows(i, i + 1), a.v.Rows(i, i + 1), inv_freq_.data(),
                       sequence.len, kv);
      }
      const QueryView q{q_row.dtype, q_row.data,   1,           s.num_q_heads,
                        s.head_dim,  sequence.len, q_row.stride};
      sequence.policy->Decode({layer, q, kv}, *sequence.state, a.attended.Rows(i, i + 1));
    }
    AttentionOutput(layer, 0, a);
    Mlp(layer, 0, a);
  }
  for (Sequence* sequence : sequences) ++sequence->len;
  return Logits(0, batch, a);
}

void Llama::ProjectQkv(int layer, Activations& a) const {
  const LlamaLayerWeights& w = weights_.layers[static_cast<size_t>(layer)];
  const LayerOps& ops = backend_.layers();
  {
    const StageTimer timer(backend_.clock(), layer, Stage::kNorm);
    ops.RmsNorm(a.hidden, w.attn_norm, weights_.shape.norm_eps, a.normed);
  }
  const StageTimer timer(backend_.clock(), layer, Stage::kQkv);
  ops.MatMul(a.normed, w.q, a.q, false);
  ops.MatMul(a.normed, w.k, a.k, false);
  ops.MatMul(a.normed, w.v, a.v, false);
}

void Llama::AttentionOutput(int layer, int64_t keep_from, Activations& a) const {
  const LlamaLayerWeights& w = weights_.layers[static_cast<size_t>(layer)];
  const int64_t rows = a.hidden.rows;
  const StageTimer timer(backend_.clock(), layer, Stage::kOutProj);
  backend_.layers().MatMul(a.attended.Rows(keep_from, rows), w.o, a.hidden.Rows(keep_from, rows),
                           true);
}

void Llama::Mlp(int layer, int64_t keep_from, Activations& a) const {
  const LlamaLayerWeights& w = weights_.layers[static_cast<size_t>(layer)];
  const LayerOps& ops = backend_.layers();
  for (int64_t begin = keep_from; begin < a.hidden.rows; begin += kMlpChunkTokens) {
    const int64_t end = std::min(a.hidden.rows, begin + kMlpChunkTokens);
    const TensorView hidden = a.hidden.Rows(begin, end);
    const TensorView x = a.normed.Rows(begin, end);
    {
      const StageTimer timer(backend_.clock(), layer, Stage::kNorm);
      ops.RmsNorm(hidden, w.ffn_norm, weights_.shape.norm_eps, x);
    }
    const StageTimer timer(backend_.clock(), layer, Stage::kMlp);
    const TensorView gate = a.gate.Rows(0, end - begin);
    const TensorView up = a.up.Rows(0, end - begin);
    ops.MatMul(x, w.gate, gate, false);
    ops.MatMul(x, w.up, up, false);
    ops.SiluMul(gate, up, gate);
    ops.MatMul(gate, w.down, hidden, true);
  }
}

std::vector<float> Llama::Logits(int64_t begin, int64_t end, Activations& a) const {
  const LlamaShape& s = weights_.shape;
  const LayerOps& ops = backend_.layers();
  const StageTimer timer(backend_.clock(), -1, Stage::kHead);
  const TensorView x = a.normed.Rows(begin, end);
  ops.RmsNorm(a.hidden.Rows(begin, end), weights_.output_norm, s.norm_eps, x);
  const int64_t rows = end - begin;
  Buffer<float> logits(backend_.memory(), "activations",
                       static_cast<size_t>(rows) * static_cast<size_t>(s.vocab_size));
  ops.MatMul(x, weights_.output, {DType::kF32, logits.data(), rows, s.vocab_size, s.vocab_size},
             false);
  backend_.Synchronise();
  return logits.ToHost();
}

}  // namespace sw
