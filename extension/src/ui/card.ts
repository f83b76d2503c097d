import type { Account, Highlight, HighlightEdit, Reply } from '../api/shapes.ts';
import { inkOf, nameOf, offered } from '../paint/inks.ts';
import { blockOf } from '../paint/painter.ts';
import { button, el, icon } from './element.ts';
import type { Host } from './host.ts';
import { person } from './person.ts';
import { ago, exactly, state } from './words.ts';

/** What can be done on a card. Each answers null when it is done, else what went wrong, in a sentence. */
export interface CardActions {
	edit(id: string, edit: HighlightEdit): Promise<string | null>;
	reply(highlight: string, note: string): Promise<string | null>;
	remove(id: string): void;
	removeReply(reply: Reply): Promise<string | null>;
	copyLink(id: string): void;
	closed(id: string): void;
}

/** What a card shows. */
export interface Shown {
	highlight: Highlight;
	replies: readonly Reply[];
	me: Account | null;
	saving: boolean;
	/** Whether its text stands on the page. */
	here: boolean;
}

/** Text that somebody has typed and not saved yet, by what it is for: it outlives the card. */
export type Drafts = Map<string, string>;

/**
 * The card beside a passage: who marked it and when, how it stands, the note and the thread. It is made once for
 * a highlight and then only changed where something changed, so that what one types in it stays.
 */
export class Card {
	readonly id: string;
	private readonly end = new AbortController();
	private readonly quote = el('blockquote', { dir: 'auto' });
	private readonly by = el('div', { class: 'by' });
	private readonly state = el('div', { class: 'state small' });
	private readonly note = el('p', { class: 'text', dir: 'auto' });
	private readonly editor: Composer;
	private readonly noteButton: HTMLButtonElement;
	private readonly thread = el('ol', { class: 'thread', 'aria-label': 'Replies' });
	private readonly answer: Composer;
	private readonly wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
	private readonly inks = el('div', { class: 'inks', role: 'radiogroup', 'aria-label': 'Color' });
	private readonly foot = el('div', { class: 'foot' });
	private readonly turn = el('div', { class: 'turn', hidden: true });
	private readonly body: HTMLElement;
	readonly element: HTMLElement;
	private shown: Shown;

	constructor(
		private readonly host: Host,
		shown: Shown,
		private readonly actions: CardActions,
		private readonly drafts: Drafts,
	) {
		const { signal } = this.end;
		const id = shown.highlight.id;
		this.id = id;
		this.shown = shown;
		this.editor = new Composer(
			{ label: 'Note', placeholder: 'Write a note', action: 'Save note', key: `note ${id}` },
			drafts,
			(note) => actions.edit(id, { note }),
			() => this.edit(false),
			signal,
		);
		this.answer = new Composer(
			{ label: 'Reply', placeholder: 'Reply', action: 'Reply', key: `reply ${id}` },
			drafts,
			(note) => actions.reply(id, note),
			null,
			signal,
		);
		this.noteButton = button({ class: 'quiet add' }, 'Add a note', () => this.edit(true), signal);
		const close = button(
			{ class: 'icon', 'aria-label': 'Close', title: 'Close' },
			icon('close'),
			() => this.close(),
			signal,
		);
		this.body = el(
			'div',
			{ class: 'scroll' },
			this.by,
			this.state,
			this.note,
			this.noteButton,
			this.editor.element,
			this.wrong,
			this.thread,
			this.answer.element,
		);
		this.element = el(
			'section',
			{ class: 'card float', role: 'dialog', 'aria-label': 'Highlight', tabindex: '-1' },
			this.turn,
			el('div', { class: 'head' }, this.quote, close),
			this.body,
			this.foot,
		);
		this.element.addEventListener(
			'keydown',
			(event) => {
				if (event.key !== 'Escape') return;
				event.preventDefault();
				this.close();
			},
			{ signal },
		);
		this.editor.element.hidden = true;
		this.makeFoot();
		this.update(shown);
		if (drafts.has(`note ${id}`)) this.edit(true);
		host.root.append(this.element);
		const minute = setInterval(() => this.update(this.shown), 60_000);
		signal.addEventListener('abort', () => clearInterval(minute));
	}

