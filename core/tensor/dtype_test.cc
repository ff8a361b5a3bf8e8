#include "core/tensor/dtype.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The number that a half stands for, from the definition of binary16.
double HalfByDefinition(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return mantissa == 0 ? sign * INFINITY : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

// Nearest half by search among all finite ones, ties to the even bit pattern.
uint16_t NearestHalf(double value) {
  static const std::map<double, uint16_t> positive = [] {
    std::map<double, uint16_t> all;
    for (int bits = 0; bits <= 0x7C00; ++bits) {  // 0x7C00 stands in as 2^16, where rounding ends
      const auto half = static_cast<uint16_t>(bits);
      all[bits == 0x7C00 ? 65536.0 : HalfByDefinition(half)] = half;
    }
    return all;
  }();
  const double magnitude = std::min(std::fabs(value), 65536.0);
  const auto above = positive.lower_bound(magnitude);
  uint16_t best = above->second;
  if (above != positive.begin()) {
    const auto below = std::prev(above);
    const double down = magnitude - below->first;
    const double up = above->first - magnitude;
    if (down < up || (down == up && below->second % 2 == 0)) best = below->second;
  }
  return static_cast<uint16_t>(best | (std::signbit(value) ? 0x8000 : 0));
}

void PutHalf(std::vector<uint8_t>& bytes, uint16_t half) {
  bytes.push_back(static_cast<uint8_t>(half & 0xFF));
  bytes.push_back(static_cast<uint8_t>(half >> 8));
}

}  // namespace

TEST_CASE("every half has its defined value and survives a round trip") {
  for (int bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    const double expected = HalfByDefinition(half);
    INFO("half " << bits);
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(value));
      REQUIRE(std::isnan(HalfToFloat(FloatToHalf(value))));
      REQUIRE((FloatToHalf(value) & 0x8000) == (half & 0x8000));
    } else {
      REQUIRE(static_cast<double>(value) == expected);
      REQUIRE(std::signbit(value) == ((half & 0x8000) != 0));
      REQUIRE(FloatToHalf(value) == half);
    }
  }
}

TEST_CASE("FloatToHalf rounds to the nearest, ties to even") {
  // Halfway points between neighbours, and one float to either side of each.
  for (int bits = 0; bits < 0x7BFF; ++bits) {
    const double low = HalfByDefinition(static_cast<uint16_t>(bits));
    const double high = HalfByDefinition(static_cast<uint16_t>(bits + 1));
    const auto middle = static_cast<float>((low + high) / 2);
    for (const float value : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, kInf)}) {
      INFO("value " << value);
      REQUIRE(FloatToHalf(value) == NearestHalf(value));
      REQUIRE(FloatToHalf(-value) == NearestHalf(-value));
    }
  }
  Rng rng(1, StreamOf("float_to_half"));
  for (int i = 0; i < 20000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(rng.NextBits()));
    if (std::isnan(value)) continue;
    INFO("value " << value);
    REQUIRE(FloatToHalf(value) == NearestHalf(value));
  }
  CHECK(FloatToHalf(65519.996f) == 0x7BFF);
  CHECK(FloatToHalf(65520.0f) == 0x7C00);
  CHECK(FloatToHalf(-kInf) == 0xFC00);
}

TEST_CASE("bfloat16 rounds ties to even and keeps NaN") {
  for (int bits = 0; bits <= 0xFFFF; ++bits) {
    const auto brain = static_cast<uint16_t>(bits);
    const float value = Bfloat16ToFloat(brain);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(Bfloat16ToFloat(FloatToBfloat16(value))));
    } else {
      REQUIRE(FloatToBfloat16(value) == brain);
    }
  }
  const auto of_bits = [](uint32_t bits) { return FloatToBfloat16(std::bit_cast<float>(bits)); };
  CHECK(of_bits(0x3F808000u) == 0x3F80);  // tie, even below
  CHECK(of_bits(0x3F818000u) == 0x3F82);  // tie, even above
  CHECK(of_bits(0x3F808001u) == 0x3F81);
  CHECK(of_bits(0x3F817FFFu) == 0x3F81);
  CHECK(of_bits(0x7F7FFFFFu) == 0x7F80);  // the largest float rounds to infinity
  CHECK(of_bits(0xFF800000u) == 0xFF80);
  CHECK(of_bits(0x00018000u) == 0x0002);  // subnormals round too
  // A NaN whose payload lies in the half that is cut off.
  CHECK(std::isnan(Bfloat16ToFloat(of_bits(0x7F800001u))));
  CHECK(std::isnan(Bfloat16ToFloat(of_bits(0xFFFFFFFFu))));
}

