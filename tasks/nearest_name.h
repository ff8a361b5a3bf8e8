// For messages about a misspelt name: what the user may have meant, and what there is.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sw {

// "known: a, b, c", preceded by "did you mean b? " when one is close. `known` is not empty.
std::string SuggestName(std::string_view name, std::span<const std::string> known);

}  // namespace sw
