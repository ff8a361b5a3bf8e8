// Files of results that survive a full disk and a kill: whole lines, on the disk when Append
// returns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace sw {

// Appends lines to one file, creating it when it is not there. Not for several writers at once.
class JsonlWriter {
 public:
  // Throws UserError when the file cannot be opened. A last line without its line break (a killed
  // run's) is cut off.
  explicit JsonlWriter(std::filesystem::path path);
  ~JsonlWriter();
  JsonlWriter(const JsonlWriter&) = delete;
  JsonlWriter& operator=(const JsonlWriter&) = delete;

  // Writes `line`, which holds no line break, and one after it, and waits for the disk. On failure
  // the file is cut back to its last whole line and a UserError names it, the reason and the
  // remedy.
  void Append(std::string_view line);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  int64_t whole_bytes_ = 0;  // length of the file up to its last whole line
};

// Replaces a file by `text` in one step: a reader sees the old content or the new one, also after a
// failure, which throws UserError as above.
void WriteWholeFile(const std::filesystem::path& path, std::string_view text);

}  // namespace sw
