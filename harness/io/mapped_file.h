// A whole file, read-only in memory for as long as the object lives.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sw {

class MappedFile {
 public:
  // Throws UserError with the path when the file is missing, unreadable, empty or no regular file.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::string& path() const { return path_; }
  // Page-aligned. The addresses stay the same when the object is moved.
  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  void Swap(MappedFile& other) noexcept;

  std::string path_;
  std::span<const uint8_t> bytes_;
};

}  // namespace sw
