// Untrusted text made fit to be shown: nothing in it can be taken for markup, for a command to the terminal
// or for a change of the direction of what follows.
//
// Invalid UTF-8 becomes U+FFFD. Control characters, direction marks and other characters that show nothing
// are written out, as \u202e; joiners stay, since scripts need them.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// For an element or a quoted attribute of a page. Line feeds and tabs stay as they are.
std::string HtmlText(std::string_view text);

// For one line of a terminal: line feeds and tabs are written out too.
std::string TerminalText(std::string_view text);

// Columns of a terminal that well-formed text takes: wide characters two, combining ones none.
int DisplayWidth(std::string_view text);
// The beginning of `text` in at most `width` columns, an ellipsis last where something was cut.
std::string ClippedToWidth(std::string_view text, int width);

}  // namespace gatehouse
