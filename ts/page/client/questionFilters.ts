import type { QuestionsHead } from '../document.ts';
import { type Criteria, EVERY_QUESTION, filtersSet, type Sort } from './criteria.ts';
import { el } from './dom.ts';
import { words } from './format.ts';

/** Milliseconds of rest after which a search begins. */
const REST = 150;

const ORDERS: [string, Sort, boolean][] = [
  ['in the order asked', 'order', false],
  ['latest first', 'order', true],
  ['agreement, low first', 'agreement', false],
  ['agreement, high first', 'agreement', true],
  ['reward, low first', 'reward', false],
  ['reward, high first', 'reward', true],
  ['shortest first', 'length', false],
  ['longest first', 'length', true],
];
const ALL = '';

/** The form that says which questions are listed. */
export class QuestionFilters {
  readonly element: HTMLElement;
  readonly search = el('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Words, or #number',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  private readonly iteration = el('select', { id: 'by-iteration' });
  private readonly phase = el('select', { id: 'by-phase' });
  private readonly fate = el('select', { id: 'by-fate' });
  private readonly label = el('select', { id: 'by-label' });
  private readonly low = el('select', { id: 'agreement-low', 'aria-label': 'Agreement at least' });
  private readonly high = el('select', { id: 'agreement-high', 'aria-label': 'Agreement at most' });
  private readonly order = el('select', { id: 'order' });
  /** To stand beside what is said of the result. */
  readonly reset = el('button', { type: 'button', class: 'quiet', id: 'reset' }, 'Clear filters');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private offered = '';

  constructor(onChange: (criteria: Criteria) => void) {
    const change = (): void => {
      clearTimeout(this.timer);
      this.offerReset();
      onChange(this.criteria);
    };
    this.search.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(change, REST);
    });
    this.reset.addEventListener('click', () => {
      this.set({ ...EVERY_QUESTION, ...orderOf(this.order.value) });
      change();
      this.search.focus();
    });
    const tenths = Array.from({ length: 11 }, (_, tenth): [string, string] => [
      (tenth / 10).toFixed(1),
      String(tenth / 10),
    ]);
    fill(this.label, [
      ['any', ALL],
      ['right', 'right'],
      ['wrong', 'wrong'],
      ['no truth known', 'unknown'],
    ]);
    fill(this.low, tenths);
    fill(this.high, tenths);
    fill(
      this.order,
      ORDERS.map(([title, sort, descending]) => [title, `${descending ? '-' : ''}${sort}`]),
    );
    for (const select of [this.iteration, this.phase, this.fate, this.label, this.low, this.high, this.order])
      select.addEventListener('change', change);
    this.element = el(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Find questions' },
      field('Search', this.search, 'grow'),
      field('Order', this.order),
      field('Iteration', this.iteration),
      field('Asked as', this.phase),
      field('Fate', this.fate),
      field('Label', this.label),
      el(
        'fieldset',
        { class: 'field' },
        el('legend', {}, 'Agreement p̂'),
        el('span', { class: 'range' }, this.low, el('span', {}, 'to'), this.high),
      ),
    );
    this.element.addEventListener('submit', (event) => event.preventDefault());
    this.set(EVERY_QUESTION);
  }

  /** Offer what there is; what is chosen stays chosen. */
  offer({ fates, phases }: QuestionsHead, iterations: readonly number[]): void {
    const choices = JSON.stringify([fates, phases, iterations]);
    if (choices === this.offered) return;
    this.offered = choices;
    const { criteria } = this;
    fill(this.iteration, [['all', ALL], ...iterations.map((one): [string, string] => [String(one), String(one)])]);
    const names: Record<string, string> = { challenger: 'in training', questions: 'candidate' };
    fill(this.phase, [['either', ALL], ...phases.map((phase): [string, string] => [names[phase] ?? phase, phase])]);
    fill(this.fate, [['any', ALL], ...fates.map((fate): [string, string] => [words(fate), fate])]);
    this.set(criteria);
  }

  get criteria(): Criteria {
    const { iteration, label } = { iteration: this.iteration.value, label: this.label.value };
    return {
      text: this.search.value,
      iteration: iteration === ALL ? null : Number(iteration),
      phase: this.phase.value || null,
      fate: this.fate.value || null,
      label: (label || null) as Criteria['label'],
      low: Number(this.low.value),
      high: Number(this.high.value),
      ...orderOf(this.order.value),
    };
  }

  set(criteria: Criteria): void {
    if (this.search.value !== criteria.text) this.search.value = criteria.text;
    choose(this.iteration, criteria.iteration === null ? ALL : String(criteria.iteration));
    choose(this.phase, criteria.phase ?? ALL);
    choose(this.fate, criteria.fate ?? ALL);
    choose(this.label, criteria.label ?? ALL);
    choose(this.low, String(criteria.low));
    choose(this.high, String(criteria.high));
    choose(this.order, `${criteria.descending ? '-' : ''}${criteria.sort}`);
    this.offerReset();
  }

  private offerReset(): void {
    this.reset.disabled = filtersSet(this.criteria) === 0;
  }
}

function orderOf(value: string): Pick<Criteria, 'sort' | 'descending'> {
  return { sort: value.replace(/^-/, '') as Sort, descending: value.startsWith('-') };
}

function field(title: string, control: HTMLElement, more = ''): HTMLElement {
  return el('div', { class: `field ${more}` }, el('label', { for: control.id }, title), control);
}

function fill(select: HTMLSelectElement, choices: readonly [title: string, value: string][]): void {
  select.replaceChildren(...choices.map(([title, value]) => el('option', { value }, title)));
}

/** An address may name what is not offered, or not yet: it is offered then, and finds nothing. */
function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value)) select.append(el('option', { value }, value));
  select.value = value;
}
