// Token ids on which two independent tokenizers agreed, for texts that are easy to get wrong.
#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/testing/catch.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

nlohmann::json ReadGolden() {
  const char* folder = std::getenv("SW_GOLDEN_DIR");
  const std::string path =
      std::string(folder != nullptr ? folder : SW_SOURCE_DIR "/harness/testdata/golden") +
      "/smollm2_135m.json";
  INFO("golden file " << path);
  std::ifstream file(path);
  REQUIRE(file.is_open());
  return nlohmann::json::parse(file);
}

void CheckEntry(const Tokenizer& tokenizer, const nlohmann::json& entry) {
  const auto text = entry.at("text").get<std::string>();
  const auto ids = entry.at("ids").get<std::vector<int32_t>>();
  INFO("text: " << text.substr(0, 100));
  const Encoding encoding = tokenizer.Encode(text);
  CHECK(encoding.ids == ids);
  CHECK(tokenizer.Decode(encoding.ids) == text);
  // Each token starts where the bytes of those before it end.
  REQUIRE(encoding.offsets.size() == encoding.ids.size());
  size_t at = 0;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    REQUIRE(encoding.offsets[i] == static_cast<int32_t>(at));
    at += tokenizer.Decode(std::span(&encoding.ids[i], 1)).size();
  }
  CHECK(at == text.size());
}

}  // namespace

TEST_CASE("golden token ids of SmolLM2") {
  const nlohmann::json golden = ReadGolden();
  REQUIRE(golden.at("tokenize").size() >= 1);
  REQUIRE(golden.at("prompts").size() >= 1);
  const auto weights = testing::FindRealWeights();
  if (!weights) return;
  const auto tokenizer = TokenizerFromGguf(GgufFile(*weights));
  for (const auto& entry : golden.at("tokenize")) CheckEntry(*tokenizer, entry);
  for (const auto& prompt : golden.at("prompts")) {
    CheckEntry(*tokenizer, prompt);
    if (prompt.contains("greedy_ids")) {
      const auto ids = prompt.at("greedy_ids").get<std::vector<int32_t>>();
      CHECK(tokenizer->Decode(ids) == prompt.at("greedy_text").get<std::string>());
    }
  }
}

}  // namespace sw
