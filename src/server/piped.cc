#include "server/piped.h"

namespace gatehouse::server {
namespace {

// What a client has not taken yet; more is not read from the upstream.
constexpr size_t kMostWaiting = 256u << 10;

}  // namespace

void Piped::Start(Response head) {
  setup_.reply->Begin(std::move(head));
  Read();
}

void Piped::Stop() {
  over_ = true;
  setup_.call->Cancel();
  setup_.on_bytes = {};
  setup_.on_end = {};
}

void Piped::Read() {
  setup_.call->Read([self = shared_from_this()](Result<std::string> bytes) {
    if (!self->over_) self->OnBytes(std::move(bytes));
  });
}

void Piped::OnBytes(Result<std::string> bytes) {
  if (!bytes.ok() || bytes->empty()) {
    over_ = true;
    setup_.on_bytes = {};
    // What the request held is given back before its client may send another.
    if (const auto on_end = std::exchange(setup_.on_end, {})) on_end();
    return setup_.reply->End(bytes.ok(), std::move(setup_.notes));
  }
  if (setup_.on_bytes) setup_.on_bytes(*bytes);
  if (setup_.reply->Write(*bytes) < kMostWaiting) return Read();
  const auto go_on = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr && !self->over_) self->Read();
  };
  // Whoever made it keeps it meanwhile.
  setup_.reply->OnSent([go_on, &loop = setup_.loop] { loop.Post(go_on); });
}

}  // namespace gatehouse::server
