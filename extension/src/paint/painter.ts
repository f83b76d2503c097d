import { Anchorer } from '../anchor/index.ts';
import type { Highlight as Shown } from '../api/shapes.ts';
import { onDark } from './background.ts';
import { inkOf } from './inks.ts';

/** How long one slice of work may hold up the page, in milliseconds. */
const slice = 12;

/** How long what was found waits for the rest, in milliseconds: at each that is added, browsers place all of them anew. */
const gather = 100;

interface Mark {
	highlight: Shown;
	/** Where its ranges stand in the document; none: it lost its place. */
	ranges: Range[];
	registry: string;
}

/**
 * Paints highlights with the CSS Custom Highlight API: the page's nodes stay as they are, and only what was
 * painted here is taken away again. paint.css says how each registry looks.
 */
export class Painter {
	private readonly marks = new Map<string, Mark>();
	private readonly waiting = new Set<string>();
	private readonly registries = new Map<string, Highlight>();
	/** What was found and is not drawn yet. */
	private readonly fresh = new Map<Range, Highlight>();
	private drawn = 0;
	private readonly anchorer: Anchorer;
	private working = false;

	/** Says that something was painted, moved or lost. */
	readonly changes = new EventTarget();

	constructor(
		doc: Document,
		private readonly signal: AbortSignal,
	) {
		this.anchorer = new Anchorer(doc, signal, (anchor) => {
			const mark = this.marks.get(idOf(anchor));
			if (mark) this.paint(mark, this.held(mark), new Map());
			this.draw();
		});
		signal.addEventListener('abort', () => {
			for (const mark of this.marks.values()) this.erase(mark);
			this.underline(null);
			for (const [name, registry] of this.registries) {
				if (CSS.highlights.get(name) === registry && registry.size === 0) CSS.highlights.delete(name);
			}
		});
	}

	put(highlight: Shown): void {
		const mark = this.marks.get(highlight.id);
		if (!mark) {
			this.marks.set(highlight.id, { highlight, ranges: [], registry: '' });
			return this.plan(highlight.id);
		}
		const before = mark.highlight;
		mark.highlight = highlight;
		if (mark.ranges.length === 0 || !samePlace(before, highlight)) return this.plan(highlight.id);
		if (before.color === highlight.color) return;
		this.paint(mark, mark.ranges, new Map());
		this.draw();
	}

	remove(id: string): void {
		const mark = this.marks.get(id);
		if (!mark) return;
		this.erase(mark);
		mark.highlight.ranges.forEach((_, i) => {
			this.anchorer.delete(anchorOf(id, i));
		});
		this.marks.delete(id);
		this.tell();
	}

	/** Chooses the inks anew: the page's colors have changed. */
	recolor(): void {
		const known = new Map<Element, boolean>();
		for (const mark of this.marks.values()) this.paint(mark, mark.ranges, known);
		this.draw();
	}

	/** Where a highlight stands; none: it lost its place. */
	ranges(id: string): readonly Range[] {
		return this.marks.get(id)?.ranges ?? [];
	}

	/** Whether a highlight stands on a dark ground. */
	isDark(id: string): boolean {
		return this.marks.get(id)?.registry.endsWith('-dark') ?? false;
	}

