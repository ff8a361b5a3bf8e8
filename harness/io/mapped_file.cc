#include "harness/io/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"

namespace sw {
namespace {

// An open descriptor; the mapping outlives it.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) {
    const int error = errno;
    FailUser("{}: cannot open: {}; {}", path, std::strerror(error),
             error == ENOENT ? "check the path, or fetch the file with scripts/fetch_model"
                             : "check its permissions");
  }
  struct stat info = {};
  if (fstat(file.fd, &info) != 0) FailUser("{}: cannot stat: {}", path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) FailUser("{}: not a regular file; name the file itself", path);
  if (info.st_size == 0) {
    FailUser("{}: the file is empty; fetch it again with scripts/fetch_model", path);
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) {
    FailUser("{}: cannot map {} bytes: {}", path, size, std::strerror(errno));
  }
  bytes_ = {static_cast<const uint8_t*>(data), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept { Swap(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  Swap(other);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

void MappedFile::Swap(MappedFile& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
}

}  // namespace sw
