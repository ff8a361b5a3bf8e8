// What the run happened on, as far as the operating system tells.
#pragma once

#include "harness/report/record.h"

#include <string>
#include <vector>

namespace sw {

// `command_line`: argv, the program's name included. What cannot be found out is "unknown" or 0.
Environment MakeEnvironment(const DeviceInfo& device, std::vector<std::string> command_line);

}  // namespace sw
