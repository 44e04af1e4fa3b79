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
