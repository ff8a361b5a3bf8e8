// Number formats of weights, activations and caches, with the GGUF block formats among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sw {

// Quantised formats store a row of `cols` numbers as cols / 32 blocks:
//   Q8_0  f16 d, 32 x int8           x = d q
//   Q4_0  f16 d, 16 bytes            x = d (q - 8); byte i holds element i (low) and i + 16 (high)
//   Q4_1  f16 d, f16 m, 16 bytes     x = d q + m;   nibbles as in Q4_0
enum class DType { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1 };

std::string_view NameOf(DType dtype);
std::optional<DType> DTypeFromName(std::string_view name);

// Numbers in one storage block (1 for plain types, 32 for quantised ones) and its bytes.
int BlockElements(DType dtype);
int BlockBytes(DType dtype);
// Bytes of a row of `cols` numbers; cols must be a multiple of BlockElements.
int64_t RowBytes(DType dtype, int64_t cols);

float HalfToFloat(uint16_t half);   // IEEE binary16, subnormals and infinities included
uint16_t FloatToHalf(float value);  // round to nearest even
float Bfloat16ToFloat(uint16_t bits);
uint16_t FloatToBfloat16(float value);  // round to nearest even; NaN stays NaN

// Writes the `cols` numbers of one stored row as float32, exactly.
void DequantiseRow(DType dtype, const void* row, int64_t cols, float* out);

}  // namespace sw
