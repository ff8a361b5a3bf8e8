#include "harness/run/interrupt.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace sw {
namespace {

volatile std::sig_atomic_t interrupt_requested = 0;
volatile std::sig_atomic_t interrupt_is_told = 0;

// Only what may be called inside a signal handler.
void OnSignal(int) {
  const int error = errno;
  interrupt_requested = 1;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
  if (interrupt_is_told != 0) {
    constexpr std::string_view kText =
        "\nstopping after the current step; a second signal stops at once\n";
    if (write(STDERR_FILENO, kText.data(), kText.size()) < 0) errno = 0;
  }
  errno = error;
}

}  // namespace

InterruptGuard::InterruptGuard(bool say) {
  interrupt_requested = 0;
  interrupt_is_told = say ? 1 : 0;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (kSignals[i] == SIGHUP && before_[i].sa_handler == SIG_IGN) continue;
    sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool InterruptGuard::Requested() { return interrupt_requested != 0; }

}  // namespace sw
