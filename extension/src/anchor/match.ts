import { isSpace, solid } from './fold.ts';
import { reversed } from './pattern.ts';
import type { Search } from './search.ts';

/** A place where a quote may stand. */
export interface Match {
	start: number;
	end: number;
	/** Units in which it differs from the quote, as a reader sees them. */
	errors: number;
	/** The same with all space. */
	all: number;
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
const needed = 9;
const neededFuzzy = 7;
const neededTorn = 115;
const maxErrors = 50;
const maxMissing = 16;
export const telling = 20;

/** Tells whether a match is good enough, whatever else there is. Similar text whose context has changed never is. */
function good(s: Search, m: Match): boolean {
	const agreeing = solid(s.exact);
	// An error speaks against a match more than a unit that agrees speaks for it; an unchanged path speaks for it.
	const against =
		Math.trunc((5 * m.errors * agreeing) / s.exact.length) +
		Math.min(s.most - m.context, maxMissing) +
		Math.trunc(steps(m.far) / 2);
	const evidence = agreeing + m.context - against + Math.max(0, 12 - 3 * m.shift);
	if (m.errors === 0) return evidence >= (m.whole ? needed : neededTorn);
	if (!m.whole || !firm(s, m)) return false;
	if (m.context < s.most && !sameNumbers(s.exact, s.text.slice(m.start, m.end))) return false;
	return evidence >= neededFuzzy && m.errors * 100 <= maxErrors * s.exact.length;
}

/**
 * Says how unlikely it is that the quote has come to be where a match is: by what differs in the path, in the context
 * and in the position. What differs in the text says little: an error is as easily made as a paragraph added.
 */
function price(s: Search, m: Match): number {
	const maxShift = 10;
	const torn = 90;
	const otherNumbers = 60;
	let cost = s.most - m.context + 24 * Math.min(m.shift, maxShift) + 9 * steps(m.far);
	if (!m.whole) cost += torn;
	if (!sameNumbers(s.exact, s.text.slice(m.start, m.end))) cost += otherNumbers;
	return cost;
}

/** Grows by one where a distance doubles: 64 units more or less are none. */
const steps = (distance: number): number => 31 - Math.clz32(1 + Math.trunc(distance / 64));

/** Takes the best match. It takes none where another could be meant as well. */
export function choose(s: Search, found: Match[]): Match | null {
	const sameCost = 12; // as good as the best
	const sameMatch = 20; // another end of the same match
	// certain to be the quote, or not to be
	const certain = found.filter((m) => (m.errors === 0 ? m.whole : isSibling(s.exact, s.text.slice(m.start, m.end))));
	const kept: Match[] = [];
	for (const m of found) {
		if (m.errors > 0 && certain.some((c) => overlap(c, m))) continue;
		if (s.index.isHidden(m.start) || s.index.isHidden(m.end - 1)) continue;
		if (s.gap?.points(m)) return m;
		m.shift = s.shift(m.start);
		if (s.gap?.admits(m) === false || !good(s, m)) continue;
		m.cost = price(s, m);
		kept.push(m);
	}
	let best = kept[0];
	if (!best) return null;
	for (const m of kept) if (m.cost < best.cost) best = m;
	let exact = best;
	for (const m of kept) {
		if (!overlap(m, best)) {
			if (m.cost < best.cost + sameCost) return null;
		} else if (best.errors > 0 && m.cost <= best.cost + sameMatch && strain(s, m) < strain(s, exact)) {
			exact = m;
		}
	}
	return exact;
}

/**
 * Compares matches of which one is a piece of the other: by cost, and by all that differs, in per cent. Pieces of
 * indentation fit in many places, so length counts for itself.
 */
function strain(s: Search, m: Match): number {
	const longer = Math.abs(m.end - m.start - s.exact.length);
	return m.cost + Math.trunc(((m.all + (longer >> 2)) * 100) / s.exact.length);
}

/** Tells a match that similar text elsewhere cannot beat: what has the same context was found by it. */
export function sure(s: Search, m: Match): boolean {
	if (m.context < s.most) return false;
	if (m.errors === 0) return m.shift === 0 || s.most >= telling;
	return s.most >= 2 * telling;
}

/** Looks at what surrounds a match. */
export function judge(s: Search, start: number, end: number, errors: number, all: number): Match {
	const left = leftOf(s, start);
	const right = rightOf(s, end);
	return {
		start,
		end,
		errors,
		all,
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

/**
 * Tells whether both ends of similar text are where the quote's are: beside its context, or the text begins or ends as
 * the quote does. Elsewhere something was inserted at the end, and what is missing is behind it.
 */
function firm(s: Search, m: Match): boolean {
	const enough = 3;
	const text = s.text.slice(m.start, m.end);
	return (
		(leftOf(s, m.start).same >= enough || alike(s.exact, text)) &&
		(rightOf(s, m.end).same >= enough || alike(reversed(s.exact), reversed(text)))
	);
}

/** Tells whether two texts begin in the same way, but for an error. */
function alike(a: string, b: string): boolean {
	const spaced = (text: string, i: number): boolean => isSpace(text.charCodeAt(i));
	const indented = (text: string): boolean => spaced(text, 0) && spaced(text, 1);
	if (indented(a) && indented(b)) return true;
	if (spaced(a, 0) && !spaced(b, 0) && !indented(a)) return false;
	const head = firstTwo(b);
	return firstTwo(a).some((unit) => head.includes(unit));
}

/** The first units of a text that are no space. */
function firstTwo(text: string): number[] {
	const first: number[] = [];
	for (let i = 0; i < text.length && first.length < 2; i++) {
		if (!isSpace(text.charCodeAt(i))) first.push(text.charCodeAt(i));
	}
	return first;
}
