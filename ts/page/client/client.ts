import type { RunDocument } from '../document.ts';
import { el } from './dom.ts';
import { evaluationTable, evaluationTitle } from './evaluationTables.ts';
import { headerView } from './headerView.ts';
import { OverviewView } from './overviewView.ts';
import { QuestionStore } from './questionStore.ts';
import { QuestionsView } from './questionsView.ts';
import { isServed, openSource } from './source.ts';
import { tableView } from './tableView.ts';
import { themeButton } from './theme.ts';
import { visible, visibleLine } from './visible.ts';
import { warningsView } from './warningsView.ts';

/** Put the page together, and keep it up to date where it is served. */
async function open(): Promise<void> {
  const source = openSource();
  const head = el('header', { class: 'run' });
  const overview = new OverviewView();
  const theme = themeButton(() => overview.redraw());
  const link = el('span', { class: 'link', role: 'status', id: 'link' });
  const main = el('main', { id: 'main', tabindex: -1 });
  const top = el('div', { class: 'top' }, el('span', { class: 'brand' }, 'rzero'), navigation(), link, theme);
  const skip = el('a', { class: 'skip', href: '#main' }, 'Skip to the report');
  document.body.append(skip, top, main);
  jump(skip, main);

  let run = await source.run();
  const store = new QuestionStore(source, run.questions);
  const questions = new QuestionsView(store);
  const warnings = el('div');
  const evaluations = el('div');
  const hash = el('p', { class: 'caption' });
  const config = el('pre', { class: 'text' });
  main.append(
    head,
    section('warnings', 'Warnings', warnings),
    section('overview', 'At a glance', overview.element),
    section('evaluations', 'Benchmarks', evaluations),
    section('questions', 'Every question', questions.element),
    section(
      'configuration',
      'Configuration',
      hash,
      el('details', {}, el('summary', {}, 'All options, as YAML'), config),
    ),
  );
  const show = (): void => {
    document.title = `${visibleLine(run.run.name)} – rzero`;
    update(head, run, headerView);
    update(warnings, run.warnings, () => warningsView(run));
    update(evaluations, run.evaluations, () => evaluationsView(run));
    for (const [id, there] of [
      ['evaluations', run.evaluations.length > 0],
      ['warnings', run.warnings.length > 0],
    ] as const) {
      for (const element of document.querySelectorAll<HTMLElement>(`#${id}, a[href='#${id}']`)) element.hidden = !there;
    }
    overview.show(run);
    questions.show(run);
    hash.textContent = run.run.configHash === null ? '' : `SHA-256 of what decides the result: ${run.run.configHash}`;
    if (config.textContent !== run.run.config) config.textContent = visible(run.run.config);
  };
  show();
  matchMedia('print').addEventListener('change', () => overview.redraw());
  void questions.read();

  if (!isServed()) return;
  link.textContent = 'Live';
  const refresh = oneAtATime(async () => {
    const before = run;
    run = await source.run();
    // A table's rows change when a phase is done, and there are more of them when one asks.
    const moved = run.phases.length !== before.phases.length || run.questions.count !== before.questions.count;
    if (moved) store.refresh(run.questions);
    show();
    if (moved) await questions.read();
  });
  source.watch({
    changed: refresh,
    linked: (up) => {
      link.textContent = up ? 'Live' : 'Connection lost, trying again';
      link.classList.toggle('lost', !up);
    },
  });
}

/** A view is made anew only where what it shows has changed, so that focus and selection stay. */
const shownBefore = new WeakMap<HTMLElement, string>();
function update<T>(place: HTMLElement, value: T, view: (value: T) => HTMLElement[]): void {
  const text = JSON.stringify(value);
  if (shownBefore.get(place) === text) return;
  shownBefore.set(place, text);
  place.replaceChildren(...view(value));
}

/** Calls during a call come to one more after it; a failed one (the server is going) is made up for by the next. */
function oneAtATime(work: () => Promise<void>): () => void {
  let [busy, again] = [false, false];
  const run = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await work().catch(() => {});
    } while (again);
    busy = false;
  };
  return () => void run();
}

function navigation(): HTMLElement {
  const places = [
    ['warnings', 'Warnings'],
    ['overview', 'At a glance'],
    ['evaluations', 'Benchmarks'],
    ['questions', 'Questions'],
    ['configuration', 'Configuration'],
  ];
  const links = places.map(([id, title]) => {
    const link = el('a', { href: `#${id}` }, title);
    link.addEventListener('click', (event) => {
      event.preventDefault();
      goTo(document.getElementById(`title-of-${id}`));
    });
    return link;
  });
  return el('nav', { 'aria-label': 'Report' }, ...links);
}

function jump(link: HTMLAnchorElement, target: HTMLElement): void {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    goTo(target);
  });
}

/** The address keeps saying what is looked for among the questions, so a link within the page leaves it alone. */
function goTo(target: HTMLElement | null): void {
  target?.scrollIntoView();
  target?.focus({ preventScroll: true });
}

function section(id: string, title: string, ...children: HTMLElement[]): HTMLElement {
  const heading = `title-of-${id}`;
  return el('section', { id, 'aria-labelledby': heading }, el('h2', { id: heading, tabindex: -1 }, title), ...children);
}

function evaluationsView({ evaluations }: RunDocument): HTMLElement[] {
  return evaluations.flatMap((scores) => {
    const { title, note } = evaluationTitle(scores);
    return [
      el('h3', {}, visibleLine(title)),
      el('p', { class: 'caption' }, visibleLine(note)),
      tableView(evaluationTable(scores), title),
    ];
  });
}

open().catch((error: unknown) => {
  document.body.append(el('p', { class: 'error', role: 'alert' }, (error as Error).message));
});
