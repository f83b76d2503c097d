import { isText } from './path.ts';
import { nameOf } from './point.ts';
import { after, next, textAfter, textOf } from './text.ts';
import { contextLength, isHost, type WireRange, wellFormed } from './wire.ts';

/** Says where a range is, in all the ways in which it can be found again. */
export function describe(range: Range, backward: boolean): WireRange {
	const doc = range.startContainer.ownerDocument ?? (range.startContainer as Document);
	const tight = tighten(range);
	const start = nameOf({ node: tight.startContainer, offset: tight.startOffset }, false);
	const end = nameOf({ node: tight.endContainer, offset: tight.endOffset }, true);
	const wire: WireRange = backward ? { anchor: end, focus: start } : { anchor: start, focus: end };

	const outside = doc.createRange();
	outside.setStart(doc, 0);
	outside.setEnd(doc.body ?? doc, 0);
	const head = outside.comparePoint(tight.startContainer, tight.startOffset) < 0;
	outside.setStart(head ? doc : (doc.body ?? doc), 0);
	outside.setEnd(tight.startContainer, tight.startOffset);
	const before = textOf(outside);
	const exact = textOf(tight);
	wire.quote = {
		exact: wellFormed(exact),
		prefix: wholeCharacters(before.slice(-contextLength), before.length > contextLength, false),
		suffix: wholeCharacters(textAfter(tight, contextLength), true, true),
	};
	if (!head) wire.position = { start: before.length, end: before.length + exact.length };
	return wire;
}

/** The same range from a text node to a text node, if there is text in it. */
function tighten(range: Range): Range {
	const tight = range.cloneRange();
	const { startContainer, endContainer } = range;
	if (!isText(startContainer)) {
		const first = textFrom(startContainer.childNodes[range.startOffset] ?? after(startContainer), range);
		if (first) tight.setStart(first, 0);
	}
	if (!isText(endContainer)) {
		let last: Text | null = null;
		for (let text = textFrom(tight.startContainer, range); text; text = textFrom(next(text), range)) last = text;
		if (last) tight.setEnd(last, last.length);
	}
	return tight;
}

/** The first text that is not empty, from a node on and within a range. */
function textFrom(from: Node | null, range: Range): Text | null {
	let node = from;
	while (node && range.comparePoint(node, 0) <= 0) {
		if (isHost(node)) {
			node = after(node);
			continue;
		}
		if (isText(node) && node.length > 0 && range.intersectsNode(node)) return node;
		node = next(node);
	}
	return null;
}

/** Leaves out the half of a character at the outer end of a context; one at the inner end is part of the selection. */
function wholeCharacters(context: string, cut: boolean, end: boolean): string {
	const half = end ? /[\ud800-\udbff]$/ : /^[\udc00-\udfff]/;
	return wellFormed(cut ? context.replace(half, '') : context);
}
