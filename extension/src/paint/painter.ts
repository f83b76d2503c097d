import { resolve } from '../anchor/index.ts';
import type { Highlight as Shown } from '../api/shapes.ts';
import { onDark } from './background.ts';
import { type Ink, inkOf } from './inks.ts';

/** How long one slice of work may hold up the page, in milliseconds. */
const slice = 12;

interface Mark {
	highlight: Shown;
	/** Where it stands in the document; none: it lost its place. */
	ranges: Range[];
	/** What the ranges held when they were painted. */
	text: string;
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
	private working = false;

	/** Says that something was painted, moved or lost. */
	readonly changes = new EventTarget();

	constructor(
		private readonly doc: Document,
		private readonly signal: AbortSignal,
	) {
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
		if (mark) {
			const same = samePlace(mark.highlight, highlight) && mark.highlight.color === highlight.color;
			mark.highlight = highlight;
			if (same && mark.ranges.length > 0) return;
		} else this.marks.set(highlight.id, { highlight, ranges: [], text: '', registry: '' });
		this.plan(highlight.id);
	}

	remove(id: string): void {
		const mark = this.marks.get(id);
		if (!mark) return;
		this.erase(mark);
		this.marks.delete(id);
		this.tell();
	}

	/** Looks again for what is lost, and for what stands on nodes that the page has changed since. */
	refresh(): void {
		for (const [id, mark] of this.marks) if (mark.ranges.length === 0 || broken(mark)) this.plan(id);
	}

	/** Chooses the inks anew: the page's colors have changed. */
	recolor(): void {
		const known = new Map<Element, boolean>();
		for (const mark of this.marks.values()) if (mark.ranges.length > 0) this.paint(mark, mark.ranges, known);
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
		const caret = this.doc.caretPositionFromPoint(x, y);
		if (!caret) return [];
		const hit = (range: Range) =>
			range.isPointInRange(caret.offsetNode, caret.offset) &&
			[...range.getClientRects()].some((r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom);
		return [...this.marks.values()]
			.filter((mark) => mark.ranges.some(hit))
			.sort((a, b) => a.text.length - b.text.length)
			.map((mark) => mark.highlight.id);
	}

	/** Draws a line under one highlight, or under none. */
	underline(id: string | null): void {
		for (const [name, registry] of this.registries) if (name.startsWith('limn-line-')) registry.clear();
		const mark = id === null ? undefined : this.marks.get(id);
		if (!mark) return;
		const registry = this.registry(`limn-line-${inkOf(mark.highlight.color)}`);
		for (const range of mark.ranges) registry.add(range);
	}

	private plan(id: string): void {
		this.waiting.add(id);
		if (this.working) return;
		this.working = true;
		queueMicrotask(() => this.work());
	}

	/** Resolves and paints what waits, in slices, so that the page stays responsive however much there is. */
	private work(): void {
		const known = new Map<Element, boolean>();
		const end = performance.now() + slice;
		for (const id of this.waiting) {
			this.waiting.delete(id);
			const mark = this.marks.get(id);
			if (mark) this.paint(mark, this.find(mark.highlight), known);
			if (performance.now() > end) break;
		}
		this.tell();
		this.working = this.waiting.size > 0 && !this.signal.aborted;
		if (this.working) setTimeout(() => this.work());
	}

	/** Where the text moved, if the server saw that it did; else where it was marked. */
	private find({ ranges, check }: Shown): Range[] {
		const places = check.state === 'moved' && check.ranges ? [check.ranges, ranges] : [ranges];
		for (const wires of places) {
			const found = wires.map((wire) => resolve(wire, this.doc)).filter((range) => range !== null);
			if (found.length > 0) return found;
		}
		return [];
	}

	private paint(mark: Mark, ranges: Range[], known: Map<Element, boolean>): void {
		this.erase(mark);
		mark.ranges = ranges;
		mark.text = textOf(ranges);
		const [first] = ranges;
		if (!first) return;
		const ink: Ink = inkOf(mark.highlight.color);
		mark.registry = `limn-${ink}${onDark(elementOf(first), known) ? '-dark' : ''}`;
		const registry = this.registry(mark.registry);
		for (const range of ranges) registry.add(range);
	}

	private erase(mark: Mark): void {
		for (const name of [mark.registry, `limn-line-${inkOf(mark.highlight.color)}`]) {
			for (const range of mark.ranges) this.registries.get(name)?.delete(range);
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

/** Whether two states of a highlight point to the same place. The server adds quotes and positions: that is no move. */
function samePlace(a: Shown, b: Shown): boolean {
	const points = ({ ranges, check }: Shown) =>
		JSON.stringify([ranges.map(({ anchor, focus }) => [anchor, focus]), check.state === 'moved' ? check.ranges : null]);
	return points(a) === points(b);
}

function broken(mark: Mark): boolean {
	return mark.ranges.some((range) => !range.startContainer.isConnected) || textOf(mark.ranges) !== mark.text;
}

function textOf(ranges: readonly Range[]): string {
	return ranges.map(String).join('\n');
}

/** The element that the text of a range begins in. */
export function elementOf(range: Range): Element | null {
	const node = range.startContainer;
	return node instanceof Element ? node : node.parentElement;
}
