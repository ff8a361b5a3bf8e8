// Where UTF-8 is well formed, and where not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sw {

struct Utf8Char {
  char32_t code = 0;
  size_t length = 0;  // bytes, 1 to 4; 0 where no well-formed character begins
};

// The character that begins at text[pos], by RFC 3629: shortest form only, no surrogates, at most
// U+10FFFF. pos < text.size().
Utf8Char DecodeUtf8At(std::string_view text, size_t pos);

// End of the longest well-formed run that begins at `pos`; `pos` itself where there is none.
size_t EndOfUtf8Run(std::string_view text, size_t pos);

void AppendUtf8(char32_t code, std::string* out);

// The first 80 bytes of a name from a file, fit for a message: all but printable ASCII as '?'.
std::string Printable(std::string_view text);

}  // namespace sw
