// Errors of the whole project: one family, two meanings.
//
//   UserError  something the user can mend (a config value, a file, a missing package). Exit
//   code 2. BugError   a broken invariant of ours; thrown by SW_CHECK. Exit code 70.
//
// A UserError says what is wrong, where, and what to do about it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace sw {

struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct BugError : std::logic_error {
  using std::logic_error::logic_error;
};

// A point that does not fit the machine's memory: recorded as out of memory, the sweep goes on.
struct OutOfMemory : UserError {
  using UserError::UserError;
};

[[noreturn]] void ThrowBug(const char* file, int line, const char* condition,
                           const std::string& detail);

// Throws UserError with a formatted message: FailUser("top_blocks {}: must be at least 1", n).
template <class... Args>
[[noreturn]] void FailUser(fmt::format_string<Args...> format, Args&&... args) {
  throw UserError(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sw

// SW_CHECK(condition) or SW_CHECK(condition, "format {}", value): throws BugError when false.
#define SW_CHECK(condition, ...)                                                     \
  do {                                                                               \
    if (!(condition)) {                                                              \
      ::sw::ThrowBug(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
    }                                                                                \
  } while (false)
