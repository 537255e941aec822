// What the page does beside lying there: the legend switches rows, a point shows its figures, the trials are filtered,
// light or dark can be chosen. Without it everything is visible.
(() => {
  'use strict';
  const one = id => document.getElementById(id);
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const off = new Set(); // rows that are switched off, by number
  document.documentElement.classList.add('live');
  one('controls').hidden = one('filter').hidden = false;

  // The legend.
  const switches = all('[data-switch]');
  const rowed = all('[data-row]');
  const figures = all('figure[data-rows]').map(figure => {
    const rows = figure.dataset.rows.split(' ');
    const parts = all('[data-series]', figure).map(part => [part, rows[part.dataset.series]])
      .filter(([part, row]) => part.dataset.series !== '' && row !== undefined && row !== '-1');
    return parts;
  });
  const show = () => {
    for (const button of switches) button.setAttribute('aria-pressed', !off.has(button.dataset.switch));
    for (const element of rowed) element.classList.toggle('off', off.has(element.dataset.row));
    for (const parts of figures) for (const [part, row] of parts) part.classList.toggle('off', off.has(row));
    one('all').textContent = off.size ? 'all' : 'none';
    count();
  };
  const toggle = row => {
    if (!off.delete(row)) off.add(row);
    show();
  };
  for (const [at, button] of switches.entries()) {
    button.addEventListener('click', () => toggle(button.dataset.switch));
    button.addEventListener('keydown', event => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (!step) return;
      event.preventDefault();
      switches[(at + step + switches.length) % switches.length].focus();
    });
  }
  for (const parts of figures) for (const [part, row] of parts) {
    if (part.classList.contains('key')) part.addEventListener('click', () => toggle(row));
  }
  one('all').addEventListener('click', () => {
    const none = off.size === 0;
    off.clear();
    if (none) for (const button of switches) off.add(button.dataset.switch);
    show();
  });

  // Light and dark.
  const themes = ['auto', 'light', 'dark'];
  one('theme').addEventListener('click', event => {
    const next = themes[(themes.indexOf(event.target.textContent) + 1) % themes.length];
    event.target.textContent = next;
    event.target.setAttribute('aria-label', next === 'auto' ? 'Colours: as the system has them' : 'Colours: ' + next);
    if (next === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
  });

  // The figures of a point: of the nearest one to the pointer, or of the one that the arrow keys have reached.
  const reach = 18; // pixels
  const tip = one('tip');
  let here = null;
  const leave = () => {
    if (here) here.classList.remove('here');
    here = null;
    tip.hidden = true;
  };
  const enter = mark => {
    if (mark !== here) {
      leave();
      here = mark;
      mark.classList.add('here');
      tip.textContent = mark.querySelector('title').textContent;
    }
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const left = box.left + Math.min(box.width, 300) / 2 - tip.offsetWidth / 2;
    const top = box.top - tip.offsetHeight - 8;
    tip.style.left = Math.max(4, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = (top > 60 ? top : box.bottom + 8) + 'px';
  };
  const marksOf = drawing => all('.series', drawing).filter(series => !series.classList.contains('off'))
    .map(series => all('title', series).map(title => title.parentNode).filter(mark => mark.getClientRects().length))
    .filter(marks => marks.length);
  const distance = (mark, x, y) => {
    const box = mark.getBoundingClientRect();
    return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
  };
  for (const drawing of all('.drawing')) {
    drawing.tabIndex = 0;
    drawing.setAttribute('aria-label', drawing.getAttribute('aria-label') + ': arrow keys show the figures');
    const point = event => {
      let best = null, least = reach;
      for (const mark of marksOf(drawing).flat()) {
        const d = distance(mark, event.clientX, event.clientY);
        if (d < least) [best, least] = [mark, d];
      }
      if (best) enter(best);
      else leave();
    };
    drawing.addEventListener('pointermove', point);
    drawing.addEventListener('pointerdown', point);
    drawing.addEventListener('pointerleave', leave);
    drawing.addEventListener('blur', leave);
    drawing.addEventListener('keydown', event => {
      if (event.key === 'Escape') return leave();
      const move = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[event.key];
      const series = marksOf(drawing);
      if (!move || !series.length) return;
      event.preventDefault();
      let at = Math.max(0, series.findIndex(marks => marks.includes(here)));
      let i = series[at].indexOf(here);
      if (move[0]) at = (at + move[0] + series.length) % series.length;
      i = i < 0 ? 0 : Math.min(i + move[1], series[at].length - 1);
      enter(series[at][Math.max(i, 0)]);
    });
  }
  addEventListener('scroll', () => here && enter(here), {passive: true});

  // The trials.
  const trials = all('#trial-list tbody tr');
  const filters = {row: one('filter-row'), column: one('filter-column'), verdict: one('filter-verdict')};
  const count = () => {
    const shown = trials.filter(trial => !trial.hidden && !trial.classList.contains('off')).length;
    one('filter-count').textContent = shown + ' of ' + trials.length + ' trials';
  };
  const filter = () => {
    for (const trial of trials) {
      trial.hidden = Object.entries(filters).some(([key, {value}]) => value !== '' && trial.dataset[key] !== value);
    }
    count();
  };
  one('filter').addEventListener('input', filter);
  one('filter').addEventListener('submit', event => event.preventDefault());
  filter();

  // A link to a word opens it.
  const open = () => {
    const target = location.hash.length > 1 && one(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === 'DETAILS') target.open = true;
  };
  addEventListener('hashchange', open);
  open();
})();
