// Damaged files: whatever a byte says, the reader answers with a model or with a UserError.
// Worth most under the asan-ubsan preset, where the parsed bytes end at the end of a heap block.
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/io/gguf.h"
#include "harness/io/llama_checkpoint.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

using testing::Encoded;
using testing::GgufWriter;
using testing::TempFile;

GgufWriter MakeSmallFile() {
  GgufWriter writer;
  writer.Int("general.alignment", 32)
      .Bool("flag", 1)
      .Float("x", 0.5f)
      .String("s", "text")
      .Strings("list", {"ab", "", "c"})
      .Ints("ints", {1, 2, 3})
      .Raw("nested", GgufType::kArray,
           Encoded(uint32_t{9}) + Encoded(uint64_t{1}) + Encoded(uint32_t{0}) +
               Encoded(uint64_t{2}) + "zz")
      .TensorF32("a", {3, 2}, {1, 2, 3, 4, 5, 6})
      .Tensor("b", {32, 2}, 8, std::string(68, 'q'));
  return writer;
}

// Reads all that a parse admits, so that a wrong extent is touched.
uint64_t Touch(const GgufContents& contents) {
  uint64_t sum = 0;
  for (const auto& [key, value] : contents.metadata) {
    for (const uint8_t byte : value.bytes) sum += byte;
  }
  for (const auto& [name, tensor] : contents.tensors) {
    for (const uint8_t byte : tensor.data) sum += byte;
    SW_CHECK(tensor.rows() * RowBytes(tensor.dtype, tensor.cols()) ==
             static_cast<int64_t>(tensor.data.size()));
  }
  return sum;
}

// True when the bytes parse; a UserError is false, anything else fails the test.
bool Parses(const std::string& bytes) {
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  try {
    return Touch(ParseGguf(copy, "some.gguf")) > 0;
  } catch (const UserError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a file cut at any byte is refused") {
  const std::string whole = MakeSmallFile().Bytes();
  REQUIRE(Parses(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    INFO("cut at " << length);
    REQUIRE_FALSE(Parses(whole.substr(0, length)));
  }
}

TEST_CASE("any changed byte of a header parses or is refused") {
  const GgufWriter writer = MakeSmallFile();
  const std::string whole = writer.Bytes();
  int refused = 0, parsed = 0;
  for (size_t at = 0; at < writer.HeaderBytes(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(value);
      INFO("byte " << at << " set to " << value);
      ++(Parses(damaged) ? parsed : refused);
    }
  }
  // Most of a header is structure; the rest is names and scalar values.
  CHECK(refused > 1000);
  CHECK(parsed > 1000);
}

TEST_CASE("any changed byte of a model's header loads or is refused, tokenizer included") {
  testing::TinyLlama tiny = testing::MakeTinyLlama();
  testing::TinyLlama::AddTensors(&tiny.metadata, true);
  const std::string whole = tiny.metadata.Bytes();
  int loaded = 0, refused = 0;
  const auto load = [&](const std::string& bytes) {
    const TempFile file(bytes);
    try {
      const Checkpoint checkpoint = LoadLlamaGguf(file.path());
      const auto tokenizer = TokenizerFromGguf(*checkpoint.file);
      const Encoding encoding = tokenizer->Encode("abc <|im_start|>\n12");
      tokenizer->Decode(encoding.ids);
      ++loaded;
    } catch (const UserError& error) {
      REQUIRE_THAT(std::string(error.what()), testing::HasText(file.path()));
      ++refused;
    }
  };
  load(whole);
  REQUIRE(loaded == 1);
  for (size_t at = 0; at < tiny.metadata.HeaderBytes(); ++at) {
    for (const int mask : {1 << (at % 8), 0xFF}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      INFO("byte " << at << " xor " << mask);
      load(damaged);
    }
  }
  CHECK(refused > 1000);
  CHECK(loaded > 100);
}

}  // namespace sw
