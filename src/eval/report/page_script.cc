#include "eval/report/page_parts.h"

namespace gatehouse {

// Fixed, since the page allows a script by its digest alone. Links into folded lists need no help of it.
std::string_view PageScript() {
  return R"js(
(() => {
  'use strict';
  const button = document.getElementById('texts');
  if (!button) return;
  let open = false;
  button.hidden = false;
  button.addEventListener('click', () => {
    open = !open;
    for (const text of document.querySelectorAll('details.text')) text.open = open;
    button.textContent = open ? 'Fold all texts' : 'Show all texts';
  });
})();
)js";
}

}  // namespace gatehouse
