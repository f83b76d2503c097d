import { isText } from './path.ts';
import { byPaths, byQuote, resolve, Snapshot } from './resolve.ts';
import { after, before, next, TextIndex, textOf } from './text.ts';
import { contextLength, isHost, type WireRange } from './wire.ts';

/** Hears where a range is, or with null that it is not on the page now. */
export type Placed = (id: string, range: Range | null) => void;

/** Where more than so many nodes have changed, each range is looked at. */
const few = 16;

interface Anchored {
	wire: WireRange;
	range: Range | null;
	text: string; // what the range held when it was found
	refused: Node | null; // where its paths lead, to words that are not its own
}

/**
 * Keeps ranges in a page that changes. What is not there yet is tried again when text is added, in that text and
 * what surrounds it; what has lost its nodes is looked for anew. Ends with its signal.
 */
export class Anchorer {
	private readonly anchored = new Map<string, Anchored>();
	private readonly added = new Set<Node>();
	/** Where something has changed. */
	private readonly touched = new Set<Node>();
	private page: Snapshot;
	private due = false;
	private similar: [string, TextIndex][] = [];

	constructor(
		private readonly doc: Document,
		private readonly signal: AbortSignal,
		private readonly placed: Placed,
	) {
		this.page = new Snapshot(doc);
		if (signal.aborted) return;
		const observer = new MutationObserver((records) => this.note(records));
		observer.observe(doc, { childList: true, characterData: true, subtree: true });
		signal.addEventListener('abort', () => observer.disconnect(), { once: true });
	}

	/** Takes a range, in the place of one with the same id, and says where it is now. */
	put(id: string, wire: WireRange): Range | null {
		const range = resolve(wire, this.page);
		const refused = range ? null : (byPaths(wire, this.page)?.startContainer ?? null);
		this.anchored.set(id, { wire, range, text: range ? textOf(range) : '', refused });
		return range;
	}

	delete(id: string): void {
		this.anchored.delete(id);
	}

	get(id: string): Range | null {
		return this.anchored.get(id)?.range ?? null;
	}

	private note(records: MutationRecord[]): void {
		let changed = false;
		for (const { target, type, addedNodes, removedNodes } of records) {
			const added = [...addedNodes].filter((node) => !isHost(node));
			const text = type === 'characterData';
			if (isHost(target) || !(text || added.length > 0 || [...removedNodes].some((node) => !isHost(node)))) continue;
			changed = true;
			this.touched.add(target);
			if (text) this.added.add(target);
			for (const node of added) this.added.add(node);
		}
		if (!changed) return;
		this.page = new Snapshot(this.doc);
		this.soon(() => this.look());
	}

	/** Once in the next frame; in a page that nobody sees, where there are none, a little later. */
	private soon(work: () => void): void {
		if (this.due) return;
		this.due = true;
		const once = new AbortController();
		const run = (): void => {
			if (once.signal.aborted) return;
			once.abort();
			this.due = false;
			if (!this.signal.aborted) work();
		};
		const frame = requestAnimationFrame(run);
		const timer = setTimeout(run, 50);
		once.signal.addEventListener('abort', () => {
			cancelAnimationFrame(frame);
			clearTimeout(timer);
		});
	}

	private look(): void {
		const missing = new Set<string>();
		for (const [id, { range, text }] of this.anchored) {
			if (range && !this.reaches(range)) continue;
			const held = range?.startContainer.isConnected && range.endContainer.isConnected && textOf(range) === text;
			if (!held) missing.add(id);
		}
		this.touched.clear();
		const pieces = missing.size > 0 ? this.pieces() : [];
		this.added.clear();
		for (const id of missing) {
			const a = this.anchored.get(id);
			if (!a) continue;
			const range = byPaths(a.wire, this.page);
			const piece = range ? undefined : pieces.find((p) => a.wire.quote && p.text.includes(a.wire.quote.exact));
			if (a.wire.landmarks?.twins) {
				this.place(id, a, range?.startContainer !== a.refused || piece ? this.amongTwins(a) : null);
				continue;
			}
			this.place(id, a, range ?? (piece ? byQuote(a.wire, this.doc, piece) : null));
			if (!a.range) for (const p of pieces) if (p !== piece) this.similar.push([id, p]);
		}
		this.lookForSimilar();
	}

	/** Whether what has changed may have changed what a range holds. A clock that ticks must not have all of them read. */
	private reaches({ startContainer: start, endContainer: end }: Range): boolean {
		if (start !== end || this.touched.size > few) return true;
		for (const node of this.touched) if (node.contains(start) || start.contains(node)) return true;
		return !start.isConnected;
	}

	/** Which of several it is can only be said of the whole document. */
	private amongTwins(a: Anchored): Range | null {
		const range = resolve(a.wire, this.page);
		a.refused = range ? null : (byPaths(a.wire, this.page)?.startContainer ?? null);
		return range;
	}

	private place(id: string, a: Anchored, range: Range | null): void {
		const before = a.range;
		a.range = range;
		a.text = range ? textOf(range) : '';
		if (before || range) this.placed(id, range);
	}

	/** Similar text takes longer to find than the very text: a few milliseconds of each frame. */
	private lookForSimilar(): void {
		const end = performance.now() + 8;
		while (this.similar.length > 0 && performance.now() < end) {
			const [id, piece] = this.similar.shift() ?? [];
			const a = id === undefined ? undefined : this.anchored.get(id);
			if (!id || !piece || !a || a.range) continue;
			const range = byQuote(a.wire, this.doc, piece);
			if (range) this.place(id, a, range);
		}
		if (this.similar.length > 0) this.soon(() => (this.added.size > 0 ? this.look() : this.lookForSimilar()));
	}

	/** The texts that were added, each with as much around it as the longest quote and its context may need. */
	private pieces(): TextIndex[] {
		let room = 0;
		for (const { wire } of this.anchored.values()) {
			room = Math.max(room, Math.min(wire.quote?.exact.length ?? 0, 1 << 12) + contextLength);
		}
		const pieces: TextIndex[] = [];
		const taken = new Set<Node>();
		for (const node of this.added) {
			if (!node.isConnected || taken.has(node)) continue;
			const nodes: Node[] = [];
			for (let left = room, at = before(node); at && left > 0; at = before(at)) {
				if (isText(at)) {
					nodes.unshift(at);
					left -= at.length;
				}
			}
			nodes.push(node);
			taken.add(node);
			for (let left = room, at = after(node); at && left > 0; at = isText(at) ? after(at) : next(at)) {
				if (isText(at)) {
					nodes.push(at);
					if (!this.added.has(at)) left -= at.length;
					taken.add(at);
				} else if (this.added.has(at)) {
					taken.add(at);
				}
			}
			pieces.push(TextIndex.piece(this.doc, nodes));
		}
		return pieces;
	}
}
