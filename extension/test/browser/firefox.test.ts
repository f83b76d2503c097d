import type { Browser, Page } from 'puppeteer-core';
import { expect, test } from 'vitest';
import { FoxReader, fox, ownPage } from './firefox.ts';
import { folder, Limn, servePage } from './server.ts';

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
	const browser = await fox(limn.extension('firefox'));
	// The first page that opens says where limn is on.
	const welcome = await ownPage(browser, '/options.html');
	await welcome.evaluate(() => document.getElementById('everywhere')?.click());
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

interface Stored {
	color: string;
	note: string;
	tags: string[];
	replies: number;
	ranges: { quote: { exact: string } }[];
}

/** What the server has of a page, by quote. */
async function stored(limn: Limn, url: string): Promise<Record<string, Stored>> {
	const response = await fetch(`${limn.url}/api/v1/highlights?url=${encodeURIComponent(url)}`);
	const { items } = (await response.json()) as { items: Stored[] };
	return Object.fromEntries(items.map((item) => [item.ranges.map(({ quote }) => quote.exact).join(' … '), item]));
}

/** The panel, in a tab of its own: a test cannot reach the browser's own place for it. */
async function openSide(browser: Browser, url: string): Promise<Page> {
	const options = await ownPage(browser, '/options.html');
	await options.evaluate(async (url) => {
		const tabs = await chrome.tabs.query({});
		for (const { id } of tabs) {
			const port = chrome.tabs.connect(id ?? 0, { name: 'side', frameId: 0 });
			const at = await new Promise((told) => {
				port.onMessage.addListener((message) => {
					if ('place' in message) told(message.place.url);
					if ('off' in message) told(`${message.off.origin}/tides`);
				});
				port.onDisconnect.addListener(() => told(null));
			});
			port.disconnect();
			if (at === url) await chrome.tabs.create({ url: `/side.html?tab=${id}`, active: false });
		}
	}, url);
	return ownPage(browser, '/side.html');
}

/** The words of the panel, by where they stand. */
const words = (side: Page, selector: string) =>
	side.evaluate((selector) => {
		const shown = [...document.querySelectorAll<HTMLElement>(selector)].filter((one) => one.checkVisibility());
		return shown.map((one) => one.innerText.trim());
	}, selector);

const press = async (side: Page, selector: string, label: string) => {
	const pressed = () =>
		side.evaluate(
			(selector, label) => {
				const one = [...document.querySelectorAll<HTMLElement>(selector)].find(
					(one) => one.checkVisibility() && one.innerText.trim().startsWith(label),
				);
				one?.click();
				return one !== undefined;
			},
			selector,
			label,
		);
	await expect.poll(pressed).toBe(true);
};

