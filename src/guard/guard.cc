#include "gatehouse/guard.h"

#include <utility>

#include "base/error.h"
#include "guard/guard_impl.h"
#include "guard/load.h"

namespace gatehouse {

Guard::Guard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Guard::Guard(Guard&&) noexcept = default;
Guard& Guard::operator=(Guard&&) noexcept = default;
Guard::~Guard() = default;

Result<Guard> Guard::Load(const GuardOptions& options) {
  GATEHOUSE_ASSIGN(std::unique_ptr<Impl> impl, LoadGuard(options));
  return Guard(std::move(impl));
}

Result<Verdict> Guard::Classify(const Conversation& conversation, const ClassifyOptions& options) const {
  try {
    return impl_->Classify(conversation, options);
  } catch (const std::bad_alloc&) {
    return InternalError("out of memory", "request");
  }
}

std::string Guard::model_name() const { return impl_->model_name; }
std::string Guard::policy_name() const { return impl_->policy.name; }
std::string Guard::backend_description() const { return impl_->engine->backend().Describe(); }

}  // namespace gatehouse
