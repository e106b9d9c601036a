import { el } from './dom.ts';
import { count, quantity, words } from './format.ts';
import type { QuestionRow } from './questionStore.ts';
import { visibleLine } from './visible.ts';
import { listHeight, scrollTo, windowAt } from './window.ts';

/** Pixels; the style sheet has the same. */
const ROW = 88;
const AROUND = 6;
/** A text is cut before the browser has to measure it. */
const MOST_CHARACTERS = 240;

export interface ListActions {
  row(question: number): QuestionRow | undefined;
  /** @param byKey whether the focus should follow */
  open(question: number, byKey: boolean): void;
  /** Another question became the active one. */
  moved(question: number): void;
}

/** A list of any number of questions, of which only those in sight are in the document; its own focus moves by keys. */
export class QuestionList {
  readonly element: HTMLElement;
  private readonly box = el('div', { class: 'box' });
  private readonly slab = el('div', { class: 'slab', role: 'presentation' });
  private readonly actions: ListActions;
  private questions: Uint32Array = new Uint32Array();
  private readonly options = new Map<number, { shown: string; element: HTMLElement }>();
  /** Place in the list, and number; -1 where none is. */
  private at = -1;
  private opened: number | null = null;
  private waiting = false;

  constructor(actions: ListActions) {
    this.actions = actions;
    this.element = el(
      'div',
      { class: 'list', id: 'list', role: 'listbox', tabindex: 0, 'aria-label': 'Questions' },
      this.box,
    );
    this.box.append(this.slab);
    this.element.addEventListener('scroll', () => this.later());
    this.element.addEventListener('keydown', (event) => this.key(event));
    this.element.addEventListener('click', ({ target }) => {
      const option = (target as Element).closest<HTMLElement>('[role=option]');
      if (option) this.choose(Number(option.dataset.at), false);
    });
    // Without an active row the first arrow key would have nothing to start from. A mouse says itself which row it means.
    this.element.addEventListener('focus', () => {
      if (this.at < 0 && this.questions.length > 0 && this.element.matches(':focus-visible'))
        this.moveTo(this.firstInSight);
    });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** The number of the active question; null where none is. */
  get active(): number | null {
    return this.questions[this.at] ?? null;
  }

  /** Show these; the active question stays where it is among them. */
  show(questions: Uint32Array, fromTop: boolean): void {
    const active = this.active;
    this.questions = questions;
    this.at = active === null ? -1 : questions.indexOf(active);
    if (fromTop) this.element.scrollTop = 0;
    this.draw();
  }

  /** The rows' figures may have changed. */
  refresh(): void {
    this.draw();
  }

  /** Mark the question whose detail is shown; one that was not before becomes the active one, where it is in the list. */
  mark(question: number | null): void {
    const stays = question === this.opened && this.at >= 0;
    this.opened = question;
    const at = question === null || stays ? -1 : this.questions.indexOf(question);
    if (at >= 0) this.moveTo(at, false);
    else this.draw();
  }

  /** Go on from the active question by some rows. */
  move(by: number): void {
    if (this.questions.length === 0) return;
    this.moveTo(Math.max(0, Math.min(this.at + by, this.questions.length - 1)));
  }

  private get firstInSight(): number {
    const { scrollTop, clientHeight } = this.element;
    const { first, top } = windowAt(this.questions.length, ROW, scrollTop, clientHeight, 0);
    return Math.min(top < scrollTop ? first + 1 : first, this.questions.length - 1);
  }

  private moveTo(at: number, tell = true): void {
    this.at = at;
    this.element.scrollTop = scrollTo(
      at,
      this.questions.length,
      ROW,
      this.element.scrollTop,
      this.element.clientHeight,
    );
    this.draw();
    const { active } = this;
    if (tell && active !== null) this.actions.moved(active);
  }

  private choose(at: number, byKey: boolean): void {
    this.moveTo(at, false);
    const { active } = this;
    if (active !== null) this.actions.open(active, byKey);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
    const all = this.questions.length;
    const moves: Record<string, number> = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -all,
      End: all,
    };
    const by = moves[event.key];
    if (by !== undefined) this.move(by);
    else if ((event.key === 'Enter' || event.key === ' ') && this.at >= 0) this.choose(this.at, true);
    else return;
    event.preventDefault();
  }

