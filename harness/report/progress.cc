#include "harness/report/progress.h"

#include "harness/report/table.h"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace sw {
namespace {

constexpr int kBarColumns = 12;
constexpr const char* kClearLine = "\r\033[K";

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Progress::Progress(std::ostream& out, double total, const Options& options)
    : out_(out), options_(options), total_(total) {
  if (!options_.now) options_.now = SteadySeconds;
  started_ = options_.now();
  last_line_ = started_;
}

Progress::~Progress() { Clear(); }

void Progress::Clear() {
  if (std::exchange(bar_is_drawn_, false)) out_ << kClearLine << std::flush;
}

void Progress::Doing(const std::string& what) {
  doing_ = what;
  Draw();
}

void Progress::Advance(double work) {
  done_ += work;
  Draw();
}

void Progress::Skip(double work) { total_ -= work; }

void Progress::Note(const std::string& line) {
  Clear();
  out_ << line << std::endl;
  if (options_.is_terminal) Draw();
}

std::string Progress::Status() const {
  const double share = total_ > 0 ? std::clamp(done_ / total_, 0.0, 1.0) : 1.0;
  const double elapsed = options_.now() - started_;
  std::string text = fmt::format("{:3.0f} %", std::floor(share * 100));
  if (share > 0 && share < 1) {
    text += fmt::format("  {} left", DurationText(elapsed / share * (1 - share)));
  }
  return doing_.empty() ? text : text + "  " + doing_;
}

void Progress::Draw() {
  if (!options_.is_terminal) {
    if (options_.now() - last_line_ < options_.seconds_between_lines) return;
    last_line_ = options_.now();
    out_ << Status() << std::endl;
    return;
  }
  const double share = total_ > 0 ? std::clamp(done_ / total_, 0.0, 1.0) : 1.0;
  const int filled = static_cast<int>(share * kBarColumns);
  std::string line =
      fmt::format("[{:#<{}}{:.<{}}] {}", "", filled, "", kBarColumns - filled, Status());
  // A line that wraps could not be cleared again.
  while (!line.empty() && DisplayWidth(line) >= options_.width) line.pop_back();
  out_ << kClearLine << line << std::flush;
  bar_is_drawn_ = true;
}

Progress::Options ProgressOptionsForStderr() {
  Progress::Options options;
  options.is_terminal = isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) options.width = size.ws_col;
  return options;
}

std::string DurationText(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace sw
