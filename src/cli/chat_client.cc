#include "cli/chat_client.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "server/http/outgoing.h"

namespace gatehouse::cli {

using server::OutgoingCall;
using server::OutgoingHead;

struct ChatClient::Asked : std::enable_shared_from_this<Asked> {
  std::string body;  // of the request

  void Finish(Result<int> how) {
    call.reset();
    const std::lock_guard<std::mutex> lock(mutex);
    status = std::move(how);
    changed.notify_all();
  }
  void OnHead(Result<OutgoingHead> head) {
    if (!head.ok()) return Finish(head.error());
    ReadAll(call, [self = shared_from_this(), code = head->status](Result<std::string> bytes) {
      if (!bytes.ok()) return self->Finish(bytes.error());
      self->answer = std::move(*bytes);
      self->Finish(code);
    });
  }

  // Of the thread of Outgoing, until `status` is there.
  std::shared_ptr<OutgoingCall> call;
  std::string answer;

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<int>> status;
};

namespace {

constexpr int kTries = 5;

const Json* Member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string TextOf(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Result<ChatAnswer> Parse(const std::string& body, const std::string& url) {
  const auto bad = [&](const char* field, const std::string& found) {
    return BadInput("answer that is no chat completion", url + ", " + field,
                    "as of OpenAI's chat completions", found);
  };
  GATEHOUSE_ASSIGN(const Json root, ParseJson(body, url, ErrorCode::kBadInput));
  const Json* choices = Member(root, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return bad("choices", "none");
  const Json& choice = (*choices)[0];
  const Json* message = Member(choice, "message");
  if (message == nullptr || !message->is_object()) return bad("message", "none");
  ChatAnswer out;
  out.text = TextOf(Member(*message, "content"));
  out.finish_reason = TextOf(Member(choice, "finish_reason"));
  const std::string refusal = TextOf(Member(*message, "refusal"));
  out.refused = !refusal.empty() || out.finish_reason == "content_filter";
  if (out.text.empty()) out.text = refusal;
  return out;
}

bool MayComeLater(const Result<int>& status) {
  if (!status.ok()) return status.error().code != ErrorCode::kBadInput;
  return *status == 408 || *status == 429 || *status >= 500;
}

}  // namespace

// What is still on its way is let go on the thread that it runs on.
ChatClient::~ChatClient() {
  if (outgoing_ == nullptr) return;
  std::promise<void> stopped;
  outgoing_->Post([&] {
    for (const std::weak_ptr<Asked>& one : live_) {
      const auto asked = one.lock();
      if (asked == nullptr || asked->call == nullptr) continue;
      asked->call->Cancel();
      asked->call.reset();
    }
    stopped.set_value();
  });
  stopped.get_future().wait();
}

Result<std::unique_ptr<ChatClient>> ChatClient::Create(const std::string& url, const std::string& api_key,
                                                       std::chrono::milliseconds timeout) {
  GATEHOUSE_ASSIGN(server::Target target, server::ParseTarget(url, "--generate"));
  std::unique_ptr<ChatClient> out(new ChatClient);
  GATEHOUSE_ASSIGN(out->outgoing_, server::Outgoing::Create(std::move(target)));
  out->url_ = url;
  out->api_key_ = api_key;
  out->timeout_ = timeout;
  return out;
}

std::shared_ptr<ChatClient::Asked> ChatClient::Ask(std::string body) {
  auto asked = std::make_shared<Asked>();
  asked->body = std::move(body);
  server::Headers headers = {{"Content-Type", "application/json"}, {"Accept-Encoding", "identity"}};
  if (!api_key_.empty()) headers.emplace_back("Authorization", "Bearer " + api_key_);
  server::OutgoingLimits limits;
  limits.first_byte = limits.silence = timeout_;
  while (!live_.empty() && live_.front().expired()) live_.pop_front();
  live_.push_back(asked);
  outgoing_->Post([asked, headers = std::move(headers), limits, outgoing = outgoing_.get()] {
    asked->call = outgoing->Send({"POST", "/chat/completions", headers, asked->body}, limits,
                                 [asked](Result<OutgoingHead> head) { asked->OnHead(std::move(head)); });
  });
  return asked;
}

Result<ChatAnswer> ChatClient::Wait(std::shared_ptr<Asked> asked) {
  std::chrono::milliseconds pause(500);
  for (int tried = 1;; ++tried) {
    {
      std::unique_lock<std::mutex> lock(asked->mutex);
      asked->changed.wait(lock, [&] { return asked->status.has_value(); });
    }
    const Result<int>& status = *asked->status;
    if (status.ok() && *status == 200) return Parse(asked->answer, url_);
    if (!MayComeLater(status)) {
      if (!status.ok()) return Within(url_, status.error());
      if (*status == 401 || *status == 403 || *status == 404)
        return ModelError("the server does not serve us", url_, "status 200", std::to_string(*status));
      ChatAnswer out;
      out.error = "status " + std::to_string(*status) + ": " + asked->answer.substr(0, 200);
      return out;
    }
    if (tried == kTries) {
      if (!status.ok()) return Within(url_, status.error());
      return ModelError("the server does not answer", url_, "status 200",
                        std::to_string(*status) + ", " + std::to_string(kTries) + " times");
    }
    std::this_thread::sleep_for(pause);
    pause *= 2;
    asked = Ask(asked->body);
  }
}

}  // namespace gatehouse::cli
