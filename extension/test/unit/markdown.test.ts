import { expect, test } from 'vitest';
import { type Block, type Inline, markdown } from '../../src/ui/markdown.ts';

/** The tree as the HTML that it stands for, for reading. */
const html = (text: string) => markdown(text).map(block).join('');
const entities = (text: string) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function block(b: Block): string {
	switch (b.type) {
		case 'p':
		case 'heading':
			return `<${b.type}>${b.children.map(inline).join('')}</${b.type}>`;
		case 'pre':
			return `<pre>${entities(b.text)}</pre>`;
		case 'blockquote':
			return `<blockquote>${b.children.map(block).join('')}</blockquote>`;
		case 'hr':
			return '<hr>';
		default: {
			const start = b.start === 1 ? '' : ` start=${b.start}`;
			return `<${b.type}${start}>${b.items.map((item) => `<li>${item.map(block).join('')}</li>`).join('')}</${b.type}>`;
		}
	}
}

function inline(i: Inline): string {
	if (typeof i === 'string') return entities(i);
	if (i.type === 'br') return '<br>';
	if (i.type === 'code') return `<code>${entities(i.text)}</code>`;
	const href = i.type === 'a' ? ` ${i.href}` : '';
	return `<${i.type}${href}>${i.children.map(inline).join('')}</${i.type}>`;
}

test.each([
	['plain words', '<p>plain words</p>'],
	['one\ntwo\n\nthree', '<p>one<br>two</p><p>three</p>'],
	['# A title #', '<heading>A title</heading>'],
	['#hashtag', '<p>#hashtag</p>'],
	['*a* _b_ **c** __d__ ~~e~~', '<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <del>e</del></p>'],
	['**bold with *small* in it**', '<p><strong>bold with <em>small</em> in it</strong></p>'],
	['snake_case_name and 2 * 3 * 4', '<p>snake_case_name and 2 * 3 * 4</p>'],
	['\\*not small\\*', '<p>*not small*</p>'],
	['`a*b*` and ``a ` b``', '<p><code>a*b*</code> and <code>a ` b</code></p>'],
	['- a\n- b\n  - c', '<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li></ul>'],
	['3. c\n4. d', '<ol start=3><li><p>c</p></li><li><p>d</p></li></ol>'],
	['> a\n> b\n\nc', '<blockquote><p>a<br>b</p></blockquote><p>c</p>'],
	['```js\na < b\n```\nc', '<pre>a &#60; b</pre><p>c</p>'],
	['```\nnever closed', '<pre>never closed</pre>'],
	['***', '<hr>'],
	['[a *link*](https://example.org/a_(b) "title")', '<p><a https://example.org/a_(b)>a <em>link</em></a></p>'],
	['see https://example.org/x?y=1.', '<p>see <a https://example.org/x?y=1>https://example.org/x?y=1</a>.</p>'],
	['<https://example.org/>', '<p><a https://example.org/>https://example.org/</a></p>'],
	['![alt](https://example.org/i.png)', '<p><a https://example.org/i.png>alt</a></p>'],
	[
		'[[a](https://b.example/)](https://c.example/)',
		'<p>[<a https://b.example/>a</a>](<a https://c.example/>https://c.example/</a>)</p>',
	],
	['', ''],
])('%j', (text, expected) => {
	expect(html(text)).toBe(expected);
});

test.each([
	'[x](javascript:alert(1))',
	'[x](JaVaScRiPt:alert(1))',
	'[x](java\nscript:alert(1))',
	'[x](&#106;avascript:alert(1))',
	'[x](data:text/html,<script>alert(1)</script>)',
	'[x](vbscript:msgbox)',
	'[x](//example.org)',
	'[x](/relative)',
	'<javascript:alert(1)>',
	'<img src=x onerror=alert(1)>',
	'<a href="javascript:alert(1)">x</a>',
	'<!-- --><svg/onload=alert(1)>',
])('%j has no link and stays as it is written', (text) => {
	const links: string[] = [];
	const read = (inlines: Inline[]): string =>
		inlines
			.map((i) => {
				if (typeof i === 'string') return i;
				if (i.type === 'a') links.push(i.href);
				return 'children' in i ? read(i.children) : i.type === 'br' ? '\n' : i.text;
			})
			.join('');
	const said = markdown(text).map((b) => ('children' in b && b.type === 'p' ? read(b.children) : ''));
	expect(links).toEqual([]);
	expect(said.join('\n')).toBe(text);
});

test.each([
	['stars', '*a '.repeat(20_000)],
	['pairs', '**a** *b '.repeat(7_000)],
	['ticks', '`'.repeat(60_000)],
	['growing ticks', Array.from({ length: 340 }, (_, i) => '`'.repeat(i)).join(' ')],
	['brackets', '['.repeat(60_000)],
	['links without an end', '[a]('.repeat(15_000)],
	['addresses', 'https://'.repeat(8_000)],
	['quotes', '>'.repeat(60_000)],
	['nested lists', Array.from({ length: 300 }, (_, i) => `${'  '.repeat(i % 100)}- a`).join('\n')],
	['list markers', '- '.repeat(30_000)],
	['fences', '```\n~~~\n'.repeat(8_000)],
	['underscores', '_a_b'.repeat(16_000)],
	['escapes', '\\'.repeat(60_000)],
])('60 KB of %s take a moment', (_, text) => {
	const start = performance.now();
	markdown(text);
	expect(performance.now() - start).toBeLessThan(2_000);
});
