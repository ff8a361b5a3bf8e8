// For tests: writes tiny GGUF files, and finds the real weights where they have been fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/io/gguf.h"

namespace sw::testing {

// A file that is deleted when the object goes.
class TempFile {
 public:
  explicit TempFile(std::string_view contents);
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Builds the bytes of a GGUF file. Keys and tensors keep the order of the calls; nothing is
// checked, so that wrong files can be written too.
class GgufWriter {
 public:
  uint32_t version = 3;
  uint32_t alignment = 32;  // of the layout; the metadata key is the caller's to write

  GgufWriter& Int(std::string_view key, uint32_t value);
  GgufWriter& Float(std::string_view key, float value);
  GgufWriter& Bool(std::string_view key, uint8_t value);
  GgufWriter& String(std::string_view key, std::string_view value);
  GgufWriter& Strings(std::string_view key, const std::vector<std::string>& values);
  GgufWriter& Ints(std::string_view key, const std::vector<int32_t>& values);
  // A value already encoded.
  GgufWriter& Raw(std::string_view key, GgufType type, std::string_view encoded);
  // `type_code` is the format's own; `offset` in the data overrides the next free place.
  GgufWriter& Tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type_code,
                     std::string_view data, std::optional<uint64_t> offset = {});
  GgufWriter& TensorF32(std::string_view name, const std::vector<uint64_t>& dims,
                        const std::vector<float>& values);

  std::string Bytes() const;
  size_t HeaderBytes() const;  // all before the tensor data, without padding

 private:
  std::string Header() const;

  uint64_t num_keys_ = 0;
  uint64_t num_tensors_ = 0;
  std::string keys_;
  std::string tensors_;
  std::string data_;
};

template <class T>
std::string Encoded(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string EncodedString(std::string_view text);

// What MakeTinyLlama builds: sizes that differ from each other wherever they may.
struct TinyLlama {
  static constexpr int kLayers = 2, kHidden = 32, kFfn = 64, kQHeads = 4, kKvHeads = 2,
                       kHeadDim = 8;
  static constexpr int kContext = 48, kVocab = 259;

  GgufWriter metadata;  // tokenizer and shape
  // Adds the tensors. Element e of the n-th tensor is n + e / 4096 (exact in float).
  static void AddTensors(GgufWriter* writer, bool tied);
};
TinyLlama MakeTinyLlama();

// The path of SmolLM2's weights, from SWHARNESS_MODELS or the source tree. Where they have not been
// fetched: nothing, and a visible reason.
std::optional<std::string> FindRealWeights();

}  // namespace sw::testing
