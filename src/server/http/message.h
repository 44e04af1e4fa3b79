// What an HTTP request and its answer are to everybody but the folder that speaks HTTP: plain values.
//
//   Response answer = JsonResponse(200, "{}");
//   if (const std::string* key = request.Find("x-api-key")) ...
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;   // as it was sent, nothing decoded
  std::string query;  // behind the question mark
  Headers headers;    // names in small letters, in the order they came
  std::string body;
  std::string id;  // of the header x-request-id, or made up
  // What Service::Refuse found out about it.
  std::string client;  // the name of its key
  size_t route = 0;

  // The first header of that name (in small letters), or null.
  const std::string* Find(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;  // without those that frame it
  std::string body;
  bool close = false;  // the connection ends with it
  // For the log, not for the client. Nothing that somebody wrote.
  std::vector<std::pair<std::string, std::string>> notes = {};
  // How much later it goes out.
  std::chrono::milliseconds pause{0};
};

Response JsonResponse(int status, std::string body);

// An error as OpenAI's clients read it: {"error":{"message","type","param","code"}}; the type goes with the
// status. param: the member of the request at fault, or empty for null; code likewise.
Response ErrorResponse(int status, std::string_view message, std::string_view code = {},
                       std::string_view param = {});
// The same with Retry-After, in whole seconds, at least one. It goes out after a pause: clients that ask
// again at once, whatever they are told, would take the time of those who wait.
Response RetryLater(int status, std::string_view message, std::string_view code, double seconds);

// "Not Found" for 404.
std::string_view ReasonOf(int status);

// The head of an answer as its bytes: with a body of known length, or in pieces (chunks, or up to the end of
// the connection).
std::string WholeHead(const Response& response, const std::string& id, bool keep_alive);
std::string PiecesHead(const Response& response, const std::string& id, bool keep_alive, bool chunked);

// ASCII letters alone.
std::string InSmallLetters(std::string_view text);
// Whether two names of headers are one, whatever their case.
bool SameName(std::string_view a, std::string_view b);

}  // namespace gatehouse::server
