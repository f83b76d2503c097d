import { rangeOf } from './point.ts';
import { expect, Search } from './search.ts';
import { TextIndex } from './text.ts';
import { type WireRange, wellFormed } from './wire.ts';

/**
 * Finds a range in a document: by its paths, where they hold exactly its quote; else by its quote, for which its
 * position, its context and its paths decide. Null: it is not here, or not yet.
 */
export function resolve(wire: WireRange, doc: Document, index?: TextIndex): Range | null {
	return byPaths(wire, doc) ?? byQuote(wire, doc, index ?? TextIndex.of(doc));
}

export function byPaths(wire: WireRange, doc: Document): Range | null {
	const found = rangeOf(wire, doc);
	if (!found || (wire.quote && wellFormed(found.range.toString()) !== wire.quote.exact)) return null;
	return found.range;
}

export function byQuote(wire: WireRange, doc: Document, index: TextIndex): Range | null {
	if (!wire.quote) return null;
	const backward = rangeOf(wire, doc)?.backward ?? false;
	const match = new Search(index, wire.quote, expect(wire, backward, index)).run();
	return match && index.range(match.start, match.end);
}
