#include "harness/io/byte_map.h"

#include <array>

#include "harness/io/utf8.h"

namespace sw {
namespace {

constexpr bool SpellsItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

struct ByteMap {
  std::array<char32_t, 256> char_of_byte{};
  std::array<int16_t, 0x100 + 68> byte_of_char{};  // -1 where a character spells no byte
};

constexpr ByteMap MakeByteMap() {
  ByteMap map;
  map.byte_of_char.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t code = SpellsItself(byte) ? static_cast<char32_t>(byte) : next++;
    map.char_of_byte[byte] = code;
    map.byte_of_char[code] = static_cast<int16_t>(byte);
  }
  return map;
}

constexpr ByteMap kMap = MakeByteMap();
static_assert(kMap.char_of_byte[' '] == 0x120 && kMap.char_of_byte['\n'] == 0x10A);
static_assert(kMap.char_of_byte[0xAD] == 0x143, "the last of the 68");

}  // namespace

std::string SpellByte(uint8_t byte) {
  std::string spelling;
  AppendUtf8(kMap.char_of_byte[byte], &spelling);
  return spelling;
}

std::optional<std::string> BytesOfSpelling(std::string_view spelling) {
  std::string bytes;
  for (size_t pos = 0; pos < spelling.size();) {
    const Utf8Char next = DecodeUtf8At(spelling, pos);
    if (next.length == 0 || next.code >= kMap.byte_of_char.size()) return std::nullopt;
    const int byte = kMap.byte_of_char[next.code];
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    pos += next.length;
  }
  return bytes;
}

}  // namespace sw
