#include "train/run/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "train/run/random.h"

namespace gatehouse::train {

Result<Plan> Plan::Make(const Examples& examples, const PlanOptions& options) {
  if (options.conversations < 1 || options.conversations > 4096)
    return UsageError("out of range", "conversations", "1 to 4096", std::to_string(options.conversations));
  if (options.steps < 0 || (options.steps == 0 && !(options.passes > 0 && options.passes <= 1000)))
    return UsageError("out of range", "passes", "more than 0, at most 1000", std::to_string(options.passes));
  Plan out(examples, options);
  out.MakePass(0);
  out.steps_of_pass_ = static_cast<int64_t>(out.batches_.size());
  out.steps_ =
      options.steps > 0
          ? options.steps
          : std::max<int64_t>(1, std::llround(options.passes * static_cast<double>(out.steps_of_pass_)));
  return out;
}

void Plan::MakePass(int64_t pass) {
  made_ = pass;
  batches_.clear();
  // Text alone and with images, since these may be judged by different lists; each of users and of
  // assistants.
  std::vector<size_t> alike[4];
  for (const size_t i : examples_->pass) {
    const EvalRow& row = examples_->rows[i];
    alike[(row.images() > 0 ? 2 : 0) + (row.role() == Role::kAssistant ? 1 : 0)].push_back(i);
  }
  Random random(options_.seed, static_cast<uint64_t>(pass));
  for (std::vector<size_t>& rows : alike) {
    random.Shuffle(&rows);
    const auto size = static_cast<size_t>(options_.conversations);
    // As many in each as can be: a last batch of two rows would weigh as much as one of thirty.
    const size_t count = (rows.size() + size - 1) / size;
    for (size_t batch = 0; batch < count; ++batch) {
      const auto begin = static_cast<std::ptrdiff_t>(rows.size() * batch / count);
      const auto end = static_cast<std::ptrdiff_t>(rows.size() * (batch + 1) / count);
      batches_.emplace_back(rows.begin() + begin, rows.begin() + end);
    }
  }
  random.Shuffle(&batches_);
}

std::vector<size_t> Plan::RowsOf(int64_t step) {
  const int64_t pass = step / steps_of_pass_;
  if (pass != made_) MakePass(pass);
  return batches_[static_cast<size_t>(step % steps_of_pass_)];
}

}  // namespace gatehouse::train
