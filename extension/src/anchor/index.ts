export interface WirePoint {
	xpath: string;
	offset: number;
}
export interface WireRange {
	anchor: WirePoint;
	focus: WirePoint;
	quote?: { exact: string; prefix: string; suffix: string };
	position?: { start: number; end: number };
}

function path(node: Node): string {
	if (!node.parentNode || node.nodeType === Node.DOCUMENT_NODE) return '';
	const same = [...node.parentNode.childNodes].filter((n) => n.nodeName === node.nodeName);
	const step = node.nodeType === Node.TEXT_NODE ? 'text()' : node.nodeName.toLowerCase();
	return `${path(node.parentNode)}/${step}[${same.indexOf(node as ChildNode) + 1}]`;
}

function find(xpath: string, doc: Document): Node | null {
	let at: Node = doc;
	for (const step of xpath.split('/').slice(1)) {
		const [, name, n] = /^(.+?)\[(\d+)\]$/.exec(step) ?? [];
		const same = [...at.childNodes].filter((c) =>
			name === 'text()' ? c.nodeType === Node.TEXT_NODE : c instanceof Element && c.nodeName.toLowerCase() === name,
		);
		const next = same[Number(n) - 1];
		if (!next) return null;
		at = next;
	}
	return at;
}

export function describe(range: Range, backward: boolean): WireRange {
	const start = { xpath: path(range.startContainer), offset: range.startOffset };
	const end = { xpath: path(range.endContainer), offset: range.endOffset };
	return {
		anchor: backward ? end : start,
		focus: backward ? start : end,
		quote: { exact: range.toString(), prefix: '', suffix: '' },
	};
}

export function resolve(wire: WireRange, doc: Document): Range | null {
	const a = find(wire.anchor.xpath, doc);
	const f = find(wire.focus.xpath, doc);
	if (!a || !f) return null;
	try {
		const range = doc.createRange();
		range.setStart(a, wire.anchor.offset);
		range.setEnd(f, wire.focus.offset);
		if (range.collapsed) range.setStart(f, wire.focus.offset), range.setEnd(a, wire.anchor.offset);
		return !wire.quote || range.toString() === wire.quote.exact ? range : null;
	} catch {
		return null;
	}
}