TEST_CASE("names and row sizes of every format") {
  struct Row {
    DType dtype;
    const char* name;
    int64_t cols, bytes;
  };
  const std::vector<Row> rows = {
      {DType::kF32, "f32", 7, 28},      {DType::kF16, "f16", 7, 14},
      {DType::kBF16, "bf16", 7, 14},    {DType::kQ8_0, "q8_0", 96, 102},
      {DType::kQ4_0, "q4_0", 96, 54},   {DType::kQ4_1, "q4_1", 96, 60},
      {DType::kQ4_1, "q4_1", 576, 360}, {DType::kQ8_0, "q8_0", 0, 0},
  };
  for (const Row& row : rows) {
    CHECK(NameOf(row.dtype) == row.name);
    CHECK(DTypeFromName(row.name) == row.dtype);
    CHECK(RowBytes(row.dtype, row.cols) == row.bytes);
  }
  CHECK_FALSE(DTypeFromName("q5_k").has_value());
  CHECK_FALSE(DTypeFromName("").has_value());
  CHECK(RowBytes(DType::kF32, int64_t{1} << 40) == int64_t{1} << 42);
  CHECK_THROWS_AS(RowBytes(DType::kQ4_0, 33), BugError);
  CHECK_THROWS_AS(RowBytes(DType::kF32, -1), BugError);
}

TEST_CASE("quantised blocks decode to hand-computed numbers") {
  SECTION("q8_0: d = 0.5, q = -128, -1, 0, 1, 127, then zeros") {
    std::vector<uint8_t> block;
    PutHalf(block, 0x3800);
    for (const int q : {-128, -1, 0, 1, 127}) block.push_back(static_cast<uint8_t>(q));
    block.resize(34, 0);
    std::vector<float> out(32, NAN);
    DequantiseRow(DType::kQ8_0, block.data(), 32, out.data());
    const std::vector<float> head(out.begin(), out.begin() + 5);
    CHECK(head == std::vector<float>{-64.0f, -0.5f, 0.0f, 0.5f, 63.5f});
    CHECK(std::vector<float>(out.begin() + 5, out.end()) == std::vector<float>(27, 0.0f));
  }
  SECTION("q4_0: two blocks, d = 0.25 and d = -2; byte i is element i and element i + 16") {
    std::vector<uint8_t> row;
    PutHalf(row, 0x3400);
    for (int i = 0; i < 16; ++i) row.push_back(static_cast<uint8_t>(i | (15 - i) << 4));
    PutHalf(row, 0xC000);
    for (int i = 0; i < 16; ++i) row.push_back(0x9F);
    std::vector<float> out(64, NAN);
    DequantiseRow(DType::kQ4_0, row.data(), 64, out.data());
    for (int i = 0; i < 16; ++i) {
      CHECK(out[i] == 0.25f * static_cast<float>(i - 8));
      CHECK(out[i + 16] == 0.25f * static_cast<float>(7 - i));
      CHECK(out[i + 32] == -14.0f);
      CHECK(out[i + 48] == -2.0f);
    }
  }
  SECTION("q4_1: d = 2, m = -3") {
    std::vector<uint8_t> block;
    PutHalf(block, 0x4000);
    PutHalf(block, 0xC200);
    for (int i = 0; i < 16; ++i) block.push_back(static_cast<uint8_t>(i << 4 | 5));
    std::vector<float> out(32, NAN);
    DequantiseRow(DType::kQ4_1, block.data(), 32, out.data());
    for (int i = 0; i < 16; ++i) {
      CHECK(out[i] == 7.0f);
      CHECK(out[i + 16] == static_cast<float>(2 * i - 3));
    }
  }
}

TEST_CASE("plain rows decode from any byte address") {
  std::vector<uint8_t> bytes(1, 0xEE);
  for (const int half : {0x3C00, 0xC000, 0x0001}) PutHalf(bytes, static_cast<uint16_t>(half));
  std::vector<float> out(3, NAN);
  DequantiseRow(DType::kF16, bytes.data() + 1, 3, out.data());
  CHECK(out == std::vector<float>{1.0f, -2.0f, 0x1.0p-24f});
  DequantiseRow(DType::kBF16, bytes.data() + 1, 3, out.data());
  CHECK(out[0] == 0x1.0p-7f);
  CHECK(out[1] == -2.0f);
  const float pi = 3.14159274f;
  std::memcpy(bytes.data() + 1, &pi, sizeof pi);
  DequantiseRow(DType::kF32, bytes.data() + 1, 1, out.data());
  CHECK(out[0] == pi);
  DequantiseRow(DType::kF32, nullptr, 0, out.data());
}

}  // namespace sw
