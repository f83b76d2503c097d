import { el } from './element.ts';
import { type Block, type Inline, markdown } from './markdown.ts';

/** A note as it is read. Each node is made here, and all that people wrote goes in as text: nothing is parsed as HTML. */
export function prose(text: string): Node[] {
	return markdown(text).map(block);
}

function block(b: Block): Node {
	switch (b.type) {
		case 'p':
			return el('p', {}, ...b.children.map(inline));
		case 'heading': // one size: a note is no document
			return el('p', { class: 'heading' }, ...b.children.map(inline));
		case 'pre':
			return el('pre', { tabindex: '0' }, b.text);
		case 'blockquote':
			return el('div', { class: 'quoted' }, ...b.children.map(block));
		case 'ul':
			return el('ul', {}, ...b.items.map((item) => el('li', {}, ...item.map(block))));
		case 'ol':
			return el('ol', { start: String(b.start) }, ...b.items.map((item) => el('li', {}, ...item.map(block))));
		case 'hr':
			return el('hr');
	}
}

function inline(i: Inline): Node | string {
	if (typeof i === 'string') return i;
	switch (i.type) {
		case 'code':
			return el('code', {}, i.text);
		case 'br':
			return el('br');
		case 'a':
			return el(
				'a',
				{ href: i.href, target: '_blank', rel: 'noopener noreferrer nofollow' },
				...i.children.map(inline),
			);
		default:
			return el(i.type, {}, ...i.children.map(inline));
	}
}
