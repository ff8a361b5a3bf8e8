// The default checkpoint, when it has been fetched: its identity, its shape, and tokenising at
// speed.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "core/testing/catch.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/io/llama_checkpoint.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

TEST_CASE("the default checkpoint loads with its published shape") {
  const auto path = testing::FindRealWeights();
  if (!path) return;
  const Checkpoint checkpoint = LoadLlamaGguf(*path);
  CHECK(checkpoint.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
  CHECK(checkpoint.template_name == "chatml");
  const LlamaShape& shape = checkpoint.weights.shape;
  CHECK(shape.num_layers == 30);
  CHECK(shape.hidden_dim == 576);
  CHECK(shape.ffn_dim == 1536);
  CHECK(shape.num_q_heads == 9);
  CHECK(shape.num_kv_heads == 3);
  CHECK(shape.head_dim == 64);
  CHECK(shape.vocab_size == 49152);
  CHECK(shape.context_len == 8192);
  CHECK(shape.rope_theta == 100000.0f);
  CHECK(shape.norm_eps == 1e-5f);
  CHECK(checkpoint.weights.output.data == checkpoint.weights.token_embedding.data);
  CHECK(checkpoint.weights.token_embedding.dtype == DType::kQ8_0);
  CHECK(checkpoint.weights.layers[29].q.dtype == DType::kQ4_1);
  CHECK(checkpoint.weights.layers[29].attn_norm.dtype == DType::kF32);
}

TEST_CASE("the default checkpoint's tokenizer knows its special tokens") {
  const auto path = testing::FindRealWeights();
  if (!path) return;
  const auto tokenizer = TokenizerFromGguf(GgufFile(*path));
  CHECK(tokenizer->vocab_size() == 49152);
  CHECK(tokenizer->bos_to_add() == -1);
  const auto stops = tokenizer->stop_ids();
  CHECK(std::vector<int32_t>(stops.begin(), stops.end()) == std::vector<int32_t>{2, 0});
  CHECK(tokenizer->IdOf("<|im_start|>") == 1);
  CHECK(tokenizer->IsSpecial(1));
  CHECK_FALSE(tokenizer->IsSpecial(504));
  for (int32_t id = 0; id < tokenizer->vocab_size(); ++id) {
    REQUIRE(tokenizer->IdOf(tokenizer->Decode(std::span(&id, 1))) == id);
  }
}

TEST_CASE("no text makes tokenising slow") {
  const auto path = testing::FindRealWeights();
  if (!path) return;
  const auto tokenizer = TokenizerFromGguf(GgufFile(*path));
  const auto encode_ms = [&](const std::string& text) {
    const auto start = Clock::now();
    const Encoding encoding = tokenizer->Encode(text);
    const double ms = MillisecondsSince(start);
    CHECK(tokenizer->Decode(encoding.ids) == text);
    return ms;
  };
  std::string prose;
  for (int i = 0; prose.size() < 30000; ++i) {
    prose +=
        "The grass is green, the sky is blue; number " + std::to_string(i * 7919) + " is lucky.\n";
  }
  const double prose_ms = encode_ms(prose);
  INFO("30 KB of prose took " << prose_ms << " ms");
  CHECK(prose_ms < 500.0);  // under 1 ms when measured; the bound leaves room for sanitizers
  // An algorithm that is quadratic in any of these would take minutes.
  // "\xC3" alone is malformed UTF-8, though the vocabulary has a token for the byte.
  const std::vector<std::string> units = {"x", " ",    "\n",    "7",
                                          "-", "\xC3", "<|im_", "\xE6\x97\xA5"};
  for (const std::string& unit : units) {
    std::string text;
    while (text.size() < 300000) text += unit;
    const double ms = encode_ms(text);
    INFO("unit '" << unit << "' took " << ms << " ms");
    CHECK(ms < 10000.0);
  }
}

}  // namespace sw
