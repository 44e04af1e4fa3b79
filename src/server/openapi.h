// GET /openapi.json: the description of what there is, openapi.json, as it was when the program was built.
#pragma once

namespace gatehouse {

extern const char* const kOpenApi;

}  // namespace gatehouse
