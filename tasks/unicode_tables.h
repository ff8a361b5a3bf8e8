// What Python's str.lower() and str.strip() know about Unicode, as sorted ranges of code points.
// The tables are generated: see unicode_tables.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::unicode {

struct CodeRange {
  char32_t first;
  char32_t last;  // included
};

// first, first + stride, ..., last: each is lowered by adding delta. U+0130, which becomes two
// characters, is not here; U+03A3 is, with its mapping inside a word.
struct LowerRange {
  char32_t first;
  char32_t last;
  int32_t delta;
  uint32_t stride;
};

extern const LowerRange kLowerRanges[];
extern const size_t kLowerRangesCount;
// Cased and not case-ignorable: next to such a letter a sigma is inside or at the end of a word.
extern const CodeRange kCasedRanges[];
extern const size_t kCasedRangesCount;
// Case-ignorable: looked through when a sigma searches for its neighbours.
extern const CodeRange kIgnorableRanges[];
extern const size_t kIgnorableRangesCount;
// What str.strip() removes.
extern const CodeRange kSpaceRanges[];
extern const size_t kSpaceRangesCount;

}  // namespace sw::unicode
