// ChatClient: asks a server for completions of chats, several at once.
//
//   GATEHOUSE_ASSIGN(auto client, ChatClient::Create("http://127.0.0.1:8000/v1", key, timeout));
//   auto asked = client->Ask(body);
//   GATEHOUSE_ASSIGN(const ChatAnswer answer, client->Wait(asked));
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse::server {
class Outgoing;
}

namespace gatehouse::cli {

struct ChatAnswer {
  std::string text;
  std::string finish_reason;
  bool refused = false;  // the server says so: a refusal, or a filter of its own
  std::string error;     // not empty: the server will not answer this, and says why
};

class ChatClient {
 public:
  struct Asked;  // a request on its way

  // Errors: kUsage: the address.
  static Result<std::unique_ptr<ChatClient>> Create(const std::string& url, const std::string& api_key,
                                                    std::chrono::milliseconds timeout);
  ~ChatClient();
  // body: of POST /chat/completions.
  std::shared_ptr<Asked> Ask(std::string body);
  // What the server cannot answer now (429, 5xx, no connection) is asked again four times, each later.
  // Errors: kModel, kLate, kBadInput: it does not answer, or not as OpenAI's does.
  Result<ChatAnswer> Wait(std::shared_ptr<Asked> asked);

 private:
  ChatClient() = default;

  std::unique_ptr<server::Outgoing> outgoing_;
  std::deque<std::weak_ptr<Asked>> live_;
  std::string url_, api_key_;
  std::chrono::milliseconds timeout_{0};
};

}  // namespace gatehouse::cli
