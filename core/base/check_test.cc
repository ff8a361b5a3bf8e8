#include "core/base/check.h"

#include "core/testing/catch.h"

namespace sw {

using testing::HasText;
using testing::MessageOf;

TEST_CASE("SW_CHECK names the place, the condition and the detail") {
  const int found = 3;
  const std::string message = MessageOf<BugError>([&] { SW_CHECK(found == 4, "found {}", found); });
  CHECK_THAT(message, HasText("check_test.cc:"));
  CHECK_THAT(message, HasText("check failed: found == 4: found 3"));
  const std::string bare = MessageOf<BugError>([&] { SW_CHECK(found > 4); });
  CHECK_THAT(bare, HasText("check failed: found > 4"));
  CHECK(bare.back() == '4');
}

TEST_CASE("SW_CHECK evaluates its condition once and passes when true") {
  int evaluations = 0;
  CHECK_NOTHROW([&] { SW_CHECK(++evaluations == 1, "evaluated {} times", evaluations); }());
  CHECK(evaluations == 1);
}

TEST_CASE("SW_CHECK is one statement") {
  bool other_branch = false;
  if (other_branch)
    SW_CHECK(false);
  else
    other_branch = true;
  CHECK(other_branch);
}

TEST_CASE("FailUser formats a UserError, and running out of memory is one") {
  const std::string message =
      MessageOf<UserError>([] { FailUser("top_blocks {}: must be at least {}", 0, 1); });
  CHECK(message == "top_blocks 0: must be at least 1");
  CHECK_THROWS_AS([] { throw OutOfMemory("4 GiB asked"); }(), UserError);
}

}  // namespace sw
