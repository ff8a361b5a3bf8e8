#include "harness/registry.h"

#include <unistd.h>

#include <fstream>

#include "core/testing/catch.h"

namespace sw {
namespace {

namespace fs = std::filesystem;
using testing::HasText;
using testing::MessageOf;

void Write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST_CASE("Backends by name") {
  CHECK(MakeBackend(BackendKind::kReference, 1)->device().backend == "reference");
  CHECK(MakeBackend(BackendKind::kReference, 1)->device().num_threads == 1);
  CHECK_THAT(MessageOf<UserError>([] { MakeBackend(BackendKind::kCuda, 0); }),
             HasText("this build has no CUDA backend"));
}

TEST_CASE("Words are read from a root or a folder") {
  std::string name = (fs::temp_directory_path() / "sw-words-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  const fs::path folder = name;
  const DataRoots roots({.home = folder, .executable = {}, .xdg_data = {}});
  CHECK_FALSE(LoadWords("wonderwords", roots));
  const fs::path words = folder / "data" / "wonderwords";
  Write(words / "adjectivelist.txt", "grumpy\nad hoc\n");
  CHECK_FALSE(LoadWords("wonderwords", roots));  // half a list is none
  CHECK_THAT(MessageOf<UserError>([&] { LoadWords(words.string(), roots); }),
             HasText("nounlist.txt"));
  Write(words / "nounlist.txt", "otter\n");
  const std::optional<WordList> list = LoadWords("wonderwords", roots);
  REQUIRE(list);
  CHECK(list->adjectives == std::vector<std::string>{"grumpy", "ad hoc"});
  CHECK(list->nouns == std::vector<std::string>{"otter"});
  CHECK(LoadWords(words.string(), roots)->nouns == list->nouns);
  CHECK_THAT(MessageOf<UserError>([&] { LoadWords("wondrous", roots); }),
             HasText("unknown word list 'wondrous'"));
  fs::remove_all(folder);
}

TEST_CASE("Every listed task has a suite") {
  REQUIRE_FALSE(TaskNames().empty());
  for (const auto& [suite, name] : TaskNames()) CHECK(suite == "ruler");
}

}  // namespace
}  // namespace sw
