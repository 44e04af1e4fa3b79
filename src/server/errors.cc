#include "server/errors.h"

namespace gatehouse::server {

Response ResponseOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUsage:
    case ErrorCode::kBadInput: {
      // "input[2]: content" is about the member input[2].
      const std::string member = error.where.substr(0, error.where.find_first_of(" :"));
      return ErrorResponse(400, error.Message(), "invalid_request", member == "body" ? "" : member);
    }
    case ErrorCode::kBusy:
      return RetryLater(503, "too much is waiting", "queue_full", error.retry_after);
    case ErrorCode::kLate:
      return ErrorResponse(504, "there was no verdict in time", "deadline");
    case ErrorCode::kCancelled:
      return RetryLater(503, "the server ends", "shutting_down", 1);
    // Files and insides of the server are nobody's business outside.
    default:
      return ErrorResponse(500, "the request could not be judged", "internal_error");
  }
}

Response Overloaded() { return RetryLater(503, "the request could not be served", "overloaded", 1); }

}  // namespace gatehouse::server
