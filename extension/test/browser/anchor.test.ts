import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as anchors from '../../src/anchor/index.ts';
import type { Highlight as Shown } from '../../src/api/shapes.ts';
import type * as painters from '../../src/paint/painter.ts';

declare global {
	var anchor: typeof anchors;
	var painter: typeof painters;
}

type WireRange = anchors.WireRange;

interface Place {
	anchor: anchors.WirePoint;
	focus: anchors.WirePoint;
	text: string | null;
}
interface PlacesOfPage {
	name: string;
	html: string;
	cases: Place[];
}
interface Check {
	name: string;
	html: string;
	range: WireRange;
	state: 'verified' | 'moved' | 'orphaned';
	now?: Pick<WireRange, 'anchor' | 'focus'> & { exact: string; position: { start: number; end: number } };
}

const table = <T>(name: string): T[] =>
	JSON.parse(readFileSync(new URL(`../../../xpath/testdata/${name}`, import.meta.url), 'utf8'));

let browser: Browser;
let context: BrowserContext;
let page: Page;
let server: Server;
let served = '';
let script: string;

beforeAll(async () => {
	script = (await bundle('anchor', 'anchor/index.ts')) + (await bundle('painter', 'paint/painter.ts'));
	server = createServer((_, response) => {
		response.setHeader('content-type', 'text/html; charset=utf-8');
		response.end(served);
	});
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
	context = await browser.newContext({ javaScriptEnabled: false }); // the pages' own scripts: the tests' still run
	page = await context.newPage();
});

/** The script that puts what a module exports into a global variable. */
async function bundle(name: string, module: string): Promise<string> {
	const entry = new URL(`../../src/${module}`, import.meta.url).pathname;
	const lib = { entry, formats: ['iife' as const], name };
	const built = await build({ configFile: false, logLevel: 'error', build: { write: false, minify: false, lib } });
	const made = Array.isArray(built) ? built[0] : built;
	if (!made || !('output' in made)) throw new Error('nothing was built');
	return `${made.output[0].code}; globalThis.${name} = ${name};`;
}

afterAll(async () => {
	await browser?.close();
	server?.close();
});

async function open(html: string, on = page): Promise<void> {
	served = html;
	await on.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
	await on.evaluate(script);
}