test('in Firefox one turns it on, writes in the card, reads in the sidebar, goes on offline and after a restart', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/tides`;
	const extension = limn.openExtension('firefox');
	const profile = folder('profile');
	let browser = await fox(extension, profile);

	// A name, and limn on for one site.
	const welcome = await ownPage(browser, '/options.html');
	await welcome.type('#name', 'Ada');
	await welcome.click('#go');
	await expect.poll(() => words(welcome, '#account')).toEqual(['You are Ada.']);
	let ada = await FoxReader.open(browser, url);
	let side = await openSide(browser, url);
	await expect.poll(() => words(side, '.off p')).toEqual([expect.stringMatching(/^Turn limn on here/)]);
	expect(await ada.page.$('limn-host')).toBeNull();
	await press(side, 'button', 'Turn on for');
	await ada.page.waitForSelector('limn-host');
	await ada.says('limn: Live.');

	// Making, and the card.
	await ada.page.bringToFront();
	await ada.mark('green', 'two high waters');
	await ada.paints(['green: two high waters']);
	await ada.mark('yellow', 'moon pulls');
	await ada.paints(['green: two high waters', 'yellow: moon pulls']);
	await ada.clickText('moon pulls');
	await ada.says('Checked: it stands in the page as marked');
	await ada.click('button', 'Add a note');
	await ada.type('Note', 'A *first* note');
	await ada.click('button', 'Save note');
	await ada.type('Tag', 'physics');
	await ada.page.keyboard.press('Enter');
	await ada.type('Reply', 'And a reply');
	await ada.click('button', 'Reply');
	await expect
		.poll(async () => (await stored(limn, url))['moon pulls'])
		.toMatchObject({ note: 'A *first* note', tags: ['physics'], replies: 1, color: 'yellow' });
	await ada.click('button', 'Close');
	await expect.poll(() => ada.at('dialog', 'Highlight')).toBeNull();

	// The sidebar has the page's order, lives, finds, and leads to the page and back.
	await limn.highlight('Bob', url, 'pink', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	await limn.highlight('Eve', url, 'blue', '/html[1]/body[1]/p[2]/text()[1]', 3, 15);
	const all = ['Tides', 'moon pulls', 'each harbour', 'two high waters'];
	await expect.poll(() => words(side, '.entry .quote')).toEqual(all);
	expect((await words(side, '.here')).join()).toContain('Here now: Ada (you).');
	await side.type('input[type=search]', 'PHYSICS');
	await expect.poll(() => words(side, '.entry .quote')).toEqual(['moon pulls']);
	await press(side, 'button', 'Show all');
	await expect.poll(() => words(side, '.entry .quote')).toEqual(all);
	await press(side, '.entry', 'two high waters');
	await ada.find('dialog', 'Highlight');
	await expect.poll(() => words(side, '[aria-current] .quote')).toEqual(['two high waters']);
	await press(side, '[role=tab]', 'Discussion');
	await side.type('.talk textarea', 'About all of it');
	await press(side, '.talk button', 'Send');
	await expect.poll(() => words(side, '.discussion .text')).toEqual(['About all of it']);
	await ada.page.bringToFront();
	await ada.click('button', 'Close');

	// Without the server, and after Firefox was closed and opened.
	await limn.stop();
	await ada.says('limn: Offline.');
	await ada.mark('blue', 'earth turns');
	await ada.clickText('earth turns');
	await ada.says('Not sent yet. limn tries again when the server answers.');
	await ada.click('button', 'Add a note');
	await ada.type('Note', 'written at sea');
	await ada.click('button', 'Save note');
	await ada.says('2 changes are not sent yet.');
	await browser.close();
	browser = await fox(extension, profile);
	ada = await FoxReader.open(browser, url);
	await ada.paints(['blue: earth turns']);
	await limn.start();
	await ada.says('limn: Live.');
	await expect
		.poll(async () => (await stored(limn, url))['earth turns'], { timeout: 40_000 })
		.toMatchObject({ note: 'written at sea' });
	expect(Object.keys(await stored(limn, url))).toHaveLength(6);
	const shown = ['pink: Tides', 'yellow: moon pulls', 'blue: each harbour', 'green: two high waters'];
	await ada.paints([...shown, 'blue: earth turns']);

	// Off for the site.
	await expect.poll(() => browser.pages().then((pages) => pages.length)).toBeGreaterThan(1);
	side = await openSide(browser, url);
	await side.evaluate(
		(origin) => chrome.runtime.sendMessage({ ask: 'site', with: { origin, on: false } }),
		new URL(url).origin,
	);
	await expect.poll(() => ada.page.$('limn-host')).toBeNull();
	expect(await ada.painted()).toEqual([]);
});

test('in Firefox one signs in on the server’s own page', async () => {
	const limn = await Limn.start();
	await limn.signUp('Ada', 'correct horse');
	const browser = await fox(limn.extension('firefox'));
	const welcome = await ownPage(browser, '/options.html');
	await expect.poll(() => words(welcome, '#other')).toEqual(['I have a name here already']);
	await welcome.click('#other');
	const window = await ownPage(browser, '/signin');
	await expect.poll(() => words(window, 'h1')).toEqual(['Sign in']);
	await window.type('#name', 'Ada');
	await window.type('#password', 'correct horse');
	await window.click('.form .main');
	await expect.poll(() => words(window, 'h1').catch(() => [])).toEqual(['Let this browser use limn as Ada?']);
	await window.click('.form .main');
	await expect.poll(() => words(welcome, '#account')).toEqual(['You are Ada.']);
});
