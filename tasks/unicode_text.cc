#include "tasks/unicode_text.h"

#include "tasks/unicode_tables.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace sw {
namespace {

constexpr char32_t kNotUtf8 = 0xFFFFFFFF;  // in no table: caseless, not ignorable, not a space
constexpr char32_t kCapitalSigma = 0x03A3;
constexpr char32_t kFinalSigma = 0x03C2;
constexpr char32_t kCapitalIWithDot = 0x0130;

struct Character {
  char32_t code;
  size_t begin;  // bytes [begin, end) of the text
  size_t end;
};

// Bytes of a UTF-8 sequence by its first byte; 0 for a byte that starts none.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

Character CharacterAt(std::string_view text, size_t begin) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const Character invalid{kNotUtf8, begin, begin + 1};
  const size_t length = SequenceLength(byte(begin));
  if (length == 0 || begin + length > text.size()) return invalid;
  if (length == 1) return {byte(begin), begin, begin + 1};
  char32_t code = byte(begin) & (0x7Fu >> length);
  for (size_t i = begin + 1; i < begin + length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return invalid;
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return invalid;
  return {code, begin, begin + length};
}

std::vector<Character> Characters(std::string_view text) {
  std::vector<Character> characters;
  characters.reserve(text.size());
  for (size_t at = 0; at < text.size(); at = characters.back().end) {
    characters.push_back(CharacterAt(text, at));
  }
  return characters;
}

void AppendUtf8(char32_t code, std::string& out) {
  const auto continuation = [&](int shift) {
    out.push_back(static_cast<char>(0x80u | ((code >> shift) & 0x3Fu)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0u | (code >> 6)));
    continuation(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0u | (code >> 12)));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xF0u | (code >> 18)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

// The range that holds `code`, or null. Ranges are sorted and do not overlap.
template <class Range>
const Range* Find(std::span<const Range> ranges, char32_t code) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t c, const Range& range) { return c < range.first; });
  if (after == ranges.begin()) return nullptr;
  const Range& range = *(after - 1);
  return code <= range.last ? &range : nullptr;
}

bool IsCased(char32_t code) {
  return Find(std::span(unicode::kCasedRanges, unicode::kCasedRangesCount), code) != nullptr;
}

bool IsIgnorable(char32_t code) {
  return Find(std::span(unicode::kIgnorableRanges, unicode::kIgnorableRangesCount), code) !=
         nullptr;
}

bool IsSpace(char32_t code) {
  return Find(std::span(unicode::kSpaceRanges, unicode::kSpaceRangesCount), code) != nullptr;
}

char32_t SimpleLower(char32_t code) {
  const auto* range = Find(std::span(unicode::kLowerRanges, unicode::kLowerRangesCount), code);
  if (range == nullptr || (code - range->first) % range->stride != 0) return code;
  return static_cast<char32_t>(static_cast<int32_t>(code) + range->delta);
}

// Unicode's Final_Sigma: a cased letter before, none after, ignorable characters looked through.
bool EndsWord(const std::vector<Character>& characters, size_t sigma) {
  size_t before = sigma;
  while (before > 0 && IsIgnorable(characters[before - 1].code)) --before;
  if (before == 0 || !IsCased(characters[before - 1].code)) return false;
  size_t after = sigma + 1;
  while (after < characters.size() && IsIgnorable(characters[after].code)) ++after;
  return after == characters.size() || !IsCased(characters[after].code);
}

}  // namespace

std::string LowerUnicode(std::string_view text) {
  const std::vector<Character> characters = Characters(text);
  std::string lower;
  lower.reserve(text.size());
  for (size_t i = 0; i < characters.size(); ++i) {
    const Character& c = characters[i];
    if (c.code == kNotUtf8) {
      lower.append(text.substr(c.begin, c.end - c.begin));
    } else if (c.code == kCapitalIWithDot) {
      lower.push_back('i');
      AppendUtf8(0x0307, lower);
    } else if (c.code == kCapitalSigma && EndsWord(characters, i)) {
      AppendUtf8(kFinalSigma, lower);
    } else {
      AppendUtf8(SimpleLower(c.code), lower);
    }
  }
  return lower;
}

std::string_view StripUnicodeRight(std::string_view text) {
  size_t end = 0;  // of the last character that is not a space
  for (size_t at = 0; at < text.size();) {
    const Character c = CharacterAt(text, at);
    at = c.end;
    if (!IsSpace(c.code)) end = at;
  }
  return text.substr(0, end);
}

std::string_view StripUnicode(std::string_view text) {
  while (!text.empty()) {
    const Character c = CharacterAt(text, 0);
    if (!IsSpace(c.code)) break;
    text.remove_prefix(c.end);
  }
  return StripUnicodeRight(text);
}

}  // namespace sw
