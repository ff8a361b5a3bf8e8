// From a config to the policy that it describes.
#pragma once

#include <memory>

#include "core/attention/attention_policy.h"
#include "core/config/policy_config.h"

namespace sw {

// `backend` must outlive the policy. Throws UserError (ValidatePolicy) for values out of range.
std::unique_ptr<AttentionPolicy> MakePolicy(const PolicyConfig& config, const HeadShape& heads,
                                            int num_layers, Backend& backend);

}  // namespace sw
