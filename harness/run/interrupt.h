// Ctrl-C that leaves whole files: the first signal asks the run to stop after its current step, the
// second one ends the process at once.
#pragma once

#include <csignal>

#include <array>

namespace sw {

// While it lives, SIGINT, SIGTERM and SIGHUP set a flag (SIGHUP only where it is not ignored, as it
// is under nohup). One at a time. The handlers before it come back when it goes.
class InterruptGuard {
 public:
  // `say` tells on standard error that the run is stopping.
  explicit InterruptGuard(bool say);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  static bool Requested();

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace sw
