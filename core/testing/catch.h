// The one door to Catch2: Debian 12 ships the v2 API, Debian 13 and Ubuntu 24.04 the v3 API.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace sw::testing {
inline auto HasText(const std::string& text) { return Catch::Matchers::ContainsSubstring(text); }
}  // namespace sw::testing
using Catch::Approx;  // v2 declares it globally
#else
#include <catch2/catch.hpp>
namespace sw::testing {
inline auto HasText(const std::string& text) { return Catch::Matchers::Contains(text); }
}  // namespace sw::testing
#endif

namespace sw::testing {

// The message of the exception that `body` throws as E; fails the test when it throws nothing.
template <class E, class Body>
std::string MessageOf(Body&& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  FAIL("expected an exception");
  return {};
}

}  // namespace sw::testing
