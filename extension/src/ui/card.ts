import type { Verdict } from '../api/client.ts';
import type { Account, Attachment, Entry, Flag, Highlight, HighlightEdit, Reply } from '../api/shapes.ts';
import { inkOf, offered } from '../paint/inks.ts';
import { blockOf } from '../paint/painter.ts';
import type { Kept, Progress } from '../state/pending.ts';
import { type Against, Composer, type Drafts } from './composer.ts';
import { conflict } from './conflict.ts';
import { button, el, icon } from './element.ts';
import { Files, type Unsent } from './files.ts';
import type { Host } from './host.ts';
import { person } from './person.ts';
import { prose } from './prose.ts';
import { say } from './say.ts';
import { Tags } from './tags.ts';
import { ago, exactly, failure, happened, nameOf, state } from './words.ts';

/** What can be done on a card. A promise answers null when it is done, else what stands against it. */
export interface CardActions {
	edit(id: string, edit: HighlightEdit, version?: number): Promise<Against | null>;
	reply(highlight: string, note: string, files: readonly File[]): Promise<Against | null>;
	attach(id: string, files: readonly File[]): void;
	detach(highlight: string, reply: string | null, file: Attachment): void;
	readFile(id: string): Promise<Blob>;
	/** What is asked of those who moderate, and what they do; null: nobody moderates here. */
	flag: ((id: string, reason: string) => Promise<Against | null>) | null;
	flags: ((id: string) => Promise<Flag[]>) | null;
	moderate(id: string, act: Verdict): Promise<Against | null>;
	remove(id: string): void;
	removeReply(reply: Reply): Promise<Against | null>;
	putBack(id: string): void;
	copyLink(id: string): void;
	groupName(id: string): string;
	history(id: string): Promise<Entry[]>;
	/** A change that was refused: it is tried again, or forgotten. */
	settle(operation: string, again: boolean): void;
	closed(id: string): void;
}

