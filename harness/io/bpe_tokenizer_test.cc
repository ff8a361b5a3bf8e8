#include "harness/io/bpe_tokenizer.h"

#include <thread>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "harness/io/byte_map.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

using testing::HasText;
using testing::MessageOf;
using testing::TempFile;
using Ids = std::vector<int32_t>;

constexpr int32_t kLow = 256, kSpaceLow = 257, kLowSpaced = 258, kStart = 259, kStartLong = 260,
                  kTwoSpaces = 261, kRaw = 262;

// All bytes (id = byte), then: "lo", " lo", " low", two control tokens of which one begins with the
// other, a user-defined one, and an entry outside the byte map.
BpeTables MakeTables() {
  BpeTables tables;
  tables.pretokenizer = "gpt2";
  for (int byte = 0; byte < 256; ++byte) {
    tables.tokens.push_back(SpellByte(static_cast<uint8_t>(byte)));
  }
  tables.kinds.assign(256, TokenKind::kOrdinary);
  const auto add = [&](const std::string& spelling, TokenKind kind) {
    tables.tokens.push_back(spelling);
    tables.kinds.push_back(kind);
  };
  add("lo", TokenKind::kOrdinary);
  add("\xC4\xA0lo", TokenKind::kOrdinary);
  add("\xC4\xA0low", TokenKind::kOrdinary);
  add("<|s|>", TokenKind::kControl);
  add("<|s|>x", TokenKind::kControl);
  add("  ", TokenKind::kUserDefined);
  add("\xE6\x97\xA5", TokenKind::kOrdinary);
  tables.merges = {"l o", "\xC4\xA0 lo", "\xC4\xA0lo w"};
  tables.stop_ids = {kStart};
  return tables;
}

Ids Encode(const Tokenizer& tokenizer, std::string_view text) { return tokenizer.Encode(text).ids; }

}  // namespace

TEST_CASE("encode and decode by a vocabulary made by hand") {
  const BpeTokenizer tokenizer(MakeTables());
  CHECK(Encode(tokenizer, "low low") == Ids{kLow, 'w', kLowSpaced});
  CHECK(Encode(tokenizer, "a lo") == Ids{'a', kSpaceLow});
  CHECK(Encode(tokenizer, "").empty());
  CHECK(Encode(tokenizer, "\xE6\x97\xA5") == Ids{0xE6, 0x97, 0xA5});
  CHECK(tokenizer.Decode(Ids{kLowSpaced, kStart, kRaw, 0xE6}) == " low<|s|>\xE6\x97\xA5\xE6");
  CHECK(tokenizer.vocab_size() == 263);
  CHECK(tokenizer.bos_to_add() == -1);
  CHECK(tokenizer.stop_ids()[0] == kStart);
  CHECK_THROWS_AS(tokenizer.Decode(Ids{263}), BugError);
  CHECK_THROWS_AS(tokenizer.Decode(Ids{-1}), BugError);
}

TEST_CASE("special tokens are found first, the longest where they begin together") {
  const BpeTokenizer tokenizer(MakeTables());
  CHECK(Encode(tokenizer, "a<|s|>b") == Ids{'a', kStart, 'b'});
  CHECK(Encode(tokenizer, "<|s|>x<|s|>") == Ids{kStartLong, kStart});
  CHECK(Encode(tokenizer, "<|s|") == Ids{'<', '|', 's', '|'});
  CHECK(Encode(tokenizer, "l  o") == Ids{'l', kTwoSpaces, 'o'});
  CHECK(Encode(tokenizer, "l   o") == Ids{'l', kTwoSpaces, ' ', 'o'});
  CHECK(tokenizer.IsSpecial(kStart));
  CHECK_FALSE(tokenizer.IsSpecial(kTwoSpaces));
  CHECK_FALSE(tokenizer.IsSpecial('a'));
}

