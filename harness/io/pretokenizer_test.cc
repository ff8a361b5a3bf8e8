#include "harness/io/pretokenizer.h"

#include <string>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

using testing::HasText;
using testing::MessageOf;
using Pieces = std::vector<std::string>;

Pieces Split(std::string_view rules, std::string_view text) {
  std::vector<TextRange> ranges;
  Pretokenizer::ByName(rules).Split(text, &ranges);
  Pieces pieces;
  size_t at = 0;
  for (const TextRange& range : ranges) {
    REQUIRE(range.begin == at);
    REQUIRE(range.end > range.begin);
    at = range.end;
    pieces.emplace_back(text.substr(range.begin, range.end - range.begin));
  }
  REQUIRE(at == text.size());
  return pieces;
}

}  // namespace

TEST_CASE("gpt2 pieces") {
  CHECK(Split("gpt2", "Hello world") == Pieces{"Hello", " world"});
  CHECK(Split("gpt2", "  two  spaces") == Pieces{" ", " two", " ", " spaces"});
  CHECK(Split("gpt2", "we'll don'T 's") == Pieces{"we", "'ll", " don", "'", "T", " '", "s"});
  CHECK(Split("gpt2", "a1234 56!?") == Pieces{"a", "1234", " 56", "!?"});
  CHECK(Split("gpt2", "x \n\n y \n") == Pieces{"x", " \n\n", " y", " \n"});
  CHECK(Split("gpt2", "na\xC3\xAFve\xC2\xA0x") == Pieces{"na\xC3\xAFve", "\xC2\xA0", "x"});
  CHECK(Split("gpt2", "") == Pieces{});
  CHECK(Split("gpt-2", " ") == Pieces{" "});
}

TEST_CASE("smollm pieces: numbers one by one, whatever their script") {
  CHECK(Split("smollm", "a1234 56!") == Pieces{"a", "1", "2", "3", "4", " ", "5", "6", "!"});
  // Whitespace in front of a number is not shared out: the number ended the stretch before.
  CHECK(Split("smollm", "a   1") == Pieces{"a", "   ", "1"});
  CHECK(Split("smollm", "a   b") == Pieces{"a", "  ", " b"});
  CHECK(Split("smollm", "\xD9\xA1\xD9\xA2 \xE2\x85\xA7\xC2\xBD") ==
        Pieces{"\xD9\xA1", "\xD9\xA2", " ", "\xE2\x85\xA7", "\xC2\xBD"});
  CHECK(Split("smollm", "it's 4's") == Pieces{"it", "'s", " ", "4", "'s"});
}

TEST_CASE("smollm in one pass is gpt2 between numbers") {
  const std::string alphabet[] = {"a", "Z", "\xC3\xA9",     "1",    "\xC2\xBD",
                                  " ", " ", "\n",           "\t",   "'s",
                                  "'", "!", "\xE2\x80\x83", "\xC3", "\xF0\x9F\x98\x80"};
  const Pretokenizer gpt2 = Pretokenizer::ByName("gpt2");
  const Pretokenizer smollm = Pretokenizer::ByName("smollm");
  Rng rng(3, StreamOf("smollm"));
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    std::vector<TextRange> expected;
    size_t stretch = 0;
    const auto finish_stretch = [&] {
      std::vector<TextRange> inner;
      gpt2.Split(std::string_view(text).substr(stretch), &inner);
      for (const TextRange& r : inner) expected.push_back({r.begin + stretch, r.end + stretch});
    };
    for (uint64_t i = 0, length = rng.Below(13); i < length; ++i) {
      const std::string& next = alphabet[rng.Below(std::size(alphabet))];
      if (next == "1" || next == "\xC2\xBD") {
        finish_stretch();
        expected.push_back({text.size(), text.size() + next.size()});
        stretch = text.size() + next.size();
      }
      text += next;
    }
    finish_stretch();
    std::vector<TextRange> pieces;
    smollm.Split(text, &pieces);
    INFO("text '" << text << "'");
    REQUIRE(pieces == expected);
  }
}

TEST_CASE("llama-bpe pieces") {
  CHECK(Split("llama-bpe", "Hello world") == Pieces{"Hello", " world"});
  CHECK(Split("llama-bpe", "12345 678") == Pieces{"123", "45", " ", "678"});
  CHECK(Split("llama-bpe", "I'LL don't") == Pieces{"I", "'LL", " don", "'t"});
  CHECK(Split("llama-bpe", "(foo)\n\n bar") == Pieces{"(foo", ")\n\n", " bar"});
  CHECK(Split("llama-bpe", "x  \n \n  y") == Pieces{"x", "  \n \n", " ", " y"});
  CHECK(Split("llama3", "a\tb") == Pieces{"a", "\tb"});
  CHECK(Split("llama-v3", "a !b") == Pieces{"a", " !", "b"});
}

TEST_CASE("whitespace is Unicode's") {
  // U+0085 and U+3000 are white space; U+180E and U+200B are not.
  CHECK(Split("gpt2", "a\xC2\x85 b") == Pieces{"a", "\xC2\x85", " b"});
  CHECK(Split("gpt2",
              "a\xE3\x80\x80"
              "b") == Pieces{"a", "\xE3\x80\x80", "b"});
  CHECK(Split("gpt2", "a \xE1\xA0\x8E!") == Pieces{"a", " \xE1\xA0\x8E!"});
  CHECK(Split("gpt2", "a \xE2\x80\x8B!") == Pieces{"a", " \xE2\x80\x8B!"});
}

TEST_CASE("malformed bytes are pieces of their own and end what precedes them") {
  for (const char* rules : {"gpt2", "smollm", "llama-bpe"}) {
    CHECK(Split(rules,
                "ab\xFF"
                "cd") == Pieces{"ab", "\xFF", "cd"});
    CHECK(Split(rules, "\xE6\x97") == Pieces{"\xE6", "\x97"});
    CHECK(Split(rules, "a  \xC3") == Pieces{"a", "  ", "\xC3"});
    CHECK(Split(rules, std::string("1\0!", 3)) == Pieces{"1", std::string("\0!", 2)});
  }
}

TEST_CASE("any bytes are covered, by all rules") {
  Rng rng(4, StreamOf("any_bytes"));
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const uint64_t length = rng.Below(40);
    for (uint64_t i = 0; i < length; ++i) text += static_cast<char>(rng.Below(256));
    for (const char* rules : {"gpt2", "smollm", "llama-bpe"}) {
      REQUIRE((Split(rules, text).empty() == text.empty()));
    }
  }
}

TEST_CASE("an unknown pre-tokenizer is refused with the list") {
  const std::string message = MessageOf<UserError>([] { Pretokenizer::ByName("deepseek-llm"); });
  CHECK_THAT(message, HasText("deepseek-llm"));
  CHECK_THAT(message, HasText("gpt2, smollm and llama-bpe"));
}

}  // namespace sw
