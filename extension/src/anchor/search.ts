import { type Folded, fold, isSpace, lowerBound, solid } from './fold.ts';
import { Gap, isFlanked } from './landmarks.ts';
import { choose, judge, leftOf, type Match, rightOf, sure, telling } from './match.ts';
import { type Path, parsePath } from './path.ts';
import { Pattern, reversed, word } from './pattern.ts';
import { pointIn } from './point.ts';
import { shift } from './structure.ts';
import type { TextIndex } from './text.ts';
import { contextLength, type WireLandmarks, type WirePoint, type WireQuote, type WireRange } from './wire.ts';

// Bounds of a search: the numbers, as the whole of the search, are those of xpath/search.go.
const maxHits = 1000;
const maxScan = 1 << 19;
const maxEnds = 48;
const maxEffort = 1 << 21;

/** Which end of a quote: 0 its start, 1 its end. */
type Side = 0 | 1;

/** What a search needs to know of the paths and the position of a range. */
export interface Expectation {
	path: Path;
	at: [number, number];
	seeds: [number[], number[]];
}

/** Looks for one quote in a text. */
export class Search {
	readonly text: string;
	readonly exact: string;
	readonly prefix: string;
	readonly suffix: string;
	/** Units of context that are no space. */
	readonly most: number;
	readonly at: [number, number];
	private readonly page: Folded;
	private readonly folded: string;
	private readonly lead: number;
	private readonly tail: number;
	private readonly landmarks: WireLandmarks | undefined;
	private gapped: Gap | null | undefined;
	private places: Match[] | undefined;
	private effort = 0;

	constructor(
		readonly index: TextIndex,
		quote: WireQuote,
		private readonly expected: Expectation,
		landmarks?: WireLandmarks,
	) {
		if (index.complete && quote.exact !== '') this.landmarks = landmarks;
		this.text = index.text;
		this.exact = quote.exact;
		this.prefix = quote.prefix;
		this.suffix = quote.suffix;
		this.most = solid(quote.prefix) + solid(quote.suffix);
		this.at = expected.at;
		this.page = index.folded;
		const { exact } = this;
		let lead = 0;
		let tail = 0;
		while (lead < exact.length && isSpace(exact.charCodeAt(lead))) lead++;
		while (tail < exact.length - lead && isSpace(exact.charCodeAt(exact.length - 1 - tail))) tail++;
		this.lead = lead;
		this.tail = tail;
		this.folded = fold(exact.slice(lead, exact.length - tail)).text;
	}

	/** Where the quote has to stand; null: anywhere. In a piece of a document landmarks may be anywhere. */
	get gap(): Gap | null {
		if (this.gapped === undefined) this.gapped = this.landmarks ? this.gapOf(this.landmarks) : null;
		return this.gapped;
	}

	private gapOf(landmarks: WireLandmarks): Gap {
		const places = this.exactly();
		const twins = places.filter((m) => m.whole && !this.index.isHidden(m.start)).sort((a, b) => a.start - b.start);
		return new Gap(this.index, landmarks, twins, places.length === maxHits, this.most);
	}

	/** Tells a place of the quote whose landmarks stand beside it. */
	isFlanked(held: Match): boolean {
		const twins = (from: number, to: number): Match[] => {
			const { exact } = this;
			const within = this.text.slice(from, to);
			const found: Match[] = [];
			for (let i = within.indexOf(exact); i >= 0; i = within.indexOf(exact, i + 1)) {
				const m = judge(this, from + i, from + i + exact.length, 0, 0);
				if (m.whole) found.push(m);
			}
			return found;
		};
		return this.landmarks !== undefined && isFlanked(this.index, this.landmarks, held, twins);
	}

	/** Finds where the very text stands, or what is most likely what became of it; null if nothing is likely enough. */
	run(): Match | null {
		if (this.exact === '') return null;
		const found = [...this.exactly(), ...this.nearby()];
		const best = choose(this, found);
		if (best && sure(this, best)) return best;
		return this.fuzzily(found);
	}

	/**
	 * Where the quote stands among its own words, if what the paths hold stands among others and that is in just one
	 * place: what was put before it has its path now.
	 */
	elsewhere(held: Match): Match | null {
		if (this.most < telling || held.context === this.most) return null;
		const own = this.exactly().filter(
			(m) => m.context === this.most && !this.index.isHidden(m.start) && (this.gap?.admits(m) ?? true),
		);
		return own.length === 1 ? (own[0] ?? null) : null;
	}

