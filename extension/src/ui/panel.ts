import { type Besides, Board, type BoardActions, nothing, type Overview, whoIsHere } from './board.ts';
import type { Drafts } from './composer.ts';
import { button, el, icon } from './element.ts';
import type { Host } from './host.ts';
import { person } from './person.ts';
import { count, say } from './say.ts';
import { called } from './words.ts';

/** How many dots of people the corner has room for. */
const fewPeople = 4;

/** The corner, which says how it stands and who is here; and the panel that it opens: all that is on the page. */
export class Panel {
	private readonly corner: HTMLButtonElement;
	private readonly panel = el('section', {
		class: 'panel float',
		role: 'dialog',
		'aria-label': say('highlights'),
		hidden: true,
	});
	readonly board: Board;
	private overview: Overview = nothing;

	constructor(
		private readonly host: Host,
		on: BoardActions,
		drafts: Drafts,
		corner: boolean,
		besides: Besides | null,
		signal: AbortSignal,
	) {
		this.corner = button({ class: 'corner float', 'aria-expanded': 'false' }, '', () => this.toggle(), signal);
		const close = button(
			{ class: 'icon', 'aria-label': say('close'), title: say('close') },
			icon('close'),
			() => this.close(),
			signal,
		);
		this.board = new Board(on, drafts, signal, besides);
		if (besides) host.dress(besides.Filters.style + besides.Discussion.style);
		this.panel.append(el('header', {}, this.board.title, close), this.board.element);
		this.panel.addEventListener(
			'keydown',
			(event) => {
				if (event.key === 'Escape') this.close();
			},
			{ signal },
		);
		if (corner) host.root.append(this.corner, this.panel);
		this.show(this.overview);
	}

	show(overview: Overview): void {
		const before = this.overview.status;
		this.overview = overview;
		const { status, presence, me, waiting } = overview;
		const people = presence.viewers.slice(0, fewPeople).map((viewer) => {
			const dot = person(viewer, viewer.id === me?.id);
			dot.title = called(viewer, me);
			return dot;
		});
		const more = presence.viewers.length - people.length + Math.max(0, presence.anonymous - (me ? 0 : 1));
		const unsent = waiting > 0 ? count('waiting', waiting) : '';
		const words = [say('standing', say(status), whoIsHere(presence, me)), unsent].join(' ').trim();
		this.corner.setAttribute('aria-label', words);
		this.corner.title = whoIsHere(presence, me);
		this.corner.replaceChildren(el('span', { class: `lamp ${status}` }), el('span', {}, say(status)));
		if (waiting > 0) this.corner.append(el('span', { title: unsent }, `◷ ${waiting}`));
		if (status !== 'offline' && people.length > 0) {
			this.corner.append(el('span', { class: 'people' }, ...people));
			if (more > 0) this.corner.append(el('span', { class: 'more' }, `+${more}`));
		}
		if (before !== status && (status === 'offline' || before === 'offline')) {
			this.host.say(status === 'offline' ? say('nowOffline') : status === 'live' ? say('liveAgain') : '');
		}
		if (!this.panel.hidden) this.board.show(overview);
	}

	close(): void {
		if (this.panel.hidden) return;
		this.leave();
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
		this.board.show(this.overview);
		this.panel.querySelector('button')?.focus({ preventScroll: true });
	}
}
