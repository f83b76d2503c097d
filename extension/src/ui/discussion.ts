import type { Account, Attachment } from '../api/shapes.ts';
import { type Against, Composer, type Drafts } from './composer.ts';
import style from './discussion.css';
import { button, el } from './element.ts';
import { Files } from './files.ts';
import type { Listed } from './list.ts';
import { person } from './person.ts';
import { prose } from './prose.ts';
import { count, say } from './say.ts';
import { ago, exactly } from './words.ts';

/** How near to its end one has to be to be at the end, in pixels. */
const nearEnd = 24;

/** The notes on a whole page, oldest first. It follows what is new only for who is at its end. */
export class Discussion {
	static readonly style = style;
	readonly element: HTMLElement;
	private readonly list = el('ol', { class: 'discussion', 'aria-label': say('discussion'), tabindex: '0' });
	private readonly empty = el('p', { class: 'empty' }, say('discussionEmpty'));
	private readonly more: HTMLButtonElement;
	private readonly composer: Composer;
	private readonly rows = new Map<string, { item: HTMLLIElement; face: string; files: Files }>();
	private unseen = 0;

	constructor(
		private readonly on: {
			write: (note: string, files: readonly File[]) => Promise<Against | null>;
			remove: (id: string) => void;
			readFile: (id: string) => Promise<Blob>;
			detach: (highlight: string, file: Attachment) => void;
		},
		drafts: Drafts,
		private readonly signal: AbortSignal,
	) {
		this.more = button({ class: 'main unread' }, '', () => this.toEnd(), signal);
		this.more.hidden = true;
		const words = { label: say('noteOnPage'), placeholder: say('writeOnPage'), action: say('send'), key: 'page' };
		const write = async (note: string, _: number | undefined, files: readonly File[]) => {
			const against = await on.write(note, files);
			if (against === null) requestAnimationFrame(() => this.toEnd()); // one's own is looked at
			return against;
		};
		this.composer = new Composer(words, drafts, write, null, signal);
		this.element = el('div', { class: 'talk' }, this.empty, this.list, this.more, this.composer.element);
		this.list.addEventListener('scroll', () => this.atEnd && this.seen(), { signal, passive: true });
		this.list.addEventListener(
			'click',
			(event) => {
				const target = event.target as Element;
				const id = target.closest<HTMLElement>('li[data-id]')?.dataset.id;
				if (id && target.closest('.remove')) on.remove(id);
			},
			{ signal },
		);
	}

	/** How many notes have come that one has not seen. */
	get news(): number {
		return this.unseen;
	}

	restore(): void {
		this.composer.restore();
	}

	/** Shows exactly these. Hidden, it counts what is new. */
	show(notes: readonly Listed[], me: Account | null): void {
		const first = this.rows.size === 0;
		const follow = !this.element.hidden && this.atEnd;
		const rest = new Map(this.rows);
		let fresh = 0;
		for (const listed of notes) {
			const { id, author, version, seq, created_at, attachments } = listed.highlight;
			rest.delete(id);
			const face = `${version} ${seq} ${author.name} ${listed.progress} ${me?.id} ${ago(created_at)}`;
			const row = this.rows.get(id);
			const read = (file: string) => this.on.readFile(file);
			const remove = (file: Attachment) => this.on.detach(id, file);
			const files = row?.files ?? new Files({ read, remove }, this.signal);
			const unsent = listed.progress === null ? [] : attachments.map((file) => [file.id, null] as const);
			files.show(attachments, new Map(unsent), author.id === me?.id);
			if (row?.face === face) continue;
			const item = entry(listed, me);
			item.append(files.element);
			if (row) row.item.replaceWith(item);
			else {
				this.list.append(item);
				if (author.id !== me?.id) fresh++;
			}
			this.rows.set(id, { item, face, files });
		}
		for (const [id, { item }] of rest) {
			item.remove();
			this.rows.delete(id);
		}
		this.empty.hidden = notes.length > 0;
		this.list.hidden = notes.length === 0;
		if (follow || first) this.toEnd();
		else this.unseen += fresh;
		this.more.hidden = this.unseen === 0;
		this.more.textContent = this.unseen > 0 ? count('newNotes', this.unseen) : '';
	}

	toEnd(): void {
		this.list.scrollTop = this.list.scrollHeight;
		this.seen();
	}

	private seen(): void {
		this.unseen = 0;
		this.more.hidden = true;
	}

	private get atEnd(): boolean {
		return this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - nearEnd;
	}
}

function entry({ highlight, progress }: Listed, me: Account | null): HTMLLIElement {
	const { id, author, created_at, note } = highlight;
	const mine = author.id === me?.id;
	const by = el(
		'div',
		{ class: 'by' },
		person(author, mine),
		el('bdi', { class: 'name', title: author.name }, author.name),
		el('time', { class: 'facts', datetime: created_at, title: exactly(created_at) }, ago(created_at)),
	);
	if (progress === 'waiting') by.append(el('span', { class: 'facts' }, `◷ ${say('waitingShort')}`));
	if (mine)
		by.append(el('button', { type: 'button', class: 'quiet remove', 'aria-label': say('deleteNote') }, say('delete')));
	return el('li', { 'data-id': id }, by, el('div', { class: 'text', dir: 'auto' }, ...prose(note)));
}
