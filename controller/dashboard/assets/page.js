// The pages work without this file. It adds the choice of light or dark, and live updates.
(() => {
  const root = document.documentElement;
  const kept = {
    get: () => {
      try {
        return localStorage.getItem('theme');
      } catch {
        return null; // storage is off: use the system's theme
      }
    },
    set: theme => {
      try {
        localStorage.setItem('theme', theme);
      } catch {
        // then the choice applies to this page only
      }
    },
  };
  const chosen = kept.get();
  if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;

  const showTheme = () => {
    for (const button of document.querySelectorAll('.theme')) {
      button.hidden = false;
      button.setAttribute('aria-label', isDark() ? 'Use the light theme' : 'Use the dark theme');
    }
  };
  addEventListener('click', event => {
    if (!event.target.closest?.('.theme')) return;
    root.dataset.theme = isDark() ? 'light' : 'dark';
    kept.set(root.dataset.theme);
    showTheme();
  });

  let stream;
  let shown;
  const refresh = () => document.body.dispatchEvent(new Event('ota:changed'));
  const close = () => {
    stream?.close();
    stream = undefined;
  };
  const open = () => {
    if (stream !== undefined || document.hidden) return;
    stream = new EventSource('/live');
    stream.addEventListener('version', event => {
      if (shown !== undefined && shown !== event.data) refresh();
      shown = event.data;
    });
    // The session is over: loading the page leads to the sign-in.
    stream.addEventListener('over', () => {
      close();
      refresh();
    });
    stream.addEventListener('error', () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      close();
      refresh();
    });
  };

  addEventListener('DOMContentLoaded', () => {
    showTheme();
    const live = document.querySelector('[data-live]');
    if (live === null || !('EventSource' in window)) return;
    // Keeps opened details open and typed text unchanged.
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(name === 'open' && node.tagName === 'DETAILS') && !(name === 'hidden' && node.className === 'theme');
    shown = live.dataset.live || undefined;
    open();
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) close();
      else open();
    });
    addEventListener('pagehide', close);
    addEventListener('pageshow', open);
    document.body.addEventListener('htmx:afterSettle', showTheme);
  });
})();
