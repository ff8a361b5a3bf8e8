#include "harness/io/testing_gguf.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "core/testing/catch.h"
#include "harness/io/byte_map.h"

namespace sw::testing {
namespace {

constexpr uint32_t kCodeF32 = 0;

}  // namespace

TempFile::TempFile(std::string_view contents) {
  std::string path = (std::filesystem::temp_directory_path() / "sw_io_test_XXXXXX").string();
  const int fd = mkstemp(path.data());
  REQUIRE(fd >= 0);
  close(fd);
  path_ = path;
  std::ofstream(path_, std::ios::binary)
      .write(contents.data(), static_cast<std::streamsize>(contents.size()));
}

TempFile::~TempFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::string EncodedString(std::string_view text) {
  return Encoded<uint64_t>(text.size()) + std::string(text);
}

GgufWriter& GgufWriter::Raw(std::string_view key, GgufType type, std::string_view encoded) {
  keys_ += EncodedString(key) + Encoded(static_cast<uint32_t>(type)) + std::string(encoded);
  ++num_keys_;
  return *this;
}

GgufWriter& GgufWriter::Int(std::string_view key, uint32_t value) {
  return Raw(key, GgufType::kUint32, Encoded(value));
}

GgufWriter& GgufWriter::Float(std::string_view key, float value) {
  return Raw(key, GgufType::kFloat32, Encoded(value));
}

GgufWriter& GgufWriter::Bool(std::string_view key, uint8_t value) {
  return Raw(key, GgufType::kBool, Encoded(value));
}

GgufWriter& GgufWriter::String(std::string_view key, std::string_view value) {
  return Raw(key, GgufType::kString, EncodedString(value));
}

GgufWriter& GgufWriter::Strings(std::string_view key, const std::vector<std::string>& values) {
  std::string encoded = Encoded(static_cast<uint32_t>(GgufType::kString));
  encoded += Encoded<uint64_t>(values.size());
  for (const std::string& value : values) encoded += EncodedString(value);
  return Raw(key, GgufType::kArray, encoded);
}

GgufWriter& GgufWriter::Ints(std::string_view key, const std::vector<int32_t>& values) {
  std::string encoded = Encoded(static_cast<uint32_t>(GgufType::kInt32));
  encoded += Encoded<uint64_t>(values.size());
  for (const int32_t value : values) encoded += Encoded(value);
  return Raw(key, GgufType::kArray, encoded);
}

GgufWriter& GgufWriter::Tensor(std::string_view name, const std::vector<uint64_t>& dims,
                               uint32_t type_code, std::string_view data,
                               std::optional<uint64_t> offset) {
  data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
  tensors_ += EncodedString(name) + Encoded(static_cast<uint32_t>(dims.size()));
  for (const uint64_t dim : dims) tensors_ += Encoded(dim);
  tensors_ += Encoded(type_code) + Encoded<uint64_t>(offset.value_or(data_.size()));
  data_ += data;
  ++num_tensors_;
  return *this;
}

GgufWriter& GgufWriter::TensorF32(std::string_view name, const std::vector<uint64_t>& dims,
                                  const std::vector<float>& values) {
  return Tensor(name, dims, kCodeF32,
                {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

std::string GgufWriter::Header() const {
  return "GGUF" + Encoded(version) + Encoded(num_tensors_) + Encoded(num_keys_) + keys_ + tensors_;
}

size_t GgufWriter::HeaderBytes() const { return Header().size(); }

std::string GgufWriter::Bytes() const {
  std::string bytes = Header();
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
  return bytes + data_;
}

TinyLlama MakeTinyLlama() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(SpellByte(static_cast<uint8_t>(byte)));
  tokens.insert(tokens.end(), {"<|im_start|>", "<|im_end|>", "ab"});
  std::vector<int32_t> types(tokens.size(), 1);
  types[256] = types[257] = 3;
  TinyLlama tiny;
  tiny.metadata.String("general.architecture", "llama")
      .String("general.name", "Tiny")
      .Int("llama.block_count", TinyLlama::kLayers)
      .Int("llama.context_length", TinyLlama::kContext)
      .Int("llama.embedding_length", TinyLlama::kHidden)
      .Int("llama.feed_forward_length", TinyLlama::kFfn)
      .Int("llama.attention.head_count", TinyLlama::kQHeads)
      .Int("llama.attention.head_count_kv", TinyLlama::kKvHeads)
      .Int("llama.rope.dimension_count", TinyLlama::kHeadDim)
      .Float("llama.rope.freq_base", 5000.0f)
      .Float("llama.attention.layer_norm_rms_epsilon", 1e-6f)
      .String("tokenizer.ggml.model", "gpt2")
      .String("tokenizer.ggml.pre", "smollm")
      .Strings("tokenizer.ggml.tokens", tokens)
      .Ints("tokenizer.ggml.token_type", types)
      .Strings("tokenizer.ggml.merges", {"a b"})
      .Bool("tokenizer.ggml.add_bos_token", 1)
      .Int("tokenizer.ggml.bos_token_id", 256)
      .Int("tokenizer.ggml.eos_token_id", 257);
  return tiny;
}

void TinyLlama::AddTensors(GgufWriter* writer, bool tied) {
  int number = 0;
  const auto add = [&](const std::string& name, uint64_t cols, uint64_t rows) {
    std::vector<float> values(cols * rows);
    for (size_t e = 0; e < values.size(); ++e) {
      values[e] = static_cast<float>(number) + static_cast<float>(e) / 4096.0f;
    }
    ++number;
    if (rows == 1) {
      writer->TensorF32(name, {cols}, values);
    } else {
      writer->TensorF32(name, {cols, rows}, values);
    }
  };
  constexpr uint64_t kQDim = kQHeads * kHeadDim, kKvDim = kKvHeads * kHeadDim;
  add("token_embd.weight", kHidden, kVocab);
  for (int layer = 0; layer < kLayers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    add(prefix + "attn_norm.weight", kHidden, 1);
    add(prefix + "attn_q.weight", kHidden, kQDim);
    add(prefix + "attn_k.weight", kHidden, kKvDim);
    add(prefix + "attn_v.weight", kHidden, kKvDim);
    add(prefix + "attn_output.weight", kQDim, kHidden);
    add(prefix + "ffn_norm.weight", kHidden, 1);
    add(prefix + "ffn_gate.weight", kHidden, kFfn);
    add(prefix + "ffn_up.weight", kHidden, kFfn);
    add(prefix + "ffn_down.weight", kFfn, kHidden);
  }
  add("output_norm.weight", kHidden, 1);
  if (!tied) add("output.weight", kHidden, kVocab);
}

std::optional<std::string> FindRealWeights() {
  const char* models = std::getenv("SWHARNESS_MODELS");
  const std::string folder = models != nullptr ? models : SW_SOURCE_DIR "/models";
  std::string path = folder + "/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: needs the real weights, and " << path
                                               << " is absent; scripts/fetch_model smollm2-135m");
  return std::nullopt;
}

}  // namespace sw::testing