	/** The highlights at a point of the viewport, the shortest first: it lies on top of what it is within. */
	at(x: number, y: number): string[] {
		const caret = document.caretPositionFromPoint(x, y);
		if (!caret) return [];
		const hit = (range: Range) =>
			range.isPointInRange(caret.offsetNode, caret.offset) &&
			[...range.getClientRects()].some((r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom);
		const length = ({ ranges }: Mark) => ranges.reduce((sum, range) => sum + range.toString().length, 0);
		return [...this.marks.values()]
			.filter((mark) => mark.ranges.some(hit))
			.sort((a, b) => length(a) - length(b))
			.map((mark) => mark.highlight.id);
	}

	/** Draws a line under one highlight, or under none. */
	underline(id: string | null): void {
		for (const [name, registry] of this.registries) if (name.startsWith('limn-line-')) registry.clear();
		const mark = id === null ? undefined : this.marks.get(id);
		if (!mark) return;
		const registry = this.registry(lineOf(mark));
		for (const range of mark.ranges) registry.add(range);
	}

	private plan(id: string): void {
		this.waiting.add(id);
		if (this.working) return;
		this.working = true;
		this.drawn = performance.now();
		queueMicrotask(() => this.work());
	}

	/** Finds and paints what waits, in slices, so that the page stays responsive however much there is. */
	private work(): void {
		if (this.signal.aborted) return;
		const known = new Map<Element, boolean>();
		const end = performance.now() + slice;
		for (const id of this.waiting) {
			this.waiting.delete(id);
			const mark = this.marks.get(id);
			if (mark) this.paint(mark, this.find(mark), known);
			if (performance.now() > end) break;
		}
		this.working = this.waiting.size > 0;
		if (!this.working || end > this.drawn + gather) this.draw();
		if (this.working) setTimeout(() => this.work());
	}

	private draw(): void {
		for (const [range, registry] of this.fresh) registry.add(range);
		this.fresh.clear();
		this.drawn = performance.now();
		this.tell();
	}

	/** Where the text moved, if the server saw that it did; else where it was marked. */
	private find({ highlight: { id, ranges, check } }: Mark): Range[] {
		return ranges.flatMap((wire, i) => {
			const moved = check.state === 'moved' ? check.ranges?.[i] : undefined;
			const range = (moved && this.anchorer.put(anchorOf(id, i), moved)) ?? this.anchorer.put(anchorOf(id, i), wire);
			return range ?? [];
		});
	}

	private held({ highlight: { id, ranges } }: Mark): Range[] {
		return ranges.flatMap((_, i) => this.anchorer.get(anchorOf(id, i)) ?? []);
	}

	private paint(mark: Mark, ranges: Range[], known: Map<Element, boolean>): void {
		const lined = mark.ranges.some((range) => this.registries.get(lineOf(mark))?.has(range));
		this.erase(mark);
		mark.ranges = ranges;
		const [first] = ranges;
		if (!first) return;
		mark.registry = `limn-${inkOf(mark.highlight.color)}${onDark(elementOf(first), known) ? '-dark' : ''}`;
		const registry = this.registry(mark.registry);
		for (const range of ranges) this.fresh.set(range, registry);
		if (lined) this.underline(mark.highlight.id);
	}

	private erase(mark: Mark): void {
		for (const range of mark.ranges) {
			this.fresh.delete(range);
			for (const registry of this.registries.values()) registry.delete(range);
		}
		mark.ranges = [];
	}

	private registry(name: string): Highlight {
		let registry = this.registries.get(name);
		if (!registry || CSS.highlights.get(name) !== registry) {
			registry = new Highlight();
			if (name.startsWith('limn-line-')) registry.priority = 1;
			this.registries.set(name, registry);
			CSS.highlights.set(name, registry);
		}
		return registry;
	}

	private tell(): void {
		this.changes.dispatchEvent(new Event('change'));
	}
}

/** Each range of a highlight is anchored by itself. */
function anchorOf(id: string, range: number): string {
	return `${id} ${range}`;
}

function idOf(anchor: string): string {
	return anchor.slice(0, anchor.indexOf(' '));
}

function lineOf(mark: Mark): string {
	return `limn-line-${inkOf(mark.highlight.color)}`;
}

/** Whether two states of a highlight point to the same place. The server adds quotes and positions: that is no move. */
function samePlace(a: Shown, b: Shown): boolean {
	const points = ({ ranges, check }: Shown) =>
		JSON.stringify([ranges.map(({ anchor, focus }) => [anchor, focus]), check.state === 'moved' ? check.ranges : null]);
	return points(a) === points(b);
}

/** The element that the text of a range begins in. */
export function elementOf(range: Range): Element | null {
	const node = range.startContainer;
	return node instanceof Element ? node : node.parentElement;
}

/** The block of text that a range begins in. */
export function blockOf(range: Range): Element | null {
	let block = elementOf(range);
	while (block?.parentElement && /^(inline|contents|ruby)/.test(getComputedStyle(block).display)) {
		block = block.parentElement;
	}
	return block;
}
