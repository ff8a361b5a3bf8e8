#include "harness/io/llama_checkpoint.h"

#include <functional>
#include <limits>

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "harness/io/sha256.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

using testing::GgufWriter;
using testing::HasText;
using testing::MessageOf;
using testing::TempFile;
using testing::TinyLlama;

std::string TinyBytes(bool tied, const std::function<void(GgufWriter&)>& extra = {}) {
  TinyLlama tiny = testing::MakeTinyLlama();
  if (extra) extra(tiny.metadata);
  TinyLlama::AddTensors(&tiny.metadata, tied);
  return tiny.metadata.Bytes();
}

float At(const WeightView& matrix, int64_t row, int64_t col) {
  std::vector<float> values(matrix.cols);
  DequantiseRow(matrix.dtype, matrix.Row(row), matrix.cols, values.data());
  return values[col];
}

// What TinyLlama::AddTensors wrote as the n-th tensor.
float Written(int number, int64_t row, int64_t col, int64_t cols) {
  return static_cast<float>(number) + static_cast<float>(row * cols + col) / 4096.0f;
}

std::string LoadError(const std::string& bytes) {
  const TempFile file(bytes);
  const std::string message = MessageOf<UserError>([&] { LoadLlamaGguf(file.path()); });
  CHECK_THAT(message, HasText(file.path()));
  return message;
}

// The message for a tiny model with one more key (or tensor).
std::string ErrorWith(const std::function<void(GgufWriter&)>& extra) {
  return LoadError(TinyBytes(true, extra));
}

struct ShapeKeys {
  uint32_t layers = 2, hidden = 32, ffn = 64, heads = 4, kv_heads = 2;
  float theta = 5000.0f, eps = 1e-6f;
};

// The message for a file whose shape keys are these, its tensors those of the tiny model.
std::string ErrorWithShape(const ShapeKeys& keys) {
  GgufWriter writer;
  writer.String("general.architecture", "llama")
      .Int("llama.block_count", keys.layers)
      .Int("llama.context_length", 48)
      .Int("llama.embedding_length", keys.hidden)
      .Int("llama.feed_forward_length", keys.ffn)
      .Int("llama.attention.head_count", keys.heads)
      .Int("llama.attention.head_count_kv", keys.kv_heads)
      .Float("llama.rope.freq_base", keys.theta)
      .Float("llama.attention.layer_norm_rms_epsilon", keys.eps);
  TinyLlama::AddTensors(&writer, true);
  return LoadError(writer.Bytes());
}

}  // namespace

TEST_CASE("a tiny checkpoint loads, every matrix in its place") {
  const bool tied = GENERATE(true, false);
  const std::string bytes = TinyBytes(tied);
  const TempFile file(bytes);
  Checkpoint loaded = LoadLlamaGguf(file.path());
  const Checkpoint checkpoint = std::move(loaded);  // views must survive the move
  CHECK(checkpoint.path == file.path());
  CHECK(checkpoint.name == "Tiny");
  CHECK(checkpoint.template_name == "base");
  CHECK(checkpoint.sha256 == Sha256OfBytes(bytes));

  const LlamaWeights& weights = checkpoint.weights;
  CHECK(weights.shape.num_layers == TinyLlama::kLayers);
  CHECK(weights.shape.hidden_dim == TinyLlama::kHidden);
  CHECK(weights.shape.ffn_dim == TinyLlama::kFfn);
  CHECK(weights.shape.num_q_heads == TinyLlama::kQHeads);
  CHECK(weights.shape.num_kv_heads == TinyLlama::kKvHeads);
  CHECK(weights.shape.head_dim == TinyLlama::kHeadDim);
  CHECK(weights.shape.vocab_size == TinyLlama::kVocab);
  CHECK(weights.shape.context_len == TinyLlama::kContext);
  CHECK(weights.shape.rope_theta == 5000.0f);
  CHECK(weights.shape.norm_eps == 1e-6f);

  int64_t stored_floats = 0;
  const auto check = [&](const WeightView& view, int number, int64_t rows, int64_t cols) {
    INFO("tensor " << number);
    CHECK(view.rows == rows);
    CHECK(view.cols == cols);
    CHECK(At(view, 0, 0) == Written(number, 0, 0, cols));
    CHECK(At(view, rows - 1, cols - 1) == Written(number, rows - 1, cols - 1, cols));
    stored_floats += rows * cols;
  };
  check(weights.token_embedding, 0, 259, 32);
  REQUIRE(weights.layers.size() == 2);
  for (int layer = 0; layer < 2; ++layer) {
    const LlamaLayerWeights& part = weights.layers[layer];
    const int first = 1 + 9 * layer;
    check(part.attn_norm, first, 1, 32);
    check(part.q, first + 1, 32, 32);
    check(part.k, first + 2, 16, 32);
    check(part.v, first + 3, 16, 32);
    check(part.o, first + 4, 32, 32);
    check(part.ffn_norm, first + 5, 1, 32);
    check(part.gate, first + 6, 64, 32);
    check(part.up, first + 7, 64, 32);
    check(part.down, first + 8, 32, 64);
  }
  check(weights.output_norm, 19, 1, 32);
  if (tied) {
    CHECK(weights.output.data == weights.token_embedding.data);
    CHECK(weights.output.rows == 259);
  } else {
    check(weights.output, 20, 259, 32);
  }
  CHECK(checkpoint.weight_bytes == 4 * stored_floats);
}