  private later(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  private draw(): void {
    const { element, questions } = this;
    this.box.style.height = `${listHeight(questions.length, ROW)}px`;
    const { first, last, top } = windowAt(questions.length, ROW, element.scrollTop, element.clientHeight, AROUND);
    this.slab.style.transform = `translateY(${top}px)`;
    const wanted: HTMLElement[] = [];
    for (let at = first; at < last; at++) wanted.push(this.option(at));
    const kept = new Set(wanted);
    for (const [question, option] of this.options) if (!kept.has(option.element)) this.options.delete(question);
    // What stays is not touched: a row that is taken out and put back between press and release gets no click.
    const { slab } = this;
    for (const option of [...slab.children]) if (!kept.has(option as HTMLElement)) option.remove();
    wanted.forEach((option, at) => {
      if (slab.children[at] !== option) slab.insertBefore(option, slab.children[at] ?? null);
    });
    const active = this.active;
    if (active === null) element.removeAttribute('aria-activedescendant');
    else element.setAttribute('aria-activedescendant', `question-${active}`);
  }

  private option(at: number): HTMLElement {
    const question = this.questions[at] as number;
    const row = this.actions.row(question);
    const shown = JSON.stringify(row ?? question);
    const before = this.options.get(question);
    const element = before?.shown === shown ? before.element : optionOf(question, row);
    this.options.set(question, { shown, element });
    element.dataset.at = String(at);
    element.setAttribute('aria-setsize', String(this.questions.length));
    element.setAttribute('aria-posinset', String(at + 1));
    element.setAttribute('aria-selected', String(question === this.opened));
    element.classList.toggle('active', at === this.at);
    return element;
  }
}

function optionOf(question: number, row: QuestionRow | undefined): HTMLElement {
  const option = el('div', { class: 'option', role: 'option', id: `question-${question}` });
  if (row === undefined) {
    option.append(el('span', { class: 'muted' }, `Question ${count(question)}`));
    return option;
  }
  const text = visibleLine(row.text.slice(0, MOST_CHARACTERS));
  const bar = el('span', { class: 'meter', 'aria-hidden': 'true' }, el('span', { class: 'filled' }));
  (bar.firstChild as HTMLElement).style.width = `${100 * (row.agreement ?? 0)}%`;
  const facts = [
    `#${question}`,
    row.phase === 'challenger' ? `iteration ${row.iteration}, asked in training` : `iteration ${row.iteration}`,
    row.reward === null ? '' : `reward ${quantity(row.reward, 'number')}`,
    row.trained > 0 ? `trained on ${row.trained}×` : '',
  ].filter((fact) => fact !== '');
  option.append(
    el('span', { class: 'question' }, text === '' ? '(empty)' : text),
    el(
      'span',
      { class: 'facts' },
      row.fate === null ? null : el('span', { class: row.fate === 'kept' ? 'pill good' : 'pill' }, words(row.fate)),
      row.label === null ? null : labelOf(row),
      el('span', {}, facts.join(' · ')),
    ),
    el(
      'span',
      { class: 'agreement' },
      bar,
      el('span', {}, row.agreement === null ? '' : `p̂ ${row.agreement.toFixed(2).replace(/0$/, '')}`),
    ),
  );
  return option;
}

/** The majority answer, and whether it is true. */
function labelOf({ label, labelRight }: QuestionRow): HTMLElement {
  const mark = labelRight === null ? '' : labelRight ? ' ✓' : ' ✗';
  const said = labelRight === null ? null : el('span', { class: 'unseen' }, labelRight ? ', right' : ', wrong');
  const kind = labelRight === null ? 'answer' : labelRight ? 'answer right' : 'answer wrong';
  return el('span', { class: kind }, `= ${visibleLine((label ?? '').slice(0, 24))}${mark}`, said);
}
