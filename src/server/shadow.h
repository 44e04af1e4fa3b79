// Shadow: verdicts on a request and its answer that nobody waits for: what would have followed is recorded,
// in the figures and the log, and nothing else happens. It lives until its last verdict is there.
//
//   const auto shadow = std::make_shared<Shadow>(room, asker, request.id);
//   shadow->JudgeInput(conversations);
//   shadow->OnBytes(bytes); ... shadow->JudgeStream(before);   // or JudgeAnswer
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/batch.h"
#include "server/proxy.h"
#include "server/proxy_room.h"
#include "server/sse.h"
#include "server/streamed_choice.h"

namespace gatehouse::server {

// All of it on Outgoing's thread.
class Shadow : public std::enable_shared_from_this<Shadow> {
 public:
  Shadow(ProxyRoom room, const Asker& asker, std::string request_id);

  void JudgeInput(std::vector<Conversation> inputs);
  // A whole answer's body, behind the request's conversation.
  void JudgeAnswer(const std::string& body, const Conversation& before);
  // A streamed answer's bytes as they come, and its end.
  void OnBytes(std::string_view bytes);
  void JudgeStream(const Conversation& before);
  // What could not be judged, and why.
  void Tell(const char* side, const Error& problem);
  void Stop();  // nobody wants it any more

 private:
  Result<void> OnData(const std::string& data);
  void Judge(const char* side, std::vector<Conversation> conversations);
  void Record(const char* side, const std::vector<Verdict>& verdicts);

  const ProxyRoom room_;
  const std::weak_ptr<const Guard> guard_;
  const ClassifyOptions options_;
  const Actions actions_;
  const std::chrono::duration<double> timeout_;
  const std::string request_id_;
  EventReader reader_;
  std::map<int64_t, StreamedChoice> choices_;
  std::vector<std::string> left_out_;
  size_t taken_ = 0;                // bytes of the stream
  std::optional<Error> malformed_;  // of the stream; nothing more of it is read
  std::vector<std::shared_ptr<Batch>> batches_;
};

}  // namespace gatehouse::server