/** What a card shows. */
export interface Shown {
	highlight: Highlight;
	replies: readonly Reply[];
	me: Account | null;
	/** How one's own changes of it stand; null: all are confirmed. */
	progress: Progress | null;
	/** The changes that the server has refused. */
	refused: readonly Kept[];
	/** Whether its text stands on the page. */
	here: boolean;
	/** The files that are not sent yet. */
	unsent: Unsent;
}

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
	private readonly history = el('ol', { class: 'history small', 'aria-label': say('history'), hidden: true });
	private readonly historyButton: HTMLButtonElement;
	private readonly back: HTMLButtonElement;
	private readonly note = el('div', { class: 'text', dir: 'auto' });
	private readonly files: Files;
	private readonly replyFiles = new Map<string, Files>();
	private readonly flagger: Composer;
	private readonly flagged = el('div', { class: 'conflict', hidden: true });
	private readonly flagButton: HTMLButtonElement;
	private readonly hideButton: HTMLButtonElement;
	private readonly tags: Tags;
	private readonly editor: Composer;
	private readonly noteButton: HTMLButtonElement;
	private readonly thread = el('ol', { class: 'thread', 'aria-label': say('replies') });
	private readonly answer: Composer;
	private readonly wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
	private readonly conflicts = el('div');
	private readonly inks = el('div', { class: 'inks', role: 'radiogroup', 'aria-label': say('color') });
	private readonly foot = el('div', { class: 'foot' });
	private readonly turn = el('div', { class: 'turn', hidden: true });
	private readonly body: HTMLElement;
	readonly element: HTMLElement;
	private shown: Shown;
	private noted: string | null = null;
	private threaded = '';
	/** What was typed over a note that somebody else has changed. */
	private against: string | null = null;
	/** The passage that it stands beside. */
	private passage: Range | null = null;

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
			{ label: say('note'), placeholder: say('writeNote'), action: say('saveNote'), key: `note ${id}` },
			drafts,
			(note, version, files) => this.saveNote(note, version, files),
			() => this.edit(false),
			signal,
		);
		this.answer = new Composer(
			{ label: say('reply'), placeholder: say('reply'), action: say('reply'), key: `reply ${id}` },
			drafts,
			(note, _, files) => actions.reply(id, note, files),
			null,
			signal,
		);
		this.flagger = new Composer(
			{ label: say('flagReason'), placeholder: say('flagReason'), action: say('flag'), key: `flag ${id}` },
			drafts,
			async (reason) => (await actions.flag?.(id, reason)) ?? null,
			() => this.ask(false),
			signal,
			false,
		);
		this.flagger.element.hidden = true;
		this.flagButton = button({ class: 'quiet' }, say('flag'), () => this.ask(true), signal);
		const hide = async () => {
			this.report(await actions.moderate(id, this.shown.highlight.hidden ? 'show' : 'hide'));
		};
		this.hideButton = button({ class: 'quiet' }, say('hide'), () => void hide(), signal);
		const files = (reply: string | null) => {
			return { read: actions.readFile, remove: (file: Attachment) => actions.detach(id, reply, file) };
		};
		this.files = new Files(files(null), signal);
		this.filesOf = (reply) => {
			const known = this.replyFiles.get(reply) ?? new Files(files(reply), signal);
			this.replyFiles.set(reply, known);
			return known;
		};
		this.tags = new Tags(async (tags) => this.report(await actions.edit(id, { tags })), signal);
		this.noteButton = button({ class: 'quiet add' }, say('addNote'), () => this.edit(true), signal);
		this.historyButton = button({ class: 'quiet fold' }, say('history'), () => void this.unfold(), signal);
		this.back = button({ class: 'add back' }, say('putBack'), () => actions.putBack(id), signal);
		this.back.addEventListener('mousedown', (event) => event.preventDefault(), { signal }); // the selection stays
		const close = button(
			{ class: 'icon', 'aria-label': say('close'), title: say('close') },
			icon('close'),
			() => this.close(),
			signal,
		);
		this.body = el(
			'div',
			{ class: 'scroll' },
			this.by,
			el('div', { class: 'standing' }, this.state, this.historyButton),
			this.back,
			this.history,
			this.flagged,
			this.note,
			this.files.element,
			this.noteButton,
			this.editor.element,
			this.conflicts,
			this.wrong,
			this.tags.element,
			this.flagger.element,
			this.thread,
			this.answer.element,
		);
		this.element = el(
			'section',
			{ class: 'card float', role: 'dialog', 'aria-label': say('highlight'), tabindex: '-1' },
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
		if (drafts.get(`note ${id}`)) this.edit(true);
		void this.showFlags();
		host.root.append(this.element);
		const size = new ResizeObserver(() => this.place(this.passage)); // what it grows by must not leave the window
		size.observe(this.element);
		signal.addEventListener('abort', () => size.disconnect());
		const minute = setInterval(() => this.update(this.shown), 60_000);
		signal.addEventListener('abort', () => clearInterval(minute));
	}

	private readonly filesOf: (reply: string) => Files;

	/** Shows what it holds now. */
	update(shown: Shown): void {
		this.shown = shown;
		const { highlight, me, progress, here, unsent: files } = shown;
		const mine = me?.id === highlight.author.id;
		const unsent = highlight.version === 0;
		this.element.style.setProperty('--ink', `var(--${inkOf(highlight.color)})`);
		const quotes = highlight.ranges.map((range) => range.quote?.exact ?? '').filter(Boolean);
		put(this.quote, quotes.join(' … ') || highlight.page.title);
		const more = ` · ${nameOf(highlight.color)}${highlight.group === 'public' ? '' : ` · ${this.actions.groupName(highlight.group)}`}`;
		this.by.replaceChildren(...author(highlight.author, mine, highlight.created_at, more));
		const { sign, words } = state(highlight, progress, here);
		this.state.replaceChildren(el('span', { class: 'sign', 'aria-hidden': 'true' }, sign), el('span', {}, words));
		this.back.hidden = !mine || here || unsent || highlight.ranges.length === 0;
		this.historyButton.hidden = unsent;
		if (this.noted !== highlight.note) {
			this.noted = highlight.note;
			this.note.replaceChildren(...prose(highlight.note));
		}
		this.files.show(highlight.attachments, files, mine);
		this.flagButton.hidden = mine || this.actions.flag === null;
		this.hideButton.hidden = this.actions.flags === null;
		this.hideButton.textContent = say(highlight.hidden ? 'showAgain' : 'hide');
		this.note.hidden = highlight.note === '' || !this.editor.element.hidden;
		this.noteButton.textContent = highlight.note === '' ? say('addNote') : say('editNote');
		this.tags.show(highlight.tags, mine);
		for (const radio of this.inks.querySelectorAll('button')) {
			radio.setAttribute('aria-checked', String(radio.dataset.ink === highlight.color));
		}
		for (const own of [this.inks, ...this.foot.querySelectorAll<HTMLElement>('.own')]) own.hidden = !mine;
		this.noteButton.hidden = !mine || !this.editor.element.hidden;
		this.showThread();
		this.showConflicts();
	}

	/** Says which of several highlights at one place this is, and offers the others. */
	offer(place: number, count: number, go: (step: number) => void): void {
		this.turn.hidden = count < 2;
		if (count < 2) return;
		const { signal } = this.end;
		this.turn.replaceChildren(
			el('span', { class: 'grow' }, say('placeOf', place, count)),
			button({ 'aria-label': say('previousHere'), title: say('previous') }, '‹', () => go(-1), signal),
			button({ 'aria-label': say('nextHere'), title: say('next') }, '›', () => go(1), signal),
		);
	}

	/** Puts the card beside a passage, on the side that has room, or below it; by the corner if it lost its place. */
	place(range: Range | null): void {
		this.passage = range;
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

	/** Begins to write its note. */
	write(): void {
		this.edit(true);
	}

	/** Drafts have come: what was typed here before is shown again. */
	restore(): void {
		this.answer.restore();
		if (this.drafts.get(`note ${this.id}`)) this.edit(true);
	}

	/** The highlight is gone: what was typed stays until the card is closed. */
	gone(): void {
		if (!this.typing) return this.close();
		this.say(say('deletedWhileTyping'));
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
		return ['note', 'reply'].some((kind) => this.drafts.get(`${kind} ${this.id}`));
	}

	private edit(on: boolean): void {
		this.editor.element.hidden = !on;
		this.against = null;
		this.update(this.shown);
		const { note, version } = this.shown.highlight;
		if (on) this.editor.open(note, version || undefined);
		else this.noteButton.focus();
	}

	/** Asks why it is to be looked at. */
	private ask(on: boolean): void {
		this.flagger.element.hidden = !on;
		if (on) this.flagger.open('');
		else this.flagButton.focus();
	}

	/** To those who moderate: what members have said of it. */
	private async showFlags(): Promise<void> {
		const flags = (await this.actions.flags?.(this.id).catch(() => [])) ?? [];
		const { signal } = this.end;
		const dismiss = async () => {
			this.report(await this.actions.moderate(this.id, 'dismiss'));
			await this.showFlags();
		};
		this.flagged.hidden = flags.length === 0;
		this.flagged.replaceChildren(
			el('h3', {}, say('flagged')),
			...flags.map(({ by, reason }) => el('p', { dir: 'auto' }, `${by.name}: ${reason}`)),
			el(
				'div',
				{ class: 'row' },
				button({ class: 'quiet' }, say('dismiss'), () => void dismiss(), signal),
			),
		);
	}

	private async saveNote(note: string, version: number | undefined, files: readonly File[]): Promise<Against | null> {
		const same = note === this.shown.highlight.note;
		const against = same ? null : await this.actions.edit(this.id, { note }, version);
		if (against === null) this.actions.attach(this.id, files);
		this.against = against?.stale ? note : null;
		this.showConflicts();
		return against;
	}

	/** Where somebody was faster, both texts are shown, and one is chosen. What else was refused is said. */
	private showConflicts(): void {
		const { highlight, refused } = this.shown;
		const { signal } = this.end;
		const theirs = highlight.note;
		const shown: HTMLElement[] = [];
		const { against } = this;
		if (against !== null) {
			const keep = { mine: () => this.editor.insist(highlight.version), theirs: () => this.editor.finish() };
			shown.push(conflict({ theirs, mine: null }, keep, signal));
		}
		this.editor.decided = against === null;
		for (const { operation, refused: reason } of refused) {
			const { change } = operation;
			const forget = () => this.actions.settle(operation.id, false);
			if (change.kind === 'edit' && change.edit.note !== undefined && reason?.code === 'stale_version') {
				const mine = change.edit.note;
				const insist = async () => {
					const against = await this.actions.edit(this.id, { note: mine }, highlight.version);
					this.report(against);
					if (against === null) forget();
				};
				shown.push(conflict({ theirs, mine }, { mine: () => void insist(), theirs: forget }, signal));
				continue;
			}
			const typed =
				change.kind === 'reply'
					? change.reply.note
					: change.kind === 'edit'
						? (change.edit.note ?? '')
						: change.kind === 'attach'
							? change.file.name
							: '';
			shown.push(
				el(
					'div',
					{ class: 'conflict' },
					el('p', { class: 'wrong', role: 'alert' }, say('notSaved', reason?.detail ?? '')),
					el('div', { class: 'text', dir: 'auto' }, ...prose(typed)),
					el(
						'div',
						{ class: 'row' },
						button({ class: 'quiet' }, say('discard'), forget, signal),
						button({ class: 'main' }, say('tryAgain'), () => this.actions.settle(operation.id, true), signal),
					),
				),
			);
		}
		const face = JSON.stringify([theirs, highlight.version, against, refused]);
		if (this.conflicts.dataset.shows === face) return;
		this.conflicts.dataset.shows = face;
		this.conflicts.replaceChildren(...shown);
		if (against !== null) this.conflicts.scrollIntoView({ block: 'nearest' });
	}

	private async unfold(): Promise<void> {
		const open = this.history.hidden;
		this.history.hidden = !open;
		this.historyButton.setAttribute('aria-expanded', String(open));
		this.historyButton.textContent = open ? say('hideHistory') : say('history');
		if (!open) return;
		try {
			const entries = await this.actions.history(this.id);
			this.history.replaceChildren(
				...entries.map((entry) =>
					el(
						'li',
						{},
						el('span', {}, happened(entry)),
						el('time', { datetime: entry.at, title: exactly(entry.at) }, ago(entry.at)),
					),
				),
			);
		} catch (cause) {
			this.history.replaceChildren(el('li', {}, failure(cause)));
		}
	}

	private report(against: Against | null): void {
		this.say(against?.words ?? null);
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
				async () => this.report(await this.actions.edit(this.id, { color: ink })),
				signal,
			);
			radio.dataset.ink = ink;
			radio.style.setProperty('--ink', `var(--${ink})`);
			this.inks.append(radio);
		}
		this.foot.append(
			this.inks,
			el(
				'div',
				{ class: 'acts' },
				button({ class: 'quiet' }, say('copyLink'), () => this.actions.copyLink(this.id), signal),
				this.flagButton,
				this.hideButton,
				button({ class: 'quiet own' }, say('delete'), () => this.actions.remove(this.id), signal),
			),
		);
	}

	private showThread(): void {
		const { replies, me, unsent } = this.shown;
		for (const { id, author, attachments } of replies) this.filesOf(id).show(attachments, unsent, author.id === me?.id);
		const told = replies.map(({ attachments: _, ...reply }) => reply); // files show themselves
		const face = JSON.stringify([me?.id, told, replies.map(({ created_at }) => ago(created_at))]);
		if (this.threaded === face) return; // a text that somebody selects in it stays selected
		this.threaded = face;
		const atEnd = this.body.scrollTop + this.body.clientHeight >= this.body.scrollHeight - 8;
		const more = replies.length > this.thread.children.length && this.thread.children.length > 0;
		this.thread.replaceChildren(
			...replies.map((reply) => {
				const mine = me?.id === reply.author.id;
				const by = el('div', { class: 'by' }, ...author(reply.author, mine, reply.created_at));
				if (reply.version === 0) by.append(el('span', { class: 'facts' }, `◷ ${say('waitingShort')}`));
				else if (mine) {
					by.append(
						button(
							{ class: 'quiet', 'aria-label': say('deleteReply') },
							say('delete'),
							async () => this.report(await this.actions.removeReply(reply)),
							this.end.signal,
						),
					);
				}
				const text = el('div', { class: 'text', dir: 'auto' }, ...prose(reply.note));
				return el('li', {}, by, text, this.filesOf(reply.id).element);
			}),
		);
		if (more && atEnd) this.body.scrollTop = this.body.scrollHeight;
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
