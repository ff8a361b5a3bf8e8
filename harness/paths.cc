#include "harness/paths.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/ranges.h>

#include "harness/config_io.h"
#include "harness/config_io_fields.h"

namespace sw {
namespace {

namespace fs = std::filesystem;

// Questions about files that may not be readable: no is the answer then.
bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string EnvironmentText(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// The checkout above a program in its build folder; empty for an installed program.
fs::path CheckoutAbove(const fs::path& executable) {
  for (fs::path folder = executable.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (IsFolder(folder / "configs" / "model") && IsFile(folder / "VERSION")) return folder;
  }
  return {};
}

std::string Join(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) text += "\n  " + path.string();
  return text;
}

ModelEntry ReadModelEntry(const fs::path& path) {
  const ConfigNode node = ParseConfigTree(ReadTextFile(path.string()), path.string());
  RequireMap(node, "a model");
  ModelEntry entry{
      .name = path.stem().string(), .file = {}, .sha256 = {}, .fetch = {}, .description = {}};
  const std::vector<std::pair<std::string, std::string*>> fields = {
      {"file", &entry.file},
      {"sha256", &entry.sha256},
      {"fetch", &entry.fetch},
      {"description", &entry.description}};
  std::vector<std::string> known;
  for (const auto& field : fields) known.push_back(field.first);
  for (const ConfigEntry& given : node.entries) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& f) { return f.first == given.key; });
    if (field == fields.end()) FailUnknownKey(given, {"the model"}, known);
    ReadValue(given.value, given.key, *field->second);
  }
  if (entry.file.empty()) FailAt(path.string(), "the key 'file' is missing");
  if (!entry.sha256.empty() &&
      (entry.sha256.size() != 64 ||
       entry.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)) {
    FailAt(path.string(), "sha256 is '{}': it must be 64 lower-case hexadecimal digits",
           entry.sha256);
  }
  return entry;
}

}  // namespace

PathSources PathSources::OfThisProcess() {
  PathSources sources;
  sources.home = EnvironmentText("SWHARNESS_HOME");
  std::error_code error;
  sources.executable = fs::read_symlink("/proc/self/exe", error);
  // The XDG rules: a relative value is as if not set.
  sources.xdg_data = EnvironmentText("XDG_DATA_HOME");
  if (!sources.xdg_data.is_absolute()) {
    const fs::path home = EnvironmentText("HOME");
    sources.xdg_data = home.empty() ? fs::path() : home / ".local" / "share";
  }
  return sources;
}

DataRoots::DataRoots(const PathSources& sources) {
  std::vector<fs::path> candidates;
  if (!sources.home.empty()) candidates.push_back(fs::absolute(sources.home));
  candidates.push_back(CheckoutAbove(sources.executable));
  if (!sources.xdg_data.empty()) candidates.push_back(sources.xdg_data / "swharness");
  const fs::path share = sources.executable.parent_path().parent_path() / "share" / "swharness";
  if (!sources.executable.empty() && IsFolder(share)) candidates.push_back(share);
  for (const fs::path& path : candidates) {
    if (path.empty()) continue;
    fs::path root = path.lexically_normal();
    if (!root.has_filename()) root = root.parent_path();
    if (std::find(roots_.begin(), roots_.end(), root) == roots_.end()) roots_.push_back(root);
  }
}

std::optional<fs::path> DataRoots::Find(const fs::path& relative) const {
  for (const fs::path& root : roots_) {
    if (fs::path path = root / relative; IsFile(path)) return path;
  }
  return std::nullopt;
}

fs::path DataRoots::ResolveConfig(const std::string& config) const {
  if (config.empty()) FailUser("the config's name is empty; give a path or a name, e.g. niah");
  std::vector<fs::path> tried = {config};
  if (fs::path(config).is_relative()) {
    for (const fs::path& root : roots_) {
      tried.push_back(root / config);
      tried.push_back(root / "configs" / config);
      tried.push_back(root / "configs" / (config + ".yaml"));
    }
  }
  for (const fs::path& path : tried) {
    if (IsFile(path)) return path;
  }
  FailUser("no config '{}'; looked for{}", config, Join(tried));
}

std::vector<ModelEntry> DataRoots::Models() const {
  std::vector<ModelEntry> models;
  std::set<std::string> names;
  for (const fs::path& root : roots_) {
    const fs::path folder = root / "configs" / "model";
    if (!IsFolder(folder)) continue;
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().extension() == ".yaml") files.push_back(file.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (names.insert(file.stem().string()).second) models.push_back(ReadModelEntry(file));
    }
  }
  return models;
}

std::optional<fs::path> DataRoots::WeightsOf(const ModelEntry& entry) const {
  return Find(entry.file);
}

ResolvedModel DataRoots::ResolveModel(const std::string& model) const {
  if (model.find('/') != std::string::npos || model.ends_with(".gguf")) {
    if (!IsFile(model)) {
      FailUser(
          "model {}: no such file; a model is a path to a .gguf file, or a name that "
          "`swharness models` lists",
          model);
    }
    return {fs::path(model).stem().string(), model, ""};
  }
  const std::vector<ModelEntry> models = Models();
  std::vector<std::string> names;
  for (const ModelEntry& entry : models) {
    names.push_back(entry.name);
    if (entry.name != model) continue;
    if (const auto file = WeightsOf(entry)) return {entry.name, *file, entry.sha256};
    std::vector<fs::path> tried;
    for (const fs::path& root : roots_) tried.push_back(root / entry.file);
    FailUser(
        "the weights of model '{}' are not here; fetch them with: {}, or put the file at one of{}",
        model, entry.fetch.empty() ? "(the model names no command)" : entry.fetch, Join(tried));
  }
  if (names.empty()) {
    FailUser(
        "no model '{}': no configs/model/*.yaml in any of{}\n  set SWHARNESS_HOME to a "
        "checkout, or give a path to a .gguf file",
        model, Join(roots_));
  }
  FailUser("unknown model '{}'; {}", model, SuggestName(model, names));
}

}  // namespace sw
