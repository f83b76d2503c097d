/** A piece of a line: text, or text with a meaning. */
export type Inline =
	| string
	| { type: 'strong' | 'em' | 'del'; children: Inline[] }
	| { type: 'code'; text: string }
	| { type: 'a'; href: string; children: Inline[] }
	| { type: 'br' };

/** A piece of a note. */
export type Block =
	| { type: 'p' | 'heading'; children: Inline[] }
	| { type: 'pre'; text: string }
	| { type: 'blockquote'; children: Block[] }
	| { type: 'ul' | 'ol'; start: number; items: Block[][] }
	| { type: 'hr' };

/** How deep lists, quotes and emphasis may lie in each other: what is deeper is text. */
const maxDepth = 8;

/**
 * Reads the Markdown that people write in notes: paragraphs, headings, lists, quotes, code, emphasis and links, as in
 * CommonMark. HTML is text, pictures are links, and a line break is one. There is no input that it refuses.
 */
export function markdown(text: string): Block[] {
	return blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);
}

const fence = /^ {0,3}(`{3,}|~{3,})[^`]*$/;
const rule = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const heading = /^ {0,3}#{1,6}[ \t]+(.*)$/;
const quoted = /^ {0,3}> ?/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;

function blocks(lines: string[], depth: number): Block[] {
	const all: Block[] = [];
	let paragraph: string[] = [];
	const flush = () => {
		const text = paragraph.map((line) => line.trim()).join('\n');
		if (text) all.push({ type: 'p', children: inlines(text, 0) });
		paragraph = [];
	};
	for (let i = 0; i < lines.length; i++) {
		const line = lines[i] ?? '';
		const open = fence.exec(line)?.[1];
		const title = heading.exec(line)?.[1];
		const listed = depth < maxDepth ? item.exec(line) : null;
		if (open) {
			flush();
			let end = i + 1;
			while (end < lines.length && lines[end]?.trim() !== open) end++;
			all.push({ type: 'pre', text: lines.slice(i + 1, end).join('\n') });
			i = end;
		} else if (rule.test(line)) {
			flush();
			all.push({ type: 'hr' });
		} else if (title !== undefined) {
			flush();
			all.push({ type: 'heading', children: inlines(title.replace(/[ \t]+#+[ \t]*$/, '').trim(), 0) });
		} else if (quoted.test(line) && depth < maxDepth) {
			flush();
			const inner: string[] = [];
			for (; i < lines.length && quoted.test(lines[i] ?? ''); i++) inner.push((lines[i] ?? '').replace(quoted, ''));
			i--;
			all.push({ type: 'blockquote', children: blocks(inner, depth + 1) });
		} else if (listed && (paragraph.length === 0 || listed[3] !== '')) {
			flush();
			const list = listOf(lines, i, listed, depth);
			all.push(list.block);
			i = list.last;
		} else if (line.trim() === '') flush();
		else paragraph.push(line);
	}
	flush();
	return all;
}

/** The list that begins at a line, and the line that it ends with. */
function listOf(lines: string[], first: number, begin: RegExpExecArray, depth: number): { block: Block; last: number } {
	const kind = (marker: string) => marker.at(-1);
	const marker = begin[2] ?? '';
	const items: Block[][] = [];
	let i = first;
	while (i < lines.length) {
		const next = item.exec(lines[i] ?? '');
		if (!next || kind(next[2] ?? '') !== kind(marker) || rule.test(lines[i] ?? '')) break;
		const indent = next[0].length;
		const inner = [(lines[i] ?? '').slice(indent)];
		for (i++; i < lines.length; i++) {
			const line = lines[i] ?? '';
			const deeper = line.startsWith(' '.repeat(Math.min(indent, 4))) || (line.startsWith('  ') && indent <= 3);
			if (deeper) inner.push(line.slice(Math.min(indent, line.length - line.trimStart().length)));
			else if (line.trim() === '' && /^ {2,}\S/.test(lines[i + 1] ?? '')) inner.push('');
			else break;
		}
		items.push(blocks(inner, depth + 1));
		if ((lines[i] ?? '').trim() === '' && item.test(lines[i + 1] ?? '')) i++;
	}
	const ordered = /\d/.test(marker);
	return {
		block: { type: ordered ? 'ol' : 'ul', start: ordered ? Number.parseInt(marker, 10) : 1, items },
		last: i - 1,
	};
}

const escaped = /\\([!-/:-@[-`{-~])/y;
const ticks = /`+/y;
const link =
	/!?\[((?:[^[\]\\]|\\[^\n]){0,1000})\]\([ \t]*<?([^\s<>()]{1,2000}(?:\([^\s<>()]*\)[^\s<>()]*)?)>?(?:[ \t]+"[^"\n]*")?[ \t]*\)/y;
const angled = /<(https?:\/\/[^\s<>]{1,2000})>/y;
const bare = /https?:\/\/[^\s<>]{0,2000}[^\s<>.,;:!?'"()[\]*_~]/y;
const plain = /[^\\`*_~[!<h\n]+/y;
const marks = [
	['**', 'strong'],
	['__', 'strong'],
	['~~', 'del'],
	['*', 'em'],
	['_', 'em'],
] as const;

function inlines(text: string, depth: number): Inline[] {
	const all: Inline[] = [];
	const hopeless = new Set<string>(); // delimiters that nothing closes from here on
	let held = '';
	for (let i = 0; i < text.length; ) {
		const { length, is } = piece(text, i, depth, hopeless);
		i += length;
		if (typeof is === 'string') {
			held += is;
			continue;
		}
		if (held) all.push(held);
		held = '';
		all.push(is);
	}
	if (held) all.push(held);
	return all;
}

/** What stands at a place of a line, and how long it is there. */
interface Piece {
	length: number;
	is: Inline;
}

function piece(text: string, at: number, depth: number, hopeless: Set<string>): Piece {
	const char = text.charAt(at);
	let found: Piece | null = null;
	if (char === '\n') found = { length: 1, is: { type: 'br' } };
	else if (char === '\\') {
		const [all = '', is] = take(escaped, text, at) ?? [];
		if (is) found = { length: all.length, is };
	} else if (char === '`') found = code(text, at, hopeless);
	else if (char === '<') {
		const [all = '', address = ''] = take(angled, text, at) ?? [];
		found = linked(all, address, [address]);
	} else if (char === '[' || char === '!') {
		const [all = '', label = '', address = ''] = take(link, text, at) ?? [];
		found = depth < maxDepth ? linked(all, address, unlinked(inlines(label, depth + 1))) : null;
	} else if (char === 'h' && !/\w/.test(text.charAt(at - 1))) {
		const [all = ''] = take(bare, text, at) ?? [];
		found = linked(all, all, [all]);
	} else if (depth < maxDepth) found = emphasized(text, at, depth, hopeless);
	if (found) return found;
	const is = take(plain, text, at)?.[0] ?? char;
	return { length: is.length, is };
}

function take(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
	pattern.lastIndex = at;
	return pattern.exec(text);
}

function linked(all: string, address: string, children: Inline[]): Piece | null {
	if (!all) return null;
	const href = safe(address);
	return { length: all.length, is: href === null ? all : { type: 'a', href, children } };
}

/** A code span: as many ticks at its end as at its beginning. */
function code(text: string, at: number, hopeless: Set<string>): Piece | null {
	const open = take(ticks, text, at)?.[0] ?? '';
	if (hopeless.has(open)) return { length: open.length, is: open };
	for (let end = text.indexOf(open, at + open.length); end >= 0; ) {
		let after = end + open.length;
		while (text.charAt(after) === '`') after++;
		if (after === end + open.length) {
			const inner = text.slice(at + open.length, end).replaceAll('\n', ' ');
			return { length: after - at, is: { type: 'code', text: inner.replace(/^ (.*\S.*) $/, '$1') } };
		}
		end = text.indexOf(open, after);
	}
	hopeless.add(open);
	return { length: open.length, is: open };
}

function emphasized(text: string, at: number, depth: number, hopeless: Set<string>): Piece | null {
	for (const [mark, type] of marks) {
		if (!text.startsWith(mark, at) || hopeless.has(mark)) continue;
		const inWord = mark.startsWith('_') && /[\p{L}\p{N}]/u.test(text.charAt(at - 1));
		if (inWord || !/\S/.test(text.charAt(at + mark.length))) continue;
		let end = text.indexOf(mark, at + mark.length + 1);
		while (end >= 0 && !closes(text, end, mark)) end = text.indexOf(mark, end + 1);
		if (end < 0) {
			hopeless.add(mark);
			continue;
		}
		const children = inlines(text.slice(at + mark.length, end), depth + 1);
		return { length: end + mark.length - at, is: { type, children } };
	}
	return null;
}

function closes(text: string, end: number, mark: string): boolean {
	const after = text.charAt(end + mark.length);
	if (/\s/.test(text.charAt(end - 1)) || text.charAt(end - 1) === '\\') return false;
	if (mark.startsWith('_') && /[\p{L}\p{N}]/u.test(after)) return false;
	return mark.length === 2 ? after !== mark.charAt(0) : after !== mark && text.charAt(end - 1) !== mark;
}

/** A link within a link is its text. */
function unlinked(inlines: Inline[]): Inline[] {
	return inlines.flatMap((inline) => (typeof inline === 'object' && inline.type === 'a' ? inline.children : inline));
}

/** Where a link may lead: to the web or to mail, and nowhere else. */
function safe(href: string): string | null {
	if (!URL.canParse(href)) return null;
	const url = new URL(href);
	return url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'mailto:' ? url.href : null;
}
