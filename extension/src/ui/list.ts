import type { Account, Highlight } from '../api/shapes.ts';
import { inkOf } from '../paint/inks.ts';
import type { Progress } from '../state/pending.ts';
import { el } from './element.ts';
import { count, say } from './say.ts';
import { ago, exactly, mark } from './words.ts';

/** How much of a quote is put into a row that shows two lines of it, in UTF-16 units. */
const shownQuote = 200;

/** What a list shows of one highlight. */
export interface Listed {
	highlight: Highlight;
	/** Whether its text stands on the page. */
	here: boolean;
	/** How one's own changes of it stand; null: all are confirmed. */
	progress: Progress | null;
}

export interface ListActions {
	open: (id: string) => void;
	point: (id: string | null) => void;
	/** One's own highlight, which has lost its place, stands where something is selected. */
	putBack: (id: string) => void;
}

/**
 * Highlights one below the other. A row that shows what it showed before is left alone, so that a list of thousands
 * costs what has changed in it, and a focus stays.
 */
export class List {
	readonly element = el('ol', { class: 'list' });
	private readonly rows = new Map<string, { item: HTMLLIElement; face: string }>();

	constructor(on: ListActions, signal: AbortSignal) {
		const options = { signal };
		this.element.addEventListener(
			'click',
			(event) => {
				const id = idOf(event);
				if (!id) return;
				if ((event.target as Element).closest('.back')) on.putBack(id);
				else if ((event.target as Element).closest('.entry')) on.open(id);
			},
			options,
		);
		// A press on a button must not take the selection of the page away.
		this.element.addEventListener(
			'mousedown',
			(event) => {
				if ((event.target as Element).closest('.back')) event.preventDefault();
			},
			options,
		);
		for (const type of ['pointerover', 'focusin']) {
			this.element.addEventListener(type, (event) => on.point(idOf(event)), options);
		}
		for (const type of ['pointerleave', 'focusout']) this.element.addEventListener(type, () => on.point(null), options);
	}

	/** Shows of these, in this order, those that fit. The others are kept aside, so that they come back at once. */
	show(all: readonly Listed[], me: Account | null, fits: (listed: Listed) => boolean): void {
		const rest = new Map(this.rows);
		let at: Element | null = this.element.firstElementChild;
		for (const listed of all) {
			const { id } = listed.highlight;
			rest.delete(id);
			const face = faceOf(listed, me);
			let row = this.rows.get(id);
			if (row?.face !== face) {
				const item = entry(listed, me);
				if (row) {
					if (at === row.item) at = item;
					row.item.replaceWith(item);
				}
				row = { item, face };
				this.rows.set(id, row);
			}
			const next = row.item === at ? at.nextElementSibling : at;
			if (!fits(listed)) row.item.remove();
			else if (row.item !== at) this.element.insertBefore(row.item, at);
			at = next;
		}
		for (const [id, { item }] of rest) {
			item.remove();
			this.rows.delete(id);
		}
	}

	/** Marks the entry that is looked at on the page, and brings it into view. */
	follow(id: string | null): void {
		for (const other of this.element.querySelectorAll('[aria-current]')) other.removeAttribute('aria-current');
		const item = id === null ? undefined : this.rows.get(id)?.item;
		item?.querySelector('.entry')?.setAttribute('aria-current', 'true');
		item?.scrollIntoView({ block: 'nearest' });
	}
}

function idOf(event: Event): string | null {
	return (event.target as Element).closest<HTMLElement>('li')?.dataset.id ?? null;
}

/** What a row shows: another face is another row. */
function faceOf({ highlight, here, progress }: Listed, me: Account | null): string {
	const { version, replies, author, color, check, created_at, hidden } = highlight;
	return `${version} ${hidden} ${replies} ${author.name} ${color} ${check.state === 'moved'} ${here} ${progress} ${me?.id} ${ago(created_at)}`;
}

function entry({ highlight, here, progress }: Listed, me: Account | null): HTMLLIElement {
	const { id, ranges, note, author, created_at, replies, color } = highlight;
	const quote = ranges.map((range) => range.quote?.exact ?? '').join(' … ');
	const row = el(
		'button',
		{ type: 'button', class: 'entry' },
		el('span', { class: 'quote', dir: 'auto' }, (quote || note || say('noteOnPage')).slice(0, shownQuote)),
		el(
			'span',
			{ class: 'meta' },
			el('bdi', { class: 'name' }, author.name),
			el(
				'span',
				{ class: 'facts' },
				'· ',
				el('time', { datetime: created_at, title: exactly(created_at) }, ago(created_at)),
				replies > 0 ? ` · ${count('replies', replies)}` : '',
			),
		),
	);
	row.style.setProperty('--ink', `var(--${inkOf(color)})`);
	const marked = mark(highlight, progress, here);
	if (marked) row.append(el('span', { class: 'meta' }, marked));
	const item = el('li', { 'data-id': id }, row);
	const lost = !here && ranges.length > 0 && author.id === me?.id && highlight.version > 0;
	if (lost) item.append(el('button', { type: 'button', class: 'back' }, say('putBack')));
	return item;
}
