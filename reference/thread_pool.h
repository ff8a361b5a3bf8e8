// ThreadPool: a fixed set of threads that share the iterations of one loop at a time.
//
// Which thread runs which iteration is not fixed, so an iteration must not let its result depend on
// `worker`; then results are the same for every number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace sw {

class ThreadPool {
 public:
  // num_threads counts the calling thread; 0 means one per hardware thread.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls body(i, worker) for every i in [0, n), in no fixed order; returns when all are done.
  // worker is in [0, num_threads()), distinct between calls that run at once: it indexes scratch.
  // Threads take iterations in ascending order, `grain` at a time (0: chosen from n), so heavy ones
  // belong first. The first exception is rethrown here, iterations not yet begun are dropped.
  // Called from inside a body it runs inline, on the worker that it is called from.
  template <class Body>
  void ParallelFor(int64_t n, Body&& body, int64_t grain = 0) {
    using Plain = std::remove_reference_t<Body>;
    Run(n, grain, const_cast<void*>(static_cast<const void*>(&body)),
        [](void* context, int64_t i, int worker) { (*static_cast<Plain*>(context))(i, worker); });
  }

 private:
  using Call = void (*)(void* context, int64_t i, int worker);
  void Run(int64_t n, int64_t grain, void* context, Call call);
  void WorkerLoop(int worker);
  void RunShare(int worker);

  std::vector<std::thread> threads_;
  std::mutex callers_;  // held by the thread whose loop is running

  std::mutex mutex_;  // guards generation_ writes, open_, sleeping_, stop_, error_
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};  // loops started so far
  std::atomic<int> active_{0};           // pool threads inside the loop of this generation
  bool open_ = false;                    // whether threads may still join it
  int sleeping_ = 0;
  std::atomic<bool> stop_{false};
  std::exception_ptr error_;

  // The loop: written before generation_ is raised, read by threads that joined.
  int64_t n_ = 0;
  int64_t grain_ = 1;
  void* context_ = nullptr;
  Call call_ = nullptr;
  std::atomic<int64_t> next_{0};
};

}  // namespace sw
