#include "harness/io/llama_checkpoint.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "core/base/check.h"
#include "harness/io/sha256.h"
#include "harness/io/utf8.h"

namespace sw {
namespace {

constexpr std::string_view kTakeAnother = "take a checkpoint of a plain LLaMA";

int DimOf(const GgufFile& file, std::string_view key, int64_t value) {
  if (value < 1 || value > std::numeric_limits<int32_t>::max()) {
    file.FailKey(key, fmt::format("{} is out of range; the file is damaged: fetch it again with "
                                  "scripts/fetch_model",
                                  value));
  }
  return static_cast<int>(value);
}

int RequireDim(const GgufFile& file, std::string_view key) {
  return DimOf(file, key, file.RequireInt(key));
}

// Keys whose presence with another value than the neutral one changes the forward pass.
void RefuseOtherModels(const GgufFile& file) {
  const std::string_view architecture = file.RequireString("general.architecture");
  if (architecture != "llama") {
    file.FailKey("general.architecture", fmt::format("'{}' is not supported, only llama is; {}",
                                                     Printable(architecture), kTakeAnother));
  }
  const auto refuse = [&](std::string_view key, std::string_view what) {
    file.FailKey(key, fmt::format("{} is not supported; {}", what, kTakeAnother));
  };
  for (const char* key : {"llama.rope.scaling.type", "llama.rope_scaling.type"}) {
    const auto type = file.FindString(key);
    if (type && *type != "none") {
      refuse(key, fmt::format("RoPE scaling '{}'", Printable(*type)));
    }
  }
  for (const char* key : {"llama.rope.scale_linear", "llama.rope.scaling.factor"}) {
    const auto factor = file.FindFloat(key);
    if (factor && *factor != 1.0) refuse(key, fmt::format("RoPE scaling by {}", *factor));
  }
  for (const char* key :
       {"llama.attention.sliding_window", "llama.expert_count", "llama.expert_used_count"}) {
    const auto value = file.FindInt(key);
    if (value && *value != 0) refuse(key, fmt::format("a value of {}", *value));
  }
  for (const char* key :
       {"llama.attention.clamp_kqv", "llama.attention.max_alibi_bias", "llama.attention.scale",
        "llama.logit_scale", "llama.embedding_scale", "llama.residual_scale",
        "llama.attention.logit_softcapping", "llama.final_logit_softcapping"}) {
    const auto value = file.FindFloat(key);
    if (value && *value != 0.0) refuse(key, fmt::format("a value of {}", *value));
  }
  if (file.FindBool("llama.use_parallel_residual").value_or(false)) {
    refuse("llama.use_parallel_residual", "a parallel residual");
  }
  if (!file.FindBool("llama.attention.causal").value_or(true)) {
    refuse("llama.attention.causal", "attention that is not causal");
  }
}

int ReadHeadDim(const GgufFile& file, const LlamaShape& shape) {
  constexpr std::string_view kHeads = "llama.attention.head_count";
  int head_dim;
  if (const auto key_length = file.FindInt("llama.attention.key_length")) {
    head_dim = DimOf(file, "llama.attention.key_length", *key_length);
  } else {
    if (shape.hidden_dim % shape.num_q_heads != 0) {
      file.FailKey(kHeads, fmt::format("{} heads do not divide an embedding of {}; {}",
                                       shape.num_q_heads, shape.hidden_dim, kTakeAnother));
    }
    head_dim = shape.hidden_dim / shape.num_q_heads;
  }
  // Each of these must agree with the head's length: partial rotation and unequal K and V are not
  // what the forward pass does.
  for (const char* key : {"llama.rope.dimension_count", "llama.attention.value_length"}) {
    const auto value = file.FindInt(key);
    if (value && *value != head_dim) {
      file.FailKey(
          key, fmt::format("{} differs from the head length {}, which is not supported; {}", *value,
                           head_dim, kTakeAnother));
    }
  }
  if (head_dim % 2 != 0) {
    file.FailKey(kHeads, fmt::format("heads of odd length {} cannot be rotated; {}", head_dim,
                                     kTakeAnother));
  }
  return head_dim;
}

LlamaShape ReadShape(const GgufFile& file) {
  LlamaShape shape;
  shape.num_layers = RequireDim(file, "llama.block_count");
  shape.hidden_dim = RequireDim(file, "llama.embedding_length");
  shape.ffn_dim = RequireDim(file, "llama.feed_forward_length");
  shape.context_len = RequireDim(file, "llama.context_length");
  shape.num_q_heads = RequireDim(file, "llama.attention.head_count");
  constexpr std::string_view kKvHeads = "llama.attention.head_count_kv";
  shape.num_kv_heads = DimOf(file, kKvHeads, file.FindInt(kKvHeads).value_or(shape.num_q_heads));
  if (shape.num_q_heads % shape.num_kv_heads != 0) {
    file.FailKey(kKvHeads, fmt::format("{} KV heads do not divide {} query heads; {}",
                                       shape.num_kv_heads, shape.num_q_heads, kTakeAnother));
  }
  shape.head_dim = ReadHeadDim(file, shape);

  constexpr std::string_view kTheta = "llama.rope.freq_base";
  const double theta = file.FindFloat(kTheta).value_or(10000.0);
  if (!(theta >= 1.0 && std::isfinite(theta))) {
    file.FailKey(kTheta, fmt::format("{} is out of range; the file is damaged: fetch it again with "
                                     "scripts/fetch_model",
                                     theta));
  }
  shape.rope_theta = static_cast<float>(theta);
  constexpr std::string_view kEps = "llama.attention.layer_norm_rms_epsilon";
  const double eps = file.RequireFloat(kEps);
  if (!(eps > 0.0 && eps < 1.0)) {
    file.FailKey(kEps, fmt::format("{} is out of range; the file is damaged: fetch it again with "
                                   "scripts/fetch_model",
                                   eps));
  }
  shape.norm_eps = static_cast<float>(eps);
  return shape;
}

// Hands out the tensors by name and shape, and knows in the end which were never asked for.
class TensorReader {
 public:
  TensorReader(const GgufFile& file, Checkpoint* checkpoint)
      : file_(file), checkpoint_(*checkpoint) {}

