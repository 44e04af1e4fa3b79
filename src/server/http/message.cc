#include "server/http/message.h"

#include <algorithm>
#include <cmath>

#include "formats/json.h"

namespace gatehouse::server {
namespace {

// Of a refusal: 32 connections that do nothing but ask take a thirtieth of a processor.
constexpr std::chrono::milliseconds kPause{50};

char Small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The names that OpenAI's service and its clients use.
std::string_view TypeOf(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "unavailable_error";
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string HeadOf(const Response& response, const std::string& id, bool keep_alive,
                   const std::string& framing) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += ReasonOf(response.status);
  out += "\r\n";
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
  out += framing;
  out += "x-request-id: " + id + "\r\n";
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

Json TextOrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

}  // namespace

const std::string* Request::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

Response JsonResponse(int status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body), false};
}

Response ErrorResponse(int status, std::string_view message, std::string_view code, std::string_view param) {
  const Json body = {{"error",
                      {{"message", message},
                       {"type", TypeOf(status)},
                       {"param", TextOrNull(param)},
                       {"code", TextOrNull(code)}}}};
  return JsonResponse(status, JsonLine(body));
}

Response RetryLater(int status, std::string_view message, std::string_view code, double seconds) {
  Response out = ErrorResponse(status, message, code);
  const auto whole = static_cast<long>(std::ceil(std::clamp(seconds, 1.0, 3600.0)));
  out.headers.emplace_back("Retry-After", std::to_string(whole));
  out.pause = kPause;
  return out;
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string WholeHead(const Response& response, const std::string& id, bool keep_alive) {
  return HeadOf(response, id, keep_alive, "Content-Length: " + std::to_string(response.body.size()) + "\r\n");
}
std::string PiecesHead(const Response& response, const std::string& id, bool keep_alive, bool chunked) {
  return HeadOf(response, id, keep_alive, chunked ? "Transfer-Encoding: chunked\r\n" : "");
}

std::string InSmallLetters(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Small(c);
  return out;
}

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Small(x) == Small(y); });
}

}  // namespace gatehouse::server
