// Python's str.lower() and str.strip() for UTF-8 text: RULER's scorer is written in Python, and a
// score is only comparable when both fold the same letters and strip the same spaces.
//
// Bytes that are not UTF-8 are copied as they are and count as one caseless character each.
#pragma once

#include <string>
#include <string_view>

namespace sw {

// Full mapping: U+0130 becomes "i" + U+0307, a sigma at the end of a word becomes the final sigma.
std::string LowerUnicode(std::string_view text);

// Without whitespace at both ends, or at the right end only. The views point into `text`.
std::string_view StripUnicode(std::string_view text);
std::string_view StripUnicodeRight(std::string_view text);

}  // namespace sw
