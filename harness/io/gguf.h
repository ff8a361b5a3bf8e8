// A GGUF checkpoint (v2 or v3, little-endian): typed metadata and the tensors' places in the file.
//
// Everything that the file claims is checked when it is opened; every error is a UserError that
// names the path, the byte offset, what is wrong and what to do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/dtype.h"
#include "harness/io/mapped_file.h"

namespace sw {

// Codes of the format.
enum class GgufType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

std::string_view NameOf(GgufType type);
// Bytes of one value; 0 for strings and arrays, which have no fixed size.
uint64_t FixedBytes(GgufType type);

// One metadata value, still encoded, its extent already checked.
struct GgufValue {
  GgufType type = GgufType::kUint8;
  GgufType element_type = GgufType::kUint8;  // of an array
  uint64_t count = 1;                        // elements of an array
  std::span<const uint8_t> bytes;            // the scalar, the characters, or the elements
  uint64_t offset = 0;                       // of `bytes` in the file
};

struct GgufTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> dims;  // 1 to 4, all >= 1; dims[0] is contiguous (the columns of a matrix)
  std::span<const uint8_t> data;

  int64_t cols() const { return dims[0]; }
  int64_t rows() const;  // product of the other dims
};

// What the header of a file says. Names, strings and data point into the parsed bytes.
struct GgufContents {
  uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::map<std::string, GgufTensor, std::less<>> tensors;
};

// Checks all of `bytes`; `path` is for the messages.
GgufContents ParseGguf(std::span<const uint8_t> bytes, const std::string& path);

class GgufFile {
 public:
  explicit GgufFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  std::span<const uint8_t> bytes() const { return file_.bytes(); }
  uint32_t version() const { return contents_.version; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const {
    return contents_.metadata;
  }
  const std::map<std::string, GgufTensor, std::less<>>& tensors() const {
    return contents_.tensors;
  }

  bool Has(std::string_view key) const { return contents_.metadata.count(key) > 0; }
  // nullptr when there is no such tensor.
  const GgufTensor* FindTensor(std::string_view name) const;

  // Each reads one key: nothing when the key is absent, UserError when its type is another one.
  std::optional<int64_t> FindInt(std::string_view key) const;  // of any integer type
  std::optional<double> FindFloat(std::string_view key) const;
  std::optional<bool> FindBool(std::string_view key) const;
  std::optional<std::string_view> FindString(std::string_view key) const;
  std::optional<std::vector<std::string_view>> FindStrings(std::string_view key) const;
  std::optional<std::vector<int64_t>> FindInts(std::string_view key) const;

  // The same, with UserError when the key is absent.
  int64_t RequireInt(std::string_view key) const;
  double RequireFloat(std::string_view key) const;
  std::string_view RequireString(std::string_view key) const;
  std::vector<std::string_view> RequireStrings(std::string_view key) const;

  // Throws UserError "<path>: <key>: <what>", for checks of values that callers make.
  [[noreturn]] void FailKey(std::string_view key, std::string_view what) const;

 private:
  const GgufValue* Find(std::string_view key) const;
  int64_t IntOf(std::string_view key, GgufType type, const uint8_t* bytes) const;
  [[noreturn]] void FailType(std::string_view key, const GgufValue& value,
                             std::string_view wanted) const;
  [[noreturn]] void FailAbsent(std::string_view key) const;

  MappedFile file_;
  GgufContents contents_;
};

}  // namespace sw
