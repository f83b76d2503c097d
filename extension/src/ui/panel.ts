import type { Account, Highlight, Presence, Status } from '../api/shapes.ts';
import { inkOf } from '../paint/inks.ts';
import { button, el, icon } from './element.ts';
import type { Host } from './host.ts';
import { person } from './person.ts';
import { ago, exactly, plural, statusWord } from './words.ts';

/** How many dots of people the corner has room for. */
const fewPeople = 4;

/** How much of a quote is put into a row that shows two lines of it, in UTF-16 units. */
const shownQuote = 200;

/** What the corner and the panel show. */
export interface Overview {
	status: Status;
	presence: Presence;
	me: Account | null;
	/** In the page's order. */
	placed: readonly Highlight[];
	lost: readonly Highlight[];
}

/** The corner, which says how it stands and who is here; and the panel that it opens: all that is on the page. */
export class Panel {
	private readonly corner: HTMLButtonElement;
	private readonly panel = el('section', {
		class: 'panel float',
		role: 'dialog',
		'aria-label': 'Highlights',
		hidden: true,
	});
	private readonly list = el('div', { class: 'scroll' });
	private readonly here = el('p', { class: 'here small' });
	private readonly count = el('h2');
	private overview: Overview = {
		status: 'connecting',
		presence: { viewers: [], anonymous: 0 },
		me: null,
		placed: [],
		lost: [],
	};

	constructor(
		private readonly host: Host,
		private readonly on: { open: (id: string) => void; point: (id: string | null) => void },
		private readonly signal: AbortSignal,
	) {
		this.corner = button({ class: 'corner float', 'aria-expanded': 'false' }, '', () => this.toggle(), signal);
		const close = button(
			{ class: 'icon', 'aria-label': 'Close', title: 'Close' },
			icon('close'),
			() => this.close(),
			signal,
		);
		this.panel.append(el('header', {}, this.count, close), this.list, this.here);
		this.panel.addEventListener(
			'keydown',
			(event) => {
				if (event.key === 'Escape') this.close();
			},
			{ signal },
		);
		host.root.append(this.corner, this.panel);
		this.show(this.overview);
	}

	show(overview: Overview): void {
		const before = this.overview.status;
		this.overview = overview;
		const { status, presence, me } = overview;
		const people = presence.viewers.slice(0, fewPeople).map((viewer) => {
			const dot = person(viewer, viewer.id === me?.id);
			dot.title = viewer.id === me?.id ? `${viewer.name} (you)` : viewer.name;
			return dot;
		});
		const more = presence.viewers.length - people.length + Math.max(0, presence.anonymous - (me ? 0 : 1));
		const words = `limn: ${statusWord[status]}. ${whoIsHere(presence, me)}`;
		this.corner.setAttribute('aria-label', words);
		this.corner.title = whoIsHere(presence, me);
		this.corner.replaceChildren(el('span', { class: `lamp ${status}` }), el('span', {}, statusWord[status]));
		if (status !== 'offline' && people.length > 0) this.corner.append(el('span', { class: 'people' }, ...people));
		if (status !== 'offline' && people.length > 0 && more > 0)
			this.corner.append(el('span', { class: 'more' }, `+${more}`));
		if (before !== status && (status === 'offline' || before === 'offline')) {
			this.host.say(status === 'offline' ? 'limn is offline.' : status === 'live' ? 'limn is live again.' : '');
		}
		if (!this.panel.hidden) this.fill();
	}

	close(): void {
		if (this.panel.hidden) return;
		this.panel.hidden = true;
		this.corner.setAttribute('aria-expanded', 'false');
		this.corner.focus({ preventScroll: true });
	}

	/** Closes without moving the focus: something else has it now. */
	leave(): void {
		this.panel.hidden = true;
		this.corner.setAttribute('aria-expanded', 'false');
	}

	private toggle(): void {
		if (!this.panel.hidden) return this.close();
		this.panel.hidden = false;
		this.corner.setAttribute('aria-expanded', 'true');
		this.fill();
		this.panel.querySelector('button')?.focus({ preventScroll: true });
	}

	private fill(): void {
		const { placed, lost, presence, me, status } = this.overview;
		const all = placed.length + lost.length;
		this.count.textContent = all === 0 ? 'This page' : plural(all, 'highlight', 'highlights');
		const top = this.list.scrollTop;
		this.list.replaceChildren();
		if (all === 0) {
			const words =
				status === 'live'
					? 'Nothing is marked on this page. Select some text to begin.'
					: status === 'offline'
						? 'The server does not answer. limn tries again by itself.'
						: 'Looking for what is marked here.';
			this.list.append(el('p', { class: 'empty' }, words));
		}
		if (placed.length > 0) this.list.append(el('ol', {}, ...placed.map((h) => this.entry(h))));
		if (lost.length > 0) {
			this.list.append(el('h3', {}, 'Lost its place'), el('ol', {}, ...lost.map((h) => this.entry(h))));
		}
		this.list.scrollTop = top;
		this.here.replaceChildren(whoIsHere(presence, me));
	}

	private entry(highlight: Highlight): HTMLLIElement {
		const quote = highlight.ranges.map((range) => range.quote?.exact ?? '').join(' … ');
		const facts = [el('time', { title: exactly(highlight.created_at) }, ago(highlight.created_at))];
		const replies = highlight.replies > 0 ? ` · ${plural(highlight.replies, 'reply', 'replies')}` : '';
		const row = button(
			{ class: 'entry' },
			el('span', { class: 'quote', dir: 'auto' }, (quote || highlight.note || 'Note on the page').slice(0, shownQuote)),
			() => this.on.open(highlight.id),
			this.signal,
		);
		row.append(
			el(
				'span',
				{ class: 'meta' },
				el('bdi', { class: 'name' }, highlight.author.name),
				el('span', { class: 'facts' }, '· ', ...facts, replies),
			),
		);
		row.style.setProperty('--ink', `var(--${inkOf(highlight.color)})`);
		for (const type of ['pointerenter', 'focus']) row.addEventListener(type, () => this.on.point(highlight.id));
		for (const type of ['pointerleave', 'blur']) row.addEventListener(type, () => this.on.point(null));
		return el('li', {}, row);
	}
}

/** The people on the page, as one sentence. Without a name one is among the anonymous oneself. */
function whoIsHere({ viewers, anonymous }: Presence, me: Account | null): string {
	const sorted = [...viewers].sort((a, b) => Number(b.id === me?.id) - Number(a.id === me?.id)); // oneself first
	const names = sorted.map((viewer) => (viewer.id === me?.id ? `${viewer.name} (you)` : viewer.name));
	const shown = names.slice(0, 12);
	const rest = names.length - shown.length + Math.max(0, me ? anonymous : anonymous - 1);
	if (rest > 0)
		shown.push(names.length === 0 ? plural(rest, 'other reader', 'other readers') : plural(rest, 'other', 'others'));
	if (shown.length === 0) return 'Nobody else is here now.';
	const last = shown.pop() ?? '';
	const sentence = `Here now: ${shown.length > 0 ? `${shown.join(', ')} and ` : ''}${last}`;
	return sentence.endsWith('.') ? sentence : `${sentence}.`;
}
