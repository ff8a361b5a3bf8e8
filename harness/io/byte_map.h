// Byte-level vocabularies spell each of the 256 bytes as one printable character: printable Latin-1
// as itself, the other 68 bytes, in ascending order, as U+0100 and on (a space is U+0120).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sw {

// The spelling of a byte, in UTF-8.
std::string SpellByte(uint8_t byte);

// The bytes that a vocabulary entry stands for, or nothing when one of its characters spells none.
std::optional<std::string> BytesOfSpelling(std::string_view spelling);

}  // namespace sw