TEST_CASE("rows of q and k come in the half-split order, all others as stored") {
  const TempFile file(TinyBytes(true));
  const Checkpoint checkpoint = LoadLlamaGguf(file.path());
  const LlamaLayerWeights& layer = checkpoint.weights.layers[0];
  const std::vector<int64_t> source = {0, 2, 4, 6, 1, 3, 5, 7};  // of each head's 8 rows
  for (int64_t head = 0; head < 4; ++head) {
    for (int64_t r = 0; r < 8; ++r) {
      for (const int64_t col : {0, 17, 31}) {
        const int64_t row = head * 8 + r;
        CHECK(At(layer.q, row, col) == Written(2, head * 8 + source[r], col, 32));
        if (head < 2) CHECK(At(layer.k, row, col) == Written(3, head * 8 + source[r], col, 32));
        if (head < 2) CHECK(At(layer.v, row, col) == Written(4, row, col, 32));
        CHECK(At(layer.o, row, col) == Written(5, row, col, 32));
      }
    }
  }
}

TEST_CASE("norms of another type become F32") {
  GgufWriter writer;
  writer.String("general.architecture", "llama")
      .Int("llama.block_count", 1)
      .Int("llama.context_length", 8)
      .Int("llama.embedding_length", 4)
      .Int("llama.feed_forward_length", 6)
      .Int("llama.attention.head_count", 2)
      .Float("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  const std::vector<float> square(16, 1.0f), wide(24, 1.0f);
  const std::string halves("\x00\x3C\x00\x40\x00\x42\x00\x44", 8);  // 1, 2, 3, 4
  writer.TensorF32("token_embd.weight", {4, 3}, std::vector<float>(12, 1.0f));
  for (const char* norm : {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"}) {
    writer.Tensor(std::string(norm) + ".weight", {4}, 1, halves);
  }
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    writer.TensorF32("blk.0." + std::string(name) + ".weight", {4, 4}, square);
  }
  writer.TensorF32("blk.0.ffn_gate.weight", {4, 6}, wide)
      .TensorF32("blk.0.ffn_up.weight", {4, 6}, wide)
      .TensorF32("blk.0.ffn_down.weight", {6, 4}, wide);
  const TempFile file(writer.Bytes());
  const Checkpoint checkpoint = LoadLlamaGguf(file.path());
  const WeightView& norm = checkpoint.weights.layers[0].ffn_norm;
  CHECK(norm.dtype == DType::kF32);
  CHECK(At(norm, 0, 0) == 1.0f);
  CHECK(At(norm, 0, 3) == 4.0f);
  // Defaults where the file says nothing.
  CHECK(checkpoint.weights.shape.num_kv_heads == 2);
  CHECK(checkpoint.weights.shape.rope_theta == 10000.0f);
  CHECK(file.path().find(checkpoint.name) != std::string::npos);
  CHECK_FALSE(checkpoint.name.empty());
}

TEST_CASE("the chat template's format is recognised") {
  const TempFile file(TinyBytes(true, [](GgufWriter& w) {
    w.String("tokenizer.chat_template", "{{'<|im_start|>' + message['role']}}");
  }));
  CHECK(LoadLlamaGguf(file.path()).template_name == "chatml");
}

TEST_CASE("models that the forward pass does not compute are refused by name") {
  GgufWriter qwen;
  qwen.String("general.architecture", "qwen2");
  CHECK_THAT(LoadError(qwen.Bytes()), HasText("'qwen2' is not supported, only llama"));
  CHECK_THAT(LoadError(GgufWriter().Bytes()), HasText("general.architecture"));

  const auto with_string = [](const char* key, const char* value) {
    return ErrorWith([=](GgufWriter& w) { w.String(key, value); });
  };
  const auto with_int = [](const char* key, uint32_t value) {
    return ErrorWith([=](GgufWriter& w) { w.Int(key, value); });
  };
  const auto with_float = [](const char* key, float value) {
    return ErrorWith([=](GgufWriter& w) { w.Float(key, value); });
  };
  CHECK_THAT(with_string("llama.rope.scaling.type", "yarn"), HasText("RoPE scaling 'yarn'"));
  CHECK_THAT(with_float("llama.rope.scaling.factor", 8.0f), HasText("RoPE scaling by 8"));
  CHECK_THAT(with_float("llama.rope.scale_linear", 2.0f), HasText("RoPE scaling by 2"));
  CHECK_THAT(with_int("llama.attention.sliding_window", 4096), HasText("sliding_window"));
  CHECK_THAT(with_int("llama.expert_count", 8), HasText("expert_count"));
  CHECK_THAT(with_float("llama.logit_scale", 0.5f), HasText("logit_scale"));
  CHECK_THAT(with_int("llama.attention.value_length", 4), HasText("value_length"));
  CHECK_THAT(with_int("llama.attention.key_length", 16),
             HasText("differs from the head length 16"));
  CHECK_THAT(ErrorWith([](GgufWriter& w) { w.Bool("llama.attention.causal", 0); }),
             HasText("not causal"));
  CHECK_THAT(ErrorWith([](GgufWriter& w) { w.Bool("llama.use_parallel_residual", 1); }),
             HasText("parallel residual"));

  const auto with_tensor = [](const char* name) {
    return ErrorWith([=](GgufWriter& w) { w.TensorF32(name, {1}, {1.0f}); });
  };
  CHECK_THAT(with_tensor("blk.1.attn_q.bias"), HasText("biases are not supported"));
  CHECK_THAT(with_tensor("rope_freqs.weight"), HasText("RoPE scaling by frequency factors"));
  CHECK_THAT(with_tensor("blk.0.ffn_gate_exps.weight"), HasText("experts"));
  CHECK_THAT(with_tensor("blk.2.attn_q.weight"), HasText("no part of the LLaMA forward pass"));
}

TEST_CASE("neutral values of the same keys are accepted") {
  const TempFile file(TinyBytes(true, [](GgufWriter& w) {
    w.String("llama.rope.scaling.type", "none")
        .Float("llama.rope.scaling.factor", 1.0f)
        .Int("llama.attention.sliding_window", 0)
        .Int("llama.expert_count", 0)
        .Float("llama.logit_scale", 0.0f)
        .Bool("llama.attention.causal", 1)
        .Int("llama.attention.key_length", 8)
        .Int("llama.attention.value_length", 8)
        .Int("llama.vocab_size", 259);
  }));
  CHECK_NOTHROW(LoadLlamaGguf(file.path()));
}

TEST_CASE("metadata that contradict the tensors or themselves are refused") {
  CHECK_THAT(ErrorWithShape({.layers = 3}), HasText("blk.2.attn_norm.weight is missing"));
  CHECK_THAT(ErrorWithShape({.layers = 1}), HasText("blk.1."));
  CHECK_THAT(ErrorWithShape({.layers = 0}), HasText("llama.block_count: 0 is out of range"));
  CHECK_THAT(ErrorWithShape({.layers = 4000000000u}), HasText("out of range"));
  CHECK_THAT(ErrorWithShape({.layers = 2147483647u}), HasText("is missing"));
  CHECK_THAT(ErrorWithShape({.hidden = 64}),
             HasText("token_embd.weight is [259, 32], the metadata want [259, 64]"));
  CHECK_THAT(ErrorWithShape({.ffn = 65}), HasText("ffn_gate.weight is [64, 32]"));
  CHECK_THAT(ErrorWithShape({.heads = 5, .kv_heads = 5}), HasText("do not divide an embedding"));
  CHECK_THAT(ErrorWithShape({.kv_heads = 3}), HasText("3 KV heads do not divide 4"));
  CHECK_THAT(ErrorWithShape({.kv_heads = 4}), HasText("attn_k.weight is [16, 32]"));
  CHECK_THAT(ErrorWithShape({.heads = 32, .kv_heads = 32}), HasText("odd length 1"));
  CHECK_THAT(ErrorWithShape({.theta = 0.0f}), HasText("freq_base"));
  CHECK_THAT(ErrorWithShape({.theta = std::numeric_limits<float>::infinity()}),
             HasText("freq_base"));
  CHECK_THAT(ErrorWithShape({.theta = std::numeric_limits<float>::quiet_NaN()}),
             HasText("freq_base"));
  CHECK_THAT(ErrorWithShape({.eps = 0.0f}), HasText("rms_epsilon"));
  CHECK_THAT(ErrorWith([](GgufWriter& w) { w.Int("llama.vocab_size", 260); }),
             HasText("speaks of 260 tokens, token_embd.weight has 259 rows"));
}

}  // namespace sw
