// The expected values come from Python 3.11 (Unicode 14.0), by str.lower() and str.strip().
#include "tasks/unicode_text.h"

#include "core/base/rng.h"
#include "core/testing/catch.h"

#include <fmt/format.h>

#include <functional>
#include <string>

namespace sw {
namespace {

std::string Utf8(uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 + ((c >> shift) & 63)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 + (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 + (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 + (c >> 18)), tail(12), tail(6), tail(0)};
}

// FNV-1a, 64 bits, over what `of` says of every code point that is not a surrogate.
std::string HashOverUnicode(const std::function<std::string(const std::string&)>& of) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    for (const char byte : of(Utf8(c))) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
    }
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

TEST_CASE("lower-casing agrees with Python on every code point, alone and next to a sigma") {
  CHECK(HashOverUnicode([](const auto& c) { return LowerUnicode(c); }) == "c319d02e8283b91e");
  CHECK(HashOverUnicode([](const auto& c) { return LowerUnicode("A" + c + "Σ"); }) ==
        "82db0c44b833636f");
  CHECK(HashOverUnicode([](const auto& c) { return LowerUnicode("AΣ" + c); }) ==
        "3837120c9171d674");
  CHECK(HashOverUnicode([](const auto& c) { return LowerUnicode(c + "Σ"); }) == "2b5c6647c92c18d7");
}

TEST_CASE("stripping agrees with Python on every code point") {
  CHECK(HashOverUnicode([](const auto& c) { return std::string(StripUnicode(c + "x" + c)); }) ==
        "f0d157f61a82815b");
}

TEST_CASE("words lower as in Python") {
  struct Row {
    const char* text;
    const char* lower;
  };
  const Row rows[] = {
      {"", ""},
      {"ΟΔΟΣ", "οδος"},
      {"Σ", "σ"},
      {"ΣΑΣ", "σας"},
      {"ΑΣ.", "ας."},
      {"ΑΣ.Α", "ασ.α"},
      {"Α.Σ", "α.ς"},
      {"ΑΣ Β", "ας β"},
      {"'ΑΣ'", "'ας'"},
      {"ΣΣ", "σς"},
      {"A\u0301Σ\u0301", "a\u0301ς\u0301"},
      {"A\u0301Σ\u0301B", "a\u0301σ\u0301b"},
      {"1Σ", "1σ"},
      {"\u02b0Σ", "\u02b0σ"},
      {"A\u02b0Σ", "a\u02b0ς"},
      {"\u0345Σ", "\u0345σ"},
      {"İSTANBUL", "i\u0307stanbul"},
      {"STRASSE", "strasse"},
      {"ẞ", "ß"},
      {"ᏣᎳᎩ", "ꮳꮃꭹ"},
      {"Ⅷ", "ⅷ"},
      {"𐐀", "𐐨"},
      {"jalapeÑo 中A文", "jalapeño 中a文"},
  };
  for (const Row& row : rows) CHECK(LowerUnicode(row.text) == row.lower);
}

TEST_CASE("bytes that are not UTF-8 pass through as caseless characters") {
  CHECK(LowerUnicode("A\xFF\xC3"
                     "B") ==
        "a\xFF\xC3"
        "b");
  CHECK(LowerUnicode("A\xE2\x82") == "a\xE2\x82");  // cut short
  CHECK(LowerUnicode("\xC1\x81"
                     "Z") ==
        "\xC1\x81"
        "z");  // overlong
  CHECK(LowerUnicode("\xE0\x81\x81"
                     "Z") ==
        "\xE0\x81\x81"
        "z");  // overlong
  CHECK(LowerUnicode("\xED\xA0\x80"
                     "Z") ==
        "\xED\xA0\x80"
        "z");  // a surrogate
  CHECK(LowerUnicode("\xF4\x90\x80\x80"
                     "Z") ==
        "\xF4\x90\x80\x80"
        "z");                                 // above U+10FFFF
  CHECK(LowerUnicode("A\xFFΣ") == "a\xFFσ");  // neither cased nor ignorable
  CHECK(StripUnicode(" \xFF ") == "\xFF");
  CHECK(LowerUnicode(std::string("A\0B", 3)) == std::string("a\0b", 3));
}

TEST_CASE("stripping leaves the inside alone") {
  CHECK(StripUnicode("\u3000\t a \u00a0 b\x1f\u2029") == "a \u00a0 b");
  CHECK(StripUnicodeRight(" a b \u2003\r\n") == " a b");
  CHECK(StripUnicode(" \u0085 ").empty());
  CHECK(StripUnicode("\u200b") == "\u200b");  // zero width, but not a space to Python
  CHECK(StripUnicode("").empty());
}

}  // namespace sw
