#include "server/gateway.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/memory_reserve.h"
#include "guard/estimated_cost.h"
#include "guard/guard_impl.h"
#include "guard/loaded_policy.h"
#include "server/batch.h"
#include "server/chat.h"
#include "server/client.h"
#include "server/completions.h"
#include "server/errors.h"
#include "server/image_urls.h"
#include "server/litellm.h"
#include "server/moderations.h"
#include "server/proxy_request.h"
#include "server/tokenize.h"

namespace gatehouse::server {
namespace {

constexpr double kRetryWhileLoading = 5;  // seconds

std::shared_ptr<const Access> AccessOf(const std::vector<Key>& keys) {
  auto out = std::make_shared<Access>();
  out->keys = keys;
  out->policies[""];
  return out;
}

// X-Request-Timeout, at most the server's own. Errors: kBadInput.
Result<std::chrono::duration<double>> TimeoutOf(const Request& request, std::chrono::duration<double> most) {
  const std::string* text = request.Find("x-request-timeout");
  if (text == nullptr) return most;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size() || !(seconds > 0) || !std::isfinite(seconds))
    return BadInput("malformed timeout", "X-Request-Timeout", "a number of seconds above 0", "another text");
  return std::min(most, std::chrono::duration<double>(seconds));
}

Result<Asked> Read(Surface surface, const Request& request, const Surroundings& around, const Guard& guard) {
  switch (surface) {
    case Surface::kChat:
      return ReadChatCompletion(request, around);
    case Surface::kCompletions:
      return ReadCompletion(request, around);
    case Surface::kLiteLlm:
      return ReadLiteLlm(request, around);
    case Surface::kModerations:
      return ReadModeration(request, around);
    case Surface::kTokenize:
      return ReadTokenize(request, around, guard);
    default:
      return Error{ErrorCode::kInternal, "a page that judges nothing", {}, {}, {}};
  }
}

bool IsPassedMethod(std::string_view method) {
  return method == "GET" || method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

int64_t CostOf(const std::vector<Conversation>& conversations) {
  int64_t tokens = 0;
  for (const Conversation& conversation : conversations) tokens += EstimatedCost(conversation);
  return tokens;
}

// For the log: how many were unsafe, and of how many.
void Note(const std::vector<Verdict>& verdicts, Response* response) {
  size_t unsafe = 0;
  for (const Verdict& verdict : verdicts) unsafe += verdict.unsafe;
  response->notes.emplace_back("judged", std::to_string(verdicts.size()));
  response->notes.emplace_back("unsafe", std::to_string(unsafe));
}

}  // namespace

Gateway::Gateway(GatewayOptions options, RequestLog& log) : options_(std::move(options)), log_(log) {
  state_.access = AccessOf(options_.keys);
  if (options_.images) fetcher_ = std::make_unique<Fetcher>(*options_.images);
}

Result<void> Gateway::UseUpstream(ProxySettings settings) {
  GATEHOUSE_ASSIGN(proxy_, Proxy::Create(std::move(settings), metrics_, log_));
  return {};
}

void Gateway::Open(std::shared_ptr<const Guard> guard, std::shared_ptr<const Access> access) {
  const std::lock_guard lock(mutex_);
  state_ = {std::move(guard), std::move(access)};
}
void Gateway::Use(std::shared_ptr<const Access> access) {
  const std::lock_guard lock(mutex_);
  state_.access = std::move(access);
}
Gateway::State Gateway::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}
std::shared_ptr<const Guard> Gateway::guard() const { return state().guard; }

void Gateway::Close() {
  ending_.store(true);
  fetcher_ = nullptr;
  if (proxy_ != nullptr) proxy_->Stop();
  State last;
  {
    const std::lock_guard lock(mutex_);
    last = std::exchange(state_, {nullptr, AccessOf({})});
  }
  last = {};  // the guard's last answers go by way of the proxy
  proxy_ = nullptr;
}

std::optional<Response> Gateway::NotReady() const {
  if (ending_.load()) {
    Response out = RetryLater(503, "the server ends", "shutting_down", 1);
    out.close = true;
    return out;
  }
  if (state().guard == nullptr)
    return RetryLater(503, "the model is being loaded", "loading", kRetryWhileLoading);
  if (!MemoryReserve::IsThere()) return Overloaded();
  return std::nullopt;
}

