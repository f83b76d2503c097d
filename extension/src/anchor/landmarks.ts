import { isSpace } from './fold.ts';
import { type Match, telling } from './match.ts';
import type { TextIndex } from './text.ts';
import type { WireLandmarks } from './wire.ts';

/** The blocks of text that a reader sees on a page, in order, as in xpath/landmarks.go. */
export interface Outline {
	blocks: Block[];
	/** The one block with a hash, -1 for several. */
	only: Map<number, number>;
}

interface Block {
	start: number;
	end: number;
}

const maxBlocks = 1 << 16;

/** Outlines a text whose blocks start and end at some places. */
export function outlineOf(index: TextIndex, edges: readonly number[]): Outline {
	const { text } = index;
	const blocks: Block[] = [];
	const only = new Map<number, number>();
	if (edges.length > maxBlocks) return { blocks, only };
	let from = index.origin;
	for (const edge of [...edges, text.length]) {
		let start = from;
		let end = Math.max(from, edge);
		from = end;
		while (start < end && isSpace(text.charCodeAt(start))) start++;
		while (start < end && isSpace(text.charCodeAt(end - 1))) end--;
		if (start === end || index.isHidden(start)) continue;
		const key = hash(text, start, end);
		only.set(key, only.has(key) ? -1 : blocks.length);
		blocks.push({ start, end });
	}
	return { blocks, only };
}

/** FNV-1a of units, where each run of space is one space. */
function hash(text: string, start: number, end: number): number {
	let h = 2166136261;
	let spaced = false;
	for (let i = start; i < end; i++) {
		let unit = text.charCodeAt(i);
		if (isSpace(unit)) {
			if (spaced) continue;
			unit = 0x20;
		}
		spaced = unit === 0x20;
		h = Math.imul(h ^ unit, 16777619);
	}
	return h >>> 0;
}

/** Where the page still has landmarks, the gap between the nearest is where a quote has to stand. */
export class Gap {
	private from: number;
	private to: number;
	private readonly bounded: boolean;
	private own = -1;
	private unclear = false;
	private fewer = false;

	/** The twins are what stands in the quote's context on all of the page, in order; too many: there are more of them. */
	constructor(index: TextIndex, landmarks: WireLandmarks, twins: readonly Match[], tooMany: boolean, most: number) {
		const { blocks, only } = index.outline;
		const { before, after } = landmarks;
		const blockOf = (hash: number | undefined): Block | undefined => blocks[only.get(hash ?? -1) ?? -1];
		const nearest = (hashes: readonly number[]): number => {
			const nth = hashes.findIndex((hash) => blockOf(hash));
			return nth < 0 ? hashes.length : nth;
		};
		let i = nearest(before);
		let j = nearest(after);
		const swapped = (blockOf(before[i])?.end ?? 0) > (blockOf(after[j])?.start ?? Number.POSITIVE_INFINITY);
		if (swapped) {
			// the order of twins says nothing either
			i = before.length;
			j = after.length;
		}
		this.from = blockOf(before[i])?.end ?? index.origin;
		this.to = blockOf(after[j])?.start ?? index.length;
		this.bounded = i < before.length && j < after.length;
		const count = (counts: readonly number[] | undefined, nth: number): number => counts?.[nth] ?? 0;
		const nth = count(landmarks.twins?.before, i);
		const of = nth + 1 + count(landmarks.twins?.after, j);
		const all = count(landmarks.twins?.before, before.length) + 1 + count(landmarks.twins?.after, after.length);
		this.fewer = tooMany || twins.length < all;
		if (tooMany) return;
		const within = twins.filter((m) => this.holds(m));
		if (within.length === of && (of === 1 || !swapped)) {
			this.own = within[nth]?.start ?? -1;
			return;
		}
		this.unclear = of > 1 && (within.length < of || swapped);
		if (landmarks.twins?.alike || most < telling || !this.unclear) return;
		for (const m of within) if (m.context === most) this.own = m.start;
	}

	/** Tells whether a match can be the quote, for all that landmarks tell. */
	admits(m: Match): boolean {
		if (!this.holds(m)) return m.errors === 0 && !this.fewer && this.own < 0;
		if (m.errors > 0) return true;
		return this.own >= 0 ? m.start === this.own : !this.unclear;
	}

	/** Tells the match that landmarks alone say is the quote. */
	points(m: Match): boolean {
		return this.bounded && m.errors === 0 && m.start === this.own;
	}

	private holds(m: Match): boolean {
		return m.start >= this.from && m.end <= this.to;
	}
}