	/** Shows what it holds now. */
	update(shown: Shown): void {
		this.shown = shown;
		const { highlight, me, saving, here } = shown;
		const mine = me?.id === highlight.author.id;
		this.element.style.setProperty('--ink', `var(--${inkOf(highlight.color)})`);
		const quotes = highlight.ranges.map((range) => range.quote?.exact ?? '').filter(Boolean);
		put(this.quote, quotes.join(' … ') || highlight.page.title);
		const more = ` · ${nameOf(highlight.color)}${highlight.group === 'me' ? ' · Only me' : ''}`;
		this.by.replaceChildren(...author(highlight.author, mine, highlight.created_at, more));
		const { sign, words } = state(highlight, saving, here);
		this.state.replaceChildren(el('span', { class: 'sign', 'aria-hidden': 'true' }, sign), el('span', {}, words));
		put(this.note, highlight.note);
		this.note.hidden = highlight.note === '' || !this.editor.element.hidden;
		this.noteButton.textContent = highlight.note === '' ? 'Add a note' : 'Edit note';
		for (const radio of this.inks.querySelectorAll('button')) {
			radio.setAttribute('aria-checked', String(radio.dataset.ink === highlight.color));
		}
		for (const own of [this.inks, ...this.foot.querySelectorAll<HTMLElement>('.own')]) own.hidden = !mine;
		this.noteButton.hidden = !mine || saving || !this.editor.element.hidden;
		for (const element of this.foot.querySelectorAll('button')) element.disabled = saving;
		this.answer.element.hidden = saving;
		this.showThread();
	}

	/** Says which of several highlights at one place this is, and offers the others. */
	offer(place: number, count: number, go: (step: number) => void): void {
		this.turn.hidden = count < 2;
		if (count < 2) return;
		const { signal } = this.end;
		this.turn.replaceChildren(
			el('span', { class: 'grow' }, `${place} of ${count} here`),
			button({ 'aria-label': 'Previous highlight here', title: 'Previous' }, '‹', () => go(-1), signal),
			button({ 'aria-label': 'Next highlight here', title: 'Next' }, '›', () => go(1), signal),
		);
	}

	/** Puts the card beside a passage, on the side that has room, or below it; by the corner if it lost its place. */
	place(range: Range | null): void {
		const { clientWidth, clientHeight } = document.documentElement;
		const { offsetWidth: width, offsetHeight: height } = this.element;
		if (!range) return this.host.place(this.element, clientWidth - width - 16, Math.max(8, clientHeight - height - 64));
		const passage = range.getBoundingClientRect();
		const block = blockOf(range)?.getBoundingClientRect() ?? passage;
		const right = block.right + 30; // past the dots
		const left = block.left - 12 - width;
		const fitsRight = right + width <= clientWidth - 4;
		if (fitsRight || left >= 4) {
			const x = fitsRight ? right : left;
			const y = Math.max(8, Math.min(passage.top - 12, clientHeight - height - 8));
			return this.host.place(this.element, x, y);
		}
		const x = Math.max(8, Math.min(passage.left, clientWidth - width - 8));
		const under = passage.bottom + 8;
		const fits = under + height <= clientHeight - 8;
		const above = passage.top - height - 8;
		// A passage that fills the window leaves no room beside it: then the card is over it, but to be seen.
		this.host.place(this.element, x, fits ? under : above >= 8 ? above : Math.max(8, clientHeight - height - 8));
	}

	focus(): void {
		this.element.focus({ preventScroll: true });
	}

	/** The highlight is gone: what was typed stays until the card is closed. */
	gone(): void {
		if (!this.typing) return this.close();
		this.say('This highlight was deleted. What you typed is still here to copy.');
		this.foot.hidden = true;
	}

	/** Closes because something else was clicked, unless something typed would go out of sight. */
	leave(): void {
		if (!this.typing) this.close();
	}

	close(): void {
		if (this.end.signal.aborted) return;
		this.end.abort();
		this.element.remove();
		this.actions.closed(this.id);
	}

	private get typing(): boolean {
		return this.drafts.has(`note ${this.id}`) || this.drafts.has(`reply ${this.id}`);
	}

	private edit(on: boolean): void {
		this.editor.element.hidden = !on;
		this.update(this.shown);
		if (on) this.editor.open(this.shown.highlight.note);
		else this.noteButton.focus();
	}

	private say(words: string | null): void {
		this.wrong.textContent = words ?? '';
		this.wrong.hidden = words === null;
	}

