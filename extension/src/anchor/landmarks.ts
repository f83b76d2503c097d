import { isSpace, lowerBound } from './fold.ts';
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
	hash: number;
}

const maxBlocks = 1 << 16;

export function outlineOf(index: TextIndex): Outline {
	const blocks: Block[] = [];
	const only = new Map<number, number>();
	if (index.edges.length > maxBlocks) return { blocks, only };
	for (let i = 0; i <= index.edges.length; i++) {
		const block = blockAt(index, i);
		if (!block) continue;
		only.set(block.hash, only.has(block.hash) ? -1 : blocks.length);
		blocks.push(block);
	}
	return { blocks, only };
}

/** What a reader sees between the edge of a block with this index and the one before. */
function blockAt(index: TextIndex, i: number): Block | null {
	const { text, edges, origin } = index;
	let start = Math.max(edges[i - 1] ?? origin, origin);
	let end = edges[i] ?? text.length;
	while (start < end && isSpace(text.charCodeAt(start))) start++;
	while (start < end && isSpace(text.charCodeAt(end - 1))) end--;
	if (start >= end || index.isHidden(start)) return null;
	return { start, end, hash: hash(text, start, end) };
}

/** The first of some landmarks that stands in a direction from a block on, but not far, and how many are nearer. */
function landmark(
	index: TextIndex,
	hashes: readonly number[],
	from: number,
	step: number,
	fits: (block: Block) => boolean,
): [Block, number] | null {
	const near = 16;
	for (let n = 0, at = from; n < near && at >= 0 && at <= index.edges.length; n++, at += step) {
		const block = blockAt(index, at);
		const nth = block && fits(block) ? hashes.indexOf(block.hash) : -1;
		if (block && nth >= 0) return [block, nth];
	}
	return null;
}

/**
 * Tells a place that needs no outline of the page: a landmark stands near it on each side, and as many twins between, which
 * are given.
 */
export function isFlanked(
	index: TextIndex,
	{ before, after, twins }: WireLandmarks,
	held: Match,
	twinsBetween: (from: number, to: number) => Match[],
): boolean {
	if (!twins) return false;
	const edge = (place: number): number => lowerBound(index.edges, place + 1);
	const left = landmark(index, before, edge(held.start), -1, (block) => block.end <= held.start);
	const right = landmark(index, after, edge(held.end), 1, (block) => block.start >= held.end);
	if (!left || !right) return false;
	const between = twinsBetween(left[0].end, right[0].start);
	return (
		between.filter((m) => m.start < held.start).length === twins.before[left[1]] &&
		between.filter((m) => m.start > held.start).length === twins.after[right[1]]
	);
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
