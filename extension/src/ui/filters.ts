import { inkOf } from '../paint/inks.ts';
import { button, el } from './element.ts';
import style from './filters.css';
import type { Listed } from './list.ts';
import { type Key, say } from './say.ts';
import { nameOf } from './words.ts';

/** A way to choose among highlights: what each has, and how that is called. */
interface Choice {
	label: Key;
	of: (listed: Listed) => string[];
	name: (value: string) => string;
}

/** Narrows a list by what is typed and chosen. What all have in common is not offered. */
export class Filters {
	static readonly style = style;
	readonly element = el('div', { class: 'filters', role: 'search' });
	private readonly search = el('input', {
		type: 'search',
		'aria-label': say('search'),
		placeholder: say('search'),
		dir: 'auto',
	});
	private readonly choices: { choice: Choice; select: HTMLSelectElement; offered: string }[];
	private readonly clear: HTMLButtonElement;

	/** @param changed something else is wanted */
	constructor(
		groups: (id: string) => string,
		private readonly changed: () => void,
		signal: AbortSignal,
	) {
		const choices: Choice[] = [
			{ label: 'author', of: ({ highlight }) => [highlight.author.name], name: String },
			{ label: 'color', of: ({ highlight }) => [inkOf(highlight.color)], name: nameOf },
			{ label: 'tag', of: ({ highlight }) => highlight.tags, name: String },
			{ label: 'group', of: ({ highlight }) => [highlight.group], name: groups },
		];
		this.choices = choices.map((choice) => {
			const select = el('select', { 'aria-label': say(choice.label) });
			select.addEventListener('change', changed, { signal });
			return { choice, select, offered: '' };
		});
		this.clear = button({ class: 'quiet' }, say('showAll'), () => this.reset(), signal);
		this.search.addEventListener('input', changed, { signal });
		this.element.append(
			this.search,
			el(
				'div',
				{ class: 'selects' },
				...this.choices.map(({ select }) => el('span', { class: 'choice' }, select)),
				this.clear,
			),
		);
	}

	/** Whether something is left out. */
	get active(): boolean {
		return this.search.value.trim() !== '' || this.choices.some(({ select }) => select.value !== '');
	}

	/** Offers what there is to choose from, and says of each whether it fits. */
	fit(all: readonly Listed[]): (listed: Listed) => boolean {
		this.offer(all);
		return this.fits;
	}

	private offer(all: readonly Listed[]): void {
		for (const entry of this.choices) {
			const { choice, select } = entry;
			const values = [...new Set(all.flatMap(choice.of))].sort((a, b) => a.localeCompare(b));
			(select.parentElement ?? select).hidden = values.length < 2 && select.value === '';
			const offered = JSON.stringify(values);
			if (entry.offered === offered) continue;
			entry.offered = offered;
			const { value } = select;
			select.replaceChildren(
				el('option', { value: '' }, say(choice.label)),
				...values.map((value) => el('option', { value }, choice.name(value))),
			);
			select.value = values.includes(value) ? value : '';
		}
		this.clear.hidden = !this.active;
	}

	private get fits(): (listed: Listed) => boolean {
		const words = this.search.value.trim().toLocaleLowerCase();
		const chosen = this.choices.filter(({ select }) => select.value !== '');
		return (listed) =>
			chosen.every(({ choice, select }) => choice.of(listed).includes(select.value)) &&
			(words === '' || textOf(listed).includes(words));
	}

	private reset(): void {
		this.search.value = '';
		for (const { select } of this.choices) select.value = '';
		this.changed();
	}
}

function textOf({ highlight: { ranges, note, tags, author } }: Listed): string {
	return [...ranges.map((range) => range.quote?.exact ?? ''), note, ...tags, author.name]
		.join('\n')
		.toLocaleLowerCase();
}
