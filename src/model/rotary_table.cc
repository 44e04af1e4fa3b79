#include "model/rotary_table.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>

#include "model/rope.h"

namespace gatehouse {
namespace {

constexpr int64_t kFewest = 1024;  // positions of the first table
constexpr int64_t kAtOnce = 1024;  // computed on the host before they are uploaded

}  // namespace

Result<std::shared_ptr<const RotaryTable::Angles>> RotaryTable::UpTo(int64_t positions) {
  const int64_t known = angles_ == nullptr ? 0 : angles_->cos.rows;
  if (positions <= known) return angles_;
  const auto rows = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max(positions, kFewest))));
  const auto cols = static_cast<int64_t>(frequencies_.size());
  auto grown = std::make_shared<Angles>();
  GATEHOUSE_ASSIGN(grown->cos_memory, backend_.Allocate(rows * cols));
  GATEHOUSE_ASSIGN(grown->sin_memory, backend_.Allocate(rows * cols));
  grown->cos = {grown->cos_memory.get(), 0, rows, cols};
  grown->sin = {grown->sin_memory.get(), 0, rows, cols};
  // A pass of its own: whoever asks may have failed already, and the next to ask counts on what is here.
  PassScope pass(backend_);
  if (known > 0) {
    backend_.CopyRows(angles_->cos, {}, grown->cos, {});
    backend_.CopyRows(angles_->sin, {}, grown->sin, {});
  }
  std::vector<int32_t> numbers(static_cast<size_t>(std::min(kAtOnce, rows)));
  std::vector<float> cos, sin;
  for (int64_t first = known; first < rows; first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, rows - first);
    std::iota(numbers.begin(), numbers.end(), static_cast<int32_t>(first));
    RopeTables(std::span(numbers).first(static_cast<size_t>(count)), frequencies_, &cos, &sin);
    backend_.Upload(cos, grown->cos.Rows(first, count));
    backend_.Upload(sin, grown->sin.Rows(first, count));
  }
  GATEHOUSE_TRY(pass.End());
  angles_ = std::move(grown);
  return angles_;
}

}  // namespace gatehouse
