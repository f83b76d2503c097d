import { type Children, findPath, isText, parsePath, pathOf } from './path.ts';
import { isHost, type WirePoint, type WireRange } from './wire.ts';

export interface DOMPoint {
	node: Node;
	offset: number;
}

/** The boundary point that a point names, null if the page has none. limn's own element does not count as a child. */
export function pointIn(point: WirePoint, doc: Document, children?: Children): DOMPoint | null {
	let node: Node | null;
	try {
		node = findPath(parsePath(point.xpath), doc, children);
	} catch {
		return null;
	}
	if (!node || point.offset < 0) return null;
	if (isText(node)) return point.offset <= node.length ? { node, offset: point.offset } : null;
	let left = point.offset;
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
	const anchor = pointIn(wire.anchor, doc, children);
	const focus = anchor && pointIn(wire.focus, doc, children);
	if (!anchor || !focus) return null;
	const range = doc.createRange();
	range.setStart(anchor.node, anchor.offset);
	const backward = range.comparePoint(focus.node, focus.offset) < 0;
	if (backward) range.setStart(focus.node, focus.offset);
	else range.setEnd(focus.node, focus.offset);
	return { range, backward };
}