	shift(place: number): number {
		const node = this.index.nodeAt(place);
		return node ? shift(this.expected.path, node, this.index.document) : 0;
	}

	private exactly(): Match[] {
		const size = this.exact.length;
		this.places ??= this.hits(this.exact, this.at[0]).map((start) => judge(this, start, start + size, 0, 0));
		return this.places;
	}

	/** Lists the places where a text starts, those near a place first. */
	private hits(text: string, near: number): number[] {
		const block = 1 << 16;
		const { origin, length } = this.index;
		const found: number[] = [];
		const look = (from: number, to: number): void => {
			const within = this.text.slice(from, Math.max(from, to + text.length - 1));
			for (let i = within.indexOf(text); i >= 0 && found.length < maxHits; i = within.indexOf(text, i + 1)) {
				found.push(from + i);
			}
		};
		let after = Math.min(Math.max(near, origin), length);
		let before = after;
		while (after < length || before > origin) {
			look(after, Math.min(after + block, length));
			after = Math.min(after + block, length);
			if (before > origin) look(Math.max(before - block, origin), before);
			before = Math.max(before - block, origin);
		}
		return found;
	}

	/** Finds what stands where the quote is expected, or beside its context. */
	private nearby(): Match[] {
		return this.folded === '' ? [] : this.between(this.framed(0), this.framed(1));
	}

	/**
	 * Takes the best of what was found and of similar text, which it looks for by the two ends of the quote: by its start
	 * only where the end leads to nothing that leaves no doubt.
	 */
	private fuzzily(found: Match[]): Match | null {
		const enough = 4; // what is shorter is similar to everything
		if (this.folded.length < enough) return choose(this, found);
		const starts = this.framed(0);
		const ends = [...this.scan(this.folded.slice(-word), 1), ...this.framed(1)];
		const more = [...found, ...this.between(starts, ends)];
		const best = choose(this, more);
		if (best && this.clear(best)) return best;
		const first = this.scan(this.folded.slice(0, word), 0);
		return choose(this, [...more, ...this.between([...first, ...starts], ends)]);
	}

	/**
	 * Tells a match that is so similar that its other end can hardly lead to a better one. Short quotes are similar to much,
	 * and space at an end hides where that is.
	 */
	private clear(m: Match): boolean {
		const similar = 8; // units without an error for each one with
		const telling = this.folded.length >= word / 2 && this.lead <= 1 && this.tail <= 1;
		return telling && m.context === this.most && m.errors * similar <= this.exact.length;
	}

	/** Where the quote is expected to start or to end: where its context says so, and where it stood. */
	private framed(side: Side): number[] {
		const half = contextLength / 2;
		const telling = 6;
		const context = side === 0 ? this.prefix : this.suffix;
		let found = solid(context) > 0 ? this.beside(context, side) : [];
		if (found.length === 0 && context.length > half) {
			const near = side === 0 ? context.slice(-half) : context.slice(0, half);
			if (solid(near) >= telling) found = this.beside(near, side);
		}
		return [...new Set([...found, ...this.expected.seeds[side]])].sort((a, b) => a - b);
	}

	private beside(context: string, side: Side): number[] {
		const hits = this.hits(context, this.at[side]).slice(0, maxEnds);
		return side === 0 ? hits.map((hit) => hit + context.length) : hits;
	}

	/** Looks at what stands between some starts and ends. */
	private between(starts: number[], ends: number[]): Match[] {
		const size = this.exact.length;
		const found: Match[] = [];
		const look = (start: number, end: number): void => {
			if (start < end && end - start <= 2 * size + 1000 && this.effort < maxEffort) {
				const { seen, all } = this.errors(start, end);
				found.push(judge(this, start, end, seen, all));
			}
		};
		for (let i = 0; i < Math.max(starts.length, ends.length); i++) {
			const start = starts[i];
			if (start !== undefined && this.effort < maxEffort) {
				look(start, this.extend(start, 1));
				// errors in indentation hide where it ends
				if (this.tail > 1) look(start, Math.min(start + size, this.text.length));
			}
			const end = ends[i];
			if (end !== undefined && this.effort < maxEffort) {
				look(this.extend(end, 0), end);
				if (this.lead > 1) look(Math.max(end - size, this.index.origin), end);
			}
		}
		const pairs = 2; // ends looked at on each side of the one expected
		const sorted = [...ends].sort((a, b) => a - b);
		for (const start of starts) {
			const middle = lowerBound(sorted, start + size);
			for (const end of sorted.slice(Math.max(0, middle - pairs), middle + pairs)) {
				if ((size > word && end - start >= Math.trunc(size / 2)) || this.interrupted(start, end)) look(start, end);
			}
		}
		return found;
	}

