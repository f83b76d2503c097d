import type { Account, Attachment, Presence, Status } from '../api/shapes.ts';
import type { Against, Drafts } from './composer.ts';
import type { Discussion } from './discussion.ts';
import { button, el } from './element.ts';
import type { Filters } from './filters.ts';
import { List, type ListActions, type Listed } from './list.ts';
import { person } from './person.ts';
import { count, language, say } from './say.ts';
import { called } from './words.ts';

/** How long it is said that somebody came or went, in milliseconds. */
const stay = 6_000;

/** From how many highlights on one may want to choose among them. */
const many = 4;

/** How many people are shown as dots. */
const people = 8;

/** What a board shows of a page. */
export interface Overview {
	status: Status;
	presence: Presence;
	me: Account | null;
	/** How many of one's own changes are kept until the server answers. */
	waiting: number;
	/** In the page's order. */
	placed: readonly Listed[];
	lost: readonly Listed[];
	/** The notes on the whole page, oldest first. */
	notes: readonly Listed[];
}

export const nothing: Overview = {
	status: 'connecting',
	presence: { viewers: [], anonymous: 0, news: [] },
	me: null,
	waiting: 0,
	placed: [],
	lost: [],
	notes: [],
};

export interface BoardActions extends ListActions {
	write: (note: string, files: readonly File[]) => Promise<Against | null>;
	remove: (id: string) => void;
	readFile: (id: string) => Promise<Blob>;
	detach: (highlight: string, file: Attachment) => void;
	groupName: (id: string) => string;
}

/** What a board has besides the highlights, where there is room: a page pays for each kilobyte of what is in it. */
export interface Besides {
	Filters: typeof Filters;
	Discussion: typeof Discussion;
}

/** One more thing that a board has, with a tab of its own. */
export interface Leaf {
	title: string;
	element: HTMLElement;
	/** It is looked at. */
	turned(): void;
}

/** All that is on a page: its highlights, its discussion, and who is here. */
export class Board {
	readonly element: HTMLElement;
	readonly title = el('h2');
	private readonly filters: Filters | null;
	private readonly empty = el('p', { class: 'empty' });
	private readonly placed: List;
	private readonly lost: List;
	private readonly lostTitle = el('h3', {}, say('lostPlace'));
	private readonly marks: HTMLElement;
	readonly discussion: Discussion | null;
	private readonly tabs: HTMLButtonElement[];
	private readonly dots = el('span', { class: 'people', 'aria-hidden': 'true' });
	private readonly here = el('span', {});
	private readonly news = el('span', { role: 'status' });
	private timer: ReturnType<typeof setTimeout> | undefined;
	private overview = nothing;

	constructor(
		on: BoardActions,
		drafts: Drafts,
		signal: AbortSignal,
		besides: Besides | null,
		private readonly leaf: Leaf | null = null,
	) {
		this.filters = besides && new besides.Filters(on.groupName, () => this.show(this.overview), signal);
		this.discussion = besides && new besides.Discussion(on, drafts, signal);
		this.placed = new List(on, signal);
		this.lost = new List(on, signal);
		this.marks = el(
			'div',
			{ class: 'scroll', role: 'tabpanel', 'aria-label': say('highlights') },
			this.empty,
			this.placed.element,
			this.lostTitle,
			this.lost.element,
		);
		this.discussion?.element.setAttribute('role', 'tabpanel');
		this.discussion?.element.setAttribute('aria-label', say('discussion'));
		leaf?.element.setAttribute('role', 'tabpanel');
		leaf?.element.setAttribute('aria-label', leaf.title);
		this.tabs = [say('highlights'), say('discussion'), ...(leaf ? [leaf.title] : [])].map((name, i) =>
			button({ role: 'tab', id: `tab-${i}` }, name, () => this.turn(i), signal),
		);
		const tabs = el('div', { class: 'tabs', role: 'tablist' }, ...this.tabs);
		tabs.addEventListener(
			'keydown',
			(event) => {
				const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
				if (step === 0) return;
				const at = this.tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
				const next = (at + step + this.tabs.length) % this.tabs.length;
				this.turn(next);
				this.tabs[next]?.focus();
			},
			{ signal },
		);
		this.element = el(
			'div',
			{ class: 'board' },
			...(this.discussion ? [tabs] : []),
			...(this.filters ? [this.filters.element] : []),
			this.marks,
			...(this.discussion ? [this.discussion.element] : []),
			...(leaf ? [leaf.element] : []),
			el('p', { class: 'here small' }, this.dots, this.here, this.news),
		);
		signal.addEventListener('abort', () => clearTimeout(this.timer));
		this.turn(0);
	}

	show(overview: Overview): void {
		const { presence, me, placed, lost, notes, status, waiting } = overview;
		if (presence !== this.overview.presence) this.tell(overview);
		this.overview = overview;
		const all = [...placed, ...lost];
		this.title.textContent = all.length === 0 ? say('thisPage') : count('highlights', all.length);
		const fits = this.filters?.fit(all) ?? (() => true);
		if (this.filters) {
			this.filters.element.hidden = this.marks.hidden || (all.length < many && !this.filters.active);
		}
		this.empty.hidden = all.some(fits);
		this.empty.textContent =
			all.length > 0
				? say('noneFits')
				: status === 'live'
					? say('nothingHere')
					: status === 'offline'
						? say('noAnswerRetrying')
						: say('looking');
		this.placed.show(placed, me, fits);
		this.lostTitle.hidden = !lost.some(fits);
		this.lost.show(lost, me, fits);
		const tab = this.tabs[1];
		if (this.discussion && tab) {
			this.discussion.show(notes, me);
			tab.textContent = notes.length > 0 ? `${say('discussion')} ${notes.length}` : say('discussion');
			tab.classList.toggle('fresh', this.discussion.element.hidden && this.discussion.news > 0);
		}
		this.dots.replaceChildren(
			...presence.viewers.slice(0, people).map((viewer) => {
				const dot = person(viewer, viewer.id === me?.id);
				dot.title = called(viewer, me);
				return dot;
			}),
		);
		const how = status === 'live' ? '' : say(status === 'offline' ? 'nowOffline' : 'connecting');
		const what = waiting > 0 ? count('waiting', waiting) : status === 'live' ? whoIsHere(presence, me) : '';
		this.here.textContent = `${how} ${what}`.trim();
	}

	/** Shows the entry of what is looked at on the page. */
	follow(id: string | null): void {
		this.placed.follow(id);
		this.lost.follow(id);
	}

	private turn(to: number): void {
		this.tabs.forEach((tab, i) => {
			tab.setAttribute('aria-selected', String(i === to));
			tab.tabIndex = i === to ? 0 : -1;
		});
		this.marks.hidden = to !== 0;
		if (this.discussion) this.discussion.element.hidden = to !== 1;
		if (to === 1) this.discussion?.toEnd();
		if (this.leaf) this.leaf.element.hidden = to !== 2;
		if (to === 2) this.leaf?.turned();
		this.show(this.overview);
	}

	/** Says who came, went or changed their name. */
	private tell({ presence, me }: Overview): void {
		const news = presence.news.filter(({ account }) => account.id !== me?.id);
		if (news.length === 0) return;
		this.news.textContent = news.map(({ kind, account, was }) => say(kind, account.name, was)).join(' ');
		this.here.hidden = true;
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			this.news.textContent = '';
			this.here.hidden = false;
		}, stay);
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