/** What Chromium itself says that a range holds; undefined where its XPath knows no such path. */
const chromiumHolds = (cases: Place[]): (string | null | undefined)[] => {
	const find = (xpath: string): Node | null | undefined => {
		if (/svg|math|text\[|o:p|\w[@<]/.test(xpath) && !xpath.includes('local-name')) return undefined;
		return document.evaluate(xpath, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
	};
	return cases.map(({ anchor, focus }) => {
		const a = find(anchor.xpath);
		const f = find(focus.xpath);
		if (a === undefined || f === undefined) return undefined;
		const length = (node: Node): number => (node instanceof CharacterData ? node.length : node.childNodes.length);
		if (!a || !f || anchor.offset > length(a) || focus.offset > length(f)) return null;
		const range = document.createRange();
		range.setStart(a, anchor.offset);
		if (range.comparePoint(f, focus.offset) < 0) range.setStart(f, focus.offset);
		else range.setEnd(f, focus.offset);
		return range.toString().replace(/\p{Surrogate}/gu, '\uFFFD');
	});
};

const limnHolds = (cases: Place[]): (string | null)[] =>
	cases.map(({ anchor, focus }) => {
		const range = globalThis.anchor.resolve({ anchor, focus }, new globalThis.anchor.Snapshot(document));
		return range ? range.toString().replace(/\p{Surrogate}/gu, '\uFFFD') : null;
	});

test.each(table<PlacesOfPage>('resolve.json'))('places: $name', async ({ html, cases }) => {
	await open(html);
	const wanted = cases.map(({ text }) => text);
	const native = await page.evaluate(chromiumHolds, cases);
	expect(native.map((text, i) => (text === undefined ? wanted[i] : text))).toEqual(wanted);
	expect(await page.evaluate(limnHolds, cases)).toEqual(wanted);
});

test.each(table<Check>('check.json'))('check: $name', async ({ html, range, state, now }) => {
	await open(html);
	const [found, held] = await page.evaluate((wire) => {
		const stands = (wire: WireRange) => {
			const range = globalThis.anchor.resolve(wire, new globalThis.anchor.Snapshot(document));
			return range && { text: range.toString(), wire: globalThis.anchor.describe(range, false) };
		};
		return [stands(wire), stands({ anchor: wire.anchor, focus: wire.focus })];
	}, range);
	if (state === 'orphaned') expect(found).toBeNull();
	else if (state === 'verified') {
		expect(found?.text).toBe(range.quote?.exact ?? found?.text);
		expect(found).toEqual(held);
	} else {
		const backward = JSON.stringify(found?.wire.anchor) === JSON.stringify(now?.focus);
		expect(found?.wire).toMatchObject({
			anchor: backward ? now?.focus : now?.anchor,
			focus: backward ? now?.anchor : now?.focus,
			position: now?.position,
		});
		expect(found?.text).toBe(now?.exact);
	}
});

test('what is described is found again, in all pages of the table and for each node', async () => {
	for (const { html, name } of table<PlacesOfPage>('resolve.json')) {
		await open(html);
		const lost = await page.evaluate(() => {
			const lost: string[] = [];
			const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
			while (walker.nextNode()) {
				const range = document.createRange();
				range.selectNodeContents(walker.currentNode);
				const wire = globalThis.anchor.describe(range, true);
				const again = globalThis.anchor.resolve(wire, new globalThis.anchor.Snapshot(document));
				if (again?.toString() !== range.toString()) lost.push(JSON.stringify(wire));
			}
			return lost;
		});
		expect(lost, name).toEqual([]);
	}
});

test("limn's own element in the page changes nobody's paths, offsets or positions", async () => {
	await open('<!doctype html><p>one</p><p>two words</p>');
	const [before, after, found] = await page.evaluate(() => {
		const range = document.createRange();
		range.selectNodeContents(document.querySelectorAll('p')[1] as Element);
		const before = globalThis.anchor.describe(range, false);
		for (const place of [document.documentElement, document.body]) {
			const host = document.createElement('limn-host');
			host.attachShadow({ mode: 'open' }).innerHTML = '<p>two words</p>';
			host.append('inside');
			place.prepend(host);
		}
		const body = { xpath: '/html[1]/body[1]', offset: 1 };
		const found = globalThis.anchor.resolve(
			{ anchor: body, focus: { ...body, offset: 2 } },
			new globalThis.anchor.Snapshot(document),
		);
		return [before, globalThis.anchor.describe(range, false), found?.toString()];
	});
	expect(after).toEqual(before);
	expect(found).toBe('two words');
});

test('half an emoji is kept as a half, and found by its paths', async () => {
	await open('<!doctype html><p>a😀b</p>');
	const [wire, text] = await page.evaluate(() => {
		const range = document.createRange();
		const node = document.querySelector('p')?.firstChild as Text;
		range.setStart(node, 2);
		range.setEnd(node, 4);
		const wire = globalThis.anchor.describe(range, false);
		return [wire, globalThis.anchor.resolve(wire, new globalThis.anchor.Snapshot(document))?.toString()];
	});
	expect(wire.quote).toEqual({ exact: '\uFFFDb', prefix: 'a\uFFFD', suffix: '' });
	expect(text?.length).toBe(2);
});

test('a highlight waits for its text, and follows it when the page is rendered again', async () => {
	const scripted = await (await browser.newContext()).newPage();
	await open('<!doctype html><div id=root><p>Early text that stays.</p></div>', scripted);
	const { first, heard } = await scripted.evaluate(async () => {
		const heard: (string | null)[] = [];
		let wake = (): void => {};
		const anchorer = new globalThis.anchor.Anchorer(document, new AbortController().signal, (_, range) => {
			heard.push(range?.toString() ?? null);
			wake();
		});
		const changed = (): Promise<void> =>
			new Promise((done) => {
				wake = done;
			});
		const wire = {
			anchor: { xpath: '/html[1]/body[1]/article[1]/p[1]/text()[1]', offset: 4 },
			focus: { xpath: '/html[1]/body[1]/article[1]/p[1]/text()[1]', offset: 19 },
			quote: { exact: 'text comes only', prefix: 'The ', suffix: ' after a while.' },
		};
		const first = anchorer.put('a', wire);
		const root = document.getElementById('root') as Element;
		const act = async (change: () => void): Promise<void> => {
			const done = changed();
			change();
			await done;
		};
		await act(() => {
			root.innerHTML = '<section><p>The text comes only after a while.</p></section>';
		});
		await act(() => {
			root.innerHTML = '';
		});
		await act(() => {
			root.append('And now: The text comes ', document.createElement('b'), 'only after a while.');
		});
		return { first: first?.toString(), heard };
	});
	expect(first).toBeUndefined();
	expect(heard).toEqual(['text comes only', null, 'text comes only']);
	await scripted.close();
});

test('late text is painted in the first frame that shows it', async () => {
	const scripted = await (await browser.newContext()).newPage();
	const article = '<article><p>The text comes only after a while.</p></article>';
	await open(
		`<!doctype html><style>::highlight(limn-yellow) { background: yellow }</style><div>${article}</div>`,
		scripted,
	);
	const plain = await scripted.screenshot();
	const times = await scripted.evaluate(async (article) => {
		const painted = new globalThis.painter.Painter(document, new AbortController().signal);
		const path = '/html[1]/body[1]/div[1]/article[1]/p[1]/text()[1]';
		painted.put({
			id: 'a',
			color: 'yellow',
			check: { state: 'pending', reason: '', ranges: null },
			ranges: [
				{
					anchor: { xpath: path, offset: 4 },
					focus: { xpath: path, offset: 19 },
					quote: { exact: 'text comes only', prefix: 'The ', suffix: ' after a while.' },
				},
			],
		} as Partial<Shown> as Shown);
		// a message that is sent before a frame is painted is heard after it
		const frame = () =>
			new Promise<void>((done) => {
				const { port1, port2 } = new MessageChannel();
				port1.onmessage = () => done();
				requestAnimationFrame(() => port2.postMessage(null));
			});
		const inked = () => [...(CSS.highlights.get('limn-yellow') ?? [])].map((range) => `${range}`);
		const root = document.querySelector('div') as Element;
		const times: number[] = [];
		for (let round = 0; round < 5; round++) {
			root.innerHTML = '';
			await frame();
			if (inked().length > 0) throw new Error('ink without its text');
			const start = performance.now();
			root.innerHTML = article;
			await frame();
			if (inked().join() !== 'text comes only') throw new Error(`after the frame the ink is on ${inked()}`);
			times.push(performance.now() - start);
		}
		return times;
	}, article);
	expect(Math.min(...times)).toBeLessThan(100); // milliseconds, on whatever else the machine does
	expect((await scripted.screenshot()).equals(plain)).toBe(false);
	await scripted.close();
});

test('a page that never rests is not read again as a whole', async () => {
	const scripted = await (await browser.newContext()).newPage();
	await open(
		`<!doctype html><main>${'<p>Some paragraph of a long page.</p>'.repeat(20_000)}</main><p id=clock></p>`,
		scripted,
	);
	const read = await scripted.evaluate(async () => {
		const anchorer = new globalThis.anchor.Anchorer(document, new AbortController().signal, () => {});
		for (let i = 0; i < 100; i++) {
			anchorer.put(`missing ${i}`, {
				anchor: { xpath: '/html[1]/body[1]/aside[1]', offset: 0 },
				focus: { xpath: '/html[1]/body[1]/aside[1]', offset: 1 },
				quote: { exact: `text ${i} that never comes to this page at all`, prefix: '', suffix: '' },
			});
		}
		let read = 0;
		const data = Object.getOwnPropertyDescriptor(CharacterData.prototype, 'data') as PropertyDescriptor;
		Object.defineProperty(CharacterData.prototype, 'data', {
			...data,
			get() {
				read++;
				return data.get?.call(this);
			},
		});
		const clock = document.getElementById('clock') as Element;
		for (let tick = 0; tick < 10; tick++) {
			clock.textContent = `${tick} o'clock`;
			await new Promise(requestAnimationFrame);
			await new Promise(requestAnimationFrame);
		}
		return read;
	});
	expect(read).toBeGreaterThan(0);
	expect(read).toBeLessThan(1000); // of 20,000 texts, at each of 10 changes
	await scripted.close();
});
