import { type Folded, fold, isSpace, lowerBound } from './fold.ts';
import { type Outline, outlineOf } from './landmarks.ts';
import { Children, isElement, isText } from './path.ts';
import { hostName, isHost } from './wire.ts';

/** Elements that browsers set in lines of their own, and those around which a reader sees text end. */
const blocks = new Set(
	`address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset figcaption
	figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe legend li main menu nav noscript ol
	optgroup option p pre script search section select style summary table tbody td textarea tfoot th thead title tr
	ul`.split(/\s+/),
);

/**
 * The text of a document, or of a piece of it: all of its text nodes in document order, as the DOM's Range gives it.
 * It is what the page was when it was read; a piece read later is enough to find what came later.
 */
export class TextIndex {
	readonly text: string;
	/** Where the body starts: a position counts from there. */
	readonly origin: number;
	readonly children = new Children();
	private readonly nodes: Text[] = [];
	private readonly starts: number[] = [];
	private readonly hidden: boolean[] = []; // in a script or a style
	/** Where blocks start and end, in order. */
	readonly edges: number[] = [];
	private readonly places = new Map<Node, number>();
	private folding: Folded | undefined;
	private outlining: Outline | undefined;

	private constructor(
		readonly document: Document,
		/** Whether this is all of the document: only then do its places say where in the document something is. */
		readonly complete: boolean,
		pieces: Iterable<Node>,
	) {
		const parts: string[] = [];
		let length = 0;
		let origin = 0;
		let hidden = 0;
		const edge = (): void => {
			if (this.edges.at(-1) !== length) this.edges.push(length);
		};
		const add = (node: Node): void => {
			if (isText(node)) {
				this.places.set(node, length);
				if (node.length === 0) return;
				this.nodes.push(node);
				this.starts.push(length);
				this.hidden.push(hidden > 0);
				parts.push(node.data);
				length += node.length;
				return;
			}
			if (isHost(node)) return;
			const block = isElement(node) && blocks.has(node.localName);
			const mute = isElement(node) && (node.localName === 'script' || node.localName === 'style');
			if (node === document.body && complete) origin = length;
			if (block) edge();
			if (mute) hidden++;
			for (let child = node.firstChild; child; child = child.nextSibling) add(child);
			if (mute) hidden--;
			if (block) edge();
		};
		for (const piece of pieces) {
			const parent = piece.parentElement;
			hidden = parent?.closest('script, style') ? 1 : 0;
			add(piece);
			hidden = 0;
		}
		this.text = parts.join('');
		this.origin = origin;
	}

	static of(doc: Document): TextIndex {
		return new TextIndex(doc, true, [doc]);
	}

	/** The text of some nodes in document order, one after the other. */
	static piece(doc: Document, nodes: Iterable<Node>): TextIndex {
		return new TextIndex(doc, false, nodes);
	}

	get length(): number {
		return this.text.length;
	}

	get outline(): Outline {
		this.outlining ??= outlineOf(this);
		return this.outlining;
	}

	/** The body's text as it is read, without scripts and styles. */
	get folded(): Folded {
		this.folding ??= fold(this.text, this.readable());
		return this.folding;
	}

	private *readable(): Generator<readonly [number, number]> {
		for (const [i, start] of this.starts.entries()) {
			if (start >= this.origin && !this.hidden[i]) yield [start, this.starts[i + 1] ?? this.length];
		}
	}

	/** Where a boundary point stands in the text; undefined when it is not in what was read. */
	place(container: Node, offset: number): number | undefined {
		if (isText(container)) {
			const start = this.places.get(container);
			return start === undefined ? undefined : start + offset;
		}
		for (let node = container.childNodes[offset] ?? after(container); node; node = next(node)) {
			const start = this.places.get(node);
			if (start !== undefined) return start;
		}
		return this.complete ? this.length : undefined;
	}

	/** The text node that the text from a place on is in. */
	nodeAt(place: number): Text | undefined {
		return this.nodes[this.indexAt(place)];
	}

	isHidden(place: number): boolean {
		return this.hidden[this.indexAt(place)] ?? false;
	}

	private indexAt(place: number): number {
		return Math.max(0, lowerBound(this.starts, place + 1) - 1);
	}

	/** Whether a block starts or ends between two places, or beside them but for space. */
	breaks(low: number, high: number): boolean {
		let from = low;
		let to = high;
		while (from > 0 && isSpace(this.text.charCodeAt(from - 1))) from--;
		while (to < this.length && isSpace(this.text.charCodeAt(to))) to++;
		if (from === 0 || to === this.length) return true;
		return (this.edges[lowerBound(this.edges, from)] ?? Number.POSITIVE_INFINITY) <= to;
	}

	/** The range between two places, null where its nodes are gone or have changed. */
	range(start: number, end: number): Range | null {
		const first = this.indexAt(start);
		const last = Math.max(0, lowerBound(this.starts, Math.max(end, start + 1)) - 1);
		const from = this.nodes[first];
		const to = this.nodes[last];
		if (!from?.isConnected || !to?.isConnected) return null;
		const range = this.document.createRange();
		const a = start - (this.starts[first] ?? 0);
		const b = end - (this.starts[last] ?? 0);
		if (a > from.length || b > to.length) return null;
		range.setStart(from, a);
		range.setEnd(to, b);
		return range;
	}
}

/** The next node in document order. */
export function next(node: Node): Node | null {
	return node.firstChild ?? after(node);
}

/** The next node in document order that is not inside of a node. */
export function after(node: Node): Node | null {
	for (let at: Node | null = node; at; at = at.parentNode) if (at.nextSibling) return at.nextSibling;
	return null;
}

/** The next node before in document order that is not around a node. */
export function before(node: Node): Node | null {
	let at: Node | null = node;
	while (at && !at.previousSibling) at = at.parentNode;
	at = at?.previousSibling ?? null;
	while (at?.lastChild) at = at.lastChild;
	return at;
}

/** So much of the text that follows a range, in UTF-16 units. */
export function textAfter({ endContainer: at, endOffset: offset }: Range, length: number): string {
	let text = isText(at) ? at.data.slice(offset, offset + length) : '';
	let node = isText(at) ? after(at) : (at.childNodes[offset] ?? after(at));
	while (node && text.length < length) {
		if (isText(node)) text += node.data;
		node = isHost(node) ? after(node) : next(node);
	}
	return text.slice(0, length);
}

/** So much of the text that comes before a range. */
export function textBefore({ startContainer: at, startOffset: offset }: Range, length: number): string {
	let text = isText(at) ? at.data.slice(0, offset) : '';
	let node = isText(at) || offset === 0 ? before(at) : lastIn(at.childNodes[offset - 1] as Node);
	while (node && text.length < length) {
		if (isText(node) && !hosted(node)) text = node.data + text;
		node = before(node);
	}
	return length === 0 ? '' : text.slice(-length);
}

function lastIn(node: Node): Node {
	let at = node;
	while (at.lastChild) at = at.lastChild;
	return at;
}

const hosted = (text: Text): boolean => text.parentElement?.closest(hostName) != null;

/** What a range holds of the page, which limn's own element is no part of. */
export function textOf(range: Range): string {
	const doc = range.startContainer.ownerDocument ?? (range.startContainer as Document);
	const hosts = doc.getElementsByTagName(hostName);
	const filled = Array.prototype.some.call(hosts, (host: Element) => host.firstChild);
	if (!filled) return range.toString();
	const copy = range.cloneContents();
	for (const host of copy.querySelectorAll(hostName)) host.remove();
	return copy.textContent;
}
