#include "core/base/check.h"

namespace sw {

void ThrowBug(const char* file, int line, const char* condition, const std::string& detail) {
  throw BugError(fmt::format("{}:{}: check failed: {}{}{}", file, line, condition,
                             detail.empty() ? "" : ": ", detail));
}

}  // namespace sw