  bool Has(const std::string& name) const { return file_.FindTensor(name) != nullptr; }

  // The rows of an absent tensor are 0.
  int64_t RowsOf(const std::string& name) const {
    const GgufTensor* tensor = file_.FindTensor(name);
    return tensor == nullptr ? 0 : tensor->rows();
  }

  WeightView Matrix(const std::string& name, int64_t rows, int64_t cols) {
    const GgufTensor* tensor = file_.FindTensor(name);
    if (tensor == nullptr) {
      FailUser(
          "{}: tensor {} is missing; the checkpoint is incomplete: fetch it again with "
          "scripts/fetch_model",
          file_.path(), name);
    }
    if (tensor->cols() != cols || tensor->rows() != rows) {
      FailUser(
          "{}: tensor {} is [{}, {}], the metadata want [{}, {}]; fetch the checkpoint again "
          "with scripts/fetch_model",
          file_.path(), name, tensor->rows(), tensor->cols(), rows, cols);
    }
    used_.insert(name);
    checkpoint_.weight_bytes += static_cast<int64_t>(tensor->data.size());
    return {tensor->dtype, tensor->data.data(), rows, cols};
  }

  // A vector of norm weights; brought to F32 where it is stored in another type.
  WeightView Norm(const std::string& name, int64_t cols) {
    const WeightView stored = Matrix(name, 1, cols);
    if (stored.dtype == DType::kF32) return stored;
    uint8_t* copy = Own(static_cast<size_t>(RowBytes(DType::kF32, cols)));
    DequantiseRow(stored.dtype, stored.data, cols, reinterpret_cast<float*>(copy));
    return {DType::kF32, copy, 1, cols};
  }

  // Rows of each head from the interleaved order (pairs 2i, 2i + 1) to the half-split one (pairs
  // i, i + head_dim / 2). Quantisation blocks lie within rows, so rows move as bytes.
  WeightView Rotated(const std::string& name, int64_t num_heads, int64_t head_dim, int64_t cols) {
    const WeightView stored = Matrix(name, num_heads * head_dim, cols);
    const auto row_bytes = static_cast<size_t>(RowBytes(stored.dtype, cols));
    uint8_t* copy = Own(static_cast<size_t>(stored.rows) * row_bytes);
    uint8_t* to = copy;
    for (int64_t head = 0; head < num_heads; ++head) {
      for (int64_t half = 0; half < 2; ++half) {
        for (int64_t i = 0; i < head_dim / 2; ++i) {
          std::memcpy(to, stored.Row(head * head_dim + 2 * i + half), row_bytes);
          to += row_bytes;
        }
      }
    }
    return {stored.dtype, copy, stored.rows, cols};
  }

  // A tensor that nobody asked for is a part of the model that would silently be left out.
  void CheckAllUsed() const {
    for (const auto& [name, tensor] : file_.tensors()) {
      if (used_.count(name) > 0) continue;
      const std::string_view reason =
          name.ends_with(".bias")           ? "biases are not supported"
          : name.starts_with("rope_freqs")  ? "RoPE scaling by frequency factors is not supported"
          : name.find("_exps") != name.npos ? "experts are not supported"
                                            : "no part of the LLaMA forward pass uses it";
      FailUser("{}: tensor {}: {}; {}", file_.path(), Printable(name), reason, kTakeAnother);
    }
  }

