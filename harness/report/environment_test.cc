#include "harness/report/environment.h"

#include "harness/report/build_info.h"

#include "core/testing/catch.h"

#include <cstring>
#include <fstream>
#include <string>

namespace sw {
namespace {

TEST_CASE("the environment names machine, build and command") {
  DeviceInfo device;
  device.backend = "reference";
  const Environment e = MakeEnvironment(device, {"swharness", "run", "a b.yaml"});
  CHECK(e.command_line == std::vector<std::string>{"swharness", "run", "a b.yaml"});
  CHECK(e.device.backend == "reference");
  CHECK(e.memory_bytes > (int64_t{64} << 20));
  CHECK_FALSE(e.cpu.empty());
  CHECK_FALSE(e.compiler.empty());
  CHECK_THAT(e.os, testing::HasText("Linux "));
  REQUIRE(e.started_at.size() == 20);  // 2026-01-31T23:59:59Z
  CHECK(e.started_at[4] == '-');
  CHECK(e.started_at[10] == 'T');
  CHECK(e.started_at.back() == 'Z');
}

TEST_CASE("the build knows its version and its commit") {
  const BuildInfo& build = GetBuildInfo();
  std::ifstream file(SW_SOURCE_DIR "/VERSION");
  std::string version;
  REQUIRE(std::getline(file, version));
  CHECK(build.version == version);
  const bool known =
      std::strlen(build.commit) == 40 && std::strspn(build.commit, "0123456789abcdef") == 40;
  CHECK((known || std::string(build.commit) == "unknown"));
}

}  // namespace
}  // namespace sw
