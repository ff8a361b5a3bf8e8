// Records as text for people.
#pragma once

#include "harness/report/record.h"

#include <span>
#include <string>
#include <string_view>

namespace sw {

// Columns that a terminal gives to UTF-8 text: wide letters count two, combining marks none.
int DisplayWidth(std::string_view text);

// One row per record under a header, columns aligned; below it why points failed, and what warns.
std::string RecordTable(std::span<const RunRecord> records);

// One record in one line, without a line break: "niah_single_1 4096 generate dense: 100.0 % ...".
std::string RecordLine(const RunRecord& record);

}  // namespace sw