	/** Finds the places where a piece of the folded quote starts or ends with few errors. */
	private scan(piece: string, side: Side): number[] {
		const rate = 40; // per cent of errors at most
		const same = 3; // a match's neighbours match as well
		const at = (place: number): number => lowerBound(this.page.at, place, this.page.text.length);
		const from = Math.max(at(Math.min(...this.at)) - maxScan, 0);
		const to = Math.min(at(Math.max(...this.at)) + maxScan, this.page.text.length);
		const hits: { at: number; errors: number }[] = [];
		const limit = Math.trunc((piece.length * rate) / 100);
		const visit = (read: number, errors: number): void => {
			const at = side === 0 ? to - read : from + read;
			const last = hits.at(-1);
			if (last && Math.abs(last.at - at) <= same) {
				if (errors < last.errors) hits[hits.length - 1] = { at, errors };
				return;
			}
			hits.push({ at, errors });
		};
		if (side === 0) new Pattern(reversed(piece)).backward(this.page.text, from, to, false, limit, visit);
		else new Pattern(piece).forward(this.page.text, from, to, false, limit, visit);
		hits.sort((a, b) => a.errors - b.errors);
		return hits.slice(0, maxEnds).map((hit) => this.unfold(hit.at, side));
	}

	/** The place of a start or end in the text, with as much space as the quote has there. */
	private unfold(folded: number, side: Side): number {
		if (side === 0) {
			let at = this.page.at[folded] ?? 0;
			for (let n = 0; n < this.lead && at > this.index.origin && isSpace(this.text.charCodeAt(at - 1)); n++) at--;
			return at;
		}
		let at = (this.page.at[folded - 1] ?? 0) + 1;
		for (let n = 0; n < this.tail && at < this.text.length && isSpace(this.text.charCodeAt(at)); n++) at++;
		return at;
	}

	/**
	 * Finds the other end of a quote that starts (side 1), or ends (side 0), at a place: of a short quote where all of
	 * it fits best, of a long one where its last piece does.
	 */
	private extend(at: number, side: Side): number {
		const size = this.exact.length;
		const short = size <= word;
		const near = short ? 0 : size - (size >> 2) - word;
		const away = short ? size + (size >> 1) + 1 : size + (size >> 2) + word;
		const low = Math.max(side === 0 ? at - away : at + near, 0);
		const high = Math.min(side === 0 ? at - near : at + away, this.text.length);
		if (low >= high) return at;
		const limit = Math.min(size, word) + 1;
		let best = limit;
		let bestContext = -1;
		let other = at;
		const visit = (read: number, errors: number): void => {
			if (errors > best) return;
			this.effort += contextLength;
			const end = side === 0 ? high - read : low + read;
			const context = side === 0 ? leftOf(this, end).same : rightOf(this, end).same;
			if (errors < best || context > bestContext) {
				best = errors;
				other = end;
				bestContext = context;
			}
		};
		if (side === 0)
			new Pattern(reversed(this.exact.slice(0, word))).backward(this.text, low, high, short, limit, visit);
		else new Pattern(this.exact.slice(-word)).forward(this.text, low, high, short, limit, visit);
		this.effort += high - low;
		return other;
	}

	/** Counts how much a piece of text differs from the quote: as a reader sees it, where all space is one error, and all. */
	private errors(start: number, end: number): { seen: number; all: number } {
		const text = this.text.slice(start, end);
		this.effort += end - start;
		if (this.interrupted(start, end)) return { seen: 1, all: 1 };
		const n = this.compare(this.exact, text);
		if (this.folded === '' || n === 0) return { seen: n, all: n };
		const folded = this.compare(this.folded, fold(text).text.replace(/^ | $/g, ''));
		const seen = Math.min(n, Math.max(1, Math.ceil((folded * this.exact.length) / this.folded.length)));
		return { seen, all: n };
	}

