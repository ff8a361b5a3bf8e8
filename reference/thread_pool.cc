#include "reference/thread_pool.h"

#include <algorithm>
#include <utility>

namespace sw {
namespace {

// Pauses before a thread sleeps (about 50 us) or yields: a decode step is hundreds of short loops
// in a row, and waking a sleeping thread costs as much as one of them.
constexpr int kSpins = 1000;
// Shares of a loop per thread when the caller names no grain: small enough to even out, large
// enough to keep the counter cold.
constexpr int64_t kSharesPerThread = 16;

// The loop body that this thread is inside of.
struct Position {
  const ThreadPool* pool = nullptr;
  int worker = 0;
};
thread_local Position current;

class Inside {
 public:
  Inside(const ThreadPool* pool, int worker) : outer_(current) { current = {pool, worker}; }
  ~Inside() { current = outer_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Position outer_;
};

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  if (num_threads <= 0) num_threads = static_cast<int>(std::thread::hardware_concurrency());
  for (int worker = 1; worker < num_threads; ++worker) {
    threads_.emplace_back([this, worker] { WorkerLoop(worker); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Run(int64_t n, int64_t grain, void* context, Call call) {
  if (n <= 0) return;
  const bool nested = current.pool == this;
  if (nested || threads_.empty() || n == 1) {
    const Inside inside(this, nested ? current.worker : 0);
    for (int64_t i = 0; i < n; ++i) call(context, i, current.worker);
    return;
  }

  const std::lock_guard caller(callers_);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    n_ = n;
    grain_ = grain > 0 ? grain : std::max<int64_t>(1, n / (num_threads() * kSharesPerThread));
    context_ = context;
    call_ = call;
    next_.store(0, std::memory_order_relaxed);
    error_ = nullptr;
    open_ = true;
    generation_.fetch_add(1, std::memory_order_release);
    wake = sleeping_ > 0;
  }
  if (wake) wake_.notify_all();
  RunShare(0);
  {
    // From here on nobody joins: a thread that slept through the loop is not waited for.
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  for (int spins = 0; active_.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::WorkerLoop(int worker) {
  uint64_t seen = 0;
  const auto idle = [&] {
    return generation_.load(std::memory_order_acquire) == seen &&
           !stop_.load(std::memory_order_relaxed);
  };
  while (true) {
    for (int spins = 0; spins < kSpins && idle(); ++spins) Pause();
    {
      std::unique_lock lock(mutex_);
      ++sleeping_;
      wake_.wait(lock, [&] { return !idle(); });
      --sleeping_;
      if (stop_) return;
      seen = generation_.load(std::memory_order_relaxed);
      if (!open_) continue;
      active_.fetch_add(1, std::memory_order_relaxed);
    }
    RunShare(worker);
    active_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::RunShare(int worker) {
  const Inside inside(this, worker);
  try {
    while (true) {
      const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
      if (begin >= n_) return;
      const int64_t end = std::min(n_, begin + grain_);
      for (int64_t i = begin; i < end; ++i) call_(context_, i, worker);
    }
  } catch (...) {
    next_.store(n_, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    if (error_ == nullptr) error_ = std::current_exception();
  }
}

}  // namespace sw
