import type { Account, Presence, Status } from '../api/shapes.ts';
import { button, el, icon } from './element.ts';
import type { Host } from './host.ts';
import { List, type ListActions, type Listed } from './list.ts';
import { person } from './person.ts';
import { count, language, say } from './say.ts';
import { called } from './words.ts';

/** How many dots of people the corner has room for. */
const fewPeople = 4;

/** What the corner and the panel show. */
export interface Overview {
	status: Status;
	presence: Presence;
	me: Account | null;
	/** In the page's order. */
	placed: readonly Listed[];
	lost: readonly Listed[];
}

/** The corner, which says how it stands and who is here; and the panel that it opens: all that is on the page. */
export class Panel {
	private readonly corner: HTMLButtonElement;
	private readonly panel = el('section', {
		class: 'panel float',
		role: 'dialog',
		'aria-label': say('highlights'),
		hidden: true,
	});
	private readonly empty = el('p', { class: 'empty' });
	private readonly placed: List;
	private readonly lost: List;
	private readonly lostTitle = el('h3', {}, say('lostPlace'));
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
		on: ListActions,
		signal: AbortSignal,
	) {
		this.corner = button({ class: 'corner float', 'aria-expanded': 'false' }, '', () => this.toggle(), signal);
		const close = button(
			{ class: 'icon', 'aria-label': say('close'), title: say('close') },
			icon('close'),
			() => this.close(),
			signal,
		);
		this.placed = new List(on, signal);
		this.lost = new List(on, signal);
		this.panel.append(
			el('header', {}, this.count, close),
			el('div', { class: 'scroll' }, this.empty, this.placed.element, this.lostTitle, this.lost.element),
			this.here,
		);
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
			dot.title = called(viewer, me);
			return dot;
		});
		const more = presence.viewers.length - people.length + Math.max(0, presence.anonymous - (me ? 0 : 1));
		const words = say('standing', say(status), whoIsHere(presence, me));
		this.corner.setAttribute('aria-label', words);
		this.corner.title = whoIsHere(presence, me);
		this.corner.replaceChildren(el('span', { class: `lamp ${status}` }), el('span', {}, say(status)));
		if (status !== 'offline' && people.length > 0) this.corner.append(el('span', { class: 'people' }, ...people));
		if (status !== 'offline' && people.length > 0 && more > 0)
			this.corner.append(el('span', { class: 'more' }, `+${more}`));
		if (before !== status && (status === 'offline' || before === 'offline')) {
			this.host.say(status === 'offline' ? say('nowOffline') : status === 'live' ? say('liveAgain') : '');
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
		this.count.textContent = all === 0 ? say('thisPage') : count('highlights', all);
		this.empty.hidden = all > 0;
		this.empty.textContent =
			status === 'live' ? say('nothingHere') : status === 'offline' ? say('noAnswerRetrying') : say('looking');
		this.placed.show(placed, me);
		this.lostTitle.hidden = lost.length === 0;
		this.lost.show(lost, me);
		this.here.replaceChildren(whoIsHere(presence, me));
	}
}

/** The people on the page, as one sentence. Without a name one is among the anonymous oneself. */
export function whoIsHere({ viewers, anonymous }: Presence, me: Account | null): string {
	const sorted = [...viewers].sort((a, b) => Number(b.id === me?.id) - Number(a.id === me?.id)); // oneself first
	const names = sorted.map((viewer) => called(viewer, me));
	const shown = names.slice(0, 12);
	const rest = names.length - shown.length + Math.max(0, me ? anonymous : anonymous - 1);
	if (rest > 0) shown.push(names.length === 0 ? count('otherReaders', rest) : count('others', rest));
	if (shown.length === 0) return say('nobodyElse');
	return say('hereNow', new Intl.ListFormat(language()).format(shown)).replace(/\.\.$/, '.');
}