	/** Tells whether the text between two places is the very quote but for something that was inserted into it. */
	private interrupted(start: number, end: number): boolean {
		const { text, exact } = this;
		const longer = end - start - exact.length;
		if (longer <= 0) return false;
		let at = 0;
		while (at < exact.length && text.charCodeAt(start + at) === exact.charCodeAt(at)) at++;
		let i = exact.length;
		while (i > at && text.charCodeAt(start + longer + i - 1) === exact.charCodeAt(i - 1)) i--;
		return i <= at;
	}

	/**
	 * Counts the errors between a quote and a text. A long quote is compared in pieces, so that what was inserted
	 * between two of them, an advertisement between two paragraphs, costs little; of a very long one only some pieces
	 * are compared.
	 */
	private compare(quote: string, text: string): number {
		const maxPieces = 64;
		const maxWindow = 1 << 11;
		const insertion = 8;
		const size = quote.length;
		if (size <= word) {
			let errors = size;
			new Pattern(quote).forward(text, 0, text.length, true, Number.POSITIVE_INFINITY, (_, n) => {
				errors = n;
			});
			this.effort += text.length;
			return Math.min(errors, size);
		}
		const pieces = Math.ceil(size / word);
		const every = Math.ceil(pieces / maxPieces);
		const longer = text.length - size;
		let sum = 0;
		let compared = 0;
		let at = 0;
		for (let i = 0; i < pieces; i++) {
			if (i % every !== 0 && i !== pieces - 1) continue;
			const from = Math.trunc((i * size) / pieces);
			const to = Math.trunc(((i + 1) * size) / pieces);
			const piece = quote.slice(from, to);
			let low = Math.max(0, from + Math.min(longer, 0) - word / 2);
			let high = Math.min(text.length, to + Math.max(longer, 0) + word / 2);
			if (every === 1) low = Math.max(low, Math.min(at - word / 2, from));
			high = Math.min(high, low + maxWindow);
			let best = to - from;
			const visit = (read: number, n: number): void => {
				if (n >= best) return;
				best = n;
				at = low + read;
			};
			if (i === 0) {
				low = 0;
				high = Math.min(text.length, 2 * word);
				new Pattern(piece).forward(text, low, high, true, word, visit);
			} else if (i === pieces - 1) {
				low = Math.max(0, text.length - 2 * word);
				high = text.length;
				new Pattern(reversed(piece)).backward(text, low, high, true, word, visit);
			} else {
				low = Math.min(low, high);
				new Pattern(piece).forward(text, low, high, false, word, visit);
			}
			this.effort += high - low;
			sum += best;
			compared += to - from;
		}
		return Math.min(Math.trunc((sum * size) / compared) + Math.trunc(Math.abs(longer) / insertion), size);
	}
}

/** Takes from the paths of a range, and better from its position, where its quote is expected. */
export function expect(wire: WireRange, backward: boolean, index: TextIndex): Expectation {
	const [first, last] = backward ? [wire.focus, wire.anchor] : [wire.anchor, wire.focus];
	const size = wire.quote?.exact.length ?? 0;
	const { origin } = index;
	const expected: Expectation = {
		path: parsed(first.xpath),
		at: [origin, origin + size],
		seeds: [[], []],
	};
	const end = placeOf(last, index);
	if (end !== undefined) {
		expected.seeds[1].push(end);
		expected.at = [end - size, end];
	}
	const start = placeOf(first, index);
	if (start !== undefined) {
		expected.seeds[0].push(start);
		expected.at = [start, start + size];
	}
	if (wire.position && index.complete) {
		const clamp = (at: number): number => Math.min(Math.max(at, 0), index.length - origin) + origin;
		expected.at = [clamp(wire.position.start), clamp(wire.position.end)];
		expected.seeds[0].push(expected.at[0]);
		expected.seeds[1].push(expected.at[1]);
	}
	return expected;
}

function parsed(xpath: string): Path {
	try {
		return parsePath(xpath);
	} catch {
		return { id: '', every: false, steps: [] };
	}
}

function placeOf(point: WirePoint, index: TextIndex): number | undefined {
	const at = pointIn(point, index.document, index.children);
	return at ? index.place(at.node, at.offset) : undefined;
}
