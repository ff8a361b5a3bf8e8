#include "harness/registry.h"

#include "harness/config_io.h"
#include "reference/reference_backend.h"
#include "tasks/nearest_name.h"
#include "tasks/ruler/ruler_suite.h"

namespace sw {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdjectives = "adjectivelist.txt";
constexpr const char* kNouns = "nounlist.txt";

WordList ReadWords(const fs::path& folder) {
  return ParseWordList(ReadTextFile((folder / kAdjectives).string()),
                       ReadTextFile((folder / kNouns).string()), folder.string());
}

}  // namespace

std::unique_ptr<Backend> MakeBackend(BackendKind kind, int num_threads) {
  switch (kind) {
    case BackendKind::kAuto:
    case BackendKind::kReference:
      return std::make_unique<ReferenceBackend>(
          ReferenceOptions{.num_threads = num_threads, .memory_limit_bytes = 0});
    case BackendKind::kCuda:
      FailUser(
          "backend cuda: this build has no CUDA backend; use `backend: auto` or "
          "--set backend=reference");
  }
  SW_CHECK(false, "backend {}", static_cast<int>(kind));
  return nullptr;
}

std::vector<std::string> BackendNames() { return {"reference"}; }

std::unique_ptr<Task> MakeTask(const TaskConfig& config, const std::string& name, int length,
                               const RulerData& data) {
  if (config.suite == "ruler") return MakeRulerTask(config, name, length, data);
  FailUser("unknown task suite '{}'; known: ruler", config.suite);
}

std::vector<std::pair<std::string, std::string>> TaskNames() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& name : RulerTaskNames()) names.emplace_back("ruler", name);
  return names;
}

std::optional<WordList> LoadWords(const std::string& words, const DataRoots& roots) {
  if (words.find('/') != std::string::npos) return ReadWords(words);
  if (words != "wonderwords") {
    FailUser("unknown word list '{}'; it is wonderwords, or a folder (./mine) that holds {} and {}",
             words, kAdjectives, kNouns);
  }
  const fs::path folder = fs::path("data") / words;
  const std::optional<fs::path> adjectives = roots.Find(folder / kAdjectives);
  if (!adjectives || !roots.Find(folder / kNouns)) return std::nullopt;
  return ReadWords(adjectives->parent_path());
}

}  // namespace sw
