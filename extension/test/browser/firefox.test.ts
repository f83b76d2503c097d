import puppeteer from 'puppeteer-core';
import { expect, onTestFinished, test } from 'vitest';
import { Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; margin: 2em">
<h1>Tides</h1>
<p id="first">The moon pulls the sea towards it, and the earth turns beneath.</p>
<p>So each harbour sees two high waters a day, and two low ones.</p>
</body></html>`;

test('Firefox highlights and sees highlights', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article, { 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'" })}/tides`;
	const browser = await puppeteer.launch({
		browser: 'firefox',
		executablePath: '/usr/bin/firefox-esr',
		headless: true,
	});
	onTestFinished(() => browser.close());
	await browser.installExtension(limn.extension('firefox'));
	// The first page that opens says where limn is on. BiDi does not tell its address, so it is asked for it.
	const welcome = async () => {
		for (const page of await browser.pages()) {
			if ((await page.evaluate(() => location.pathname)) === '/options.html') return page;
		}
		return null;
	};
	await expect.poll(async () => (await welcome()) !== null).toBe(true);
	await (await welcome())?.evaluate(() => document.getElementById('everywhere')?.click());
	const page = await browser.newPage();
	await page.setViewport({ width: 1000, height: 700 });
	await page.goto(url);
	const painted = () =>
		page.evaluate(() =>
			[...CSS.highlights].flatMap(([name, ranges]) => [...ranges].map((range) => `${name}: ${range}`)),
		);
	/** The box of what limn shows in a part of the window, as a finger would find it: the shadow root is closed. */
	const shown = (bottom: number) =>
		page.evaluate((bottom) => {
			const points: { x: number; y: number }[] = [];
			for (let y = 2; y < bottom; y += 4) {
				for (let x = 2; x < innerWidth - 100; x += 4) {
					if (document.elementFromPoint(x, y)?.localName === 'limn-host') points.push({ x, y });
				}
			}
			const xs = points.map(({ x }) => x);
			const ys = points.map(({ y }) => y);
			return points.length === 0
				? null
				: { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
		}, bottom);
	await page.waitForSelector('limn-host');

	// Another person's highlight arrives.
	await limn.highlight('Ada', url, 'blue', '/html[1]/body[1]/p[2]/text()[1]', 3, 15);
	await expect.poll(painted).toEqual(['limn-blue: each harbour']);

	// One's own is made with the mouse.
	await page.mouse.click(120, 120, { count: 1 });
	const word = await page.evaluate(() => {
		const range = document.createRange();
		const text = document.getElementById('first')?.firstChild as Text;
		range.setStart(text, 4);
		range.setEnd(text, 8);
		const { left, top, height, width } = range.getBoundingClientRect();
		return { x: left + width / 2, y: top + height / 2 };
	});
	await page.mouse.click(word.x, word.y, { count: 2 });
	let bar = await shown(400);
	await expect
		.poll(async () => {
			bar = await shown(400);
			return bar !== null && bar.right - bar.left > 100;
		})
		.toBe(true);
	if (!bar) throw new Error('no bar');
	await page.mouse.click(bar.left + 16, (bar.top + bar.bottom) / 2);
	await expect.poll(() => page.evaluate(() => document.activeElement?.localName)).toBe('limn-host'); // the name
	await page.keyboard.type('Bob');
	await page.keyboard.press('Enter');
	await expect.poll(painted).toContain('limn-yellow: moon');
	await expect.poll(() => page.evaluate(() => getSelection()?.isCollapsed)).toBe(true);

	// Several ranges at once, which only Firefox selects, are one highlight.
	await page.evaluate(() => {
		const selection = getSelection();
		const text = document.getElementById('first')?.firstChild as Text;
		for (const [start, end] of [
			[19, 22],
			[43, 48],
		] as const) {
			const range = document.createRange();
			range.setStart(text, start);
			range.setEnd(text, end);
			selection?.addRange(range);
		}
	});
	await expect
		.poll(async () => {
			bar = await shown(400);
			return bar !== null && bar.right - bar.left > 100;
		})
		.toBe(true);
	await page.mouse.click(bar.left + 16, (bar.top + bar.bottom) / 2);
	await expect.poll(painted).toEqual(expect.arrayContaining(['limn-yellow: sea', 'limn-yellow: earth']));
	const quotes = async () => {
		const response = await fetch(`${limn.url}/api/v1/highlights?url=${encodeURIComponent(url)}`);
		const { items } = (await response.json()) as { items: { ranges: { quote: { exact: string } }[] }[] };
		return items.map(({ ranges }) => ranges.map(({ quote }) => quote.exact));
	};
	await expect.poll(quotes).toContainEqual(['sea', 'earth']);
});
