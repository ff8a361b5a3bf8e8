#include "harness/io/utf8.h"

#include <set>

#include "core/testing/catch.h"
#include "harness/io/byte_map.h"

namespace sw {

TEST_CASE("every code point survives encoding and decoding") {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    std::string text;
    AppendUtf8(code, &text);
    const Utf8Char read = DecodeUtf8At(text, 0);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (surrogate) {
      REQUIRE(read.length == 0);
    } else {
      REQUIRE(read.code == code);
      REQUIRE(read.length == text.size());
    }
  }
}

TEST_CASE("ill-formed sequences have length 0 and end a run") {
  const std::string bad[] = {
      "\x80",
      "\xBF",
      "\xC0\x80",
      "\xC1\xBF",
      "\xC3",
      "\xC3x",
      "\xE0\x9F\xBF",
      "\xED\xA0\x80",
      "\xE6\x97",
      "\xF0\x8F\xBF\xBF",
      "\xF4\x90\x80\x80",
      "\xF5\x80\x80\x80",
      "\xFF",
      "\xF0\x9F\x98",
      "\xE6\x97\xC3",
  };
  for (const std::string& text : bad) {
    INFO("first byte " << static_cast<int>(static_cast<unsigned char>(text[0])));
    CHECK(DecodeUtf8At(text, 0).length == 0);
    CHECK(EndOfUtf8Run("a\xC3\xA9" + text, 0) == 3);
  }
  CHECK(EndOfUtf8Run("abc", 3) == 3);
  CHECK(DecodeUtf8At("\xF0\x9F\x98\x80", 0).code == 0x1F600);
}

TEST_CASE("the byte map is one to one, with the known spellings") {
  std::set<std::string> seen;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string spelling = SpellByte(static_cast<uint8_t>(byte));
    CHECK(seen.insert(spelling).second);
    CHECK(BytesOfSpelling(spelling) == std::string(1, static_cast<char>(byte)));
  }
  CHECK(SpellByte(' ') == "\xC4\xA0");   // U+0120
  CHECK(SpellByte('\n') == "\xC4\x8A");  // U+010A
  CHECK(SpellByte(0x7F) == "\xC4\xA1");  // U+0121
  CHECK(SpellByte('~') == "~");
  CHECK(SpellByte(0xE9) == "\xC3\xA9");
  CHECK(BytesOfSpelling("\xC4\xA0the") == " the");
  CHECK(BytesOfSpelling("") == "");
  CHECK_FALSE(BytesOfSpelling("a b").has_value());           // a plain space spells nothing
  CHECK_FALSE(BytesOfSpelling("\xE6\x97\xA5").has_value());  // nor does a character past the map
  CHECK_FALSE(BytesOfSpelling("a\xC4").has_value());
}

TEST_CASE("names are shown without control characters and cut") {
  CHECK(Printable("a\x1B[2Jb\xFF") == "a?[2Jb?");
  CHECK(Printable(std::string(81, 'x')) == std::string(80, 'x') + "...");
}

}  // namespace sw
