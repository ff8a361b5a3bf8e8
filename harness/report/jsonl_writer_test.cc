#include "harness/report/jsonl_writer.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sw {
namespace {

namespace fs = std::filesystem;
using testing::HasText;
using testing::MessageOf;

// An empty folder that goes when the test ends.
class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "sw_jsonl_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Files of this process may have `bytes` at most while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE("lines are appended, also by a later writer") {
  const TempDir dir;
  JsonlWriter(dir / "a.jsonl").Append("{\"a\":1}");
  {
    JsonlWriter writer(dir / "a.jsonl");
    writer.Append("{\"a\":2}");
    writer.Append("{}");
  }
  CHECK(Read(dir / "a.jsonl") == "{\"a\":1}\n{\"a\":2}\n{}\n");
  JsonlWriter writer(dir / "a.jsonl");
  CHECK_THROWS_AS(writer.Append("two\nlines"), BugError);
}

TEST_CASE("a torn last line is dropped when the file is opened again") {
  const TempDir dir;
  const std::string torn_tail(GENERATE(1, 65536, 200001), 'x');
  std::ofstream(dir / "a.jsonl") << "{\"whole\":1}\n" << torn_tail;
  JsonlWriter(dir / "a.jsonl").Append("{\"next\":2}");
  CHECK(Read(dir / "a.jsonl") == "{\"whole\":1}\n{\"next\":2}\n");
  std::ofstream(dir / "b.jsonl") << "{\"never ended";
  JsonlWriter(dir / "b.jsonl").Append("{}");
  CHECK(Read(dir / "b.jsonl") == "{}\n");
}

TEST_CASE("a full disk is a user error that names file, reason and remedy") {
  const TempDir dir;
  fs::create_symlink("/dev/full", dir / "full.jsonl");
  JsonlWriter writer(dir / "full.jsonl");
  const std::string message = MessageOf<UserError>([&] { writer.Append("{}"); });
  CHECK_THAT(message,
             HasText("full.jsonl") && HasText("No space left on device") && HasText("--out DIR"));
}

TEST_CASE("a write that stops half way leaves whole lines only") {
  const TempDir dir;
  const std::string line(100, 'a');
  std::string expected;
  JsonlWriter writer(dir / "a.jsonl");
  {
    const FileSizeLimit limit(350);  // three lines of 101 bytes, and half of a fourth
    for (int i = 0; i < 3; ++i) {
      writer.Append(line);
      expected += line + "\n";
    }
    const std::string message = MessageOf<UserError>([&] { writer.Append(line); });
    CHECK_THAT(message, HasText("a.jsonl") && HasText("File too large") && HasText("ulimit -f"));
    CHECK(Read(dir / "a.jsonl") == expected);
  }
  writer.Append(line);  // there is room again
  CHECK(Read(dir / "a.jsonl") == expected + line + "\n");
}

TEST_CASE("a folder that is not there or a folder in the file's place is a user error") {
  const TempDir dir;
  CHECK_THAT(MessageOf<UserError>([&] { JsonlWriter writer(dir / "no/such/a.jsonl"); }),
             HasText("no/such/a.jsonl") && HasText("No such file"));
  CHECK_THROWS_AS(JsonlWriter(dir / "."), UserError);
}

TEST_CASE("a whole file is replaced in one step or not at all") {
  const TempDir dir;
  WriteWholeFile(dir / "s.json", "old");
  WriteWholeFile(dir / "s.json", "new");
  CHECK(Read(dir / "s.json") == "new");
  {
    const FileSizeLimit limit(10);
    CHECK_THROWS_AS(WriteWholeFile(dir / "s.json", std::string(100, 'x')), UserError);
  }
  CHECK(Read(dir / "s.json") == "new");
  CHECK_FALSE(fs::exists(dir / "s.json.tmp"));
}

}  // namespace
}  // namespace sw
