#include "harness/io/gguf.h"

#include <limits>

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "harness/io/testing_gguf.h"

namespace sw {
namespace {

using testing::Encoded;
using testing::EncodedString;
using testing::GgufWriter;
using testing::HasText;
using testing::MessageOf;
using testing::TempFile;

std::string ParseError(const std::string& bytes) {
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  const std::string message = MessageOf<UserError>([&] { ParseGguf(copy, "some.gguf"); });
  CHECK_THAT(message, HasText("some.gguf: byte "));
  return message;
}

std::string Array(GgufType type, uint64_t count, std::string_view elements) {
  return Encoded(static_cast<uint32_t>(type)) + Encoded(count) + std::string(elements);
}

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();

}  // namespace

TEST_CASE("metadata of every type come back") {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter writer;
    writer.version = version;
    writer.Raw("u8", GgufType::kUint8, Encoded<uint8_t>(200))
        .Raw("i8", GgufType::kInt8, Encoded<int8_t>(-100))
        .Raw("u16", GgufType::kUint16, Encoded<uint16_t>(60000))
        .Raw("i16", GgufType::kInt16, Encoded<int16_t>(-30000))
        .Raw("u32", GgufType::kUint32, Encoded<uint32_t>(4000000000u))
        .Raw("i32", GgufType::kInt32, Encoded<int32_t>(-2000000000))
        .Raw("u64", GgufType::kUint64, Encoded<uint64_t>(1ull << 62))
        .Raw("i64", GgufType::kInt64, Encoded<int64_t>(-(int64_t{1} << 62)))
        .Raw("f64", GgufType::kFloat64, Encoded(0.1))
        .Float("f32", 0.5f)
        .Bool("yes", 1)
        .Bool("no", 0)
        .String("text", "caf\xC3\xA9")
        .String("empty", "")
        .Strings("list", {"a", "", "ccc"})
        .Strings("none", {})
        .Ints("ints", {3, -4})
        .Raw("nested", GgufType::kArray,
             Array(GgufType::kArray, 2,
                   Array(GgufType::kUint8, 3, "abc") + Array(GgufType::kString, 0, "")));
    const TempFile file(writer.Bytes());
    const GgufFile gguf(file.path());
    CHECK(gguf.version() == version);
    CHECK(gguf.FindInt("u8") == 200);
    CHECK(gguf.FindInt("i8") == -100);
    CHECK(gguf.FindInt("u16") == 60000);
    CHECK(gguf.FindInt("i16") == -30000);
    CHECK(gguf.FindInt("u32") == 4000000000);
    CHECK(gguf.FindInt("i32") == -2000000000);
    CHECK(gguf.FindInt("u64") == int64_t{1} << 62);
    CHECK(gguf.RequireInt("i64") == -(int64_t{1} << 62));
    CHECK(gguf.FindFloat("f64") == 0.1);
    CHECK(gguf.RequireFloat("f32") == 0.5);
    CHECK(gguf.FindBool("yes") == true);
    CHECK(gguf.FindBool("no") == false);
    CHECK(gguf.RequireString("text") == "caf\xC3\xA9");
    CHECK(gguf.FindString("empty") == "");
    CHECK(gguf.RequireStrings("list") == std::vector<std::string_view>{"a", "", "ccc"});
    CHECK(gguf.RequireStrings("none").empty());
    CHECK(gguf.FindInts("ints") == std::vector<int64_t>{3, -4});
    CHECK(gguf.Has("nested"));
    CHECK(gguf.metadata().at("nested").count == 2);
  }
}

TEST_CASE("absent keys and keys of another type") {
  GgufWriter writer;
  writer.Int("n", 1)
      .Float("x", 1.0f)
      .Strings("words", {"a"})
      .Raw("big", GgufType::kUint64, Encoded(kHuge));
  const TempFile file(writer.Bytes());
  const GgufFile gguf(file.path());
  CHECK_FALSE(gguf.Has("m"));
  CHECK_FALSE(gguf.FindInt("m").has_value());
  CHECK_FALSE(gguf.FindFloat("m").has_value());
  CHECK_FALSE(gguf.FindBool("m").has_value());
  CHECK_FALSE(gguf.FindString("m").has_value());
  CHECK_FALSE(gguf.FindStrings("m").has_value());
  CHECK_FALSE(gguf.FindInts("m").has_value());
  const auto message = [&](auto&& get) {
    const std::string text = MessageOf<UserError>(get);
    CHECK_THAT(text, HasText(file.path()));
    return text;
  };
  CHECK_THAT(message([&] { gguf.RequireInt("m"); }), HasText("m: this metadata key is missing"));
  CHECK_THAT(message([&] { gguf.RequireFloat("m"); }), HasText("missing"));
  CHECK_THAT(message([&] { gguf.RequireString("m"); }), HasText("missing"));
  CHECK_THAT(message([&] { gguf.RequireStrings("m"); }), HasText("missing"));
  CHECK_THAT(message([&] { gguf.FindInt("x"); }), HasText("x: is stored as f32, want an integer"));
  CHECK_THAT(message([&] { gguf.FindInt("words"); }), HasText("array of string"));
  CHECK_THAT(message([&] { gguf.FindFloat("n"); }), HasText("want a float"));
  CHECK_THAT(message([&] { gguf.FindBool("n"); }), HasText("want a bool"));
  CHECK_THAT(message([&] { gguf.FindString("n"); }), HasText("want a string"));
  CHECK_THAT(message([&] { gguf.FindStrings("n"); }), HasText("want an array of strings"));
  CHECK_THAT(message([&] { gguf.FindInts("words"); }), HasText("want an array of integers"));
  CHECK_THAT(message([&] { gguf.FindInt("big"); }), HasText("out of range"));
}

