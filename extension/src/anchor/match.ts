import { isSpace, solid } from './fold.ts';
import type { Search } from './search.ts';

/** A place where a quote may stand. */
export interface Match {
	start: number;
	end: number;
	/** Units in which it differs from the quote. */
	errors: number;
	/** Units of the quote's context that stand beside it, but for space. */
	context: number;
	/** The context is all there, or as much of it as is in the same block. */
	whole: boolean;
	/** Units from where it is expected. */
	far: number;
	/** How much its path differs from the one stored. */
	shift: number;
	/** The less, the better. */
	cost: number;
}

export const overlap = (a: Match, b: Match): boolean => a.start < b.end && b.start < a.end;

// What a match needs to be taken for the quote: the numbers are those of xpath/match.go.
const needed = 8;
const neededFuzzy = 16;
const neededTorn = 60;
const maxErrors = 40;
const maxTorn = 25;
const fewErrors = 2;
const fewPerCent = 15;
const sameCost = 12;
const sameContext = 4;
const nearer = 3;

/** Tells whether a match is good enough, whatever else there is. */
function good(s: Search, m: Match): boolean {
	const agreeing = solid(s.exact);
	// An error speaks against a match more than a unit that agrees speaks for it; an unchanged path speaks for it.
	const against = Math.trunc((4 * m.errors * agreeing) / s.exact.length);
	const evidence = agreeing - against + m.context + Math.max(0, 12 - 3 * m.shift);
	if (m.errors === 0) return evidence >= (m.whole ? needed : neededTorn);
	if (m.context < s.most && !sameNumbers(s.exact, s.text.slice(m.start, m.end))) return false;
	const rate = m.errors * 100;
	return m.whole
		? evidence >= neededFuzzy && rate <= maxErrors * s.exact.length
		: evidence >= neededTorn && rate <= maxTorn * s.exact.length;
}

/** Says how unlikely it is that a match is the quote. */
function price(s: Search, m: Match): number {
	const cost = Math.trunc((m.errors * 100) / s.exact.length) + 10 * m.shift + s.most - m.context;
	if (m.errors === 0 && m.whole) return cost;
	const numbers = sameNumbers(s.exact, s.text.slice(m.start, m.end));
	const few = fewErrors + Math.trunc((s.exact.length * fewPerCent) / 100);
	if (m.context === s.most && m.errors <= few && numbers) return cost;
	if (m.errors === 0) return cost + 100;
	return cost + (numbers ? 200 : 300);
}

/** Takes the best match. It takes none where another could be meant as well. */
export function choose(s: Search, found: Match[]): Match | null {
	// certain to be the quote, or not to be
	const certain = found.filter((m) => (m.errors === 0 ? m.whole : isSibling(s.exact, s.text.slice(m.start, m.end))));
	const kept: Match[] = [];
	for (const m of found) {
		if (m.errors > 0 && certain.some((c) => overlap(c, m))) continue;
		if (s.index.isHidden(m.start) || s.index.isHidden(m.end - 1)) continue;
		m.shift = s.shift(m.start);
		if (!good(s, m)) continue;
		m.cost = price(s, m);
		kept.push(m);
	}
	let best = kept[0];
	if (!best) return null;
	for (const m of kept) if (m.cost < best.cost || (m.cost === best.cost && m.far < best.far)) best = m;
	for (const m of kept) {
		if (overlap(m, best)) continue;
		if (m.cost < best.cost + sameCost && m.far < best.far * nearer) return null;
		if (!best.whole && m.context + sameContext >= best.context) return null;
	}
	return best;
}

/** Tells a match that similar text elsewhere cannot beat. */
export function sure(s: Search, m: Match): boolean {
	const enough = 6;
	return (m.context === s.most && s.most >= enough) || (m.errors === 0 && m.shift === 0);
}

/** Looks at what surrounds a match. */
export function judge(s: Search, start: number, end: number, errors: number): Match {
	const left = leftOf(s, start);
	const right = rightOf(s, end);
	return {
		start,
		end,
		errors,
		context: left.same + right.same,
		whole: (left.end < 0 || s.index.breaks(left.end, start)) && (right.end < 0 || s.index.breaks(end, right.end)),
		far: Math.abs(start - s.at[0]),
		shift: 0,
		cost: 0,
	};
}

/** Counts the units of the prefix that stand before a place, but for space; end is below 0 when that is all of it. */
export function leftOf(s: Search, place: number): { same: number; end: number } {
	const { text, prefix } = s;
	let at = place;
	for (let i = prefix.length - 1, same = 0; ; i--, same++) {
		while (i >= 0 && isSpace(prefix.charCodeAt(i))) i--;
		if (i < 0) return { same, end: -1 };
		while (at > s.index.origin && isSpace(text.charCodeAt(at - 1))) at--;
		if (at <= s.index.origin || text.charCodeAt(at - 1) !== prefix.charCodeAt(i)) return { same, end: at };
		at--;
	}
}

/** The same for the suffix and after a place. */
export function rightOf(s: Search, place: number): { same: number; end: number } {
	const { text, suffix } = s;
	let at = place;
	for (let i = 0, same = 0; ; i++, same++) {
		while (i < suffix.length && isSpace(suffix.charCodeAt(i))) i++;
		if (i === suffix.length) return { same, end: -1 };
		while (at < text.length && isSpace(text.charCodeAt(at))) at++;
		if (at === text.length || text.charCodeAt(at) !== suffix.charCodeAt(i)) return { same, end: at };
		at++;
	}
}

const digits = (text: string): string => text.replace(/[^0-9]+/g, '');
const spaces = /[ \t-\r\u00a0\u3000]+/g;
const shape = (text: string): string => text.replace(/[0-9]+/g, '0').replace(spaces, ' ');

/** Tells text that differs in nothing but its numbers: another thing of the same kind. */
function isSibling(quote: string, text: string): boolean {
	return shape(quote) === shape(text) && digits(quote) !== digits(text);
}

/** Tells whether the digits of a quote stand in a text in their order. A typing error rarely changes a number. */
function sameNumbers(quote: string, text: string): boolean {
	let at = 0;
	for (const digit of digits(quote)) {
		at = text.indexOf(digit, at) + 1;
		if (at === 0) return false;
	}
	return true;
}
