import type { Highlight } from '../api/shapes.ts';
import { inkOf } from '../paint/inks.ts';
import { blockOf } from '../paint/painter.ts';
import { el } from './element.ts';
import type { Host } from './host.ts';
import { person } from './person.ts';
import { say } from './say.ts';

const size = 20;

/** With more than so many, only those near the window are there: each costs the page a layout. */
const many = 300;

/** What a dot is for. */
export interface Dotted {
	highlight: Highlight;
	mine: boolean;
	range: Range;
	/** Whether it stands on a dark ground. */
	dark: boolean;
}

/**
 * The dots in the margin, one a highlight, in the page's order: the way to the cards for the keyboard, and the
 * sign of who marked what.
 */
export class Dots {
	private readonly box = el('div', { role: 'group', 'aria-label': say('highlightsHere') });
	private readonly dots = new Map<string, HTMLButtonElement>();
	private order: HTMLButtonElement[] = [];
	/** Whether there are others out of sight, which come when one scrolls there. */
	partial = false;

	constructor(
		private readonly host: Host,
		private readonly on: { open: (id: string) => void; point: (id: string | null) => void },
		private readonly signal: AbortSignal,
	) {
		host.root.append(this.box);
		this.box.addEventListener('keydown', (event) => this.steer(event), { signal });
	}

	/** Shows exactly these, where they stand now. */
	show(all: readonly Dotted[]): void {
		const origin = this.host.origin();
		const { clientWidth, clientHeight } = document.documentElement;
		this.partial = all.length > many;
		const near = (range: Range) => {
			if (!this.partial) return true;
			const { top, bottom } = range.getBoundingClientRect();
			return bottom > -clientHeight && top < 2 * clientHeight;
		};
		const placed = all
			.filter(({ range }) => near(range))
			.map((dotted) => ({ ...dotted, spot: spot(dotted.range, clientWidth) }))
			.filter((dotted) => dotted.spot !== null)
			.sort((a, b) => a.range.compareBoundaryPoints(Range.START_TO_START, b.range));

		const rest = new Map(this.dots);
		const taken = new Taken();
		this.order = [];
		for (const { highlight, mine, dark, spot } of placed) {
			if (!spot) continue;
			let dot = rest.get(highlight.id);
			rest.delete(highlight.id);
			if (dot && dot.dataset.is !== face(highlight, mine)) {
				this.remove(highlight.id, dot);
				dot = undefined;
			}
			dot ??= this.make(highlight, mine);
			// Two on one line stand side by side, or one below the other where the margin ends.
			let { x, y } = spot;
			while (taken.has(x, y)) {
				if (x + size + 4 + size < clientWidth) x += size + 4;
				else y += size + 2;
			}
			taken.add(x, y);
			dot.style.colorScheme = dark ? 'dark' : 'light';
			dot.style.left = `${Math.round(origin.x + x)}px`;
			dot.style.top = `${Math.round(origin.y + y)}px`;
			this.order.push(dot);
		}
		for (const [id, dot] of rest) this.remove(id, dot);
		// The order in the tree is the order of the page, for those who step through it.
		this.order.forEach((dot, i) => {
			if (this.box.children[i] !== dot) this.box.insertBefore(dot, this.box.children[i] ?? null);
		});
		const stop = this.order.find((dot) => dot.tabIndex === 0) ?? this.order[0];
		for (const dot of this.order) dot.tabIndex = dot === stop ? 0 : -1;
	}

	/** Marks the dot whose card is open. */
	expand(id: string | null): void {
		for (const [other, dot] of this.dots) dot.setAttribute('aria-expanded', String(other === id));
	}

	focus(id: string): void {
		this.dots.get(id)?.focus({ preventScroll: true });
	}

	private make(highlight: Highlight, mine: boolean): HTMLButtonElement {
		const quote = (highlight.ranges[0]?.quote?.exact ?? '').slice(0, 80);
		const dot = el(
			'button',
			{
				type: 'button',
				class: 'dot',
				title: highlight.author.name,
				'aria-label': mine ? say('openYours', quote) : say('openOthers', highlight.author.name, quote),
				'aria-expanded': 'false',
				tabindex: '-1',
			},
			person(highlight.author, mine),
		);
		dot.dataset.is = face(highlight, mine);
		dot.style.setProperty('--ink', `var(--${inkOf(highlight.color)})`);
		const options = { signal: this.signal };
		dot.addEventListener('click', () => this.on.open(highlight.id), options);
		for (const type of ['pointerenter', 'focus'])
			dot.addEventListener(type, () => this.on.point(highlight.id), options);
		for (const type of ['pointerleave', 'blur']) dot.addEventListener(type, () => this.on.point(null), options);
		this.dots.set(highlight.id, dot);
		return dot;
	}

	private remove(id: string, dot: HTMLButtonElement): void {
		dot.remove();
		this.dots.delete(id);
	}

	private steer(event: KeyboardEvent): void {
		const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
		const at = this.order.indexOf(event.target as HTMLButtonElement);
		const next = this.order[at + step];
		if (step === 0 || at < 0 || !next) return;
		event.preventDefault();
		for (const dot of this.order) dot.tabIndex = dot === next ? 0 : -1;
		next.focus();
	}
}

/** The spots where dots stand, by their height: with thousands of dots, only those around are compared. */
class Taken {
	private readonly rows = new Map<number, { x: number; y: number }[]>();

	add(x: number, y: number): void {
		const row = Math.floor(y / size);
		const spots = this.rows.get(row) ?? [];
		spots.push({ x, y });
		this.rows.set(row, spots);
	}

	/** Whether a dot here would lie on another one. */
	has(x: number, y: number): boolean {
		const row = Math.floor(y / size);
		return [row - 1, row, row + 1].some((near) =>
			this.rows.get(near)?.some((spot) => Math.abs(spot.x - x) < size - 2 && Math.abs(spot.y - y) < size - 2),
		);
	}
}

/** What a dot shows: another face is another dot. */
function face(highlight: Highlight, mine: boolean): string {
	return `${highlight.author.name}\n${highlight.color}\n${mine}`;
}

/** Where a dot stands in the viewport: beside the block of text, at the height of the first line marked. */
function spot(range: Range, clientWidth: number): { x: number; y: number } | null {
	const line = [...range.getClientRects()].find((rect) => rect.width > 0 && rect.height > 0);
	if (!line) return null; // hidden now
	const edge = blockOf(range)?.getBoundingClientRect().right ?? line.right;
	return { x: Math.min(edge + 8, clientWidth - size - 2), y: line.top + line.height / 2 - size / 2 };
}
