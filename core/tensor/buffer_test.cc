#include "core/tensor/buffer.h"

#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "core/tensor/tensor_view.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

// Host memory that counts what is alive under each part.
class CountingMemory final : public Memory {
 public:
  void* Allocate(const std::string& part, size_t bytes) override {
    live_[part].current_bytes += static_cast<int64_t>(bytes);
    return std::malloc(bytes);
  }
  void Free(const std::string& part, void* data, size_t bytes) noexcept override {
    live_[part].current_bytes -= static_cast<int64_t>(bytes);
    std::free(data);
  }
  void CopyFromHost(void* to, const void* host, size_t bytes) override {
    std::memcpy(to, host, bytes);
  }
  void CopyToHost(void* host, const void* from, size_t bytes) override {
    std::memcpy(host, from, bytes);
  }
  void Zero(void* data, size_t bytes) override { std::memset(data, 0, bytes); }
  bool host_visible() const override { return true; }
  std::map<std::string, PartUsage> Usage() const override { return live_; }
  int64_t PeakTotalBytes() const override { return 0; }
  void ResetPeaks() override {}

  int64_t Live(const std::string& part) { return live_[part].current_bytes; }

 private:
  std::map<std::string, PartUsage> live_;
};

}  // namespace

TEST_CASE("a buffer gives back what it took, once, under its own part") {
  CountingMemory memory;
  {
    Buffer<float> a(memory, "weights", 7);
    CHECK(memory.Live("weights") == 28);
    Buffer<float> b(memory, "workspace", 3);
    b = std::move(a);  // the three floats of b go, the seven of a are now b's
    CHECK(memory.Live("workspace") == 0);
    CHECK(memory.Live("weights") == 28);
    CHECK(b.size() == 7);
    CHECK(a.empty());
    Buffer<float> c(std::move(b));
    CHECK(memory.Live("weights") == 28);
    Buffer<float>& alias = c;
    c = std::move(alias);  // onto itself: keeps its contents
    CHECK(c.size() == 7);
  }
  CHECK(memory.Live("weights") == 0);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Buffer<float>>);
}

TEST_CASE("an empty buffer allocates nothing") {
  CountingMemory memory;
  Buffer<int32_t> none(memory, "selection", 0);
  none.FillZero();
  none.CopyFrom({});
  CHECK(none.ToHost().empty());
  CHECK(memory.Usage().count("selection") == 0);
}

TEST_CASE("copies are bounded by the buffer") {
  CountingMemory memory;
  Buffer<int32_t> buffer(memory, "selection", 3);
  buffer.FillZero();
  const std::vector<int32_t> two = {5, -6};
  buffer.CopyFrom(two);
  CHECK(buffer.ToHost() == std::vector<int32_t>{5, -6, 0});
  CHECK(buffer.ToHost(1) == std::vector<int32_t>{5});
  const std::vector<int32_t> four(4, 1);
  CHECK_THROWS_AS(buffer.CopyFrom(four), BugError);
  CHECK_THROWS_AS(buffer.ToHost(4), BugError);
}

TEST_CASE("views step by rows and refuse ranges outside") {
  std::vector<float> data(3 * 5);
  TensorView view{DType::kF32, data.data(), 3, 4, 5};
  CHECK(view.RowAs<float>(2) == data.data() + 10);
  const TensorView tail = view.Rows(1, 3);
  CHECK(tail.rows == 2);
  CHECK(tail.data == data.data() + 5);
  CHECK(view.Rows(3, 3).rows == 0);
  CHECK_THROWS_AS(view.Rows(2, 4), BugError);
  CHECK_THROWS_AS(view.Rows(2, 1), BugError);

  std::vector<uint8_t> stored(2 * 40);
  const WeightView weights{DType::kQ4_1, stored.data(), 2, 64};
  CHECK(weights.Row(1) == stored.data() + 40);
}

}  // namespace sw
