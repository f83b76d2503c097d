import type { Group } from '../api/shapes.ts';
import { type Ink, offered } from '../paint/inks.ts';
import { button, el, icon } from './element.ts';
import type { Host } from './host.ts';
import { say } from './say.ts';
import { nameOf } from './words.ts';

const labels = {
	yellow: 'highlightYellow',
	green: 'highlightGreen',
	blue: 'highlightBlue',
	pink: 'highlightPink',
	purple: 'highlightPurple',
} as const;

/** What is done with a new highlight besides. */
export type Then = 'note' | 'link';

interface BarActions {
	/** Without an ink it is the last one. */
	mark: (ink: Ink | null, then?: Then) => void;
	/** A highlight that has lost its place stands here. */
	putBack: () => void;
}

/** The bar by the end of a selection: inks, or the one thing that is to be done with it. */
export class Bar {
	private readonly bar = el('div', {
		class: 'bar float',
		role: 'toolbar',
		'aria-label': say('highlight'),
		hidden: true,
	});
	private readonly buttons: HTMLButtonElement[];
	private readonly back: HTMLButtonElement;

	constructor(
		private readonly host: Host,
		on: BarActions,
		groups: { all: () => readonly Group[]; chosen: () => string; choose: (id: string) => void },
		signal: AbortSignal,
	) {
		const inks = offered.map((ink) => {
			const attributes = { class: 'ink', 'aria-label': say(labels[ink]), title: nameOf(ink) };
			const one = button(attributes, el('span', { class: 'swatch' }), () => on.mark(ink), signal);
			one.style.setProperty('--ink', `var(--${ink})`);
			return one;
		});
		const more = (
			[
				['note', say('highlightWithNote')],
				['link', say('highlightAndLink')],
			] as const
		).map(([then, name]) =>
			button({ class: 'more', 'aria-label': name, title: name }, icon(then), () => on.mark(null, then), signal),
		);
		this.buttons = [...inks, ...more];
		this.buttons.forEach((one, i) => {
			one.tabIndex = i === 0 ? 0 : -1;
		});
		this.back = button({ class: 'back', hidden: true }, say('putBack'), on.putBack, signal);
		this.bar.append(this.back, ...this.buttons);
		const select = el('select', { 'aria-label': say('whoSees') });
		const choice = el('span', { class: 'choice' }, select);
		select.addEventListener('change', () => groups.choose(select.value), { signal });
		this.bar.append(choice);
		this.onShow = () => {
			const all = groups.all();
			select.replaceChildren(...all.map(({ id, name }) => el('option', { value: id }, name)));
			select.value = all.some(({ id }) => id === groups.chosen()) ? groups.chosen() : (all[0]?.id ?? '');
			choice.hidden = all.length < 2 || !this.back.hidden;
		};
		// A press on the bar must not take the selection away; the list of groups needs its press to open.
		this.bar.addEventListener(
			'mousedown',
			(event) => {
				if (!(event.target instanceof HTMLSelectElement)) event.preventDefault();
			},
			{ signal },
		);
		this.bar.addEventListener('keydown', (event) => this.steer(event), { signal });
		host.root.append(this.bar);
	}

	private readonly onShow: () => void;

	get shown(): boolean {
		return !this.bar.hidden;
	}

	/** Shows the bar by the end of a selection: below a forward one, above a backward one, never over it. */
	show(end: DOMRect, all: DOMRect, backward: boolean): void {
		this.onShow();
		const fresh = this.bar.hidden;
		this.bar.hidden = false;
		const { offsetWidth: width, offsetHeight: height } = this.bar;
		const { clientWidth, clientHeight } = document.documentElement;
		const touch = matchMedia('(pointer: coarse)').matches;
		const gap = touch ? 28 : 8; // room for the handles that touch screens hang below a selection
		const below = end.bottom + gap;
		const above = end.top - height - 8;
		let y = backward && !touch ? above : below;
		if (y < 4) y = all.bottom + gap;
		if (y + height > clientHeight - 4) y = all.top - height - 8;
		if (y < 4) y = clientHeight - height - 12; // the selection fills the window: the bottom covers least
		const x = Math.min(Math.max((backward ? end.left : end.right) - width / 2, 8), clientWidth - width - 8);
		this.host.place(this.bar, x, y);
		if (fresh) this.host.say(say('pressTab'));
	}

	/** Asks where a highlight stands that has lost its place, instead of offering inks. */
	ask(putBack: boolean): void {
		for (const child of this.bar.children) (child as HTMLElement).hidden = putBack !== (child === this.back);
	}

	hide(): void {
		if (this.bar.hidden) return;
		this.bar.hidden = true;
		this.host.say('');
	}

	focus(): void {
		(this.back.hidden ? this.buttons[0] : this.back)?.focus();
	}

	/** One stop for Tab, the arrows within: a toolbar as the ARIA practices have it. */
	private steer(event: KeyboardEvent): void {
		const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
		const at = this.buttons.indexOf(event.target as HTMLButtonElement);
		if (step === 0 || at < 0) return;
		event.preventDefault();
		const next = this.buttons.at((at + step) % this.buttons.length);
		for (const button of this.buttons) button.tabIndex = button === next ? 0 : -1;
		next?.focus();
	}
}
