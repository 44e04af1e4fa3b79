#include "server/proxy.h"

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

#include "server/proxied.h"

namespace gatehouse::server {
namespace {

constexpr std::chrono::milliseconds kForModels{5000};
constexpr size_t kMaxModels = 10000;

// The upstream's list behind our own, whose names come first.
Response WithModels(Response own, const std::string& body) {
  const Result<Json> theirs = ParseJson(body, "models", ErrorCode::kBadInput);
  if (!theirs.ok() || !theirs->is_object()) return own;
  const auto data = theirs->find("data");
  if (data == theirs->end() || !data->is_array() || data->size() > kMaxModels) return own;
  Json all = Json::parse(own.body, nullptr, false);
  for (const Json& model : *data) {
    const auto same = [&](const Json& other) { return other["id"] == model["id"]; };
    if (!model.is_object() || !model.contains("id")) continue;
    const Json& known = all["data"];
    if (std::none_of(known.begin(), known.end(), same)) all["data"].push_back(model);
  }
  own.body = JsonLine(all);
  return own;
}

struct ModelsAsked : std::enable_shared_from_this<ModelsAsked> {
  void Read() {
    call->Read([self = shared_from_this()](Result<std::string> bytes) {
      if (bytes.ok() && !bytes->empty()) {
        self->body += *bytes;
        return self->Read();
      }
      self->reply->Send(bytes.ok() ? WithModels(std::move(self->own), self->body) : std::move(self->own));
    });
  }
  Response own;
  std::shared_ptr<Reply> reply;
  std::shared_ptr<OutgoingCall> call;
  std::string body;
};

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::Create(ProxySettings settings, Metrics& metrics) {
  GATEHOUSE_ASSIGN(auto loop, Outgoing::Create(settings.target));
  return std::unique_ptr<Proxy>(new Proxy(std::move(settings), metrics, std::move(loop)));
}
Proxy::~Proxy() = default;

void Proxy::Stop() {
  std::promise<void> stopped;
  loop_->Post([&] {
    for (const auto& one : live_) {
      if (const auto proxied = one.lock()) proxied->Leave();
    }
    stopped.set_value();
  });
  stopped.get_future().wait();
}

void Proxy::Handle(Request request, const std::shared_ptr<Reply>& reply, Asker asker) {
  const auto proxied = std::make_shared<Proxied>(ProxyRoom{*loop_, settings_, metrics_}, std::move(request),
                                                 reply, std::move(asker));
  loop_->Post([this, proxied, reply] {
    try {
      if (live_.size() >= live_before_looking_) {
        std::erase_if(live_, [](const auto& one) { return one.expired(); });
        live_before_looking_ = 2 * live_.size() + 64;
      }
      live_.push_back(proxied);
      proxied->Begin();
    } catch (const std::exception&) {  // no memory, above all
      reply->Send(RetryLater(503, "the request could not be served", "overloaded", 1));
    }
  });
}

void Proxy::Models(const Request& request, Response own, std::shared_ptr<Reply> reply) {
  const auto asked = std::make_shared<ModelsAsked>();
  asked->own = std::move(own);
  asked->reply = std::move(reply);
  Headers headers = UpstreamHeaders(request, settings_);
  loop_->Post([asked, headers, loop = loop_.get()] {
    OutgoingLimits limits;
    limits.first_byte = limits.silence = kForModels;
    asked->call = loop->Send({"GET", "/models", headers, {}}, limits, [asked](Result<OutgoingHead> head) {
      if (head.ok() && head->status == 200) return asked->Read();
      asked->call->Cancel();
      asked->reply->Send(std::move(asked->own));
    });
  });
}

}  // namespace gatehouse::server
