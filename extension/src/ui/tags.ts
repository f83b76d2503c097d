import { button, el, icon } from './element.ts';
import { say } from './say.ts';

/** How many tags a highlight may have, and how long one may be: the server's limits. */
const maxTags = 50;
const maxTag = 100;

/** The tags of a highlight: its author adds and removes them. */
export class Tags {
	readonly element = el('div', { class: 'tags' });
	private readonly list = el('ul', { 'aria-label': say('tags') });
	private readonly input = el('input', {
		'aria-label': say('tag'),
		placeholder: say('addTag'),
		maxlength: String(maxTag),
		enterkeyhint: 'done',
		autocapitalize: 'off',
		dir: 'auto',
	});
	private tags: readonly string[] = [];
	private shown = '';

	constructor(
		private readonly change: (tags: string[]) => void,
		private readonly signal: AbortSignal,
	) {
		this.element.append(this.list, this.input);
		this.input.addEventListener(
			'keydown',
			(event) => {
				if (event.key !== 'Enter' && event.key !== ',') return;
				event.preventDefault();
				this.add();
			},
			{ signal },
		);
		this.input.addEventListener('blur', () => this.add(), { signal });
	}

	show(tags: readonly string[], mine: boolean): void {
		this.input.hidden = !mine || tags.length >= maxTags;
		this.element.hidden = tags.length === 0 && !mine;
		this.tags = tags;
		const now = JSON.stringify([tags, mine]);
		if (this.shown === now) return;
		this.shown = now;
		this.list.replaceChildren(
			...tags.map((tag) => {
				const item = el('li', {}, el('bdi', {}, tag));
				if (mine) {
					const name = say('removeTag', tag);
					const remove = () => {
						this.input.focus();
						this.put(this.tags.filter((other) => other !== tag));
					};
					item.append(button({ 'aria-label': name, title: name }, icon('close'), remove, this.signal));
				}
				return item;
			}),
		);
	}

	private add(): void {
		const tag = this.input.value.trim().replace(/^#/, '');
		this.input.value = '';
		if (tag && !this.tags.includes(tag)) this.put([...this.tags, tag]);
	}

	/** It counts from now on, not from when it is drawn: the next may come before. */
	private put(tags: readonly string[]): void {
		this.tags = tags;
		this.change([...tags]);
	}
}