TEST_CASE("tensors come back with their data, of every supported type") {
  GgufWriter writer;
  writer.TensorF32("a", {3, 2}, {1, 2, 3, 4, 5, 6})
      .Tensor("b", {2, 3, 5}, 1, std::string(60, 'b'))
      .Tensor("c", {32}, 2, std::string(18, 'c'))
      .Tensor("d", {64, 3}, 3, std::string(120, 'd'))
      .Tensor("e", {32, 1, 1, 2}, 8, std::string(68, 'e'))
      .Tensor("f", {7}, 30, std::string(14, 'f'))
      .Tensor("shared", {2}, 0, "", 0);  // tensors may overlap
  const TempFile file(writer.Bytes());
  const GgufFile gguf(file.path());
  CHECK(gguf.tensors().size() == 7);
  CHECK(gguf.FindTensor("z") == nullptr);
  const GgufTensor& a = *gguf.FindTensor("a");
  CHECK(a.cols() == 3);
  CHECK(a.rows() == 2);
  std::vector<float> values(6);
  DequantiseRow(a.dtype, a.data.data(), 6, values.data());
  CHECK(values == std::vector<float>{1, 2, 3, 4, 5, 6});
  const auto check = [&](const char* name, DType dtype, int64_t rows, size_t bytes) {
    const GgufTensor& tensor = *gguf.FindTensor(name);
    CHECK(tensor.dtype == dtype);
    CHECK(tensor.rows() == rows);
    CHECK(std::string(tensor.data.begin(), tensor.data.end()) == std::string(bytes, name[0]));
  };
  check("b", DType::kF16, 15, 60);
  check("c", DType::kQ4_0, 1, 18);
  check("d", DType::kQ4_1, 3, 120);
  check("e", DType::kQ8_0, 2, 68);
  check("f", DType::kBF16, 1, 14);
  CHECK(gguf.FindTensor("shared")->data.data() == a.data.data());
}

TEST_CASE("another alignment moves the data") {
  GgufWriter writer;
  writer.alignment = 256;
  writer.Int("general.alignment", 256).TensorF32("a", {1}, {1}).TensorF32("b", {1}, {2});
  const TempFile file(writer.Bytes());
  const GgufFile gguf(file.path());
  const uint8_t* b = gguf.FindTensor("b")->data.data();
  CHECK(b - gguf.bytes().data() == 512);
  float value;
  DequantiseRow(DType::kF32, b, 1, &value);
  CHECK(value == 2.0f);
}

TEST_CASE("files of other kinds and versions are refused") {
  CHECK_THAT(ParseError("PK\x03\x04 and so on"), HasText("does not begin with GGUF"));
  CHECK_THAT(ParseError("GG"), HasText("needs 4 bytes, 2 are left"));
  for (const uint32_t version : {0u, 1u, 4u, 0x03000000u}) {
    GgufWriter writer;
    writer.version = version;
    CHECK_THAT(ParseError(writer.Bytes()), HasText(fmt::format("GGUF version {}", version)));
  }
}

TEST_CASE("counts and lengths beyond the file are refused without allocating for them") {
  const std::string start = "GGUF" + Encoded<uint32_t>(3);
  CHECK_THAT(ParseError(start + Encoded(kHuge) + Encoded<uint64_t>(0)),
             HasText("scripts/fetch_model"));
  CHECK_THAT(ParseError(start + Encoded<uint64_t>(0) + Encoded(kHuge)), HasText("a metadata key"));
  CHECK_THAT(ParseError(start + Encoded<uint64_t>(0) + Encoded<uint64_t>(1) + Encoded(kHuge)),
             HasText(fmt::format("needs {} bytes", kHuge)));
  for (const uint64_t count : {kHuge, kHuge / 4 + 2, uint64_t{100}}) {
    CHECK_THAT(ParseError(GgufWriter()
                              .Raw("k", GgufType::kArray, Array(GgufType::kUint32, count, "1234"))
                              .Bytes()),
               HasText(fmt::format("claims {} elements of u32", count)));
    CHECK_THAT(
        ParseError(
            GgufWriter().Raw("k", GgufType::kArray, Array(GgufType::kString, count, "")).Bytes()),
        HasText("a string of an array"));
  }
  CHECK_THAT(ParseError(GgufWriter().Raw("k", GgufType::kString, Encoded(kHuge)).Bytes()),
             HasText("a string value"));
}

