# Writes a C++ file that holds the policy files as string literals: cmake -DOUT=... -DDIR=... -P embed_policies.cmake
file(READ ${DIR}/mlcommons-s14.json mlcommons)
file(READ ${DIR}/llama-guard-3.json llama_guard_3)
file(WRITE ${OUT} "#include \"guard/builtin_policies.h\"\n\nnamespace gatehouse {\n
const char* const kMlcommonsS14Policy = R\"JSON(${mlcommons})JSON\";\n
const char* const kLlamaGuard3Policy = R\"JSON(${llama_guard_3})JSON\";\n\n}  // namespace gatehouse\n")