 private:
  uint8_t* Own(size_t bytes) {
    checkpoint_.owned.push_back(std::make_unique<uint8_t[]>(bytes));
    return checkpoint_.owned.back().get();
  }

  const GgufFile& file_;
  Checkpoint& checkpoint_;
  std::set<std::string, std::less<>> used_;
};

LlamaLayerWeights ReadLayer(TensorReader& read, const LlamaShape& shape, int layer) {
  const auto named = [&](std::string_view part) {
    return fmt::format("blk.{}.{}.weight", layer, part);
  };
  const int64_t hidden = shape.hidden_dim;
  const int64_t q_dim = int64_t{shape.num_q_heads} * shape.head_dim;
  const int64_t kv_dim = int64_t{shape.num_kv_heads} * shape.head_dim;
  LlamaLayerWeights weights;
  weights.attn_norm = read.Norm(named("attn_norm"), hidden);
  weights.q = read.Rotated(named("attn_q"), shape.num_q_heads, shape.head_dim, hidden);
  weights.k = read.Rotated(named("attn_k"), shape.num_kv_heads, shape.head_dim, hidden);
  weights.v = read.Matrix(named("attn_v"), kv_dim, hidden);
  weights.o = read.Matrix(named("attn_output"), hidden, q_dim);
  weights.ffn_norm = read.Norm(named("ffn_norm"), hidden);
  weights.gate = read.Matrix(named("ffn_gate"), shape.ffn_dim, hidden);
  weights.up = read.Matrix(named("ffn_up"), shape.ffn_dim, hidden);
  weights.down = read.Matrix(named("ffn_down"), hidden, shape.ffn_dim);
  return weights;
}

// The embedding's rows are the vocabulary; the metadata must not say otherwise.
int ReadVocabSize(const GgufFile& file, int64_t embedding_rows) {
  const auto check = [&](std::string_view key, int64_t claimed) {
    if (claimed != embedding_rows) {
      file.FailKey(key, fmt::format("speaks of {} tokens, token_embd.weight has {} rows; fetch the "
                                    "checkpoint again with scripts/fetch_model",
                                    claimed, embedding_rows));
    }
  };
  if (const auto size = file.FindInt("llama.vocab_size")) check("llama.vocab_size", *size);
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  if (const auto it = file.metadata().find(kTokens); it != file.metadata().end()) {
    check(kTokens, static_cast<int64_t>(it->second.count));
  }
  return DimOf(file, "llama.vocab_size", embedding_rows);
}

void ReadWeights(const GgufFile& file, Checkpoint* checkpoint) {
  LlamaWeights& weights = checkpoint->weights;
  LlamaShape& shape = weights.shape;
  TensorReader read(file, checkpoint);
  const std::string embedding = "token_embd.weight";
  const int64_t vocab = read.RowsOf(embedding);
  weights.token_embedding = read.Matrix(embedding, vocab, shape.hidden_dim);
  shape.vocab_size = ReadVocabSize(file, vocab);
  // A layer that the file lacks ends this loop, whatever count the metadata claim.
  for (int layer = 0; layer < shape.num_layers; ++layer) {
    weights.layers.push_back(ReadLayer(read, shape, layer));
  }
  weights.output_norm = read.Norm("output_norm.weight", shape.hidden_dim);
  weights.output = read.Has("output.weight") ? read.Matrix("output.weight", vocab, shape.hidden_dim)
                                             : weights.token_embedding;
  read.CheckAllUsed();
}

// Ends up in records, so it is always well-formed UTF-8.
std::string NameOf(const GgufFile& file) {
  const std::string_view name = file.FindString("general.name").value_or("");
  if (name.empty()) return std::filesystem::path(file.path()).stem().string();
  return EndOfUtf8Run(name, 0) == name.size() ? std::string(name) : Printable(name);
}

}  // namespace

Checkpoint LoadLlamaGguf(const std::string& path) {
  Checkpoint checkpoint;
  checkpoint.path = path;
  checkpoint.file = std::make_unique<const GgufFile>(path);
  const GgufFile& file = *checkpoint.file;
  RefuseOtherModels(file);
  checkpoint.weights.shape = ReadShape(file);
  ReadWeights(file, &checkpoint);
  checkpoint.name = NameOf(file);
  const std::string_view chat = file.FindString("tokenizer.chat_template").value_or("");
  checkpoint.template_name = chat.find("<|im_start|>") != chat.npos ? "chatml" : "base";
  checkpoint.sha256 = Sha256OfBytes(file.bytes());
  return checkpoint;
}

}  // namespace sw
