import { judge } from './match.ts';
import { type Path, parsePath, type Step } from './path.ts';
import { rangeOf } from './point.ts';
import { expect, Search } from './search.ts';
import { TextIndex, textOf } from './text.ts';
import { type WireQuote, type WireRange, wellFormed } from './wire.ts';

/**
 * Finds a range in a document: by its paths, where they hold exactly its quote, unless landmarks say that it is gone from there
 * or it stands among its own words elsewhere; else by its quote, for which its position, its context and its paths decide.
 * Null: it is not here, or not yet.
 */
export function resolve(wire: WireRange, doc: Document, index?: TextIndex): Range | null {
	const text = index ?? TextIndex.of(doc);
	const range = byPaths(wire, doc);
	const start = range && text.place(range.startContainer, range.startOffset);
	const end = range && text.place(range.endContainer, range.endOffset);
	if (!range || typeof start !== 'number' || typeof end !== 'number') return range ?? byQuote(wire, doc, text);
	const { quote } = wire;
	if (!quote || isOwn(wire, quote, text, start, end)) return range;
	const found = search(wire, doc, text, quote);
	const held = judge(found, start, end, 0, 0);
	if (found.isFlanked(held)) return range;
	const match = found.gap?.admits(held) === false ? found.run() : (found.elsewhere(held) ?? held);
	return match === held ? range : match && text.range(match.start, match.end);
}

/** Tells a place of a quote that no other can be mistaken for: it has its context, and no twins. */
function isOwn(
	{ landmarks }: WireRange,
	{ exact, prefix, suffix }: WireQuote,
	index: TextIndex,
	start: number,
	end: number,
): boolean {
	if (exact === '') return true;
	const before = index.text.slice(Math.max(start - prefix.length, 0), start);
	return !landmarks?.twins && before === prefix && index.text.startsWith(suffix, end);
}

function search(wire: WireRange, doc: Document, index: TextIndex, quote: WireQuote): Search {
	return new Search(index, quote, expect(wire, isBackward(wire, doc), index), wire.landmarks);
}

export function byPaths(wire: WireRange, doc: Document): Range | null {
	const found = rangeOf(wire, doc);
	if (!found || (wire.quote && wellFormed(textOf(found.range)) !== wire.quote.exact)) return null;
	return found.range;
}

export function byQuote(wire: WireRange, doc: Document, index: TextIndex): Range | null {
	if (!wire.quote) return null;
	const match = search(wire, doc, index, wire.quote).run();
	return match && index.range(match.start, match.end);
}

/**
 * Tells whether a range was selected from its end to its start. The paths tell it where they differ only by a number;
 * else what they hold on this page.
 */
function isBackward(wire: WireRange, doc: Document): boolean {
	let anchor: Path;
	let focus: Path;
	try {
		anchor = parsePath(wire.anchor.xpath);
		focus = parsePath(wire.focus.xpath);
	} catch {
		return false;
	}
	if (anchor.id === focus.id) {
		const same = (a: Step, f: Step): boolean => a.name === f.name && a.local === f.local && a.text === f.text;
		for (let i = 0; ; i++) {
			const a = anchor.steps[i];
			const f = focus.steps[i];
			if (!a && !f) return wire.focus.offset < wire.anchor.offset;
			if (!a || !f || !same(a, f)) break;
			if (a.index !== f.index) return f.index < a.index;
		}
	}
	return rangeOf(wire, doc)?.backward ?? false;
}
