// What may go wrong inside a point, turned into the status of its record.
#pragma once

#include "core/base/check.h"
#include "harness/report/record.h"
#include "tasks/task.h"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <optional>
#include <string>

namespace sw {

struct Failure {
  RunStatus status = RunStatus::kFailed;
  std::string detail;
};

// Runs `body`; what it throws becomes a Failure, nullopt when it throws nothing.
template <class Body>
std::optional<Failure> Attempt(Body&& body) {
  try {
    body();
    return std::nullopt;
  } catch (const OutOfMemory& error) {
    return Failure{RunStatus::kOutOfMemory, error.what()};
  } catch (const std::bad_alloc&) {
    return Failure{RunStatus::kOutOfMemory, "the system gave the process no more memory"};
  } catch (const MissingData& error) {
    return Failure{RunStatus::kMissingData, error.what()};
  } catch (const BugError& error) {
    return Failure{RunStatus::kFailed, fmt::format("bug: {}", error.what())};
  } catch (const std::exception& error) {
    return Failure{RunStatus::kFailed, error.what()};
  }
}

}  // namespace sw
