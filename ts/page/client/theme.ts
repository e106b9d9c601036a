import { el } from './dom.ts';

const KEY = 'rzero-theme';
type Theme = 'light' | 'dark';

/** A button between light and dark; until it is used, the system's setting holds. The choice is kept where that is allowed. */
export function themeButton(onChange: () => void): HTMLButtonElement {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const button = el('button', { type: 'button', class: 'quiet', id: 'theme' });
  let chosen = remembered();
  const show = (): void => {
    if (chosen) document.documentElement.dataset.theme = chosen;
    button.textContent = current() === 'dark' ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to ${current() === 'dark' ? 'light' : 'dark'} colours`);
    onChange();
  };
  const current = (): Theme => chosen ?? (system.matches ? 'dark' : 'light');
  button.addEventListener('click', () => {
    chosen = current() === 'dark' ? 'light' : 'dark';
    remember(chosen);
    show();
  });
  system.addEventListener('change', show);
  show();
  return button;
}

// Storage may be forbidden altogether; a page that was opened as a file may have none.
function remembered(): Theme | null {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : null;
  } catch {
    return null;
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // For this visit, then.
  }
}
