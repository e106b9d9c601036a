import type { RunDocument, WarningReport } from '../document.ts';
import { el } from './dom.ts';
import { when, words } from './format.ts';
import { visible } from './visible.ts';

/** What a run warned of, and what was done about it. */
export function warningsView({ warnings }: RunDocument): HTMLElement[] {
  if (warnings.length === 0) return [el('p', { class: 'muted' }, 'None.')];
  return [el('ul', { class: 'warnings' }, ...warnings.map(warningOf))];
}

function warningOf({ iteration, phase, at, message, name, action }: WarningReport): HTMLElement {
  const place = [`iteration ${iteration}, ${phase}`, at === null ? '' : when(at), done(action)].filter(
    (text) => text !== '',
  );
  return el(
    'li',
    {},
    name === null ? null : el('strong', {}, words(name)),
    el('p', {}, visible(message)),
    el('small', {}, place.join(' · ')),
  );
}

function done(action: string | null): string {
  switch (action) {
    case null:
      return '';
    case 'none':
      return 'the run went on';
    case 'stop':
      return 'the run was stopped';
    case 'roll-back':
      return 'the run went back';
    default:
      return words(action);
  }
}
