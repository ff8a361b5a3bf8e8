// How much haystack fits: the search behind "as full as possible, never over".
#pragma once

#include <functional>
#include <optional>

namespace sw {

// The number of units n >= minimum with tokens_at(n) <= budget < tokens_at(n + 1); nothing when
// even `minimum` is over the budget. tokens_at must grow with n; being nearly linear makes the
// search short: two cheap calls near `minimum`, then two to five near the answer.
std::optional<int> FitUnits(int minimum, int budget, const std::function<int(int)>& tokens_at);

}  // namespace sw
