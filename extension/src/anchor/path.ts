import { isHost } from './wire.ts';

/** A step goes to the index-th child (from 1) that is an element called name, or a text node. */
export interface Step {
	name: string;
	local: boolean;
	text: boolean;
	index: number;
}

export interface Path {
	/** Of the element that it starts from; empty: from the document. */
	id: string;
	/** From every element with that id, where id() means the first. */
	every: boolean;
	steps: Step[];
}

/** Says where a path stops being one, not why: nobody reads it. The grammar is that of the server, in xpath/path.go. */
export class PathError extends Error {
	constructor(readonly offset: number) {
		super(`offset ${offset}`);
	}
}

const maxPath = 4 << 10; // bytes in UTF-8
const maxSteps = 512;
const maxIndex = 1_000_000;

const root = /id\(|\/\/\*\[@id=/y;
const step = /text\(\)|\*\[local-name\(\)=/y;
const name = /[a-zA-Z_\u0080-\uFFFC\uFFFE\uFFFF](?:(?!::)[a-zA-Z0-9_.:@<,;?&%#~^\\`{}\u0080-\uFFFC\uFFFE\uFFFF-])*/y;

export function parsePath(text: string): Path {
	let at = 0;
	const fail = (): never => {
		throw new PathError(at);
	};
	const take = (token: RegExp): string => {
		token.lastIndex = at;
		const found = token.exec(text)?.[0] ?? '';
		at += found.length;
		return found;
	};
	const skip = (token: string): boolean => {
		if (!text.startsWith(token, at)) return false;
		at += token.length;
		return true;
	};
	const literalUntil = (end: string): string => {
		const quote = text[at];
		if (quote !== '"' && quote !== "'") return fail();
		const close = text.indexOf(quote, at + 1);
		if (close <= at + 1) {
			at++;
			return fail();
		}
		const literal = text.slice(at + 1, close);
		at = close + 1;
		if (!skip(end)) fail();
		return literal;
	};
	const index = (): number => {
		const start = at;
		let n = 0;
		for (; /[0-9]/.test(text[at] ?? ''); at++) {
			n = n * 10 + Number(text[at]);
			if (n > maxIndex) fail();
		}
		if (n === 0) {
			at = start;
			fail();
		}
		return n;
	};

	if (text.length * 3 > maxPath && new TextEncoder().encode(text).length > maxPath) throw new PathError(maxPath);
	const path: Path = { id: '', every: false, steps: [] };
	const rooted = take(root);
	if (rooted) {
		path.every = rooted !== 'id(';
		path.id = literalUntil(path.every ? ']' : ')');
	}
	if (text === '/') return path;
	while (at < text.length || (!rooted && path.steps.length === 0)) {
		if (!skip('/')) fail();
		if (path.steps.length === maxSteps) fail();
		const test = take(step);
		const local = test !== '' && test !== 'text()';
		const called = local ? literalUntil(']') : test ? '' : take(name);
		if (!test && !called) fail();
		const next: Step = { name: called, local, text: test === 'text()', index: 1 };
		if (skip('[')) {
			next.index = index();
			if (!skip(']')) fail();
		}
		path.steps.push(next);
	}
	return path;
}

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

export const isText = (node: Node): node is Text => node.nodeType === 3 || node.nodeType === 4;
export const isElement = (node: Node): node is Element => node.nodeType === 1;
export const isHTML = (element: Element): boolean => element.namespaceURI === 'http://www.w3.org/1999/xhtml';

/** The node that a path leads to: as in XPath 1.0 the first in the document of all that it names. */
export function findPath(path: Path, doc: Document, children: Children = new Children()): Node | null {
	if (path.id === '') return walk(doc, path.steps, children);
	const roots = path.every
		? doc.querySelectorAll(`[id="${CSS.escape(path.id)}"]`)
		: path.id.split(/[ \t\n\r]+/).flatMap((id) => doc.getElementById(id) ?? []);
	let first: Node | null = null;
	for (const root of roots) {
		const node = walk(root, path.steps, children);
		if (node && (!first || first.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING)) first = node;
	}
	return first;
}

function walk(from: Node, steps: Step[], children: Children): Node | null {
	let at: Node | null = from;
	for (const next of steps) {
		at = children.find(at, next);
		if (!at) return null;
	}
	return at;
}

/** A child so near to the first is found by counting; for those behind it, a parent's children are put in order once. */
const near = 8;

/**
 * The children of nodes by their names, so that a thousand paths through one parent do not count its children a thousand
 * times. It holds for as long as the document does not change.
 */
export class Children {
	private readonly known = new Map<Node, Map<string, Node[]>>();

	/** A plain name means elements of HTML, as in browsers; where those are too few it means the others. */
	find(parent: Node, step: Step): Node | null {
		const called = lower(step.name);
		if (step.index <= near) return child(parent, step, called);
		const named = this.known.get(parent) ?? sort(parent);
		this.known.set(parent, named);
		const nth = (key: string) => named.get(key)?.[step.index - 1] ?? null;
		if (step.text) return nth('text');
		if (step.local) return nth(`local ${step.name}`);
		return nth(`html ${called}`) ?? nth(`other ${step.name}`);
	}
}

function sort(parent: Node): Map<string, Node[]> {
	const named = new Map<string, Node[]>();
	const add = (key: string, node: Node) => {
		const alike = named.get(key);
		if (alike) alike.push(node);
		else named.set(key, [node]);
	};
	for (let node = parent.firstChild; node; node = node.nextSibling) {
		if (isText(node)) add('text', node);
		else if (isElement(node) && !isHost(node)) {
			add(`local ${node.localName}`, node);
			add(isHTML(node) ? `html ${lower(node.localName)}` : `other ${node.localName}`, node);
		}
	}
	return named;
}

function child(parent: Node, step: Step, called: string): Node | null {
	let left = step.index;
	let strangers = step.index;
	let stranger: Node | null = null;
	for (let node = parent.firstChild; node; node = node.nextSibling) {
		if (step.text) {
			if (isText(node) && --left === 0) return node;
		} else if (isElement(node) && !isHost(node)) {
			if (step.local) {
				if (node.localName === step.name && --left === 0) return node;
			} else if (isHTML(node)) {
				if (isCalled(node, called) && --left === 0) return node;
			} else if (node.localName === step.name && --strangers === 0) {
				stranger = node;
			}
		}
	}
	return stranger;
}

/** Scripts can make elements of HTML with capitals. Whether one has any is only looked at where it could matter: a page may have thousands of siblings. */
const isCalled = (element: Element, name: string): boolean =>
	element.localName === name || (element.localName.length === name.length && lower(element.localName) === name);

/** The absolute path of a node, in a form that document.evaluate understands as well; null if there is none. */
export function pathOf(node: Node): string | null {
	const steps: string[] = [];
	for (let at: Node | null = node; at && at.nodeType !== 9; at = at.parentNode) {
		const step = stepTo(at);
		if (step === null) return null;
		steps.push(step);
	}
	const path = `/${steps.reverse().join('/')}`;
	return path.length > maxPath || steps.length > maxSteps ? null : path;
}

function stepTo(node: Node): string | null {
	if (isText(node)) return `text()[${nth(node, isText)}]`;
	if (!isElement(node)) return null;
	const name = node.localName;
	if (isHTML(node) && /^[a-z_][a-z0-9_.-]*$/.test(name)) {
		return `${name}[${nth(node, (n) => isElement(n) && isHTML(n) && n.localName === name)}]`;
	}
	const quote = name.includes('"') ? "'" : '"';
	if (name.includes(quote)) return null;
	const index = nth(node, (n) => isElement(n) && n.localName === name);
	return `*[local-name()=${quote}${name}${quote}][${index}]`;
}

function nth(node: Node, alike: (sibling: Node) => boolean): number {
	let n = 1;
	for (let before = node.previousSibling; before; before = before.previousSibling) if (alike(before)) n++;
	return n;
}

/** The steps of the path to a node, below an ancestor. */
export function stepsTo(node: Node, below: Node): Step[] {
	const steps: Step[] = [];
	for (let at: Node | null = node; at && at !== below && at.nodeType !== 9; at = at.parentNode) {
		const text = isText(at);
		const name = isElement(at) ? at.localName : '';
		const html = isElement(at) && isHTML(at);
		const index = nth(at, (n) => (text ? isText(n) : isElement(n) && n.localName === name && (!html || isHTML(n))));
		steps.push({ name, local: false, text, index });
	}
	return steps.reverse();
}
