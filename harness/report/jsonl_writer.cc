#include "harness/report/jsonl_writer.h"

#include "core/base/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace sw {
namespace {

// A file past the process's size limit should fail with EFBIG, not kill the process.
void IgnoreFileSizeSignal() {
  static const bool done = [] {
    signal(SIGXFSZ, SIG_IGN);
    return true;
  }();
  (void)done;
}

std::string RemedyFor(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space there, or write elsewhere with --out DIR";
    case EFBIG:
      return "raise the file size limit (ulimit -f), or write elsewhere with --out DIR";
    case EACCES:
    case EPERM:
    case EROFS:
      return "make the folder writable, or write elsewhere with --out DIR";
    default:
      return "check the folder, or write elsewhere with --out DIR";
  }
}

[[noreturn]] void FailWrite(const std::filesystem::path& path, int error,
                            const char* what_is_left) {
  FailUser("{}: cannot write: {}; {}\n  to mend: {}", path.string(), std::strerror(error),
           what_is_left, RemedyFor(error));
}

// 0 or the errno that stopped it.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

// 0 or an errno. What cannot be synced (a pipe, a device) is as safe as it gets.
int Sync(int fd) {
  if (fsync(fd) == 0 || errno == EINVAL || errno == EROFS) return 0;
  return errno;
}

// Bytes up to and with the last line break.
int64_t WholeLinesOf(int fd, int64_t size) {
  std::array<char, 65536> chunk;
  for (int64_t end = size; end > 0;) {
    const int64_t begin = std::max<int64_t>(0, end - static_cast<int64_t>(chunk.size()));
    const ssize_t got = pread(fd, chunk.data(), static_cast<size_t>(end - begin), begin);
    if (got <= 0) return size;  // unreadable: leave it alone
    for (int64_t i = got - 1; i >= 0; --i) {
      if (chunk[static_cast<size_t>(i)] == '\n') return begin + i + 1;
    }
    end = begin;
  }
  return 0;
}

}  // namespace

JsonlWriter::JsonlWriter(std::filesystem::path path) : path_(std::move(path)) {
  IgnoreFileSizeSignal();
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    const int error = errno;
    FailUser("{}: cannot open for writing: {}\n  to mend: {}", path_.string(), std::strerror(error),
             RemedyFor(error));
  }
  struct stat status {};
  if (fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
    whole_bytes_ = WholeLinesOf(fd_, status.st_size);
    if (whole_bytes_ < status.st_size && ftruncate(fd_, whole_bytes_) != 0) {
      const int error = errno;
      close(fd_);
      FailWrite(path_, error, "its last line is torn");
    }
  }
}

JsonlWriter::~JsonlWriter() { close(fd_); }

void JsonlWriter::Append(std::string_view line) {
  SW_CHECK(line.find('\n') == std::string_view::npos, "a line break inside a line");
  std::string whole(line);
  whole.push_back('\n');
  int error = WriteAll(fd_, whole);
  if (error == 0) error = Sync(fd_);
  if (error == 0) {
    whole_bytes_ += static_cast<int64_t>(whole.size());
    return;
  }
  const bool cut = ftruncate(fd_, whole_bytes_) == 0;
  FailWrite(path_, error, cut ? "all lines before this one are kept" : "its last line may be torn");
}

void WriteWholeFile(const std::filesystem::path& path, std::string_view text) {
  IgnoreFileSizeSignal();
  std::filesystem::path draft = path;
  draft += ".tmp";
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int error = fd < 0 ? errno : WriteAll(fd, text);
  if (fd >= 0 && error == 0) error = Sync(fd);
  if (fd >= 0 && close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(draft.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    if (fd >= 0) unlink(draft.c_str());
    FailWrite(path, error, "what it held before is kept");
  }
}

}  // namespace sw
