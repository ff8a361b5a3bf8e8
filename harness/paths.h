// Where configs, models and word lists are. A root is a folder that holds some of configs/,
// models/ and data/: $SWHARNESS_HOME, the checkout that the program was built in, the user's XDG
// data folder, the installation's share folder; looked into in this order.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sw {

// What the roots follow from; made by OfThisProcess, or by a test.
struct PathSources {
  std::filesystem::path home;        // $SWHARNESS_HOME; empty when not set
  std::filesystem::path executable;  // absolute
  std::filesystem::path xdg_data;    // $XDG_DATA_HOME, else $HOME/.local/share; empty when neither

  static PathSources OfThisProcess();
};

struct ResolvedModel {
  std::string name;  // as asked, or the file's stem for a path
  std::filesystem::path file;
  std::string sha256;  // that the file must have; empty for a path
};

// One file of configs/model/.
struct ModelEntry {
  std::string name;
  std::string file;  // relative to a root: "models/x/x.gguf"
  std::string sha256;
  std::string fetch;  // the command that fetches it
  std::string description;
};

class DataRoots {
 public:
  explicit DataRoots(const PathSources& sources);

  const std::vector<std::filesystem::path>& roots() const { return roots_; }

  // The first root's file of this relative path that exists.
  std::optional<std::filesystem::path> Find(const std::filesystem::path& relative) const;

  // A config by path, or by name: "niah" is configs/niah.yaml of a root. UserError with all places
  // that were tried.
  std::filesystem::path ResolveConfig(const std::string& config) const;

  // By name through configs/model/NAME.yaml, or a path (anything with a slash or ending in .gguf).
  // UserError on an unknown name, and on weights that are not there: names file, places, command.
  ResolvedModel ResolveModel(const std::string& model) const;

  // Every model that has a file under configs/model/, by name; the first root wins.
  std::vector<ModelEntry> Models() const;
  // Where the weights of an entry are, if they are.
  std::optional<std::filesystem::path> WeightsOf(const ModelEntry& entry) const;

 private:
  std::vector<std::filesystem::path> roots_;
};

}  // namespace sw
