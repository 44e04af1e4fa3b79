// What follows from verdicts: the action that a policy has for them, and how they are told in the member
// `moderation` of OpenAI's chat completions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/result.h"
#include "gatehouse/verdict.h"
#include "server/config.h"
#include "server/http/message.h"
#include "server/proxy_settings.h"

namespace gatehouse::server {

using Actions = std::map<std::string, Action>;

// The strongest of the actions for its categories; kIgnore where it is safe. What is not listed takes
// "default", and that is kBlock where it is not listed either.
Action ActionOf(const Verdict& verdict, const Actions& actions);

// What a client asks of one side.
enum class Asks { kNothing, kScore, kBlock };

// The same as seen by a client that asks for more: whatever is unsafe is blocked.
Action ActionOf(const Verdict& verdict, const Actions& actions, bool filtered, Asks asks);

const char* NameOf(Action action);

// {"type": "moderation_results", ...} with a result for each verdict; null where there is none.
Json ModerationResults(const std::vector<Verdict>& verdicts);

// The same side where the guard failed: {"type": "error", "code", "message"}.
Json ModerationError(const Error& error);

// Whether the guard itself failed, and not what it was given.
bool IsGuardFailure(const Error& error);

// What is sent in place of an answer, where the whole of it is blocked. model: as the client calls it.
Response BlockedResponse(const ProxySettings& settings, const std::string& model, bool stream,
                         const Json& moderation);
// An error that says so, for kError and kForbid; nullopt for the others.
std::optional<Response> BlockedError(const ProxySettings& settings);

}  // namespace gatehouse::server
