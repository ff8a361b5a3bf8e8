// The header of a GGUF file, read by a cursor that can never leave it.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "harness/io/gguf.h"
#include "harness/io/utf8.h"

namespace sw {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are read in place");

constexpr uint64_t kMaxKeyBytes = 65535;  // as the format says
constexpr uint64_t kMaxTensorNameBytes = 64;
constexpr int kMaxArrayDepth = 4;
constexpr uint64_t kDefaultAlignment = 32;
constexpr std::string_view kRemedy =
    "the file is truncated or corrupt; fetch it again with scripts/fetch_model";

struct StoredType {
  uint32_t code;
  std::string_view name;
  std::optional<DType> dtype;
};

// Tensor types of the format; those without a dtype are known by name only.
constexpr StoredType kStoredTypes[] = {
    {0, "F32", DType::kF32},
    {1, "F16", DType::kF16},
    {2, "Q4_0", DType::kQ4_0},
    {3, "Q4_1", DType::kQ4_1},
    {6, "Q5_0", {}},
    {7, "Q5_1", {}},
    {8, "Q8_0", DType::kQ8_0},
    {9, "Q8_1", {}},
    {10, "Q2_K", {}},
    {11, "Q3_K", {}},
    {12, "Q4_K", {}},
    {13, "Q5_K", {}},
    {14, "Q6_K", {}},
    {15, "Q8_K", {}},
    {16, "IQ2_XXS", {}},
    {17, "IQ2_XS", {}},
    {18, "IQ3_XXS", {}},
    {19, "IQ1_S", {}},
    {20, "IQ4_NL", {}},
    {21, "IQ3_S", {}},
    {22, "IQ2_S", {}},
    {23, "IQ4_XS", {}},
    {24, "I8", {}},
    {25, "I16", {}},
    {26, "I32", {}},
    {27, "I64", {}},
    {28, "F64", {}},
    {29, "IQ1_M", {}},
    {30, "BF16", DType::kBF16},
    {34, "TQ1_0", {}},
    {35, "TQ2_0", {}},
    {39, "MXFP4", {}},
};

class Parser {
 public:
  Parser(std::span<const uint8_t> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  GgufContents Parse() {
    ReadMagicAndVersion();
    const uint64_t num_tensors = Read<uint64_t>("number of tensors");
    const uint64_t num_keys = Read<uint64_t>("number of metadata keys");
    // No container is sized by these counts: each entry must first be found in the file.
    for (uint64_t i = 0; i < num_keys; ++i) ReadKey();
    for (uint64_t i = 0; i < num_tensors; ++i) ReadTensorInfo();
    PlaceTensors();
    return std::move(contents_);
  }

 private:
  struct PendingTensor {
    std::string name;
    uint64_t offset_in_data = 0;
    uint64_t data_bytes = 0;
    uint64_t info_at = 0;  // where its entry stands, for messages
  };

  [[noreturn]] void Fail(uint64_t at, const std::string& what) const {
    FailUser("{}: byte {}: {}; {}", path_, at, what, kRemedy);
  }

  uint64_t Left() const { return bytes_.size() - at_; }

  std::span<const uint8_t> Take(uint64_t count, std::string_view what) {
    if (count > Left()) {
      Fail(at_, fmt::format("{} needs {} bytes, {} are left", what, count, Left()));
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  template <class T>
  T Read(std::string_view what) {
    T value;
    std::memcpy(&value, Take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::span<const uint8_t> ReadString(std::string_view what) {
    const auto length = Read<uint64_t>(what);
    return Take(length, what);
  }

  std::string ReadName(std::string_view what, uint64_t max_bytes) {
    const uint64_t start = at_;
    const auto name = ReadString(what);
    if (name.empty() || name.size() > max_bytes) {
      Fail(start, fmt::format("{} of {} bytes, want 1 to {}", what, name.size(), max_bytes));
    }
    return {reinterpret_cast<const char*>(name.data()), name.size()};
  }

  void ReadMagicAndVersion() {
    const auto magic = Take(4, "the magic word GGUF");
    if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
      FailUser("{}: byte 0: no GGUF file (it does not begin with GGUF); name a .gguf checkpoint",
               path_);
    }
    contents_.version = Read<uint32_t>("the version");
    if (contents_.version != 2 && contents_.version != 3) {
      FailUser(
          "{}: byte 4: GGUF version {}, supported are 2 and 3 (little-endian); convert the "
          "checkpoint again with a current converter",
          path_, contents_.version);
    }
  }

  GgufType ReadType(std::string_view key) {
    const uint64_t start = at_;
    const auto code = Read<uint32_t>("a value type");
    if (code > static_cast<uint32_t>(GgufType::kFloat64)) {
      Fail(start, fmt::format("value type {} of {} is unknown", code, Printable(key)));
    }
    return static_cast<GgufType>(code);
  }

  void CheckBools(std::span<const uint8_t> values, uint64_t start, std::string_view key) const {
    const auto bad = std::find_if(values.begin(), values.end(), [](uint8_t b) { return b > 1; });
    if (bad != values.end()) {
      Fail(start + static_cast<uint64_t>(bad - values.begin()),
           fmt::format("{} holds {}, a bool is 0 or 1", Printable(key), *bad));
    }
  }

  // Walks over the elements of an array, so that getters may read them unchecked.
  void SkipElements(GgufType type, uint64_t count, int depth, const std::string& key) {
    const uint64_t start = at_;
    if (const uint64_t fixed = FixedBytes(type); fixed > 0) {
      if (count > Left() / fixed) {
        Fail(start, fmt::format("{} claims {} elements of {}, {} bytes are left", Printable(key),
                                count, NameOf(type), Left()));
      }
      const auto values = Take(count * fixed, key);
      if (type == GgufType::kBool) CheckBools(values, start, key);
      return;
    }
    if (depth >= kMaxArrayDepth) {
      Fail(start, fmt::format("{} nests arrays deeper than {}", Printable(key), kMaxArrayDepth));
    }
    for (uint64_t i = 0; i < count; ++i) {
      if (type == GgufType::kString) {
        ReadString("a string of an array");
      } else {
        const GgufType inner = ReadType(key);
        const auto inner_count = Read<uint64_t>("an array length");
        SkipElements(inner, inner_count, depth + 1, key);
      }
    }
  }

  void ReadKey() {
    const uint64_t start = at_;
    const std::string key = ReadName("a metadata key", kMaxKeyBytes);
    GgufValue value;
    value.type = ReadType(key);
    if (value.type == GgufType::kArray) {
      value.element_type = ReadType(key);
      value.count = Read<uint64_t>("an array length");
      value.offset = at_;
      SkipElements(value.element_type, value.count, 1, key);
      value.bytes = bytes_.subspan(value.offset, at_ - value.offset);
    } else if (value.type == GgufType::kString) {
      value.bytes = ReadString("a string value");
      value.offset = at_ - value.bytes.size();
    } else {
      value.offset = at_;
      value.bytes = Take(FixedBytes(value.type), "a value");
      if (value.type == GgufType::kBool) CheckBools(value.bytes, value.offset, key);
    }
    if (!contents_.metadata.emplace(key, value).second) {
      Fail(start, fmt::format("metadata key {} stands twice", Printable(key)));
    }
  }

  void ReadTensorInfo() {
    const uint64_t start = at_;
    PendingTensor pending;
    pending.info_at = start;
    pending.name = ReadName("a tensor name", kMaxTensorNameBytes);
    GgufTensor tensor;
    const auto num_dims = Read<uint32_t>("a number of dimensions");
    if (num_dims < 1 || num_dims > 4) {
      Fail(start, fmt::format("tensor {} has {} dimensions, want 1 to 4", Printable(pending.name),
                              num_dims));
    }
    for (uint32_t i = 0; i < num_dims; ++i) {
      const auto dim = Read<uint64_t>("a dimension");
      if (dim < 1 || dim > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        Fail(start, fmt::format("tensor {} has a dimension of {}", Printable(pending.name), dim));
      }
      tensor.dims.push_back(static_cast<int64_t>(dim));
    }
    tensor.dtype = ReadDType(pending.name);
    pending.offset_in_data = Read<uint64_t>("a tensor offset");
    pending.data_bytes = DataBytes(tensor, pending);
    if (!contents_.tensors.emplace(pending.name, std::move(tensor)).second) {
      Fail(start, fmt::format("tensor {} stands twice", Printable(pending.name)));
    }
    pending_.push_back(std::move(pending));
  }

  DType ReadDType(const std::string& tensor) {
    const uint64_t start = at_;
    const auto code = Read<uint32_t>("a tensor type");
    std::string supported;
    for (const StoredType& stored : kStoredTypes) {
      if (stored.code == code && stored.dtype) return *stored.dtype;
      if (stored.dtype) supported += (supported.empty() ? "" : ", ") + std::string(stored.name);
    }
    const auto* known = std::find_if(std::begin(kStoredTypes), std::end(kStoredTypes),
                                     [&](const StoredType& stored) { return stored.code == code; });
    if (known == std::end(kStoredTypes)) {
      Fail(start, fmt::format("tensor {} has the unknown type {}", Printable(tensor), code));
    }
    FailUser(
        "{}: byte {}: tensor {} is stored as {}; supported are {}: take or make a checkpoint "
        "in one of those",
        path_, start, Printable(tensor), known->name, supported);
  }

  // Product of the dims in bytes, where no step may exceed the file.
  uint64_t DataBytes(const GgufTensor& tensor, const PendingTensor& pending) const {
    const auto block = static_cast<uint64_t>(BlockElements(tensor.dtype));
    const auto cols = static_cast<uint64_t>(tensor.dims[0]);
    if (cols % block != 0) {
      Fail(pending.info_at,
           fmt::format("tensor {}: rows of {} numbers, {} needs a multiple of {}",
                       Printable(pending.name), cols, NameOf(tensor.dtype), block));
    }
    uint64_t product = static_cast<uint64_t>(BlockBytes(tensor.dtype));
    const auto multiply = [&](uint64_t factor) {
      if (factor > bytes_.size() / product) {
        Fail(pending.info_at, fmt::format("tensor {} is larger than the file ({} bytes)",
                                          Printable(pending.name), bytes_.size()));
      }
      product *= factor;
    };
    multiply(cols / block);
    for (size_t i = 1; i < tensor.dims.size(); ++i) {
      multiply(static_cast<uint64_t>(tensor.dims[i]));
    }
    return product;
  }

  uint64_t Alignment() const {
    const auto it = contents_.metadata.find("general.alignment");
    if (it == contents_.metadata.end()) return kDefaultAlignment;
    const GgufValue& value = it->second;
    if (value.type != GgufType::kUint32) {
      Fail(value.offset, fmt::format("general.alignment is a {}, want a u32", NameOf(value.type)));
    }
    uint32_t alignment;
    std::memcpy(&alignment, value.bytes.data(), sizeof alignment);
    if (alignment < 8 || !std::has_single_bit(alignment)) {
      Fail(value.offset,
           fmt::format("general.alignment is {}, want a power of two from 8 up", alignment));
    }
    return alignment;
  }

  void PlaceTensors() {
    const uint64_t alignment = Alignment();
    const uint64_t data_begin = (at_ + alignment - 1) / alignment * alignment;
    for (const PendingTensor& pending : pending_) {
      const std::string name = Printable(pending.name);
      if (pending.offset_in_data % alignment != 0) {
        Fail(pending.info_at, fmt::format("tensor {}: offset {} is no multiple of the alignment {}",
                                          name, pending.offset_in_data, alignment));
      }
      const uint64_t room = data_begin <= bytes_.size() ? bytes_.size() - data_begin : 0;
      if (pending.offset_in_data > room || pending.data_bytes > room - pending.offset_in_data) {
        Fail(pending.info_at,
             fmt::format(
                 "tensor {}: {} bytes at offset {} of the data run past the end of the file "
                 "({} bytes, data from {})",
                 name, pending.data_bytes, pending.offset_in_data, bytes_.size(), data_begin));
      }
      contents_.tensors.find(pending.name)->second.data =
          bytes_.subspan(data_begin + pending.offset_in_data, pending.data_bytes);
    }
  }

  std::span<const uint8_t> bytes_;
  const std::string& path_;
  uint64_t at_ = 0;
  GgufContents contents_;
  std::vector<PendingTensor> pending_;
};

}  // namespace

GgufContents ParseGguf(std::span<const uint8_t> bytes, const std::string& path) {
  return Parser(bytes, path).Parse();
}

}  // namespace sw
