// SHA-256, as 64 lower-case hexadecimal digits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sw {

std::string Sha256OfBytes(std::span<const uint8_t> bytes);
std::string Sha256OfBytes(std::string_view text);
// Throws UserError as MappedFile does; an empty file is refused too.
std::string Sha256OfFile(const std::string& path);

}  // namespace sw
