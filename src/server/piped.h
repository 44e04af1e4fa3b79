// Piped: an upstream's answer on its way to the client as it comes, nothing of it held.
//
//   auto piped = std::make_shared<Piped>(std::move(setup));
//   piped->Start({200, headers, {}});   // on Outgoing's thread, as all of it
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/outgoing.h"
#include "server/http/server.h"

namespace gatehouse::server {

class Piped : public std::enable_shared_from_this<Piped> {
 public:
  struct Setup {
    Outgoing& loop;
    std::shared_ptr<Reply> reply;
    std::shared_ptr<OutgoingCall> call;
    std::vector<std::pair<std::string, std::string>> notes = {};  // for the log
    std::function<void(std::string_view)> on_bytes = {};          // before they leave
    std::function<void()> on_end = {};                            // behind the last of them
  };
  explicit Piped(Setup setup) : setup_(std::move(setup)) {}

  void Start(Response head);
  void Stop();  // nobody wants it any more

 private:
  void Read();
  void OnBytes(Result<std::string> bytes);

  Setup setup_;
  bool over_ = false;
};

}  // namespace gatehouse::server
