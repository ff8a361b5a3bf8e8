// The `arms` of a config: a list of policies, each a name or {name: {field: value}}. A list under a
// field is a grid: the arm stands for one operating point per combination.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config/run_config.h"
#include "harness/config_io_tree.h"

namespace sw {

// Arms in written order; of a grid, the last field runs fastest. Labels are distinct: the policy's
// name (or the arm's `label`) and those fields in which the arms of that name differ. UserError on
// anything that is no arm, on a value out of range, and on two arms that are the same.
std::vector<ArmConfig> ReadArms(const ConfigNode& node);

// The fields of a policy as they are spelt in YAML, in the order of VisitFields. An optional that
// is not given is left out; top_blocks stands with its default when no keep rule is given.
std::vector<std::pair<std::string, std::string>> FieldTexts(const PolicyConfig& policy);

}  // namespace sw
