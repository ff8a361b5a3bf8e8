#include "reference/thread_pool.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/testing/catch.h"

namespace sw {
namespace {

TEST_CASE("thread pool: every iteration once, workers in range") {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    CHECK(pool.num_threads() == threads);
    for (const int64_t n : {0, 1, 2, 3, 100, 10'007}) {
      for (const int64_t grain : {0, 1, 64}) {
        std::vector<std::atomic<int>> visits(n);
        std::atomic<int> bad_workers = 0;
        pool.ParallelFor(
            n,
            [&](int64_t i, int worker) {
              ++visits[i];
              if (worker < 0 || worker >= threads) ++bad_workers;
            },
            grain);
        CHECK(bad_workers == 0);
        int64_t wrong = 0;
        for (const auto& count : visits) wrong += count != 1;
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("thread pool: 0 threads means the hardware's") {
  const ThreadPool pool(0);
  CHECK(pool.num_threads() >= 1);
}

TEST_CASE("thread pool: a worker is in one iteration at a time, threads really share") {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> inside(3);
  std::atomic<int> overlaps = 0;
  std::atomic<int> together = 0;
  pool.ParallelFor(
      3,
      [&](int64_t, int worker) {
        if (inside[worker].fetch_add(1) != 0) ++overlaps;
        // Every thread waits here for the others: this returns only if all three take part.
        ++together;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (together < 3 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        --inside[worker];
      },
      1);
  CHECK(overlaps == 0);
  CHECK(together == 3);
}

TEST_CASE("thread pool: loops in a row, also after the threads have gone to sleep") {
  ThreadPool pool(3);
  for (int round = 0; round < 2000; ++round) {
    std::atomic<int64_t> sum = 0;
    pool.ParallelFor(
        10, [&](int64_t i, int) { sum += i; }, 1);
    REQUIRE(sum == 45);
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("thread pool: an exception reaches the caller, the pool lives on") {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const int64_t culprit : {0, 50, 99}) {
      CHECK_THROWS_AS(pool.ParallelFor(100,
                                       [&](int64_t i, int) {
                                         if (i == culprit) throw std::out_of_range("culprit");
                                       }),
                      std::out_of_range);
      std::atomic<int> count = 0;
      pool.ParallelFor(100, [&](int64_t, int) { ++count; });
      CHECK(count == 100);
    }
  }
}

TEST_CASE("thread pool: a loop inside a loop runs on its own worker") {
  ThreadPool pool(3);
  std::atomic<int> moved = 0;
  std::atomic<int64_t> sum = 0;
  pool.ParallelFor(
      6,
      [&](int64_t, int outer) {
        pool.ParallelFor(5, [&](int64_t i, int inner) {
          if (inner != outer) ++moved;
          sum += i;
        });
      },
      1);
  CHECK(moved == 0);
  CHECK(sum == 60);
}

TEST_CASE("thread pool: callers from several threads take turns") {
  ThreadPool pool(2);
  std::atomic<int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.ParallelFor(20, [&](int64_t i, int) { sum += i; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(sum == 4 * 50 * 190);
}

}  // namespace
}  // namespace sw
