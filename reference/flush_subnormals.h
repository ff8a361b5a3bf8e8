// While one lives, its thread's float arithmetic takes numbers too small to be normal for 0. A walk
// makes such numbers in bulk (products of small R and small E), and x86 computes with them at a
// hundredth of its speed. They are below 1e-38 of a row's maximum 1 and carry no ranking worth
// that.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace sw {

class FlushSubnormals {
 public:
#if defined(__SSE2__)
  FlushSubnormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushResults | kFlushOperands); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }
#else
  FlushSubnormals() {}
  ~FlushSubnormals() {}
#endif
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__SSE2__)
  static constexpr unsigned kFlushResults = 0x8000;
  static constexpr unsigned kFlushOperands = 0x0040;
  unsigned saved_;
#endif
};

}  // namespace sw