TEST_CASE("ids by what they decode to") {
  const BpeTokenizer tokenizer(MakeTables());
  CHECK(tokenizer.IdOf(" low") == kLowSpaced);
  CHECK(tokenizer.IdOf("<|s|>") == kStart);
  CHECK(tokenizer.IdOf("  ") == kTwoSpaces);
  CHECK(tokenizer.IdOf("\xC4\xA0low") == -1);
  CHECK(tokenizer.IdOf("absent") == -1);
  CHECK(tokenizer.IdOf("") == -1);
}

TEST_CASE("offsets are where each token's bytes start") {
  const BpeTokenizer tokenizer(MakeTables());
  const Encoding encoding = tokenizer.Encode("low low<|s|>xa\xFF\xE6\x97\xA5");
  CHECK(encoding.ids == Ids{kLow, 'w', kLowSpaced, kStartLong, 'a', 0xFF, 0xE6, 0x97, 0xA5});
  CHECK(encoding.offsets == Ids{0, 2, 3, 7, 13, 14, 15, 16, 17});
}

TEST_CASE("any bytes survive a round trip when every byte has a token") {
  for (const char* rules : {"gpt2", "smollm", "llama-bpe"}) {
    BpeTables tables = MakeTables();
    tables.pretokenizer = rules;
    const BpeTokenizer tokenizer(tables);
    Rng rng(6, StreamOf(rules));
    for (int round = 0; round < 500; ++round) {
      std::string text;
      const uint64_t length = rng.Below(100);
      for (uint64_t i = 0; i < length; ++i) {
        text +=
            rng.Below(2) == 0 ? "low <|s|>x  "[rng.Below(12)] : static_cast<char>(rng.Below(256));
      }
      const Encoding encoding = tokenizer.Encode(text);
      REQUIRE(tokenizer.Decode(encoding.ids) == text);
      REQUIRE(encoding.offsets.size() == encoding.ids.size());
    }
  }
}

TEST_CASE("llama-bpe takes a whole piece that is a token without merging it") {
  BpeTables tables = MakeTables();
  tables.tokens.push_back("wol");  // no merge makes it
  tables.kinds.push_back(TokenKind::kOrdinary);
  CHECK(Encode(BpeTokenizer(tables), "wol") == Ids{'w', 'o', 'l'});
  tables.pretokenizer = "llama-bpe";
  CHECK(Encode(BpeTokenizer(tables), "wol") == Ids{263});
  CHECK(Encode(BpeTokenizer(tables), "wolo") == Ids{'w', 'o', kLow});
}

