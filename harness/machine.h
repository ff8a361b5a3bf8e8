// How much of this machine a run may take.
#pragma once

#include <cstdint>

namespace sw {

// Main memory that is not in use now: the machine's, or its container's when that has less. 0 when
// the system does not tell.
int64_t AvailableMemoryBytes();

}  // namespace sw
