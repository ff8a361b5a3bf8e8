#include "harness/paths.h"

#include <unistd.h>

#include <fstream>

#include "core/base/check.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

namespace fs = std::filesystem;
using testing::HasText;
using testing::MessageOf;

// A folder of its own for each test, gone afterwards.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "sw-paths-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = fs::canonical(name);
  }
  ~TempFolder() { fs::remove_all(path_); }

  fs::path operator/(const char* relative) const { return path_ / relative; }
  fs::path Write(const char* relative, const std::string& text) const {
    const fs::path path = path_ / relative;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

 private:
  fs::path path_;
};

constexpr const char* kModel =
    "file: models/tiny/tiny.gguf\nfetch: scripts/fetch_model tiny\ndescription: a test\n";

TEST_CASE("Roots come in order: home, checkout, XDG, installation") {
  const TempFolder temp;
  temp.Write("checkout/VERSION", "1");
  temp.Write("checkout/configs/model/tiny.yaml", kModel);
  temp.Write("prefix/share/swharness/configs/niah.yaml", "");
  const PathSources built{.home = temp / "home",
                          .executable = temp / "checkout/build/release/harness/swharness",
                          .xdg_data = temp / "xdg"};
  CHECK(DataRoots(built).roots() ==
        std::vector<fs::path>{temp / "home", temp / "checkout", temp / "xdg/swharness"});
  const PathSources installed{
      .home = {}, .executable = temp / "prefix/bin/swharness", .xdg_data = temp / "xdg"};
  CHECK(DataRoots(installed).roots() ==
        std::vector<fs::path>{temp / "xdg/swharness", temp / "prefix/share/swharness"});
  // The same folder twice counts once.
  const PathSources same{
      .home = temp / "checkout/", .executable = built.executable, .xdg_data = {}};
  CHECK(DataRoots(same).roots() == std::vector<fs::path>{temp / "checkout"});
}

TEST_CASE("A config is found by path, by name and by its path under a root") {
  const TempFolder temp;
  const fs::path config = temp.Write("root/configs/niah.yaml", "model: m\n");
  const DataRoots roots({.home = temp / "root", .executable = {}, .xdg_data = {}});
  CHECK(roots.ResolveConfig(config.string()) == config);
  CHECK(roots.ResolveConfig("niah") == config);
  CHECK(roots.ResolveConfig("niah.yaml") == config);
  CHECK(roots.ResolveConfig("configs/niah.yaml") == config);
  const std::string error = MessageOf<UserError>([&] { roots.ResolveConfig("nihah"); });
  CHECK_THAT(error, HasText("no config 'nihah'; looked for\n  nihah\n"));
  CHECK_THAT(error, HasText((temp / "root/configs/nihah.yaml").string()));
  CHECK_THROWS_AS(roots.ResolveConfig((temp / "root").string()), UserError);  // a folder
  CHECK_THROWS_AS(roots.ResolveConfig(""), UserError);
}

TEST_CASE("A model is found by name in any root, or by path") {
  const TempFolder temp;
  temp.Write("root/configs/model/tiny.yaml",
             std::string(kModel) + "sha256: " + std::string(64, 'a') + "\n");
  const fs::path weights = temp.Write("xdg/swharness/models/tiny/tiny.gguf", "x");
  const DataRoots roots({.home = temp / "root", .executable = {}, .xdg_data = temp / "xdg"});
  const ResolvedModel model = roots.ResolveModel("tiny");
  CHECK(model.name == "tiny");
  CHECK(model.file == weights);
  CHECK(model.sha256 == std::string(64, 'a'));
  const ResolvedModel by_path = roots.ResolveModel(weights.string());
  CHECK(by_path.name == "tiny");
  CHECK(by_path.file == weights);
  CHECK(by_path.sha256.empty());
}

TEST_CASE("What is not there is named with places and remedy") {
  const TempFolder temp;
  temp.Write("root/configs/model/tiny.yaml", kModel);
  const DataRoots roots({.home = temp / "root", .executable = {}, .xdg_data = temp / "xdg"});
  const std::string missing = MessageOf<UserError>([&] { roots.ResolveModel("tiny"); });
  CHECK_THAT(missing, HasText("fetch them with: scripts/fetch_model tiny"));
  CHECK_THAT(missing, HasText((temp / "root/models/tiny/tiny.gguf").string()));
  CHECK_THAT(missing, HasText((temp / "xdg/swharness/models/tiny/tiny.gguf").string()));
  CHECK_THAT(MessageOf<UserError>([&] { roots.ResolveModel("tinny"); }),
             HasText("unknown model 'tinny'; did you mean tiny?"));
  CHECK_THAT(MessageOf<UserError>([&] { roots.ResolveModel("./no.gguf"); }),
             HasText("./no.gguf: no such file"));
  const DataRoots empty({.home = temp / "xdg", .executable = {}, .xdg_data = {}});
  CHECK_THAT(MessageOf<UserError>([&] { empty.ResolveModel("tiny"); }),
             HasText("set SWHARNESS_HOME"));
}

TEST_CASE("A model's own file is checked like a config") {
  const TempFolder temp;
  const auto error_of = [&](const std::string& text) {
    temp.Write("root/configs/model/tiny.yaml", text);
    const DataRoots roots({.home = temp / "root", .executable = {}, .xdg_data = {}});
    return MessageOf<UserError>([&] { roots.Models(); });
  };
  CHECK_THAT(error_of("file: a\nshaw256: b\n"),
             HasText("tiny.yaml:2:1: unknown key 'shaw256' in the model; did you mean sha256?"));
  CHECK_THAT(error_of("fetch: a\n"), HasText("the key 'file' is missing"));
  CHECK_THAT(error_of("file: a\nsha256: ABC\n"), HasText("64 lower-case"));
  CHECK_THAT(error_of("file: [a]\n"), HasText("tiny.yaml:1:7: file is a list"));
}

TEST_CASE("The first root's model wins, and all are listed once") {
  const TempFolder temp;
  temp.Write("root/configs/model/tiny.yaml", "file: first\n");
  temp.Write("xdg/swharness/configs/model/tiny.yaml", "file: second\n");
  temp.Write("xdg/swharness/configs/model/other.yaml", "file: third\n");
  temp.Write("root/configs/model/notes.txt", "not a model");
  const DataRoots roots({.home = temp / "root", .executable = {}, .xdg_data = temp / "xdg"});
  const std::vector<ModelEntry> models = roots.Models();
  REQUIRE(models.size() == 2);
  CHECK(models[0].name == "tiny");
  CHECK(models[0].file == "first");
  CHECK(models[1].name == "other");
}

}  // namespace
}  // namespace sw
