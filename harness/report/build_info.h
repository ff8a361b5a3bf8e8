// What was built, from what: fixed when the program is built (write_build_info.cmake).
#pragma once

namespace sw {

struct BuildInfo {
  const char* version;
  const char* commit;  // 40 hexadecimal digits, or "unknown" outside a git checkout
  bool dirty;          // tracked files differed from the commit
  const char* compiler;
  const char* build_type;
};
const BuildInfo& GetBuildInfo();

}  // namespace sw