std::optional<Response> Gateway::Refuse(Request& head) {
  head.route = FindRoute(head.path);
  const std::shared_ptr<const Access> access = state().access;
  // A page of somebody else's, by a name of his that leads here, would speak as this machine's user.
  if (access->keys.empty() && !options_.any_host && !IsLoopbackHost(*head.Find("host")))
    return ErrorResponse(403, "without keys only requests to localhost are answered", "host_not_allowed");
  if (head.route == kNoRoute && proxy_ != nullptr && proxy_->Passes(head.path)) head.route = kPassedRoute;
  if (head.route == kNoRoute) return ErrorResponse(404, "there is no such path", "unknown_path");
  const Route& route = kRoutes[head.route];
  const bool passed = route.surface == Surface::kPassed;
  if (passed ? !IsPassedMethod(head.method) : head.method != route.method) {
    Response out = ErrorResponse(405, "this path takes another method", "method_not_allowed");
    out.headers.emplace_back("Allow", passed ? "GET, POST, PUT, PATCH, DELETE" : route.method);
    return out;
  }
  if (auto refusal = RefuseClient(head, route, *access)) return refusal;
  if (route.method == "POST") {
    if (!IsPlainJson(head))
      return ErrorResponse(415, "the body must be application/json, not compressed",
                           "unsupported_media_type");
  }
  if (route.needs_guard) return NotReady();
  return std::nullopt;
}

std::optional<Response> Gateway::RefuseClient(Request& head, const Route& route, const Access& access) const {
  Rights rights = DefaultRights();
  if (!access.keys.empty()) {
    const PresentedKey presented = KeyOf(head);
    const Key* key = presented.state == PresentedKey::kOne ? FindKey(access.keys, presented.key) : nullptr;
    if (key != nullptr) {
      head.client = key->name;
      rights = key->rights;
      const double wait = route.is_public ? 0 : limits_.TakeRequest(*key);
      if (wait > 0) return RetryLater(429, "too many requests of this key", "rate_limit_exceeded", wait);
    } else if (!route.is_public) {
      return ErrorResponse(401, presented.Complaint(), "invalid_api_key");
    }
  }
  if (!route.is_public && !MayAsk(rights, route))
    return ErrorResponse(403, "the key's roles do not include this", "missing_role");
  return std::nullopt;
}

// The same paths lead to the guard and, with another model's name, to the upstream.
bool Gateway::MayAsk(const Rights& rights, const Route& route) const {
  const bool both = route.surface == Surface::kChat || route.surface == Surface::kModels;
  return rights.Has(route.right) || (both && proxy_ != nullptr && rights.Has(Right::kProxy));
}

void Gateway::Handle(Request request, std::shared_ptr<Reply> reply) {
  const Route& route = kRoutes[request.route];
  try {
    if (route.surface == Surface::kPassed) {
      const Result<std::chrono::duration<double>> timeout = TimeoutOf(request, options_.request_timeout);
      if (!timeout.ok()) return reply->Send(ResponseOf(timeout.error()));
      proxy_->Pass(std::move(request), std::move(reply), *timeout);
    } else if (route.method == "POST") {
      Judge(std::move(request), route, reply, Clock::now(), fetcher_ == nullptr);
    } else if (route.surface == Surface::kModels && proxy_ != nullptr && !NotReady()) {
      proxy_->Models(request, Answer(request, route), reply);
    } else {
      reply->Send(Answer(request, route));
    }
  } catch (const std::exception&) {  // no memory, above all
    reply->Send(Overloaded());
  }
}

Surroundings Gateway::SurroundingsOf(const State& state, const Key* key) const {
  Surroundings out;
  out.served_names = ServedNames(state);
  const NamedPolicy& policy = state.access->PolicyOf(key == nullptr ? "" : key->policy);
  out.defaults = policy.options;
  out.defaults.refuse_long = options_.long_input.refuse_long;
  out.defaults.max_prompt_tokens = options_.long_input.max_prompt_tokens;
  out.defaults.max_windows = options_.long_input.max_windows;
  out.defaults.normalise = options_.long_input.normalise;
  // Which one it is must not change between the question and its answer.
  if (out.defaults.policy == nullptr) out.defaults.policy = state.guard->policy();
  out.policy = out.defaults.policy;
  out.defaults.tenant = key == nullptr ? "" : key->name;
  const Rights rights = key == nullptr ? DefaultRights() : key->rights;
  out.with_costs = rights.Has(Right::kAdmin);
  out.may_send_raw_prompts = rights.Has(Right::kRawPrompt);
  out.max_image_bytes = options_.max_image_bytes;
  return out;
}

