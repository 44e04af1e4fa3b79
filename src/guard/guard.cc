#include "gatehouse/guard.h"

#include <new>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "guard/guard_impl.h"
#include "guard/judging.h"
#include "guard/load.h"

namespace gatehouse {

Guard::Guard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Guard::Guard(Guard&&) noexcept = default;
Guard& Guard::operator=(Guard&&) noexcept = default;
Guard::~Guard() = default;

Result<Guard> Guard::Load(const GuardOptions& options) {
  try {
    GATEHOUSE_ASSIGN(std::unique_ptr<Impl> impl, LoadGuard(options));
    return Guard(std::move(impl));
  } catch (const std::bad_alloc&) {
    return OutOfMemory(options.model.c_str());
  } catch (const std::system_error& error) {
    return InternalError(std::string("no threads to be had: ") + error.what(), options.model);
  }
}

Result<Verdict> Guard::Classify(const Conversation& conversation, const ClassifyOptions& options) const {
  try {
    return impl_->Classify(conversation, options);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

Result<Request> Guard::Submit(Conversation conversation, ClassifyOptions options, Done done) const {
  try {
    return impl_->Submit(std::move(conversation), std::move(options), std::move(done), {});
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

void Request::Cancel() {
  if (const auto judging = impl_->judging.lock()) judging->Cancel();
}

Result<PolicyHandle> Guard::LoadPolicy(std::string_view json, const std::string& name) const {
  try {
    Result<Policy> policy = ParsePolicy(json, name);
    if (!policy.ok()) {
      Error error = policy.error();
      error.code = ErrorCode::kBadInput;  // it came with a request, not with the model
      return error;
    }
    return impl_->Load(std::move(*policy));
  } catch (const std::bad_alloc&) {
    return OutOfMemory("policy");
  }
}

void Guard::UsePolicy(PolicyHandle policy) { impl_->UsePolicy(std::move(policy)); }
PolicyHandle Guard::policy() const { return impl_->own_policy(); }
std::string Guard::model_name() const { return impl_->model_name; }
std::string Guard::policy_name() const { return policy()->policy.name; }
std::string Guard::backend_description() const { return impl_->engine->backend().Describe(); }

std::vector<std::string> Guard::category_keys() const {
  std::vector<std::string> keys;
  for (const Category& category : policy()->policy.categories) keys.push_back(category.key);
  return keys;
}

Guard::Memory Guard::memory() const {
  return {impl_->weight_bytes, impl_->options.kv_bytes,
          impl_->engine->can_see() ? impl_->options.kv_bytes / 4 : 0, impl_->engine->PassBytes()};
}

Guard::Impl& ImplOf(const Guard& guard) { return *guard.impl_; }
Guard GuardOf(std::unique_ptr<Guard::Impl> impl) { return Guard(std::move(impl)); }

}  // namespace gatehouse