TEST_CASE("threads that share a tokenizer get the same ids") {
  const BpeTokenizer tokenizer(MakeTables());
  std::string text;
  for (int i = 0; i < 500; ++i) text += " low" + std::to_string(i) + "lo";
  const Ids expected = Encode(BpeTokenizer(MakeTables()), text);
  std::vector<Ids> found(4);
  std::vector<std::thread> threads;
  for (Ids& ids : found) threads.emplace_back([&] { ids = Encode(tokenizer, text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : found) CHECK(ids == expected);
}

TEST_CASE("tables that contradict themselves are refused") {
  const auto refuse = [](auto&& damage, const char* expected) {
    BpeTables tables = MakeTables();
    damage(tables);
    CHECK_THAT(MessageOf<UserError>([&] { BpeTokenizer tokenizer(tables); }), HasText(expected));
  };
  refuse([](BpeTables& t) { t.merges.push_back("lo q"); }, "merge rule 3");
  refuse([](BpeTables& t) { t.merges.push_back("lo"); }, "not two tokens");
  refuse([](BpeTables& t) { t.merges.push_back(""); }, "not two tokens");
  refuse([](BpeTables& t) { t.merges.push_back("l \xE6\x97\xA5"); }, "byte-level");
  refuse([](BpeTables& t) { t.stop_ids.push_back(263); }, "stop token has id 263");
  refuse([](BpeTables& t) { t.bos_to_add = 263; }, "BOS token");
}

TEST_CASE("a tokenizer is made as the metadata say") {
  const TempFile file(testing::MakeTinyLlama().metadata.Bytes());
  const auto tokenizer = TokenizerFromGguf(GgufFile(file.path()));
  CHECK(Encode(*tokenizer, "<|im_start|>ab<|im_end|>") == Ids{256, 258, 257});
  CHECK(tokenizer->bos_to_add() == 256);
  const auto stops = tokenizer->stop_ids();
  CHECK(Ids(stops.begin(), stops.end()) == Ids{257});
}

TEST_CASE("GGUF tokenizers of other kinds, or damaged, are refused by path") {
  const auto refuse = [](const testing::GgufWriter& writer, const std::string& expected) {
    const TempFile file(writer.Bytes());
    const std::string message =
        MessageOf<UserError>([&] { TokenizerFromGguf(GgufFile(file.path())); });
    CHECK_THAT(message, HasText(file.path()));
    CHECK_THAT(message, HasText(expected));
  };
  const auto base = [](const char* model, const char* pre) {
    testing::GgufWriter writer;
    writer.String("tokenizer.ggml.model", model).String("tokenizer.ggml.pre", pre);
    return writer;
  };
  const std::string kTokens = "tokenizer.ggml.tokens", kTypes = "tokenizer.ggml.token_type",
                    kMerges = "tokenizer.ggml.merges";
  refuse(testing::GgufWriter(), "tokenizer.ggml.model");
  refuse(base("llama", "default"), "'llama' is not supported");
  refuse(base("gpt2", "smollm"), kTokens);
  refuse(base("gpt2", "smollm").Strings(kTokens, {"a"}), kMerges);
  refuse(base("gpt2", "qwen2").Strings(kTokens, {"a"}).Strings(kMerges, {}), "qwen2");
  refuse(base("gpt2", "gpt2").Strings(kTokens, {"a"}).Strings(kMerges, {}).Ints(kTypes, {1, 1}),
         "2 entries for 1 tokens");
  refuse(base("gpt2", "gpt2").Strings(kTokens, {"a"}).Strings(kMerges, {}).Ints(kTypes, {7}),
         "unknown type 7");
  refuse(base("gpt2", "gpt2").Strings(kTokens, {"a"}).Strings(kMerges, {"a b"}), "merge rule 0");
  // Llama 3's rules want a BOS even where the file does not say so.
  refuse(base("gpt2", "llama-bpe").Strings(kTokens, {"a"}).Strings(kMerges, {}), "bos_token_id");
  refuse(base("gpt2", "gpt2")
             .Strings(kTokens, {"a"})
             .Strings(kMerges, {})
             .Int("tokenizer.ggml.eos_token_id", 1),
         "is no token of a vocabulary of 1");
}

TEST_CASE("stop ids gather EOS, EOT and the special ends of turn") {
  testing::GgufWriter writer;
  writer.String("tokenizer.ggml.model", "gpt2")
      .String("tokenizer.ggml.pre", "llama-bpe")
      .Strings("tokenizer.ggml.tokens",
               {"a", "<|endoftext|>", "<|eot_id|>", "<bos>", "<eos>", "<|im_end|>"})
      .Ints("tokenizer.ggml.token_type", {1, 3, 3, 3, 3, 1})  // the last is ordinary text
      .Strings("tokenizer.ggml.merges", {})
      .Int("tokenizer.ggml.bos_token_id", 3)
      .Int("tokenizer.ggml.eos_token_id", 4)
      .Int("tokenizer.ggml.eot_token_id", 2);
  const TempFile file(writer.Bytes());
  const auto tokenizer = TokenizerFromGguf(GgufFile(file.path()));
  const auto stops = tokenizer->stop_ids();
  CHECK(Ids(stops.begin(), stops.end()) == Ids{4, 2, 1});
  CHECK(tokenizer->bos_to_add() == 3);
}

}  // namespace sw
