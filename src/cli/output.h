// What the commands print. Every write is checked, and arrives at once.
//
//   GATEHOUSE_TRY(Print("{} rows\n", rows));   // standard output
//   Note("went on with {}\n", record);         // standard error
#pragma once

#include <fmt/core.h>

#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse::cli {

// Standard output. Errors: kInternal with the system's reason; a reader that has gone is one, too, see Quiet.
Result<void> PrintText(std::string_view text);
Result<void> VPrint(fmt::string_view format, fmt::format_args values);
template <typename... T>
Result<void> Print(fmt::format_string<T...> format, T&&... values) {
  return VPrint(format, fmt::make_format_args(values...));
}

// Standard error, for people: what cannot be written there is remembered for FinishOutput.
void NoteText(std::string_view text);
void VNote(fmt::string_view format, fmt::format_args values);
template <typename... T>
void Note(fmt::format_string<T...> format, T&&... values) {
  VNote(format, fmt::make_format_args(values...));
}

// Before anything is opened: a standard stream that the caller closed must not become the number of a file of
// ours. Writes beyond a limit of the file's size fail rather than end the process.
void PrepareOutput();
// At the end: closes standard output. Errors: kInternal, where that fails or a note or a line of the log was
// lost.
Result<void> FinishOutput();
// Whoever read standard output went away (`gatehouse ... | head`): there is nobody to complain to.
bool ReaderIsGone();

}  // namespace gatehouse::cli
