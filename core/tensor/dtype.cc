#include "core/tensor/dtype.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/base/check.h"

namespace sw {
namespace {

constexpr int kQuantBlock = 32;

struct Format {
  DType dtype;
  std::string_view name;
  int block_elements;
  int block_bytes;
};

constexpr std::array<Format, 6> kFormats = {{
    {DType::kF32, "f32", 1, 4},
    {DType::kF16, "f16", 1, 2},
    {DType::kBF16, "bf16", 1, 2},
    {DType::kQ8_0, "q8_0", kQuantBlock, 2 + kQuantBlock},
    {DType::kQ4_0, "q4_0", kQuantBlock, 2 + kQuantBlock / 2},
    {DType::kQ4_1, "q4_1", kQuantBlock, 4 + kQuantBlock / 2},
}};

const Format& FormatOf(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  SW_CHECK(index < kFormats.size() && kFormats[index].dtype == dtype, "dtype {}", index);
  return kFormats[index];
}

// Rows of a mapped file start at any byte, so 16-bit words are copied out, never dereferenced.
uint16_t LoadU16(const uint8_t* bytes) {
  uint16_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

void DequantiseQ8(const uint8_t* block, float* out) {
  const float scale = HalfToFloat(LoadU16(block));
  for (int i = 0; i < kQuantBlock; ++i) {
    out[i] = scale * static_cast<float>(static_cast<int8_t>(block[2 + i]));
  }
}

// The low nibbles hold the first half of the block, the high nibbles the second.
template <class Decode>
void ForEachNibble(const uint8_t* nibbles, float* out, Decode&& decode) {
  for (int i = 0; i < kQuantBlock / 2; ++i) {
    out[i] = decode(static_cast<float>(nibbles[i] & 0x0F));
    out[i + kQuantBlock / 2] = decode(static_cast<float>(nibbles[i] >> 4));
  }
}

void DequantiseQ40(const uint8_t* block, float* out) {
  const float scale = HalfToFloat(LoadU16(block));
  ForEachNibble(block + 2, out, [&](float q) { return scale * (q - 8.0f); });
}

void DequantiseQ41(const uint8_t* block, float* out) {
  const float scale = HalfToFloat(LoadU16(block));
  const float offset = HalfToFloat(LoadU16(block + 2));
  ForEachNibble(block + 4, out, [&](float q) { return scale * q + offset; });
}

}  // namespace

std::string_view NameOf(DType dtype) { return FormatOf(dtype).name; }

std::optional<DType> DTypeFromName(std::string_view name) {
  for (const Format& format : kFormats) {
    if (format.name == name) return format.dtype;
  }
  return std::nullopt;
}

int BlockElements(DType dtype) { return FormatOf(dtype).block_elements; }

int BlockBytes(DType dtype) { return FormatOf(dtype).block_bytes; }

int64_t RowBytes(DType dtype, int64_t cols) {
  const Format& format = FormatOf(dtype);
  SW_CHECK(cols >= 0 && cols % format.block_elements == 0, "{} columns of {}", cols, format.name);
  return cols / format.block_elements * format.block_bytes;
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: mantissa units of 2^-24, exact in float
    const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  const uint32_t wide_exponent = exponent == 0x1Fu ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide_exponent << 23 | mantissa << 13);
}

uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  uint32_t half;
  if (magnitude > 0x7F800000u) {  // NaN: made quiet, the top of its payload kept
    half = 0x7E00u | ((magnitude >> 13) & 0x3FFu);
  } else if (magnitude >= 0x47800000u) {  // 2^16 and up; [65520, 2^16) carries to infinity below
    half = 0x7C00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14 and up: normal
    const uint32_t round = 0xFFFu + ((magnitude >> 13) & 1u);
    half = (magnitude - 0x38000000u + round) >> 13;
  } else {  // subnormal: count units of 2^-24
    const uint32_t shift = 126 - (magnitude >> 23);
    if (shift > 24) {
      half = 0;
    } else {
      const uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
      const uint32_t rest = mantissa & ((1u << shift) - 1);
      const uint32_t tie = 1u << (shift - 1);
      half = mantissa >> shift;
      if (rest > tie || (rest == tie && (half & 1u) != 0)) ++half;
    }
  }
  return static_cast<uint16_t>(sign | half);
}

float Bfloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t FloatToBfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
    // Cutting a NaN could leave an infinity, so it is made quiet.
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  }
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

void DequantiseRow(DType dtype, const void* row, int64_t cols, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(row);
  const int64_t num_blocks = cols / BlockElements(dtype);
  const int64_t row_bytes = RowBytes(dtype, cols);
  switch (dtype) {
    case DType::kF32:
      if (cols > 0) std::memcpy(out, row, static_cast<size_t>(row_bytes));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < cols; ++i) out[i] = HalfToFloat(LoadU16(bytes + 2 * i));
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < cols; ++i) out[i] = Bfloat16ToFloat(LoadU16(bytes + 2 * i));
      return;
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ4_1: {
      const auto decode = dtype == DType::kQ8_0   ? DequantiseQ8
                          : dtype == DType::kQ4_0 ? DequantiseQ40
                                                  : DequantiseQ41;
      for (int64_t b = 0; b < num_blocks; ++b) {
        decode(bytes + b * BlockBytes(dtype), out + b * kQuantBlock);
      }
      return;
    }
  }
}

}  // namespace sw
