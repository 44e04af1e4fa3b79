#include "server/proxy.h"

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

#include "policy/raw_member.h"
#include "server/errors.h"
#include "server/piped.h"
#include "server/proxied.h"
#include "server/proxy_request.h"
#include "server/proxy_room.h"

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

struct ModelsAsked {
  Response own;
  std::shared_ptr<Reply> reply;
  std::shared_ptr<OutgoingCall> call;
};

// A request of --pass, on Outgoing's thread.
class PassedOn : public OnItsWay, public std::enable_shared_from_this<PassedOn> {
 public:
  PassedOn(Outgoing& loop, Metrics& metrics, std::string path, std::shared_ptr<Reply> reply)
      : loop_(loop), metrics_(metrics), path_(std::move(path)), reply_(std::move(reply)) {}

  void Leave() override {
    if (const auto piped = std::exchange(piped_, nullptr)) return piped->Stop();
    if (call_ != nullptr) call_->Cancel();
  }

  void Start(OutgoingRequest request, const OutgoingLimits& limits) {
    reply_->OnGone([weak = weak_from_this(), &loop = loop_] {
      loop.Post([weak] {
        if (const auto self = weak.lock()) self->Leave();
      });
    });
    call_ = loop_.Send(std::move(request), limits, [self = shared_from_this()](Result<OutgoingHead> head) {
      self->OnHead(std::move(head));
    });
  }

 private:
  void OnHead(Result<OutgoingHead> head) {
    const bool late = !head.ok() && head.error().code == ErrorCode::kLate;
    metrics_.OnUpstream(head.ok() ? std::to_string(head->status) : late ? "late" : "failed");
    if (!head.ok()) {
      Response failure = UpstreamFailure(head.error());
      failure.notes.emplace_back("problem", head.error().Message());
      return reply_->Send(std::move(failure));
    }
    Piped::Setup setup{loop_, reply_, call_};
    setup.notes = {{"upstream", std::to_string(head->status)}, {"passed", path_}};
    // It keeps itself until its end: nobody else does.
    setup.on_end = [self = shared_from_this()] { self->piped_ = nullptr; };
    piped_ = std::make_shared<Piped>(std::move(setup));
    Headers headers = HeadersForClient(*head);
    headers.emplace_back(kUnjudgedHeader, "input, output");
    piped_->Start({head->status, std::move(headers), {}});
  }
  Outgoing& loop_;
  Metrics& metrics_;
  const std::string path_;  // as it was given to --pass
  const std::shared_ptr<Reply> reply_;
  std::shared_ptr<OutgoingCall> call_;
  std::shared_ptr<Piped> piped_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::Create(ProxySettings settings, Metrics& metrics, RequestLog& log) {
  GATEHOUSE_ASSIGN(auto loop, Outgoing::Create(settings.target));
  return std::unique_ptr<Proxy>(new Proxy(std::move(settings), metrics, log, std::move(loop)));
}
Proxy::~Proxy() = default;

void Proxy::Stop() {
  std::promise<void> stopped;
  loop_->Post([&] {
    for (const auto& one : live_) {
      if (const auto live = one.lock()) live->Leave();
    }
    stopped.set_value();
  });
  stopped.get_future().wait();
}

void Proxy::Keep(const std::shared_ptr<OnItsWay>& one) {
  if (live_.size() >= live_before_looking_) {
    std::erase_if(live_, [](const auto& other) { return other.expired(); });
    live_before_looking_ = 2 * live_.size() + 64;
  }
  live_.push_back(one);
}

void Proxy::Handle(Request request, const std::shared_ptr<Reply>& reply, Asker asker) {
  const auto proxied = std::make_shared<Proxied>(ProxyRoom{*loop_, settings_, metrics_, log_},
                                                 std::move(request), reply, std::move(asker));
  loop_->Post([this, proxied, reply] {
    try {
      Keep(proxied);
      proxied->Begin();
    } catch (const std::exception&) {  // no memory, above all
      reply->Send(Overloaded());
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
      if (head.ok() && head->status == 200) {
        return ReadAll(asked->call, [asked](Result<std::string> body) {
          asked->reply->Send(body.ok() ? WithModels(std::move(asked->own), *body) : std::move(asked->own));
        });
      }
      asked->call->Cancel();
      asked->reply->Send(std::move(asked->own));
    });
  });
}

bool Proxy::MayJudge(const std::string& body) const {
  return settings_.input || settings_.output || !RawMember(body, "moderation").empty();
}

bool Proxy::Passes(std::string_view path) const {
  return std::find(settings_.passed.begin(), settings_.passed.end(), path) != settings_.passed.end();
}

void Proxy::Pass(Request request, std::shared_ptr<Reply> reply, std::chrono::duration<double> timeout) {
  OutgoingRequest asked;
  // Clients' paths begin with /v1 wherever the upstream has its own.
  asked.at_root = !request.path.starts_with("/v1/");
  asked.method = request.method;
  asked.path = asked.at_root ? request.path : request.path.substr(3);
  if (!request.query.empty()) asked.path += "?" + request.query;
  asked.headers = PassedHeaders(request, settings_);
  asked.body = std::move(request.body);
  const auto passed = std::make_shared<PassedOn>(*loop_, metrics_, request.path, std::move(reply));
  loop_->Post([this, passed, asked = std::move(asked), limits = settings_.limits, timeout]() mutable {
    Keep(passed);
    limits.first_byte = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    passed->Start(std::move(asked), limits);
  });
}

}  // namespace gatehouse::server
