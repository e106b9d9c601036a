import type { RunDocument } from '../document.ts';
import { readAddress, writeAddress } from './address.ts';
import type { Criteria } from './criteria.ts';
import { el } from './dom.ts';
import { count } from './format.ts';
import { QuestionFilters } from './questionFilters.ts';
import { QuestionList } from './questionList.ts';
import { QuestionPanel } from './questionPanel.ts';
import type { QuestionStore } from './questionStore.ts';
import { selectQuestions } from './selection.ts';
import { nextTurn, whenIdle } from './turns.ts';

/** Milliseconds between two looks at a table that is still being read. */
const RELOOK = 400;

/** Every question: what is looked for, the list of what is found, and the one that is open. The address says all of it. */
export class QuestionsView {
  readonly element: HTMLElement;
  private readonly store: QuestionStore;
  private readonly filters: QuestionFilters;
  private readonly list: QuestionList;
  private readonly panel: QuestionPanel;
  private readonly status = el('p', { class: 'muted', role: 'status', id: 'found' });
  private readonly split = el('div', { class: 'split' });
  private criteria: Criteria;
  private question: number | null;
  private found = 0;
  /** Counts the selections; an older one that is still under way is given up. */
  private selection = 0;
  private looked = 0;

  constructor(store: QuestionStore) {
    this.store = store;
    ({ criteria: this.criteria, question: this.question } = readAddress(location.hash));
    this.filters = new QuestionFilters((criteria) => {
      this.criteria = criteria;
      this.write('replace');
      void this.select(true);
    });
    this.list = new QuestionList({
      row: (question) => store.row(question),
      open: (question, byKey) => this.open(question, byKey || isNarrow()),
      // A panel that is open follows.
      moved: (question) => {
        if (this.question !== null) this.open(question, false);
      },
    });
    this.panel = new QuestionPanel(store, {
      close: () => this.close(),
      move: (by) => this.list.move(by),
      link: (question) => writeAddress({ question, criteria: this.criteria }),
    });
    this.split.append(this.list.element, this.panel.element);
    this.element = el(
      'div',
      {},
      this.filters.element,
      el('div', { class: 'result' }, this.status, this.filters.reset),
      this.split,
      el(
        'p',
        { class: 'muted keys' },
        ...['j', 'k', 'Enter', 'Esc', '/'].flatMap((key, at) => [
          el('kbd', {}, key),
          [' ', ' move, ', ' opens, ', ' closes, ', ' searches'][at],
        ]),
      ),
    );
    addEventListener('popstate', () => this.follow());
    addEventListener('hashchange', () => this.follow());
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      this.filters.search.focus();
    });
    this.split.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.question !== null && !event.defaultPrevented) this.close();
    });
    this.filters.set(this.criteria);
  }

  /** Offer what the run has, and show the open question as it is now. */
  show({ questions, iterations }: RunDocument): void {
    this.filters.offer(
      questions,
      iterations.filter(({ iteration }) => iteration > 0).map(({ iteration }) => iteration),
    );
    void this.showOpen();
  }

  /** Read the whole table, showing what is there on the way. */
  async read(): Promise<void> {
    try {
      await this.store.readAll(whenIdle, () => {
        if (performance.now() - this.looked > RELOOK) void this.select(false);
      });
      await this.select(false);
    } catch (error) {
      this.status.textContent = (error as Error).message;
    }
  }

  private async select(fromTop: boolean): Promise<void> {
    const selection = ++this.selection;
    this.looked = performance.now();
    const pause = async (): Promise<boolean> => {
      await nextTurn();
      return selection === this.selection;
    };
    const found = await selectQuestions(this.store.parts, this.store.head, this.criteria, pause);
    if (found === null || selection !== this.selection) return;
    this.found = found.length;
    this.list.show(found, fromTop);
    if (this.question !== null && this.list.active === null) this.list.mark(this.question);
    const { read, head } = this.store;
    const reading = read < head.count ? ` Reading: ${count(read)} of ${count(head.count)}.` : '';
    const text = `${count(this.found)} of ${count(head.count)} questions.${reading}`;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  private open(question: number, focus: boolean): void {
    const before = this.question;
    this.question = question;
    // Going through the list is one step of the history, not hundreds.
    this.write(before === null ? 'push' : 'replace');
    void this.showOpen().then(() => {
      if (focus && this.question === question) this.panel.focus();
    });
  }

  private close(): void {
    this.question = null;
    this.write('push');
    void this.showOpen();
    this.list.element.focus();
  }

  private async showOpen(): Promise<void> {
    this.split.classList.toggle('open', this.question !== null);
    this.list.mark(this.question);
    await this.panel.show(this.question);
  }

  /** The address changed: a link, the back button, or somebody's own hand. */
  private follow(): void {
    const { question, criteria } = readAddress(location.hash);
    const said = JSON.stringify(criteria);
    if (said !== JSON.stringify(this.criteria)) {
      this.criteria = criteria;
      this.filters.set(criteria);
      void this.select(true);
    }
    if (question === this.question) return;
    this.question = question;
    void this.showOpen();
  }

  private write(how: 'push' | 'replace'): void {
    const hash = writeAddress({ question: this.question, criteria: this.criteria });
    if (hash === location.hash) return;
    const address = hash === '' ? location.pathname + location.search : hash;
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', address);
  }
}

function isNarrow(): boolean {
  return matchMedia('(max-width: 60rem)').matches;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}
