#include "harness/io/gguf.h"

#include <cstring>
#include <limits>

#include "core/base/check.h"

namespace sw {
namespace {

constexpr std::string_view kTypeNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "string", "array", "u64", "i64", "f64"};

// The parser has checked that the bytes are there.
template <class T>
T Load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool IsInteger(GgufType type) {
  return FixedBytes(type) > 0 && type != GgufType::kBool && type != GgufType::kFloat32 &&
         type != GgufType::kFloat64;
}

}  // namespace

std::string_view NameOf(GgufType type) {
  const auto code = static_cast<size_t>(type);
  SW_CHECK(code < std::size(kTypeNames), "GgufType {}", code);
  return kTypeNames[code];
}

uint64_t FixedBytes(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool:
      return 1;
    case GgufType::kUint16:
    case GgufType::kInt16:
      return 2;
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kFloat32:
      return 4;
    case GgufType::kUint64:
    case GgufType::kInt64:
    case GgufType::kFloat64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

int64_t GgufTensor::rows() const {
  int64_t rows = 1;
  for (size_t i = 1; i < dims.size(); ++i) rows *= dims[i];
  return rows;
}

GgufFile::GgufFile(const std::string& path)
    : file_(path), contents_(ParseGguf(file_.bytes(), path)) {}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const auto it = contents_.tensors.find(name);
  return it == contents_.tensors.end() ? nullptr : &it->second;
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto it = contents_.metadata.find(key);
  return it == contents_.metadata.end() ? nullptr : &it->second;
}

int64_t GgufFile::IntOf(std::string_view key, GgufType type, const uint8_t* bytes) const {
  switch (type) {
    case GgufType::kUint8:
      return Load<uint8_t>(bytes);
    case GgufType::kInt8:
      return Load<int8_t>(bytes);
    case GgufType::kUint16:
      return Load<uint16_t>(bytes);
    case GgufType::kInt16:
      return Load<int16_t>(bytes);
    case GgufType::kUint32:
      return Load<uint32_t>(bytes);
    case GgufType::kInt32:
      return Load<int32_t>(bytes);
    case GgufType::kInt64:
      return Load<int64_t>(bytes);
    case GgufType::kUint64: {
      const auto value = Load<uint64_t>(bytes);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        FailKey(key, fmt::format("{} is out of range", value));
      }
      return static_cast<int64_t>(value);
    }
    default:
      SW_CHECK(false, "{} is no integer type", NameOf(type));
      return 0;
  }
}

std::optional<int64_t> GgufFile::FindInt(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!IsInteger(value->type)) FailType(key, *value, "an integer");
  return IntOf(key, value->type, value->bytes.data());
}

std::optional<double> GgufFile::FindFloat(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufType::kFloat32) return Load<float>(value->bytes.data());
  if (value->type == GgufType::kFloat64) return Load<double>(value->bytes.data());
  FailType(key, *value, "a float");
}

std::optional<bool> GgufFile::FindBool(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kBool) FailType(key, *value, "a bool");
  return value->bytes[0] != 0;
}

std::optional<std::string_view> GgufFile::FindString(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kString) FailType(key, *value, "a string");
  return AsText(value->bytes);
}

std::optional<std::vector<std::string_view>> GgufFile::FindStrings(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kArray || value->element_type != GgufType::kString) {
    FailType(key, *value, "an array of strings");
  }
  std::vector<std::string_view> strings;
  strings.reserve(value->count);  // each was found in the file, so the count is an honest one
  auto rest = value->bytes;
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto length = Load<uint64_t>(rest.data());
    strings.push_back(AsText(rest.subspan(sizeof length, length)));
    rest = rest.subspan(sizeof length + length);
  }
  return strings;
}

std::optional<std::vector<int64_t>> GgufFile::FindInts(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kArray || !IsInteger(value->element_type)) {
    FailType(key, *value, "an array of integers");
  }
  const uint64_t stride = FixedBytes(value->element_type);
  std::vector<int64_t> ints;
  ints.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) {
    ints.push_back(IntOf(key, value->element_type, value->bytes.data() + i * stride));
  }
  return ints;
}

int64_t GgufFile::RequireInt(std::string_view key) const {
  if (const auto value = FindInt(key)) return *value;
  FailAbsent(key);
}

double GgufFile::RequireFloat(std::string_view key) const {
  if (const auto value = FindFloat(key)) return *value;
  FailAbsent(key);
}

std::string_view GgufFile::RequireString(std::string_view key) const {
  if (const auto value = FindString(key)) return *value;
  FailAbsent(key);
}

std::vector<std::string_view> GgufFile::RequireStrings(std::string_view key) const {
  if (auto value = FindStrings(key)) return *std::move(value);
  FailAbsent(key);
}

void GgufFile::FailKey(std::string_view key, std::string_view what) const {
  const GgufValue* value = Find(key);
  FailUser("{}: {}{}: {}", path(),
           value != nullptr ? fmt::format("byte {}: ", value->offset) : std::string(), key, what);
}

void GgufFile::FailType(std::string_view key, const GgufValue& value,
                        std::string_view wanted) const {
  const std::string found = value.type == GgufType::kArray
                                ? fmt::format("array of {}", NameOf(value.element_type))
                                : std::string(NameOf(value.type));
  FailKey(key, fmt::format("is stored as {}, want {}; the checkpoint is not of a form that this "
                           "program reads: convert it again or take another",
                           found, wanted));
}

void GgufFile::FailAbsent(std::string_view key) const {
  FailKey(key,
          "this metadata key is missing; convert the checkpoint again with a current "
          "converter, or take another");
}

}  // namespace sw
