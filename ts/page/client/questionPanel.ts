import { el } from './dom.ts';
import { count } from './format.ts';
import { questionDetail } from './questionDetail.ts';
import type { QuestionStore } from './questionStore.ts';

export interface PanelActions {
  close(): void;
  /** Open the question some rows on in the list. */
  move(by: number): void;
  /** The address of another question. */
  link(question: number): string;
}

/** The panel of the question that is open. */
export class QuestionPanel {
  readonly element: HTMLElement;
  private readonly title = el('h3', { id: 'panel-title', tabindex: -1 });
  private readonly body = el('div', { class: 'body' });
  private readonly store: QuestionStore;
  private readonly link: (question: number) => string;
  private shown = '';
  /** Of the question that is asked for; an answer to an earlier one comes too late. */
  private wanted: number | null = null;

  constructor(store: QuestionStore, { close, move, link }: PanelActions) {
    this.store = store;
    this.link = link;
    const button = (name: string, title: string, action: () => void): HTMLElement => {
      const element = el('button', { type: 'button', class: 'quiet', 'aria-label': title }, name);
      element.addEventListener('click', action);
      return element;
    };
    this.element = el(
      'section',
      { class: 'panel', id: 'panel', 'aria-labelledby': 'panel-title', hidden: true },
      el(
        'header',
        {},
        this.title,
        el(
          'div',
          { class: 'buttons' },
          button('↑', 'Previous question', () => move(-1)),
          button('↓', 'Next question', () => move(1)),
          button('Close', 'Close, back to the list', close),
        ),
      ),
      this.body,
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const action = { Escape: close, j: () => move(1), k: () => move(-1) }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  focus(): void {
    this.title.focus();
  }

  /** Show a question, or none. The same as before stays untouched, with what is unfolded and selected in it. */
  async show(question: number | null): Promise<void> {
    const same = question === this.wanted;
    this.wanted = question;
    this.element.hidden = question === null;
    if (question === null) return;
    this.title.textContent = `Question ${count(question)}`;
    try {
      const [row, detail] = await Promise.all([this.store.readRow(question), this.store.detail(question)]);
      const kin = await Promise.all((detail?.kin ?? []).map((one) => this.store.readRow(one.question)));
      if (this.wanted !== question) return;
      if (row === undefined || detail === undefined)
        return this.say(`There is no question ${count(question)} in this run.`);
      const shown = JSON.stringify([row, detail, kin]);
      if (same && shown === this.shown) return;
      this.shown = shown;
      this.body.replaceChildren(
        ...questionDetail(row, detail, { kin, left: this.store.head.samples.reason, link: this.link }),
      );
      if (!same) this.element.scrollTop = 0;
    } catch (error) {
      if (this.wanted === question) this.say((error as Error).message);
    }
  }

  private say(text: string): void {
    this.shown = '';
    this.body.replaceChildren(el('p', { class: 'muted' }, text));
  }
}
