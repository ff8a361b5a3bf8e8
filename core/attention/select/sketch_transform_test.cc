#include "core/attention/select/sketch_transform.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

std::vector<float> Through(const SketchTransform& transform, const std::vector<float>& x,
                           Backend& backend) {
  const DeviceSketch sketch(transform, backend.memory());
  Buffer<float> in(backend.memory(), "workspace", x.size());
  in.CopyFrom(x);
  Buffer<float> out(backend.memory(), "workspace", transform.rows.size());
  backend.attention().Sketch(sketch.View(), in.data(), 1, out.data());
  return out.ToHost();
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::vector<float> Normals(int count, uint64_t index) {
  Rng rng(3, index);
  std::vector<float> x(static_cast<size_t>(count));
  for (float& number : x) number = static_cast<float>(rng.Normal());
  return x;
}

}  // namespace

TEST_CASE("a draw is a function of its seed, signs and rows apart") {
  const SketchTransform a = DrawSketchTransform(80, 64, 0);
  const SketchTransform again = DrawSketchTransform(80, 64, 0);
  CHECK(a.signs == again.signs);
  CHECK(a.rows == again.rows);
  const SketchTransform other = DrawSketchTransform(80, 64, 1);
  CHECK(a.signs != other.signs);
  CHECK(a.rows != other.rows);
  // Fewer rows leave the signs alone.
  CHECK(DrawSketchTransform(80, 3, 0).signs == a.signs);
}

// Computed apart from this project, in Python, from the definition of the generator.
TEST_CASE("this transform is the same on every machine: records name it by its seed") {
  const SketchTransform t = DrawSketchTransform(12, 5, 0);
  CHECK(t.signs == std::vector<float>{-1, -1, 1, 1, 1, -1, -1, -1, -1, 1, -1, 1, -1, 1, -1, -1});
  CHECK(t.rows == std::vector<int32_t>{1, 3, 6, 13, 15});
}

TEST_CASE("D is random signs of the padded dim, P distinct rows in ascending order") {
  for (const int head_dim : {1, 12, 64, 80}) {
    const int padded = head_dim == 1 ? 1 : head_dim == 12 ? 16 : head_dim == 64 ? 64 : 128;
    for (const int sketch_dim : {1, (padded + 1) / 2, padded}) {
      const SketchTransform t = DrawSketchTransform(head_dim, sketch_dim, 5);
      CHECK(t.head_dim == head_dim);
      REQUIRE(static_cast<int>(t.signs.size()) == padded);
      for (const float sign : t.signs) CHECK(std::abs(sign) == 1.0f);
      REQUIRE(static_cast<int>(t.rows.size()) == sketch_dim);
      CHECK(std::is_sorted(t.rows.begin(), t.rows.end()));
      CHECK(std::set<int32_t>(t.rows.begin(), t.rows.end()).size() == t.rows.size());
      CHECK(t.rows.front() >= 0);
      CHECK(t.rows.back() < padded);
    }
  }
  const std::vector<float> signs = DrawSketchTransform(4096, 1, 9).signs;
  const auto minus = std::count(signs.begin(), signs.end(), -1.0f);
  CHECK(minus > 1850);  // 2048 expected, sigma 32
  CHECK(minus < 2246);
}

TEST_CASE("the full transform keeps inner products exactly, padding included") {
  ReferenceBackend backend({.num_threads = 1});
  for (const int head_dim : {8, 64, 128}) {
    const SketchTransform full = DrawSketchTransform(head_dim, head_dim, 4);
    const std::vector<float> x = Normals(head_dim, 1);
    const std::vector<float> y = Normals(head_dim, 2);
    CHECK(std::abs(Dot(Through(full, x, backend), Through(full, y, backend)) - Dot(x, y)) <= 1e-4);
  }
  const SketchTransform padded = DrawSketchTransform(12, 16, 4);
  const std::vector<float> x = Normals(12, 3);
  const std::vector<float> y = Normals(12, 4);
  CHECK(std::abs(Dot(Through(padded, x, backend), Through(padded, y, backend)) - Dot(x, y)) <=
        1e-4);
}

TEST_CASE("a sketch keeps inner products on average, and is made of signs, not Gaussians") {
  ReferenceBackend backend({.num_threads = 1});
  const std::vector<float> x = Normals(64, 5);
  const std::vector<float> y = Normals(64, 6);
  double mean = 0;
  constexpr int kDraws = 2000;
  for (int seed = 0; seed < kDraws; ++seed) {
    const SketchTransform t = DrawSketchTransform(64, 16, static_cast<uint64_t>(seed));
    mean += Dot(Through(t, x, backend), Through(t, y, backend)) / kDraws;
  }
  // One draw deviates by about |x| |y| / sqrt(16) = 16; the mean of 2000 by 0.36.
  CHECK(std::abs(mean - Dot(x, y)) <= 1.5);

  std::vector<float> unit(64, 0.0f);
  unit[17] = 1.0f;
  for (const float number : Through(DrawSketchTransform(64, 16, 8), unit, backend)) {
    CHECK(std::abs(std::abs(number) - 0.25f) <= 1e-7f);
  }
}

TEST_CASE("a malformed transform is a bug") {
  ReferenceBackend backend({.num_threads = 1});
  Memory& memory = backend.memory();
  const SketchTransform good = DrawSketchTransform(12, 4, 0);
  CHECK_NOTHROW(DeviceSketch(good, memory));
  SketchTransform bad = good;
  bad.signs.pop_back();
  CHECK_THROWS_AS(DeviceSketch(bad, memory), BugError);
  bad = good;
  bad.signs[3] = 0.5f;
  CHECK_THROWS_AS(DeviceSketch(bad, memory), BugError);
  bad = good;
  bad.rows[1] = bad.rows[0];
  CHECK_THROWS_AS(DeviceSketch(bad, memory), BugError);
  bad = good;
  bad.rows.back() = 16;
  CHECK_THROWS_AS(DeviceSketch(bad, memory), BugError);
  bad.rows.clear();
  CHECK_THROWS_AS(DeviceSketch(bad, memory), BugError);
  CHECK_THROWS_AS(DrawSketchTransform(12, 17, 0), BugError);
  CHECK_THROWS_AS(DrawSketchTransform(12, 0, 0), BugError);
}

}  // namespace sw