void Gateway::Judge(Request request, const Route& route, const std::shared_ptr<Reply>& reply,
                    Clock::time_point began, bool has_images) {
  const State now = state();
  const Key* key = request.client.empty() ? nullptr : now.access->Named(request.client);
  if (now.guard == nullptr) return reply->Send(*NotReady());
  if (key == nullptr && !now.access->keys.empty())
    return reply->Send(ErrorResponse(401, "the key is no longer valid", "invalid_api_key"));
  Result<std::chrono::duration<double>> timeout = TimeoutOf(request, options_.request_timeout);
  if (!timeout.ok()) return reply->Send(ResponseOf(timeout.error()));
  const auto deadline = began + std::chrono::duration_cast<Clock::duration>(*timeout);
  bool own = true;
  if (route.surface == Surface::kChat && proxy_ != nullptr) {
    const std::vector<std::string> served = ServedNames(now);
    own = std::find(served.begin(), served.end(), ModelNamedIn(request.body)) != served.end();
    const Rights rights = key == nullptr ? DefaultRights() : key->rights;
    if (!rights.Has(own ? Right::kModerate : Right::kProxy))
      return reply->Send(ErrorResponse(403, "the key's roles do not include this", "missing_role"));
  }
  if (own && route.surface != Surface::kTokenize) {
    // Before it is read: where more comes than can be judged, refusing must cost little.
    const std::string tenant = key == nullptr ? std::string() : key->name;
    if (const std::optional<Error> busy = ImplOf(*now.guard).Refusal(tenant, deadline))
      return reply->Send(ResponseOf(*busy));
  }
  if (!has_images && (own || proxy_->MayJudge(request.body))) {
    std::vector<std::string> urls = ImageUrlsIn(request.body);
    if (!urls.empty()) return FetchImages(std::move(request), route, std::move(urls), reply, began, deadline);
  }
  if (!own) return Filter(std::move(request), now, key, deadline - Clock::now(), reply);
  Result<Asked> asked = Read(route.surface, request, SurroundingsOf(now, key), *now.guard);
  if (!asked.ok()) return reply->Send(ResponseOf(asked.error()));
  if (asked->conversations.empty()) return reply->Send(asked->answer({}));
  std::shared_ptr<void> work;
  if (key != nullptr) {
    work = limits_.TakeTokens(*key, CostOf(asked->conversations));
    if (work == nullptr)
      return reply->Send(RetryLater(429, "too many unfinished tokens of this key", "rate_limit_exceeded", 1));
  }
  asked->options.deadline = deadline;
  const auto batch =
      Batch::Begin(*now.guard, &*asked,
                   [this, reply, work = std::move(work), policy = asked->options.policy,
                    answer = std::move(asked->answer)](Result<std::vector<Verdict>> verdicts) mutable {
                     work = nullptr;  // before the client may send another request
                     try {
                       Response response = verdicts.ok() ? answer(*verdicts) : ResponseOf(verdicts.error());
                       if (verdicts.ok()) {
                         Note(*verdicts, &response);
                         for (const Verdict& verdict : *verdicts) metrics_.OnVerdict(verdict, policy->policy);
                       }
                       reply->Send(std::move(response));
                     } catch (const std::exception&) {
                       reply->Send(Overloaded());
                     }
                   });
  reply->OnGone([batch] { batch->Cancel(); });
}

void Gateway::FetchImages(Request request, const Route& route, std::vector<std::string> urls,
                          const std::shared_ptr<Reply>& reply, Clock::time_point began,
                          Clock::time_point deadline) {
  if (urls.size() > kMaxImageUrls)
    return reply->Send(ErrorResponse(400, "at most " + std::to_string(kMaxImageUrls) + " addresses of images",
                                     "invalid_request"));
  const auto shared = std::make_shared<Request>(std::move(request));
  fetcher_->Fetch(std::move(urls), deadline,
                  [this, shared, &route, reply, began](Result<std::vector<std::string>> files) {
                    try {
                      if (!files.ok()) return reply->Send(ResponseOf(files.error()));
                      Result<std::string> body = WithImages(shared->body, *files);
                      if (!body.ok()) return reply->Send(ResponseOf(body.error()));
                      shared->body = std::move(*body);
                      Judge(std::move(*shared), route, reply, began, true);
                    } catch (const std::exception&) {  // no memory, above all
                      reply->Send(Overloaded());
                    }
                  });
}

void Gateway::Filter(Request request, const State& state, const Key* key,
                     std::chrono::duration<double> timeout, const std::shared_ptr<Reply>& reply) {
  const Surroundings around = SurroundingsOf(state, key);
  Asker asker;
  asker.guard = state.guard;
  asker.options = around.defaults;
  asker.actions = state.access->PolicyOf(key == nullptr ? "" : key->policy).actions;
  asker.timeout = timeout;
  asker.max_image_bytes = around.max_image_bytes;
  const Key limits = key == nullptr ? Key() : *key;
  asker.take_tokens = [this, limits](const std::vector<Conversation>& conversations) {
    return limits_.TakeTokens(limits, CostOf(conversations));
  };
  proxy_->Handle(std::move(request), reply, std::move(asker));
}

void Gateway::OnEnd(const Exchange& exchange) {
  metrics_.OnEnd(exchange);
  log_.Write(exchange);
}

}  // namespace gatehouse::server
