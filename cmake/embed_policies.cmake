# Writes a C++ file that holds the policy files as string literals: cmake -DOUT=... -DDIR=... -P embed_policies.cmake
set(text "#include \"guard/builtin_policies.h\"\n\nnamespace gatehouse {\n")
foreach(pair kMlcommonsS14Policy=mlcommons-s14 kLlamaGuard2Policy=llama-guard-2
        kLlamaGuard3With1BPolicy=llama-guard-3-1b kLlamaGuard3With8BPolicy=llama-guard-3-8b)
  string(REGEX MATCH "^([^=]+)=(.+)$" _ ${pair})
  file(READ ${DIR}/${CMAKE_MATCH_2}.json policy)
  string(APPEND text "\nconst char* const ${CMAKE_MATCH_1} = R\"JSON(${policy})JSON\";\n")
endforeach()
file(WRITE ${OUT} "${text}\n}  // namespace gatehouse\n")
