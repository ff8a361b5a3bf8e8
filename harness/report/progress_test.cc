#include "harness/report/progress.h"

#include "core/testing/catch.h"

#include <sstream>
#include <string>

namespace sw {
namespace {

using testing::HasText;

TEST_CASE("durations as people say them") {
  CHECK(DurationText(0) == "0 s");
  CHECK(DurationText(59.2) == "1 min 00 s");
  CHECK(DurationText(200) == "3 min 20 s");
  CHECK(DurationText(7500) == "2 h 05 min");
}

TEST_CASE("without a terminal there are plain lines, no more often than asked") {
  std::ostringstream out;
  double now = 100;
  {
    Progress progress(out, 10, {.is_terminal = false, .now = [&] { return now; }});
    progress.Doing("niah 1024 dense");
    progress.Advance(1);
    CHECK(out.str().empty());
    now = 131;
    progress.Advance(4);  // half in 31 s
    CHECK(out.str() == " 50 %  31 s left  niah 1024 dense\n");
    progress.Note("a point");
    CHECK(out.str() == " 50 %  31 s left  niah 1024 dense\na point\n");
  }
  CHECK(out.str().find('\r') == std::string::npos);
  CHECK(out.str().find('\033') == std::string::npos);
}

TEST_CASE("the bar redraws one line, notes stand above it, and it goes away") {
  std::ostringstream out;
  double now = 0;
  {
    Progress progress(out, 4, {.is_terminal = true, .width = 200, .now = [&] { return now; }});
    now = 30;
    progress.Advance(1);
    CHECK_THAT(out.str(), HasText("[###.........]  25 %  1 min 30 s left"));
    progress.Note("a point");
    CHECK_THAT(out.str(), HasText("\r\033[Ka point\n"));
    CHECK(out.str().back() != '\n');  // drawn again below the note
  }
  CHECK(out.str().ends_with("\r\033[K"));
}

TEST_CASE("the bar never wraps") {
  std::ostringstream out;
  Progress progress(out, 4, {.is_terminal = true, .width = 30, .now = [] { return 0.0; }});
  progress.Doing(std::string(100, 'x'));
  const std::string drawn = out.str().substr(out.str().rfind('K') + 1);
  CHECK(drawn.size() == 29);
}

TEST_CASE("skipped work counts as no work") {
  std::ostringstream out;
  double now = 0;
  Progress progress(out, 10, {.seconds_between_lines = 0, .now = [&] { return now; }});
  progress.Skip(5);
  now = 10;
  progress.Advance(5);
  CHECK(out.str() == "100 %\n");
}

}  // namespace
}  // namespace sw
