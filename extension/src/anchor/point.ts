import { type Children, findPath, isText, parsePath, pathOf } from './path.ts';
import { isHost, type WirePoint, type WireRange } from './wire.ts';

export interface DOMPoint {
	node: Node;
	offset: number;
}

/** The boundary point that a point names, null if the page has none. limn's own element does not count as a child. */
export function pointIn(point: WirePoint, doc: Document, children?: Children): DOMPoint | null {
	const node = nodeAt(point.xpath, doc, children);
	return node && pointOf(node, point.offset);
}

function nodeAt(xpath: string, doc: Document, children?: Children): Node | null {
	try {
		return findPath(parsePath(xpath), doc, children);
	} catch {
		return null;
	}
}

function pointOf(node: Node, at: number): DOMPoint | null {
	if (at < 0) return null;
	if (isText(node)) return at <= node.length ? { node, offset: at } : null;
	let left = at;
	for (const [offset, child] of [...node.childNodes].entries()) {
		if (isHost(child)) continue;
		if (left-- === 0) return { node, offset };
	}
	return left === 0 ? { node, offset: node.childNodes.length } : null;
}

/** Names a boundary point. Where an element has a name that no path can hold, the point goes before or after it. */
export function nameOf({ node, offset }: DOMPoint, end: boolean): WirePoint {
	const path = node.nodeType === 9 ? '/' : pathOf(node);
	if (path !== null && isText(node)) return { xpath: path, offset };
	if (path !== null) {
		const before = [...node.childNodes].slice(0, offset);
		return { xpath: path, offset: before.filter((child) => !isHost(child)).length };
	}
	const parent = node.parentNode ?? node;
	return nameOf({ node: parent, offset: [...parent.childNodes].indexOf(node as ChildNode) + (end ? 1 : 0) }, end);
}

/** The range that the paths of a wire range name, whichever way it was selected. */
export function rangeOf(
	wire: WireRange,
	doc: Document,
	children?: Children,
): { range: Range; backward: boolean } | null {
	const from = nodeAt(wire.anchor.xpath, doc, children);
	const to = wire.focus.xpath === wire.anchor.xpath ? from : nodeAt(wire.focus.xpath, doc, children);
	const anchor = from && pointOf(from, wire.anchor.offset);
	const focus = to && pointOf(to, wire.focus.offset);
	if (!anchor || !focus) return null;
	const range = doc.createRange();
	range.setStart(anchor.node, anchor.offset);
	const backward = range.comparePoint(focus.node, focus.offset) < 0;
	if (backward) range.setStart(focus.node, focus.offset);
	else range.setEnd(focus.node, focus.offset);
	return { range, backward };
}
