// The whole model against logits and greedy text that Hugging Face transformers computed in float32
// from the same weights. Runs every prompt of smollm2_135m.json, here or under SW_GOLDEN_DIR.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/attention/policy_factory.h"
#include "core/model/llama.h"
#include "core/testing/catch.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/io/llama_checkpoint.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using Json = nlohmann::json;

std::filesystem::path WeightsPath() {
  const char* models = std::getenv("SWHARNESS_MODELS");
  const std::filesystem::path root =
      models != nullptr ? models : std::filesystem::path(SW_SOURCE_DIR) / "models";
  return root / "smollm2-135m" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

Json ReadGolden() {
  const char* folder = std::getenv("SW_GOLDEN_DIR");
  const std::filesystem::path root =
      folder != nullptr ? folder : std::filesystem::path(SW_SOURCE_DIR) / "harness/testdata/golden";
  std::ifstream file(root / "smollm2_135m.json");
  if (!file) return {};
  return Json::parse(file);
}

double LogSumExp(std::span<const float> logits) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float x : logits) sum += std::exp(x - max);
  return max + std::log(sum);
}

// Both sides are float32 arithmetic over 30 layers in different orders; logits are near 20, where a
// float32 step is 2e-6, and errors grow to a few hundred steps. NaN does not pass.
void CheckLogits(const Json& prompt, std::span<const float> logits) {
  constexpr double kAllowed = 2e-3;
  double worst = 0.0;
  for (const Json& entry : prompt.at("top")) {
    const double diff = std::abs(logits[entry.at(0).get<size_t>()] - entry.at(1).get<double>());
    CHECK(diff <= kAllowed);
    worst = std::max(worst, diff);
  }
  const Json& strided = prompt.at("logits_stride_97");
  for (size_t i = 0; i < strided.size(); ++i) {
    const double diff = std::abs(logits[i * 97] - strided[i].get<double>());
    REQUIRE(diff <= kAllowed);
    worst = std::max(worst, diff);
  }
  CHECK(std::abs(LogSumExp(logits) - prompt.at("logsumexp").get<double>()) <= kAllowed);
  CHECK(std::max_element(logits.begin(), logits.end()) - logits.begin() ==
        prompt.at("top").at(0).at(0).get<int64_t>());
  INFO("worst logit difference " << worst << " of " << kAllowed << " allowed");
  CHECK(worst <= kAllowed);
}

// Follows the golden's greedy tokens. Where our argmax differs, the two logits must be so close
// that float32 cannot tell them apart; the text may differ from there on.
void CheckGreedy(const Json& prompt, Llama& model, Sequence& sequence, std::vector<float> logits) {
  Sequence* const one[] = {&sequence};
  for (const int32_t want : prompt.at("greedy_ids").get<std::vector<int32_t>>()) {
    const auto best =
        static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (best != want) {
      const float gap = logits[static_cast<size_t>(best)] - logits[static_cast<size_t>(want)];
      INFO("token " << best << " instead of " << want);
      CHECK(gap <= 2e-3f);
      return;
    }
    const int32_t id[] = {want};
    logits = model.DecodeStep(one, id);
  }
}

TEST_CASE("golden: SmolLM2-135M logits and greedy text", "[golden]") {
  if (!std::filesystem::exists(WeightsPath())) {
    WARN("skipped: " << WeightsPath() << " is missing; run scripts/fetch_model smollm2-135m");
    return;
  }
  const Json golden = ReadGolden();
  if (golden.is_null() && std::getenv("SW_GOLDEN_DIR") != nullptr) {
    WARN("skipped: no smollm2_135m.json under SW_GOLDEN_DIR");
    return;
  }
  const Checkpoint checkpoint = LoadLlamaGguf(WeightsPath());
  const std::unique_ptr<Tokenizer> tokenizer = TokenizerFromGguf(*checkpoint.file);
  ReferenceBackend backend;
  Llama model(checkpoint.weights, backend);
  const LlamaShape& shape = model.shape();
  const auto dense =
      MakePolicy(DenseConfig{}, {shape.num_q_heads, shape.num_kv_heads, shape.head_dim},
                 shape.num_layers, backend);
  REQUIRE(!golden.at("prompts").empty());
  for (const Json& prompt : golden.at("prompts")) {
    INFO("prompt " << prompt.value("name", "?"));
    const auto want_ids = prompt.at("ids").get<std::vector<int32_t>>();
    const std::vector<int32_t> ids = tokenizer->Encode(prompt.at("text").get<std::string>()).ids;
    REQUIRE(ids == want_ids);
    const size_t num_new = prompt.at("greedy_ids").size();
    const auto sequence =
        model.NewSequence(*dense, static_cast<int>(ids.size() + num_new) + 1, /*sample_key=*/0);
    const std::vector<float> logits = model.Prefill(*sequence, ids, 1);
    CheckLogits(prompt, logits);
    CheckGreedy(prompt, model, *sequence, logits);
    CHECK(tokenizer->Decode(prompt.at("greedy_ids").get<std::vector<int32_t>>()) ==
          prompt.at("greedy_text").get<std::string>());
  }
}

}  // namespace
}  // namespace sw