	private makeFoot(): void {
		const { signal } = this.end;
		for (const ink of offered) {
			const radio = button(
				{ class: 'ink', role: 'radio', 'aria-label': nameOf(ink), title: nameOf(ink), 'aria-checked': 'false' },
				el('span', { class: 'swatch' }),
				async () => this.say(await this.actions.edit(this.id, { color: ink })),
				signal,
			);
			radio.dataset.ink = ink;
			radio.style.setProperty('--ink', `var(--${ink})`);
			this.inks.append(radio);
		}
		this.foot.append(
			this.inks,
			button({ class: 'quiet' }, 'Copy link', () => this.actions.copyLink(this.id), signal),
			button({ class: 'quiet own' }, 'Delete', () => this.actions.remove(this.id), signal),
		);
	}

	private showThread(): void {
		const { replies, me } = this.shown;
		const atEnd = this.body.scrollTop + this.body.clientHeight >= this.body.scrollHeight - 8;
		const more = replies.length > this.thread.children.length && this.thread.children.length > 0;
		this.thread.replaceChildren(
			...replies.map((reply) => {
				const mine = me?.id === reply.author.id;
				const by = el('div', { class: 'by' }, ...author(reply.author, mine, reply.created_at));
				if (mine) {
					by.append(
						button(
							{ class: 'quiet', 'aria-label': 'Delete this reply' },
							'Delete',
							async () => this.say(await this.actions.removeReply(reply)),
							this.end.signal,
						),
					);
				}
				return el('li', {}, by, el('p', { class: 'text', dir: 'auto' }, reply.note));
			}),
		);
		if (more && atEnd) this.body.scrollTop = this.body.scrollHeight;
	}
}

/** A place to type: what is typed is kept until it is saved. */
class Composer {
	readonly element: HTMLFormElement;
	private readonly area: HTMLTextAreaElement;
	private readonly wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
	private readonly row: HTMLElement;

	constructor(
		private readonly words: { label: string; placeholder: string; action: string; key: string },
		private readonly drafts: Drafts,
		save: (text: string) => Promise<string | null>,
		/** Leaves without saving; null: there is nothing to leave. */
		private readonly leave: (() => void) | null,
		signal: AbortSignal,
	) {
		this.area = el('textarea', { 'aria-label': words.label, placeholder: words.placeholder, rows: '1', dir: 'auto' });
		const submit = el('button', { type: 'submit', class: 'main' }, words.action);
		this.row = el('div', { class: 'row' }, el('span', { class: 'small' }, 'Ctrl+Enter'));
		if (leave) this.row.append(button({ class: 'quiet' }, 'Cancel', () => this.finish(), signal));
		this.row.append(submit);
		this.element = el('form', {}, this.area, this.wrong, this.row);
		this.area.value = drafts.get(words.key) ?? '';
		this.row.hidden = leave === null && this.area.value === '';

		let saving = false;
		const send = async () => {
			const text = this.area.value.trim();
			if (saving || (text === '' && leave === null)) return;
			saving = true;
			submit.disabled = true;
			const against = await save(text);
			saving = false;
			submit.disabled = false;
			this.wrong.textContent = against === null ? '' : `Not saved. ${against} Your text is still here.`;
			this.wrong.hidden = against === null;
			if (against === null) this.finish();
		};
		this.element.addEventListener(
			'submit',
			(event) => {
				event.preventDefault();
				void send();
			},
			{ signal },
		);
		this.area.addEventListener(
			'input',
			() => {
				drafts.set(words.key, this.area.value);
				if (this.area.value === '') drafts.delete(words.key);
				this.row.hidden = leave === null && this.area.value === '';
			},
			{ signal },
		);
		this.area.addEventListener(
			'keydown',
			(event) => {
				if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
					event.preventDefault();
					void send();
				}
			},
			{ signal },
		);
	}

	open(text: string): void {
		this.area.value = this.drafts.get(this.words.key) ?? text;
		this.area.focus();
	}

	private finish(): void {
		this.drafts.delete(this.words.key);
		this.area.value = '';
		this.wrong.hidden = true;
		this.row.hidden = this.leave === null;
		this.leave?.();
	}
}

/** Who wrote something, and when. */
function author(account: Account, mine: boolean, time: string, more = ''): Node[] {
	return [
		person(account, mine),
		el('bdi', { class: 'name', title: account.name }, account.name),
		el('span', { class: 'facts' }, el('time', { datetime: time, title: exactly(time) }, ago(time)), more),
	];
}

/** Changes a text only if it is another, so that a selection in it stays. */
function put(element: HTMLElement, text: string): void {
	if (element.textContent !== text) element.textContent = text;
}