TEST_CASE("malformed metadata are refused") {
  const auto one = [](std::string_view key, GgufType type, std::string_view encoded) {
    return ParseError(GgufWriter().Raw(key, type, encoded).Bytes());
  };
  CHECK_THAT(one("k", static_cast<GgufType>(13), "1234"), HasText("value type 13 of k is unknown"));
  CHECK_THAT(one("k", GgufType::kArray, Array(static_cast<GgufType>(99), 0, "")),
             HasText("value type 99"));
  CHECK_THAT(one("k", GgufType::kBool, "\x02"), HasText("k holds 2, a bool is 0 or 1"));
  CHECK_THAT(one("k", GgufType::kArray, Array(GgufType::kBool, 3, std::string("\x01\x00\x07", 3))),
             HasText("k holds 7"));
  CHECK_THAT(one("", GgufType::kUint8, "1"), HasText("a metadata key of 0 bytes"));
  CHECK_THAT(one(std::string(65536, 'k'), GgufType::kUint8, "1"), HasText("65536 bytes"));
  CHECK_THAT(ParseError(GgufWriter().Int("k", 1).Float("k", 2).Bytes()), HasText("k stands twice"));
  std::string deep = Array(GgufType::kUint8, 0, "");
  for (int i = 0; i < 3; ++i) deep = Array(GgufType::kArray, 1, deep);
  CHECK_NOTHROW(GgufFile(TempFile(GgufWriter().Raw("k", GgufType::kArray, deep).Bytes()).path()));
  for (int i = 0; i < 100000; ++i) deep = Array(GgufType::kArray, 1, deep.substr(0, 60));
  CHECK_THAT(one("k", GgufType::kArray, deep), HasText("nests arrays deeper"));
}

TEST_CASE("malformed tensors are refused") {
  const std::string data(64, 'x');
  const auto one = [&](const std::vector<uint64_t>& dims, uint32_t type,
                       std::optional<uint64_t> offset = {}) {
    return ParseError(GgufWriter().Tensor("w", dims, type, data, offset).Bytes());
  };
  CHECK_THAT(one({}, 0), HasText("tensor w has 0 dimensions"));
  CHECK_THAT(one({1, 1, 1, 1, 1}, 0), HasText("5 dimensions"));
  CHECK_THAT(one({0}, 0), HasText("a dimension of 0"));
  CHECK_THAT(one({4, kHuge}, 0), HasText(fmt::format("a dimension of {}", kHuge)));
  CHECK_THAT(one({33}, 8), HasText("needs a multiple of 32"));
  // Products that wrap around 64 bits to something small.
  CHECK_THAT(one({1ull << 32, 1ull << 32}, 0), HasText("larger than the file"));
  CHECK_THAT(one({1ull << 62, 2, 2, 1}, 1), HasText("larger than the file"));
  CHECK_THAT(one({16, 1ull << 61}, 0), HasText("larger than the file"));
  CHECK_THAT(one({17}, 0), HasText("run past the end of the file"));
  CHECK_THAT(one({16}, 0, 32), HasText("run past the end"));
  CHECK_THAT(one({1}, 0, kHuge - 31), HasText("run past the end"));
  CHECK_THAT(one({1}, 0, 4), HasText("no multiple of the alignment 32"));
  CHECK_THAT(one({32}, 4096), HasText("unknown type 4096"));
  CHECK_THAT(ParseError(GgufWriter().Tensor("", {1}, 0, data).Bytes()), HasText("tensor name"));
  CHECK_THAT(ParseError(GgufWriter().Tensor(std::string(65, 'n'), {1}, 0, data).Bytes()),
             HasText("tensor name of 65 bytes"));
  CHECK_THAT(ParseError(GgufWriter().Tensor("w", {1}, 0, data).Tensor("w", {2}, 0, data).Bytes()),
             HasText("tensor w stands twice"));
}

TEST_CASE("a known but unsupported tensor type is named, with what is supported") {
  const std::string message =
      ParseError(GgufWriter().Tensor("blk.0.attn_q.weight", {256}, 12, "").Bytes());
  CHECK_THAT(message, HasText("blk.0.attn_q.weight is stored as Q4_K"));
  CHECK_THAT(message, HasText("F32, F16, Q4_0, Q4_1, Q8_0, BF16"));
}

TEST_CASE("an alignment that no tensor could have is refused") {
  for (const uint32_t alignment : {0u, 1u, 4u, 33u, 0x80000001u}) {
    CHECK_THAT(ParseError(GgufWriter().Int("general.alignment", alignment).Bytes()),
               HasText("power of two"));
  }
  CHECK_THAT(ParseError(GgufWriter().String("general.alignment", "32").Bytes()),
             HasText("want a u32"));
  // A legal one beyond the end leaves no room for data, which only matters where there are some.
  CHECK_NOTHROW(GgufFile(TempFile(GgufWriter().Int("general.alignment", 1u << 31).Bytes()).path()));
  CHECK_THAT(ParseError(GgufWriter()
                            .Int("general.alignment", 1u << 31)
                            .Tensor("w", {1}, 0, std::string(64, 'x'))
                            .Bytes()),
             HasText("run past the end"));
}

}  // namespace sw
