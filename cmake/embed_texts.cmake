# Writes a C++ file that holds files as string literals, byte by byte, under the names that a header declares:
#   cmake -DOUT=embedded.cc -DHEADER=guard/builtin_policies.h -DTEXTS="kName=file|kOther=file" -P embed_texts.cmake
set(out "#include \"${HEADER}\"\n\nnamespace gatehouse {\n")
string(REPLACE "|" ";" texts "${TEXTS}")
foreach(pair IN LISTS texts)
  string(REGEX MATCH "^([^=]+)=(.+)$" _ ${pair})
  set(name ${CMAKE_MATCH_1})
  file(READ ${CMAKE_MATCH_2} text)
  string(APPEND out "\nconst char* const ${name} = R\"TEXT(${text})TEXT\";\n")
endforeach()
file(WRITE ${OUT} "${out}\n}  // namespace gatehouse\n")
