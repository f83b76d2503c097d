import { isText } from './path.ts';
import { byPaths, byQuote, resolve } from './resolve.ts';
import { after, next, TextIndex, textOf } from './text.ts';
import { contextLength, isHost, type WireRange } from './wire.ts';

/** Hears where a range is, or with null that it is not on the page now. */
export type Placed = (id: string, range: Range | null) => void;

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
	private index: TextIndex | undefined;
	private due = false;
	private similar: [string, TextIndex][] = [];

	constructor(
		private readonly doc: Document,
		private readonly signal: AbortSignal,
		private readonly placed: Placed,
	) {
		if (signal.aborted) return;
		const observer = new MutationObserver((records) => this.note(records));
		observer.observe(doc, { childList: true, characterData: true, subtree: true });
		signal.addEventListener('abort', () => observer.disconnect(), { once: true });
	}

	/** Takes a range, in the place of one with the same id, and says where it is now. */
	put(id: string, wire: WireRange): Range | null {
		this.index ??= TextIndex.of(this.doc);
		const range = resolve(wire, this.doc, this.index);
		const refused = range ? null : (byPaths(wire, this.doc)?.startContainer ?? null);
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
		for (const record of records) {
			if (isHost(record.target)) continue;
			if (record.type === 'characterData') this.added.add(record.target);
			for (const node of record.addedNodes) if (!isHost(node)) this.added.add(node);
			changed ||=
				record.type === 'characterData' || [...record.addedNodes, ...record.removedNodes].some((n) => !isHost(n));
		}
		if (!changed) return;
		this.index = undefined;
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
		for (const [id, a] of this.anchored) {
			const held =
				a.range?.startContainer.isConnected && a.range.endContainer.isConnected && textOf(a.range) === a.text;
			if (!held) missing.add(id);
		}
		const pieces = this.pieces();
		this.added.clear();
		for (const id of missing) {
			const a = this.anchored.get(id);
			if (!a) continue;
			const range = byPaths(a.wire, this.doc);
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

	/** Which of several it is can only be said of the whole document. */
	private amongTwins(a: Anchored): Range | null {
		this.index ??= TextIndex.of(this.doc);
		const range = resolve(a.wire, this.doc, this.index);
		a.refused = range ? null : (byPaths(a.wire, this.doc)?.startContainer ?? null);
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

/** The node before in document order that is not around a node. */
function before(node: Node): Node | null {
	let at: Node | null = node;
	while (at && !at.previousSibling) at = at.parentNode;
	at = at?.previousSibling ?? null;
	while (at?.lastChild) at = at.lastChild;
	return at;
}
